import {
  type BaseCache,
  Cache,
  Call,
  CallFile,
  CallMemory,
  CallRecord,
  CallSql,
  type CallStorage,
  digest,
  registerType,
  ValueFile,
  ValueMemory,
} from "@fleche/core";
import assert from "node:assert/strict";
import { TemporaryFolder } from "../storage/_temporary_folder.ts";
import { LARGE, simple } from "./_cache_manifest.ts";
import { memory } from "./_doubles.ts";

class Celsius {
  constructor(readonly degrees: number, readonly note = "") {}
}

// What the type encodes its values as: at first as a list, later as an object.
let isLater = false;

registerType<Celsius, unknown>({
  name: "redigest_test/Celsius",
  match: (value) => value instanceof Celsius,
  encode: ({ degrees, note }) => isLater ? { degrees, note, unit: "C" } : [degrees, note],
  decode: (payload) => {
    const [degrees, note] = Array.isArray(payload)
      ? payload
      : [Reflect.get(Object(payload), "degrees"), Reflect.get(Object(payload), "note")];
    return new Celsius(degrees, note);
  },
});

/** Runs while the type encodes its values as it does later. */
async function later<T>(work: () => Promise<T>): Promise<T> {
  isLater = true;
  try {
    return await work();
  } finally {
    isLater = false;
  }
}

const PART = new Float64Array(20_000).fill(1);

function warm(x: number): Call {
  const argument = { room: new Celsius(x, x % 2 === 0 ? LARGE : ""), data: PART };
  const result = [new Celsius(x + 1), { data: PART, pad: LARGE }];
  return new Call({ name: "warm", version: 1, arguments: { argument, x }, result });
}

async function keysOf(cache: BaseCache): Promise<string[]> {
  return await Array.fromAsync(cache.query(), ({ key }) => key);
}

const CALLS: Record<string, (folder: TemporaryFolder) => CallStorage> = {
  CallMemory: () => new CallMemory(),
  CallSql: () => new CallSql(),
  CallFile: (folder) => new CallFile({ root: folder.join("calls") }),
};

for (const [name, open] of Object.entries(CALLS)) {
  Deno.test(`redigest() of ${name} keeps every call reachable under its new key`, async () => {
    using folder = new TemporaryFolder();
    const values = new ValueFile({ root: folder.join("values") });
    await using cache = new Cache({ values, calls: open(folder) });
    const keys: string[] = [];
    for (let x = 0; x < 6; x++) keys.push(await cache.save(warm(x)));
    const plain = await cache.save(simple(1, LARGE));
    const parent = new Call({ name: "parent", arguments: {}, result: 1, calls: [...keys, plain] });
    const parentKey = await cache.save(parent);

    await later(async () => {
      const newKeys = Array.from({ length: 6 }, (_, x) => warm(x).key);
      for (const key of newKeys) assert.equal(await cache.contains(key), false);
      const dry = await cache.redigest({ dryRun: true });
      assert.deepEqual([dry.moved, dry.unchanged], [6, 1]);
      assert.deepEqual(await keysOf(cache), [...keys, plain, parentKey].reverse());

      const report = await cache.redigest();
      assert.deepEqual({ ...report, dryRun: true }, dry);
      assert.deepEqual([report.calls, report.moved, report.rewritten, report.removed], [
        8,
        6,
        1,
        0,
      ]);
      for (const [x, key] of newKeys.entries()) {
        const call = await cache.load(key);
        assert.deepEqual(await call.result(), warm(x).result);
        assert.deepEqual(await call.argument("argument"), warm(x).arguments["argument"]);
      }
      for (const key of keys) assert.equal(await cache.contains(key), false);
      assert.deepEqual((await cache.load(parentKey)).calls, [...newKeys, plain]);
      // In the order in which they were filed, but for the one that did not change.
      const order = (await keysOf(cache)).filter((key) => key !== plain);
      assert.deepEqual(order, [...newKeys, parentKey].reverse());
      const again = await cache.redigest();
      assert.deepEqual([again.unchanged, again.calls, again.values], [8, 8, 0]);
      await cache.gc({ grace: 0 });
      const { isClean, orphans } = await cache.verify();
      assert.deepEqual([isClean, orphans.entries], [true, 0]);
      for (const key of newKeys) await (await cache.load(key)).arguments();
    });
  });
}

