import assert from "node:assert/strict";
import { join } from "node:path";
import { ramp, withStore } from "./_store.ts";

Deno.test("fleche stats counts entries and bytes, in all and by function", () =>
  withStore(async (store) => {
    const shared = ramp(10_000);
    for (const x of [1, 2, 3]) {
      // The array is a part of the result that is stored by itself.
      await store.save({ name: "f", module: "m", arguments: { x }, result: { x, shared } });
    }
    await store.save({ name: "g", arguments: { shared }, result: 1 });
    await store.save({ name: "h", result: 1 });
    const [json] = await store.printJson("stats");
    const [cache, ...others] = json?.["caches"] as Record<string, unknown>[];
    assert.deepEqual(others, []);
    const values = cache?.["values"] as { entries: number; bytes: number };
    const calls = cache?.["calls"] as { entries: number; bytes: number };
    assert.deepEqual([values.entries, calls.entries], [1, 5]);
    const file = [...Deno.readDirSync(join(store.home, "local/values/v1"))]
      .filter(({ name }) => /^[0-9a-f]{2}$/.test(name));
    assert.equal(file.length, 1);
    assert(values.bytes > 80_000 && values.bytes < 80_100, String(values.bytes));
    assert(calls.bytes > 5 * 50 && calls.bytes < 5 * 1000);
    assert.deepEqual(cache?.["functions"], [
      { module: "m", name: "f", calls: 3, bytes: values.bytes },
      { module: null, name: "g", calls: 1, bytes: values.bytes },
      { module: null, name: "h", calls: 1, bytes: 0 },
    ]);
    const text = await store.print("stats");
    assert.match(text, /^values 1 entry, 78 KiB$/m);
    assert.match(text, /^f +3 +78 KiB +m$/m);
    assert.match(text, /^h +1 +0 B$/m);
  }));

Deno.test("fleche stats looks into every cache of a stack", () =>
  withStore(async (store) => {
    await store.save({ name: "f", result: 1 });
    const path = join(store.home, "fleche.toml");
    Deno.writeTextFileSync(path, 'both = ["local", "other"]\n' + Deno.readTextFileSync(path));
    const [json] = await store.printJson("stats", "--cache", "both");
    const caches = json?.["caches"] as { calls: { entries: number } }[];
    assert.deepEqual(caches.map(({ calls }) => calls.entries), [1, 0]);
    assert.match(await store.fail(1, "stats", "--cache", "bth"), /did you mean "both"/);
    assert.match(await store.fail(2, "stats", "now"), /too many arguments/);
  }));

Deno.test("fleche stats passes over a cache of a pool that fails, with a warning", () =>
  withStore(async (store) => {
    await store.save({ name: "f", result: 1 });
    const path = join(store.home, "fleche.toml");
    const far =
      '[far]\ntype = "ssh"\nhost = "nowhere.invalid"\nssh_options = ["-o", "BatchMode=yes"]\n';
    Deno.writeTextFileSync(
      path,
      `${Deno.readTextFileSync(path)}[all]\npool = ["far", "local"]\n${far}`,
    );
    const { code, text, stderr } = await store.run("stats", "--cache", "all", "--json");
    assert.equal(code, 1);
    const { caches } = JSON.parse(text);
    assert.deepEqual(caches.map((each: { calls: { entries: number } }) => each.calls.entries), [1]);
    assert.match(stderr, /^fleche: Passed over the cache .*nowhere\.invalid.*: /m);
    assert.match(await store.fail(1, "stats", "--cache", "far"), /^fleche: (?!Passed)/);
  }));
