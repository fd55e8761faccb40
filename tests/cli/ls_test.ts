import assert from "node:assert/strict";
import { join } from "node:path";
import { CLI, homeVariables } from "../remote/_program.ts";
import { type Store, withStore } from "./_store.ts";

/** Five calls; the keys are in the order in which they were stored. */
async function fill(store: Store): Promise<string[]> {
  const keys: string[] = [];
  for (const x of [1, 2, 3]) {
    const tags = { project: "ice", run: x, final: x === 3 };
    // What was finished last is stored first.
    const runtime = { timestop: 1.7e9 - x, walltime: x / 2 };
    keys.push(
      await store.save({
        ...{ name: "melt", module: "@lab/ice/melt.ts", version: 1 },
        ...{ arguments: { x, unit: "m" }, result: x * x, metadata: { tags, runtime } },
      }),
    );
  }
  keys.push(await store.save({ name: "melt", version: "1", arguments: { x: 1 }, result: 0 }));
  keys.push(await store.save({ name: "grow", version: "b", arguments: { x: [1, 2] }, result: 0 }));
  return keys;
}

Deno.test("fleche ls lists calls, what was stored last first", () =>
  withStore(async (store) => {
    assert.match(await store.print("ls", "--help"), /\nList calls, what was stored last first\./);
    const keys = await fill(store);
    const lines = (await store.print("ls")).trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^key +name +version +arguments +finished +took$/);
    assert.deepEqual(
      lines.slice(1).map((line) => keys.findIndex((key) => key.startsWith(line.slice(0, 4)))),
      [4, 3, 2, 1, 0],
    );
    assert.match(lines[3] ?? "", /melt +1 +x=3, unit="m" +20\d\d-.* +1\.5 s$/);
    const [first, ...rest] = await store.printJson("ls", "--limit", "4");
    assert.equal(rest.length, 3);
    assert.deepEqual(first, {
      ...{ key: keys[4], name: "grow", module: null, version: "b" },
      ...{ arguments: "x=[1, 2]", result: "0", finished: null, walltime: null },
    });
  }));

Deno.test("fleche ls finds calls by what they are", () =>
  withStore(async (store) => {
    const keys = await fill(store);
    const filters: [args: string[], expected: number[]][] = [
      [["--name", "grow"], [4]],
      [["--module", "@lab/ice/melt.ts"], [2, 1, 0]],
      [["--version", "1"], [3, 2, 1, 0]],
      [["--arg", "x=1"], [3, 0]],
      [["--arg", "x=1", "--arg", 'unit="m"'], [0]],
      [["--arg", "x=[1, 2]"], [4]],
      [["--tag", "project"], [2, 1, 0]],
      [["--tag", "project=ice", "--tag", "run=2"], [1]],
      [["--tag", "final=true", "--name", "melt"], [2]],
      [["--tag", "project=sea"], []],
      [["--name", "melt", "--limit", "1"], [3]],
      [["--limit", "0"], []],
      [["--cache", "other"], []],
    ];
    await Promise.all(filters.map(async ([args, expected]) => {
      const rows = await store.printJson("ls", ...args);
      const found = rows.map(({ key }) => keys.findIndex((each) => each === key));
      assert.deepEqual(found, expected, args.join(" "));
    }));
  }));

Deno.test("fleche ls says what is wrong with its options", () =>
  withStore(async (store) => {
    const wrong: [args: string[], code: number, says: RegExp][] = [
      [["--arg", "unit=m"], 2, /"m" is not JSON.*'unit="m"'/],
      [["--arg", "x"], 2, /NAME=JSON/],
      [["--tag", "=1"], 2, /NAME=VALUE/],
      [["--limit", "-1"], 2, /whole number/],
      [["--nme", "f"], 2, /unknown option '--nme'\n.*--name/],
      [
        ["--cache", "lcoal"],
        1,
        /There is no cache "lcoal" in .*fleche\.toml; did you mean "local"/,
      ],
    ];
    await Promise.all(wrong.map(async ([args, code, says]) => {
      assert.match(await store.fail(code, "ls", ...args), says);
    }));
  }));

Deno.test("fleche ls ends well when nobody reads on", () =>
  withStore(async (store) => {
    // More than a pipe holds.
    for (let x = 0; x < 500; x++) {
      await store.save({ name: "f", arguments: { x, text: "y".repeat(300) }, result: x });
    }
    const program = [...CLI, "ls", "--json"].map((word) => `'${word}'`).join(" ");
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", `{ ${program}; echo "code $?" >&2; } | head -n 1`],
      cwd: join(store.home),
      env: homeVariables(store.home),
    }).output();
    const decoder = new TextDecoder();
    assert.equal(decoder.decode(stderr), "code 0\n");
    assert.equal(code, 0);
    assert.equal(JSON.parse(decoder.decode(stdout)).name, "f");
  }));
