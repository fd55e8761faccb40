import { digest } from "@fleche/core";
import assert from "node:assert/strict";
import { join } from "node:path";
import { keysIn, ramp, withStore } from "./_store.ts";

Deno.test("fleche verify finds what is wrong, and --repair removes it", () =>
  withStore(async (store) => {
    const [good, bad, lost] = [ramp(1000), ramp(1000, 1), ramp(1000, 2)];
    const keys: string[] = [];
    for (const result of [good, bad, lost]) {
      keys.push(await store.save({ name: "f", arguments: { x: result[0] }, result }));
    }
    const [kept = "", damaged = "", without = ""] = keys;
    assert.match(
      await store.print("verify"),
      /^records +3, .*\nvalues +3, 23 KiB\n[^]*\nall is well\n$/m,
    );

    const path = join(store.home, "local/values/v1", digest(bad).hex.slice(0, 2), digest(bad).hex);
    const bytes = Deno.readFileSync(path);
    bytes[500] = (bytes[500] ?? 0) ^ 1;
    Deno.writeFileSync(path, bytes);
    await store.cache.values.delete(digest(lost).hex);

    const { code, text } = await store.run("verify");
    assert.equal(code, 3);
    const lines = text.trimEnd().split("\n");
    assert(lines.includes(`damaged value ${digest(bad).hex}`), text);
    assert(lines.includes(`call without its result ${damaged}`), text);
    assert(lines.includes(`call without its result ${without}`), text);
    assert.match(lines.at(-1) ?? "", /^3 faults; add --repair/);
    // To look changes nothing.
    assert.deepEqual(await keysIn(store.cache), keys.toSorted());
    assert.equal(Deno.statSync(path).size, bytes.length);

    const repaired = await store.run("verify", "--repair", "--json");
    assert.equal(repaired.code, 3);
    const { caches: [report] } = JSON.parse(repaired.text);
    assert.deepEqual(report.cache.values, { type: "file", root: join(store.home, "local/values") });
    assert.deepEqual([report.isClean, report.repair], [false, true]);
    assert.deepEqual(report.damagedValues, [digest(bad).hex]);
    assert.deepEqual(report.withoutResult.toSorted(), [damaged, without].sort());
    assert.deepEqual(await keysIn(store.cache), [kept]);
    assert.match(await store.print("verify"), /all is well\n$/);
  }));

Deno.test("fleche verify checks read-only caches, but does not repair them", () =>
  withStore(async (store) => {
    await store.save({ name: "f", result: ramp(1000) });
    const path = join(store.home, "fleche.toml");
    Deno.writeTextFileSync(
      path,
      `${Deno.readTextFileSync(path)}[all]\npool = ["local", "other"]\n`,
    );
    const [json] = await store.printJson("verify", "--cache", "all");
    const caches = json?.["caches"] as { records: { entries: number }; isClean: boolean }[];
    assert.deepEqual(caches.map(({ records, isClean }) => [records.entries, isClean]), [
      [1, true],
      [0, true],
    ]);
    const wrong: [args: string[], code: number, says: RegExp][] = [
      [["--repair", "--cache", "all"], 1, /it is read-only/],
      [["--repare"], 2, /Did you mean --repair/],
      [["--cache", "al"], 1, /did you mean "all"/],
    ];
    await Promise.all(wrong.map(async ([args, code, says]) => {
      assert.match(await store.fail(code, "verify", ...args), says);
    }));
  }));

Deno.test("fleche verify --repair leaves alone what it has no key for, and asks for it", () =>
  withStore(async (store) => {
    const { home } = store;
    const configuration = join(home, "fleche.toml");
    const others = Deno.readTextFileSync(configuration);
    const [values, calls] = [join(home, "signed/values"), join(home, "signed/calls")];
    const configure = (key: string) => {
      const rest = `secret_key = ["${key.repeat(32)}"]`;
      Deno.writeTextFileSync(
        configuration,
        `${others}[signed]\nvalues = { type = "file", root = "${values}", ${rest} }\n` +
          `calls = { type = "file", root = "${calls}", ${rest} }\n`,
      );
    };
    await store.save({ name: "f", result: ramp(1000) });
    configure("ab");
    await store.print("transfer", "local", "signed");
    configure("cd");
    const { code, text } = await store.run("verify", "--repair", "--cache", "signed");
    assert.equal(code, 3);
    const [key] = await keysIn(store.cache);
    const lines = text.split("\n");
    assert(lines.includes(`record signed with a key that is not given: ${key}`), text);
    assert.match(text, /^value signed with a key that is not given: /m);
    assert.match(text, /^2 faults; give the key .* secret_key or FLECHE_SECRET_KEY/m);
    configure("ab");
    assert.match(await store.print("verify", "--cache", "signed"), /all is well\n$/);
  }));
