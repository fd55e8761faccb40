import { Cache, CallSql, digest, ValueFile } from "@fleche/core";
import assert from "node:assert/strict";
import { join } from "node:path";
import { keysIn, ramp, type Store, withStore } from "./_store.ts";

function otherCache({ home }: Store): Cache {
  return new Cache({
    values: new ValueFile({ root: join(home, "other") }),
    calls: new CallSql({ url: join(home, "other.db") }),
  });
}

Deno.test("fleche transfer copies calls with their values", () =>
  withStore(async (store) => {
    const keys: string[] = [];
    for (const x of [1, 2, 3]) {
      keys.push(await store.save({ name: `f${x % 2}`, arguments: { x }, result: ramp(500, x) }));
    }
    const [one = "", two = "", three = ""] = keys;
    await using other = otherCache(store);
    assert.equal(
      await store.print("transfer", "local", "other", "--name", "f1"),
      "copied 2 calls from local to other\n",
    );
    assert.deepEqual(await keysIn(other), [one, three].sort());
    assert.deepEqual(await (await other.load(three)).result(), ramp(500, 3));
    assert.deepEqual(await store.printJson("transfer", "local", "other", "--pop"), [
      { copied: 1, skipped: 2, failed: 0 },
    ]);
    // What was there already stays.
    assert.deepEqual(await keysIn(store.cache), [one, three].sort());
    assert.deepEqual(await keysIn(other), [one, two, three].sort());
    const [overwritten] = await store.printJson(
      ...["transfer", "local", "other", "--overwrite", "--pop"],
    );
    assert.deepEqual(overwritten, { copied: 2, skipped: 0, failed: 0 });
    assert.deepEqual(await keysIn(store.cache), []);
  }));

Deno.test("fleche transfer ends with code 1 if calls could not be copied", () =>
  withStore(async (store) => {
    const lost = ramp(500);
    await store.save({ name: "f", result: lost });
    const kept = await store.save({ name: "g", result: 1 });
    await store.cache.values.delete(digest(lost).hex);
    const { code, text, stderr } = await store.run("transfer", "local", "other");
    assert.deepEqual(
      [code, text],
      [1, "copied 1 call from local to other; 1 could not be copied\n"],
    );
    assert.match(stderr, /^fleche: .*missing/);
    await using other = otherCache(store);
    assert.deepEqual(await keysIn(other), [kept]);
  }));

Deno.test("fleche transfer says what is wrong", () =>
  withStore(async (store) => {
    const wrong: [args: string[], code: number, says: RegExp][] = [
      [["local"], 2, /missing required argument 'target'/],
      [["local", "default"], 2, /local and default are the same cache/],
      [["local", "othr"], 1, /There is no cache "othr" in .*; did you mean "other"/],
      [["local", "other", "--cache", "x"], 2, /unknown option '--cache'/],
    ];
    await Promise.all(wrong.map(async ([args, code, says]) => {
      assert.match(await store.fail(code, "transfer", ...args), says);
    }));
  }));

Deno.test("fleche transfer refuses a target that forgets, or keeps nothing", () =>
  withStore(async (store) => {
    const path = join(store.home, "fleche.toml");
    const lasting = '{ type = "file", root = "there" }';
    Deno.writeTextFileSync(
      path,
      `${Deno.readTextFileSync(path)}
[forgetful]
values = ${lasting}
calls = { type = "memory" }
[nothing]
values = { type = "void" }
calls = { type = "file", root = "here" }
[[front]]
values = { type = "memory" }
calls = { type = "memory" }
[[front]]
values = ${lasting}
calls = { type = "file", root = "here" }
`,
    );
    const key = await store.save({ name: "f", result: 1 });
    for (const target of ["forgetful", "nothing", "front"]) {
      const says = await store.fail(2, "transfer", "local", target, "--pop");
      assert.match(says, new RegExp(`${target} keeps its calls in memory, or not at all`));
    }
    assert.deepEqual(await keysIn(store.cache), [key]);
  }));
