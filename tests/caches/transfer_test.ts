import {
  type BaseCache,
  Cache,
  CallMemory,
  CallVoid,
  D,
  digest,
  NotFoundError,
  RejectedError,
  SizeLimitedCache,
  ValueFile,
  ValueVoid,
} from "@fleche/core";
import assert from "node:assert/strict";
import { assertAlike } from "../storage/_samples.ts";
import { filesBelow, TemporaryFolder } from "../storage/_temporary_folder.ts";
import { simple } from "./_cache_manifest.ts";
import { memory } from "./_doubles.ts";

const PART = new Uint8Array(100_000).fill(5);
const RESULT = { text: "t".repeat(2000), inner: [{ part: PART }] };

async function filled(): Promise<Cache> {
  const cache = memory();
  for (const x of [1, 2, 3]) await cache.save(simple(x, x, "f"));
  await cache.save(simple({ PART }, RESULT, "g"));
  return cache;
}

// What a function gives, without the errors that are logged meanwhile.
async function quietly<T>(run: () => Promise<T>): Promise<T> {
  const { error } = console;
  console.error = () => {};
  try {
    return await run();
  } finally {
    console.error = error;
  }
}

async function keysOf(cache: BaseCache): Promise<string[]> {
  return await Array.fromAsync(cache.query(), ({ key }) => key);
}

Deno.test("transfer() copies all calls with their values", async () => {
  const [from, to] = [await filled(), memory()];
  assert.deepEqual(await from.transfer(to), { moved: 4, skipped: 0, failed: 0 });
  assert.deepEqual((await keysOf(to)).sort(), (await keysOf(from)).sort());
  const call = await to.load(simple({ PART }, RESULT, "g").key);
  assertAlike(await call.result(), RESULT);
  assertAlike(await call.argument("x"), { PART });
  assert.deepEqual(await from.transfer(to), { moved: 0, skipped: 4, failed: 0 });
});

Deno.test("transfer() tells how far it is", async () => {
  const seen: [number, number][] = [];
  const onProgress = (done: number, total: number) => seen.push([done, total]);
  await (await filled()).transfer(memory(), { onProgress });
  assert.deepEqual(seen, [[1, 4], [2, 4], [3, 4], [4, 4]]);
});

Deno.test("transfer() takes a template, a query, or keys", async () => {
  const from = await filled();
  const moved = async (calls: Parameters<Cache["transfer"]>[1]) => {
    const to = memory();
    const counts = await from.transfer(to, calls);
    assert.equal((await keysOf(to)).length, counts.moved);
    return counts.moved;
  };
  assert.equal(await moved({ calls: { name: "f" } }), 3);
  assert.equal(await moved({ calls: from.query({ name: "f" }).take(2) }), 2);
  assert.equal(await moved({ calls: simple(2, 2, "f") }), 1);
  const keys = [simple(1).key.slice(0, 10), D(simple(2).key)];
  assert.equal(await moved({ calls: keys }), 2);
  assert.equal(await moved({ calls: [] }), 0);
  await assert.rejects(moved({ calls: [simple(9).key] }), NotFoundError);
});

Deno.test("transfer() leaves what is there, unless it is to overwrite it", async () => {
  const [from, to] = [memory(), memory()];
  await from.save(simple(1, "new"));
  const key = await to.save(simple(1, "old"));
  assert.deepEqual(await from.transfer(to, { pop: true }), { moved: 0, skipped: 1, failed: 0 });
  assert.equal(await (await to.load(key)).result(), "old");
  assert.equal(await from.contains(key), true);
  const options = { pop: true, overwrite: true };
  assert.deepEqual(await from.transfer(to, options), { moved: 1, skipped: 0, failed: 0 });
  assert.equal(await (await to.load(key)).result(), "new");
  assert.equal(await from.contains(key), false);
});

Deno.test("transfer() with pop removes a call only once the other cache has filed it", async () => {
  const log: string[] = [];
  class Slow extends CallMemory {
    override async put(record: Parameters<CallMemory["put"]>[0]): Promise<void> {
      await new Promise((resolve) => setTimeout(resolve, 5));
      super.put(record);
      log.push(`put ${record.key}`);
    }
  }
  class Noting extends CallMemory {
    override delete(key: string): boolean {
      if (this.has(key)) log.push(`delete ${key}`);
      return super.delete(key);
    }
  }
  const from = new Cache({ values: memory().values, calls: new Noting() });
  const to = new Cache({ values: memory().values, calls: new Slow() });
  for (const x of [1, 2, 3]) await from.save(simple(x));
  await from.transfer(to, { pop: true });
  for (const x of [1, 2, 3]) {
    const { key } = simple(x);
    assert(log.indexOf(`put ${key}`) >= 0);
    assert(log.indexOf(`put ${key}`) < log.indexOf(`delete ${key}`));
  }
  assert.deepEqual(await keysOf(from), []);
});

