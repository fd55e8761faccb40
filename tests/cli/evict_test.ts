import assert from "node:assert/strict";
import { keysIn, withStore } from "./_store.ts";

Deno.test("fleche evict removes calls by their keys", () =>
  withStore(async (store) => {
    const keys: string[] = [];
    for (const x of [1, 2, 3]) {
      keys.push(await store.save({ name: "f", arguments: { x }, result: x }));
    }
    const [one = "", two = "", three = ""] = keys;
    assert.equal(await store.print("evict", one.slice(0, 8)), `evicted ${one}\n`);
    assert.deepEqual(await keysIn(store.cache), [two, three].sort());
    const gone = await store.run("evict", one, two, "--json");
    assert.deepEqual([gone.code, JSON.parse(gone.text)], [1, { evicted: 1, missing: [one] }]);
    assert.equal(gone.stderr, `fleche: There is no call ${one} in the cache\n`);
    assert.deepEqual(await keysIn(store.cache), [three]);
  }));

Deno.test("fleche evict removes what options say only if it is told to", () =>
  withStore(async (store) => {
    for (const name of ["f", "f", "g"]) {
      await store.save({ name, arguments: { x: await store.cache.query().count() }, result: 1 });
    }
    assert.match(
      await store.fail(2, "evict", "--name", "f"),
      /this would remove 2 calls: add --yes/,
    );
    assert.equal((await keysIn(store.cache)).length, 3);
    assert.deepEqual(await store.printJson("evict", "--name", "f", "--yes"), [
      { evicted: 2, missing: [] },
    ]);
    assert.equal((await keysIn(store.cache)).length, 1);
    assert.equal(await store.print("evict", "--name", "f", "--yes"), "evicted 0 calls\n");
  }));

Deno.test("fleche evict says what is wrong, and removes nothing then", () =>
  withStore(async (store) => {
    // Until two keys begin with the same four digits.
    const seen = new Map<string, string>();
    let pair: [string, string] | undefined;
    for (let x = 0; pair === undefined; x++) {
      const key = await store.save({ name: "f", arguments: { x }, result: x });
      const other = seen.get(key.slice(0, 4));
      if (other !== undefined) pair = [key, other];
      seen.set(key.slice(0, 4), key);
    }
    const [key, other] = pair;
    const wrong: [args: string[], code: number, says: RegExp][] = [
      [[], 2, /give either keys, or options/],
      [["--yes"], 2, /give either keys, or options/],
      [[key, "--name", "f"], 2, /give either keys, or options/],
      [[key, key.slice(0, 4)], 1, new RegExp(`could mean .*${other}.*: give more digits`)],
      [["12g4"], 1, /12g4/],
      [["--cache", "memry", key], 1, /did you mean "memory"/],
    ];
    const before = await keysIn(store.cache);
    await Promise.all(wrong.map(async ([args, code, says]) => {
      assert.match(await store.fail(code, "evict", ...args), says);
    }));
    assert.deepEqual(await keysIn(store.cache), before);
  }));
