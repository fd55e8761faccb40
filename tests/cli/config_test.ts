import assert from "node:assert/strict";
import { join } from "node:path";
import { parse } from "smol-toml";
import { withStore } from "./_store.ts";

const SECRET = "00112233445566778899aabbccddeeff";

Deno.test("fleche config shows what is in force, from which files, without secrets", () =>
  withStore(async (store) => {
    const own = join(store.home, ".config/fleche/cache.toml");
    Deno.mkdirSync(join(own, ".."), { recursive: true });
    Deno.writeTextFileSync(
      own,
      `# mine\n[local]\ntemplate = "memory"\n[signed]\ntemplate = "file"\nroot = "s"\n` +
        `secret_key = ["${SECRET}"]\n[db.values]\ntype = "void"\n[db.calls]\ntype = "sql"\n` +
        `url = "postgresql://me:${SECRET}@h/calls"\n`,
    );
    const project = join(store.home, "fleche.toml");
    const text = await store.print("config");
    assert(!text.includes(SECRET));
    const tables = Object.keys(parse(text));
    assert.deepEqual(tables, ["default", "local", "other", "signed", "db"]);
    const sources = [...text.matchAll(/^# (.*), line (\d+)$/gm)].map(([, ...each]) => each);
    assert.deepEqual(sources, [
      [project, "2"],
      [project, "5"],
      [project, "9"],
      [own, "4"],
      [own, "8"],
    ]);
    const [json] = await store.printJson("config");
    assert(!JSON.stringify(json).includes(SECRET));
    assert.deepEqual(json?.["files"], [project, own]);
    const [first, second] = json?.["tables"] as Record<string, unknown>[];
    assert.deepEqual(first, {
      ...{ name: "default", file: project, line: 2, value: { cache: "local" } },
    });
    assert.deepEqual(second?.["value"], { template: "file", root: "local" });
    const [signed] = await store.printJson("config", "--cache", "signed");
    assert.deepEqual(signed, {
      values: { type: "file", root: join(own, "../s/values"), secret_key: "<redacted>" },
      calls: { type: "file", root: join(own, "../s/calls"), secret_key: "<redacted>" },
    });
    const one = parse(await store.print("config", "--cache", "local"));
    assert.deepEqual(JSON.parse(JSON.stringify(one)), {
      local: {
        values: { type: "file", root: join(store.home, "local/values") },
        calls: { type: "file", root: join(store.home, "local/calls") },
      },
    });
  }));

for (
  const [name, table] of [["default", "default"], ["memory", "memory-too"], ["void", "void-too"]]
) {
  Deno.test(`fleche config --cache ${name} prints what a file may say`, () =>
    withStore(async (store) => {
      const text = await store.print("config", "--cache", `${name}`);
      assert.deepEqual(Object.keys(parse(text)), [table]);
      const json = await store.printJson("config", "--cache", `${name}`);
      Deno.writeTextFileSync(join(store.home, "fleche.toml"), text);
      assert.deepEqual(await store.printJson("config", "--cache", `${table}`), json);
    }));
}

Deno.test("fleche config says what holds without any file", () =>
  withStore(async (store) => {
    Deno.removeSync(join(store.home, "fleche.toml"));
    const own = join(store.home, ".config/fleche/cache.toml");
    const text = await store.print("config");
    assert(text.startsWith("# There is no configuration file: neither fleche.toml in "), text);
    assert(text.includes(`or above it nor ${own}.\n`));
    const cache = { values: { type: "file", root: join(store.home, ".cache/fleche/values") } };
    assert.partialDeepStrictEqual(parse(text), { default: { cache } });
    const [json] = await store.printJson("config");
    assert.deepEqual([json?.["files"], json?.["tables"]], [[], []]);
  }));

Deno.test("fleche config finds what is wrong in any table", () =>
  withStore(async (store) => {
    const path = join(store.home, "fleche.toml");
    const good = Deno.readTextFileSync(path);
    Deno.writeTextFileSync(path, `${good}\n[worse]\ntemplate = "file"\nroot = "x"\nrot = 1\n`);
    const { code, text, stderr } = await store.run("config");
    assert.equal(code, 1);
    assert(text.includes("[worse]"));
    assert.equal(
      stderr,
      `fleche: Bad configuration in ${path}, line 16, column 1: worse.rot: unknown key; did you ` +
        'mean "root"?\n',
    );
    Deno.writeTextFileSync(path, `${good}\n[worse\n`);
    assert.match(await store.fail(1, "config"), /^fleche: Bad configuration in .*, line 13, /);
    assert.match(await store.fail(2, "config", "--cach", "x"), /Did you mean --cache/);
  }));
