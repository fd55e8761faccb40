import {
  Cache,
  Call,
  CallFile,
  CallHdf5,
  CallMemory,
  digest,
  NotFoundError,
  RefreshingCache,
  SaveError,
  ValueFile,
  ValueHdf5,
  ValueMemory,
} from "@fleche/core";
import assert from "node:assert/strict";
import { assertAlike } from "../storage/_samples.ts";
import { TemporaryFolder } from "../storage/_temporary_folder.ts";
import { simple } from "./_cache_manifest.ts";
import { memory, NotingCalls, SlowValues } from "./_doubles.ts";

const MIB = 1 << 20;

Deno.test("a record is filed when all its values are", async () => {
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  const values = new SlowValues(log, gate.promise);
  const cache = new Cache({ values, calls: new NotingCalls(log) });
  const part = new Uint8Array(100_000);
  const argument = "a".repeat(2000);
  const call = simple(argument, { part, text: "r".repeat(2000) });
  const saved = cache.save(call);
  // Argument, part and result; the result is encoded after the arguments are stored.
  gate.resolve();
  assert.equal(await saved, call.key);
  const wanted = [argument, part, { part, text: "r".repeat(2000) }];
  assert.deepEqual(log, [
    ...wanted.map((value) => `value ${digest(value)}`),
    `record ${call.key}`,
  ]);
});

Deno.test("a record is not filed when a value cannot be stored", async () => {
  for (const large of ["argument", "result"]) {
    const log: string[] = [];
    const values = new SlowValues(log, Promise.reject(new SaveError("full", { key: "k" })));
    const cache = new Cache({ values, calls: new NotingCalls(log) });
    const text = "x".repeat(2000);
    const call = large === "argument" ? simple(text, 1) : simple(1, text);
    await assert.rejects(cache.save(call), SaveError);
    assert.deepEqual(log, []);
    assert.equal(await cache.contains(call.key), false);
  }
});

Deno.test("values are stored when a call is committed, and never when it is abandoned", async () => {
  for (const commits of [true, false]) {
    const values = new SlowValues();
    const cache = new Cache({ values, calls: new CallMemory() });
    const prepared = await cache.prepare(simple("x".repeat(2000)));
    assert.deepEqual(values.begun, []);
    if (commits) await prepared.commit({ result: 1 });
    else prepared.abandon();
    assert.equal(values.begun.length, commits ? 1 : 0);
  }
});

Deno.test("arguments of more than 64 MiB in all are stored before the call runs", async () => {
  const values = new SlowValues();
  const cache = new Cache({ values, calls: new CallMemory() });
  const first = new Uint8Array(MIB);
  const large = new Uint8Array(64 * MIB);
  const last = "x".repeat(2000);
  const call = new Call({ name: "f", arguments: { first, large, last } });
  const prepared = await cache.prepare(call);
  // What was held so far is stored too, for the memory that it takes.
  const wanted = [first, large, last].map((value) => digest(value).hex);
  assert.deepEqual(values.begun, wanted);
  assert.equal(values.has(digest(large).hex), true);
  first.fill(1);
  await prepared.commit({ result: 1 });
  assert.deepEqual(values.begun, wanted);
  const loaded = await cache.load(prepared.key);
  assert.deepEqual(await loaded.argument("first"), new Uint8Array(MIB));
});

Deno.test("arguments of 64 MiB in all are held until the call is committed", async () => {
  const values = new SlowValues();
  const cache = new Cache({ values, calls: new CallMemory() });
  const pieces = Array.from({ length: 16 }, (_, index) => new Uint8Array(4 * MIB - 5).fill(index));
  const given = Object.fromEntries(pieces.map((piece, index) => [`x${index}`, piece]));
  const prepared = await cache.prepare(new Call({ name: "f", arguments: given }));
  assert.deepEqual(values.begun, []);
  prepared.abandon();
  assert.deepEqual(values.begun, []);
});

Deno.test("a value of which a part is gone is not found", async () => {
  const cache = memory();
  const part = new Float64Array(20_000);
  const result = { a: { b: [part, "x".repeat(70_000)] } };
  const key = await cache.save(simple(1, result));
  const call = await cache.load(key);
  await cache.values.delete(digest(part).hex);
  const isMissing = (error: unknown) =>
    error instanceof NotFoundError && error.data.key === digest(part).hex;
  await assert.rejects(call.result(), isMissing);
  await assert.rejects(cache.loadValue(digest(result)), isMissing);
  await assert.rejects(cache.query().results(), isMissing);
  assert.equal(await call.argument("x"), 1);
  await cache.save(simple(1, result));
  assertAlike(await call.result(), result);
});