Deno.test("redigest() goes on where it was broken off", async () => {
  for (const step of [1, 3, 5, 8, 11, 13]) {
    class Breaking extends CallMemory {
      left = Infinity;

      #count(): void {
        if (this.left-- <= 0) throw new Error("killed");
      }

      override put(record: CallRecord): void {
        this.#count();
        super.put(record);
      }

      override delete(key: string): boolean {
        // Also what is replaced is removed first, by put().
        return super.delete(key);
      }
    }
    const calls = new Breaking();
    await using cache = new Cache({ values: new ValueMemory(), calls });
    const keys: string[] = [];
    for (let x = 0; x < 6; x++) keys.push(await cache.save(warm(x)));
    for (const key of keys) {
      const call = new Call({ name: "parent", arguments: { key }, result: 1, calls: [key] });
      await cache.save(call);
    }
    await later(async () => {
      calls.left = step;
      if (step < 12) await assert.rejects(cache.redigest(), /killed/);
      calls.left = Infinity;
      // Whatever came of it, each call is there under one of its keys.
      for (let x = 0; x < 6; x++) {
        const found = await cache.find(warm(x).key) ?? await cache.find(keys[x] ?? "");
        assert.deepEqual(await found?.result(), warm(x).result);
      }
      await cache.redigest();
      const newKeys = Array.from({ length: 6 }, (_, x) => warm(x).key);
      for (const [x, key] of keys.entries()) {
        const parent = new Call({ name: "parent", arguments: { key } });
        assert.deepEqual((await cache.load(parent.key)).calls, [newKeys[x]]);
        assert.equal(await cache.contains(key), false);
      }
      assert.equal(await cache.query().count(), 12);
    });
  }
});

Deno.test("redigest() lets a call stay that has been stored under the new key meanwhile", async () => {
  const cache = memory();
  const key = await cache.save(warm(1));
  await later(async () => {
    const { arguments: args } = warm(1);
    const newer = new Call({ name: "warm", version: 1, arguments: args, result: "newer" });
    await cache.save(newer);
    assert.equal((await cache.redigest()).moved, 1);
    assert.equal(await (await cache.load(newer.key)).result(), "newer");
    assert.equal(await cache.contains(key), false);
  });
});

Deno.test("redigest() finds again what was filed under another key", async () => {
  const cache = memory();
  const key = await cache.save(simple(1, LARGE));
  const other = "ab".repeat(32);
  await cache.calls.put(CallRecord.build(other, (await cache.load(key)).detach().fields));
  await cache.evict(key);
  assert.equal((await cache.redigest()).moved, 1);
  assert.equal(await (await cache.load(key)).result(), LARGE);
  assert.deepEqual(await keysOf(cache), [key]);
});

Deno.test("redigest() leaves values alone that it cannot build, or that are not there", async () => {
  const cache = memory();
  const key = await cache.save(simple(LARGE, [LARGE, "r".repeat(2000)]));
  const prepared = await cache.prepare(simple(PART), { storeArguments: false });
  await prepared.commit({ result: 1 });
  await cache.values.delete(digest(LARGE).hex);
  const report = await cache.redigest();
  assert.deepEqual([report.unchanged, report.kept, report.values], [2, 2, 0]);
  assert.equal(await cache.contains(key), true);
});

Deno.test("redigest() keeps out gc() until what it writes is filed", async () => {
  const cache = memory();
  for (let x = 0; x < 20; x++) await cache.save(warm(x));
  await later(async () => {
    const redigested = cache.redigest({ onProgress: () => {} });
    let isOver = false;
    redigested.finally(() => isOver = true);
    while (!isOver) await cache.gc({ grace: 0 });
    await redigested;
    for (let x = 0; x < 20; x++) {
      assert.deepEqual(await (await cache.load(warm(x).key)).result(), warm(x).result);
    }
  });
});