Deno.test("transfer() goes on where a result is missing, and keeps that call", async () => {
  const [from, to] = [await filled(), memory()];
  const { key } = simple({ PART }, RESULT, "g");
  await from.values.delete(digest(RESULT).hex);
  const errors: unknown[] = [];
  const { error } = console;
  console.error = (text) => errors.push(text);
  try {
    const counts = await from.transfer(to, { pop: true });
    assert.deepEqual(counts, { moved: 3, skipped: 0, failed: 1 });
  } finally {
    console.error = error;
  }
  assert.equal(errors.length, 1);
  assert.deepEqual(await keysOf(from), [key]);
});

Deno.test("transfer() goes on without the values of arguments that are not there", async () => {
  const [from, to] = [await filled(), memory()];
  await from.values.delete(digest({ PART }).hex);
  assert.deepEqual(await from.transfer(to), { moved: 4, skipped: 0, failed: 0 });
});

Deno.test("transfer() refuses what would lose calls", async () => {
  using folder = new TemporaryFolder();
  const cache = await filled();
  await assert.rejects(cache.transfer(cache), TypeError);
  await assert.rejects(cache.transfer(memory().readonly()), RejectedError);
  await assert.rejects(cache.readonly().transfer(memory(), { pop: true }), RejectedError);
  assert.equal((await keysOf(cache)).length, 4);
  const again = new Cache({ values: new ValueFile({ root: folder.path }), calls: cache.calls });
  const options = { pop: true, overwrite: true };
  await assert.rejects(cache.transfer(again, options), TypeError);
  assert.equal((await keysOf(cache)).length, 4);
  assert.deepEqual(filesBelow(folder.path), []);
});

Deno.test("transfer() keeps the order in which calls were filed", async () => {
  class Slow extends CallMemory {
    override async put(record: Parameters<CallMemory["put"]>[0]): Promise<void> {
      await new Promise((resolve) => setTimeout(resolve, 10 * Math.random()));
      super.put(record);
    }
  }
  const from = memory();
  for (let x = 0; x < 40; x++) await from.save(simple(x));
  const to = new Cache({ values: memory().values, calls: new Slow() });
  await from.transfer(to);
  assert.deepEqual(await keysOf(to), await keysOf(from));
});

for (const pop of [false, true]) {
  const how = pop ? "transfer() with pop" : "transfer()";

  Deno.test(`${how} counts what the target did not keep as failed, and removes none of it`, async () => {
    const from = await filled();
    const limits = { values: memory().values, calls: new CallMemory() };
    const small = new SizeLimitedCache({ ...limits, maxBytes: 50_000 });
    const nothing = new Cache({ values: new ValueVoid(), calls: new CallVoid() });
    const counts = await quietly(() => from.transfer(nothing, { pop }));
    assert.deepEqual(counts, { moved: 0, skipped: 0, failed: 4 });
    assert.equal((await keysOf(from)).length, 4);
    const { moved, failed } = await quietly(() => from.transfer(small, { pop }));
    assert.deepEqual([moved, failed], [(await keysOf(small)).length, 4 - moved]);
    assert(failed > 0);
    for (const key of await keysOf(await filled())) {
      assert(await from.contains(key) || await small.contains(key));
    }
    assert.equal((await keysOf(from)).length, pop ? failed : 4);
  });
}

Deno.test("transfer() with pop keeps a call that was stored anew while it was copied", async () => {
  const [from, to] = [memory(), memory()];
  const key = await from.save(simple(1, "old"));
  const accept = to.accept.bind(to);
  to.accept = async (...args) => {
    await accept(...args);
    await from.save(simple(1, "new"));
  };
  assert.deepEqual(await from.transfer(to, { pop: true }), { moved: 1, skipped: 0, failed: 0 });
  assert.equal(await (await from.load(key)).result(), "new");
});