Deno.test("a part that occurs many times is read once", async () => {
  let reads = 0;
  class CountingValues extends ValueMemory {
    override get(digest: string) {
      reads++;
      return super.get(digest);
    }
  }
  const cache = new Cache({ values: new CountingValues(), calls: new CallMemory() });
  const part = "p".repeat(70_000);
  const value = { rows: new Array(8).fill(new Array(10).fill(part)) };
  const key = await cache.save(simple(1, value));
  assertAlike(await (await cache.load(key)).result(), value);
  assert.equal(reads, 2);
});

Deno.test("accept() brings a value that has lost a part to wholeness again", async () => {
  const [there, here] = [memory(), memory()];
  const part = new Uint8Array(100_000).fill(5);
  const result = { text: "t".repeat(2000), inner: { part, more: "m".repeat(66_000) } };
  const key = await there.save(simple(1, result));
  const record = (await there.load(key)).detach();
  await here.accept(record, there);
  await here.values.delete(digest(part).hex);
  await here.accept(record, there);
  assertAlike(await (await here.load(key)).result(), result);
});

Deno.test("evict() through a query leaves nothing unvisited", async () => {
  const cache = memory();
  for (let x = 0; x < 120; x++) await cache.save(simple(x));
  for await (const { key } of cache.query({ name: "f" })) await cache.evict(key);
  assert.equal(await cache.query().count(), 0);
});

Deno.test("close() closes both storages, also when one of them fails", async () => {
  const closed: string[] = [];
  class Values extends ValueMemory {
    override close() {
      closed.push("values");
    }
  }
  class Calls extends CallMemory {
    override close() {
      closed.push("calls");
      throw new Error("cannot close");
    }
  }
  const cache = new Cache({ values: new Values(), calls: new Calls() });
  await assert.rejects(cache[Symbol.asyncDispose](), /cannot close/);
  assert.deepEqual(closed.sort(), ["calls", "values"]);
});

Deno.test("readonly() reads what the cache holds now", async () => {
  const cache = memory();
  const view = cache.readonly();
  assert.equal(view.isReadOnly, true);
  assert.equal(view.cache, cache);
  const key = await cache.save(simple(1));
  assert.equal(await (await view.load(key)).result(), 1);
  await cache.evict(key);
  assert.equal(await view.contains(key), false);
});

Deno.test("saveTimeout is that of the cache that stores", () => {
  const options = { values: new ValueMemory(), calls: new CallMemory() };
  assert.equal(new Cache(options).saveTimeout, 60);
  const cache = new Cache({ ...options, saveTimeout: 5 });
  assert.equal(cache.readonly().saveTimeout, 5);
  assert.equal(new RefreshingCache(cache).saveTimeout, 5);
  assert.equal(cache.push(memory()).saveTimeout, 60);
  assert.equal(memory().push(cache).saveTimeout, 5);
});

Deno.test("RefreshingCache finds what it stored itself where that is asked for", async () => {
  const cache = memory();
  const old = await cache.save(simple(1, "old"));
  const refreshing = new RefreshingCache(cache, { once: true });
  assert.equal(await refreshing.contains(old), false);
  const prepared = await refreshing.prepare(simple(1));
  assert.equal(await refreshing.contains(old), false);
  await prepared.commit({ result: "new" });
  assert.equal(await (await refreshing.load(old)).result(), "new");
  assert.equal(await (await cache.load(old)).result(), "new");
  await refreshing.evict(old);
  assert.equal(await refreshing.contains(old), false);
});

Deno.test("Cache() refuses values and calls as files in one folder", () => {
  using folder = new TemporaryFolder();
  const root = folder.join("both");
  Deno.mkdirSync(root);
  Deno.symlinkSync(root, folder.join("link"));
  for (const values of [new ValueFile({ root }), new ValueHdf5({ root })]) {
    for (const other of [root, `${root}/../both/`, folder.join("link")]) {
      for (const calls of [new CallFile({ root: other }), new CallHdf5({ root: other })]) {
        assert.throws(() => new Cache({ values, calls }), {
          name: "TypeError",
          message: /one folder.*both: give them folders of their own/,
        });
      }
    }
    new Cache({ values, calls: new CallFile({ root: `${root}/calls` }) });
  }
});
