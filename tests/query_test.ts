import {
  AmbiguousDigestError,
  Cache,
  CacheStack,
  Call,
  CallMemory,
  type CallRecord,
  CallTable,
  type Encoding,
  type LazyCall,
  NotFoundError,
  QueryIterator,
  type RecordFilter,
  RejectedError,
  ValueMemory,
} from "@fleche/core";
import assert from "node:assert/strict";
import { errorsOf } from "./_errors.ts";
import { memory } from "./caches/_doubles.ts";

/** Calls f(x) whose result is x, filed in this order. */
async function filled(...numbers: readonly number[]): Promise<Cache> {
  const cache = memory();
  for (const x of numbers) await cache.save(call(x));
  return cache;
}

function call(x: number, walltime = x): Call {
  const metadata = { runtime: { walltime, timestop: 100 - x }, git: { commit: `c${x % 2}` } };
  return new Call({ name: "f", version: x % 3, arguments: { x }, result: x, metadata });
}

/** Calls whose records are counted as they are read. */
class CountingCalls extends CallMemory {
  read = 0;

  override async *records(filter?: RecordFilter): AsyncIterable<CallRecord> {
    for await (const record of super.records(filter)) {
      this.read++;
      yield record;
    }
  }
}

/** Values that must not be read. */
class SealedValues extends ValueMemory {
  override get(): Encoding | undefined {
    throw new Error("A value was read");
  }
}

async function keysOf(query: QueryIterator): Promise<string[]> {
  return await Array.fromAsync(query, ({ key }) => key);
}

Deno.test("QueryIterator gives calls in the order of filing, the last first", async () => {
  const cache = await filled(1, 2, 3);
  assert.deepEqual(await cache.query().results(), [3, 2, 1]);
});

Deno.test("QueryIterator.take() and skip() count from the first", async () => {
  const query = (await filled(1, 2, 3, 4)).query();
  assert.deepEqual(await query.take(2).results(), [4, 3]);
  assert.deepEqual(await query.skip(3).results(), [1]);
  assert.deepEqual(await query.skip(1).take(2).results(), [3, 2]);
  assert.deepEqual(await query.take(2).skip(1).results(), [3]);
  assert.deepEqual(await query.take(0).results(), []);
  assert.deepEqual(await query.take(99).results(), [4, 3, 2, 1]);
  assert.deepEqual(await query.skip(99).results(), []);
  for (const count of [-1, 1.5, NaN, Infinity]) {
    assert.throws(() => query.take(count), RangeError);
    assert.throws(() => query.skip(count), RangeError);
  }
});

Deno.test("QueryIterator.take() reads no more records than it gives", async () => {
  const calls = new CountingCalls();
  const cache = new Cache({ values: new ValueMemory(), calls });
  for (const x of [1, 2, 3, 4, 5]) await cache.save(call(x));
  assert.deepEqual(await cache.query().take(2).results(), [5, 4]);
  assert.equal(calls.read, 2);
  await cache.query().take(0).results();
  assert.equal(calls.read, 2);
});

Deno.test("QueryIterator can be iterated again at every step, and finds what is new", async () => {
  const cache = await filled(1, 2, 3);
  const odd = cache.query().filter(async (each) => Number(await each.result()) % 2 === 1);
  const steps: QueryIterator[] = [
    odd,
    odd.skip(0),
    odd.take(10),
    odd.unique("key"),
    odd.sorted("runtime.walltime"),
  ];
  for (const step of steps) assert.equal(await step.count(), 2);
  await cache.save(call(5));
  for (const step of steps) {
    assert.equal(await step.count(), 3);
    assert.equal(await step.count(), 3);
  }
});

Deno.test("QueryIterator.filter() takes promises, and passes on what the predicate throws", async () => {
  const query = (await filled(1, 2, 3, 4)).query();
  assert.deepEqual(await query.filter(({ version }) => version === 1).results(), [4, 1]);
  const small = query.filter(async (each) => Number(await each.argument("x")) < 3);
  assert.deepEqual(await small.results(), [2, 1]);
  const failing = query.filter(() => Promise.reject(new Error("no")));
  await assert.rejects(failing.count(), { message: "no" });
});

Deno.test("QueryIterator.sorted() sorts by field, metadata, and function", async () => {
  const query = (await filled(2, 4, 1, 3)).query();
  assert.deepEqual(await query.sorted("runtime.walltime").results(), [1, 2, 3, 4]);
  const descending = query.sorted("runtime.walltime", { descending: true });
  assert.deepEqual(await descending.results(), [4, 3, 2, 1]);
  assert.deepEqual(await keysOf(query.sorted("key")), (await keysOf(query)).sort());
  const byArgument = query.sorted((each) => each.argument("x"));
  assert.deepEqual(await byArgument.results(), [1, 2, 3, 4]);
  // Equal ones stay in the order of filing.
  assert.deepEqual(await query.sorted("git.commit").results(), [4, 2, 3, 1]);
  assert.deepEqual(await query.sorted("git.commit", { descending: true }).results(), [3, 1, 4, 2]);
  const pairs = query.sorted(({ version, metadata }) => [
    version,
    Number(metadata["runtime"]?.["walltime"]),
  ]);
  assert.deepEqual(await pairs.results(), [3, 1, 4, 2]);
});

Deno.test("QueryIterator.sorted() has an order for keys of any type, with what is missing last", async () => {
  const keys = [
    ...["b", undefined, 2, null, true, 10n, NaN, "a", [2], new Date(5)],
    ...[false, [1, 5], new Date(NaN), -1, [1], new Date(3)],
  ];
  const cache = await filled(...keys.keys());
  const at = ({ metadata }: LazyCall) => Number(metadata["runtime"]?.["walltime"]);
  const order = async (descending: boolean) => {
    const sorted = cache.query().sorted((each) => keys[at(each)], { descending });
    return (await sorted.results()).map((index) => keys[Number(index)]);
  };
  const up = [
    ...[false, true, -1, 2, 10n, "a", "b"],
    ...[new Date(3), new Date(5), [1], [1, 5], [2]],
  ];
  const missing = [new Date(NaN), NaN, null, undefined];
  assert.deepEqual(await order(false), [...up, ...missing]);
  assert.deepEqual(await order(true), [...up.reverse(), ...missing]);
});

Deno.test("QueryIterator refuses fields that no call has, and keys that have no order", async () => {
  const query = (await filled(1, 2)).query();
  for (const field of ["walltime", "", ".x", "arguments"]) {
    // What JavaScript may pass.
    const by = field as "key";
    assert.throws(() => query.sorted(by), { name: "TypeError", message: /runtime\.walltime/ });
    assert.throws(() => query.unique(by), TypeError);
    await assert.rejects(query.groupBy(by), TypeError);
  }
  await assert.rejects(query.sorted(() => ({})).count(), {
    message: /^Cannot sort calls by an object/,
  });
});

Deno.test("QueryIterator.sorted() and groupBy() find no metadata that objects inherit", async () => {
  const cache = await filled(1, 2);
  for (const field of ["constructor.name", "runtime.toString", "__proto__.x"] as const) {
    assert.deepEqual([...(await cache.query().groupBy(field)).keys()], [undefined]);
  }
});

Deno.test("QueryIterator.unique() gives the first of each kind, as it finds them", async () => {
  const calls = new CountingCalls();
  const cache = new Cache({ values: new ValueMemory(), calls });
  for (const x of [1, 2, 3, 4]) await cache.save(call(x));
  const query = cache.query();
  assert.deepEqual(await query.unique("git.commit").results(), [4, 3]);
  assert.deepEqual(await query.unique(({ version }) => version).results(), [4, 3, 2]);
  // Objects count by their value, numbers and what is written like them do not.
  const parity = query.unique(async (each) => ({ odd: Number(await each.result()) % 2 === 1 }));
  assert.deepEqual(await parity.results(), [4, 3]);
  const mixed = query.unique((each) => each.version === 1 ? "1" : Number(each.version === 2));
  assert.equal(await mixed.count(), 3);
  calls.read = 0;
  assert.deepEqual(await query.unique("name").take(1).results(), [4]);
  assert.equal(calls.read, 1);
});

Deno.test("QueryIterator.groupBy() gives queries over what there was", async () => {
  const cache = await filled(1, 2, 3, 4, 5);
  const groups = await cache.query().groupBy("git.commit");
  assert.deepEqual([...groups.keys()], ["c1", "c0"]);
  const odd = groups.get("c1");
  assert(odd instanceof QueryIterator);
  assert.deepEqual(await odd.results(), [5, 3, 1]);
  assert.deepEqual(await odd.take(1).results(), [5]);
  assert.equal((await odd.table()).rows.length, 3);
  assert.deepEqual(await (await odd.latest())?.result(), 5);
  await cache.save(call(7));
  assert.equal(await odd.count(), 3);
  assert.equal(await odd.evict(), 3);
  assert.deepEqual(await cache.query().results(), [7, 4, 2]);
  const byValue = await cache.query().groupBy(async (each) => [Number(await each.result()) > 3]);
  assert.deepEqual([...byValue.keys()], [[true], [false]]);
});

Deno.test("QueryIterator.only() gives the one call, and says what is wrong otherwise", async () => {
  const cache = await filled(1, 2);
  const one = await cache.query({ arguments: { x: 1 } }).only();
  assert.equal(await one.result(), 1);
  await assert.rejects(cache.query({ name: "g" }).only(), NotFoundError);
  await assert.rejects(cache.query().only(), (error) => {
    assert(error instanceof AmbiguousDigestError);
    assert.deepEqual(error.data.candidates, [call(2).key, call(1).key]);
    assert.match(error.message, /^More than one call matches the query: \w+, \w+; narrow it down/);
    return true;
  });
  for (const x of [3, 4, 5, 6, 7]) await cache.save(call(x));
  await assert.rejects(cache.query().only(), (error) => {
    assert(error instanceof AmbiguousDigestError);
    assert.equal(error.data.candidates.length, 5);
    assert.match(error.message, / and more; /);
    return true;
  });
});

Deno.test("QueryIterator counts, and says whether there is any", async () => {
  const cache = await filled(1, 2);
  assert.equal(await cache.query().count(), 2);
  assert.equal(await cache.query().empty(), false);
  assert.equal((await cache.query().any())?.key, call(2).key);
  const none = cache.query({ name: "g" });
  assert.equal(await none.count(), 0);
  assert.equal(await none.empty(), true);
  assert.equal(await none.any(), undefined);
  assert.equal(await none.latest(), undefined);
  assert.equal(await none.oldest(), undefined);
  assert.equal(await none.evict(), 0);
  assert.deepEqual(await none.results(), []);
});

Deno.test("QueryIterator.latest() reads one record and no value, oldest() no value", async () => {
  const calls = new CountingCalls();
  const cache = new Cache({ values: new SealedValues(), calls });
  const large = "y".repeat(3000);
  for (const x of [1, 2, 3]) {
    await cache.save(new Call({ name: "f", arguments: { x, large }, result: large + x }));
  }
  const argument = async (key: string | undefined) =>
    await (await cache.load(key ?? "")).argument("x");
  assert.equal(await argument((await cache.query().latest())?.key), 3);
  assert.equal(calls.read, 1);
  // What keeps the order reads no more than it must.
  const second = cache.query().filter((each) => each.name === "f").skip(1);
  assert.equal(await argument((await second.latest())?.key), 2);
  assert.equal(calls.read, 3);
  assert.equal(await argument((await cache.query().oldest())?.key), 1);
});

Deno.test("QueryIterator.latest() and oldest() go by the end of the calls once they are sorted", async () => {
  // The greater x is, the earlier has the call ended.
  const cache = await filled(1, 3, 2);
  await cache.save(new Call({ name: "f", arguments: { x: 9 }, result: "unknown" }));
  const sorted = cache.query().sorted("key");
  assert.equal(await (await sorted.latest())?.result(), 1);
  assert.equal(await (await sorted.oldest())?.result(), "unknown");
  const noted = sorted.filter(({ metadata }) => "runtime" in metadata);
  assert.equal(await (await noted.oldest())?.result(), 3);
  assert.equal(await (await cache.query().latest())?.result(), "unknown");
});

Deno.test("QueryIterator.results() keeps the order of the calls, and fails if one is gone", async () => {
  const cache = memory();
  const large = (x: number) => `${x}`.repeat(2000);
  for (let x = 0; x < 60; x++) {
    await cache.save(new Call({ name: "f", arguments: { x }, result: x % 2 ? x : large(x) }));
  }
  const expected = Array.from({ length: 60 }, (_, x) => x % 2 ? x : large(x)).reverse();
  assert.deepEqual(await cache.query().results(), expected);
  const { digest: gone = "" } = (await cache.query({ arguments: { x: 4 } }).only())
    .detach().resultReferences[0] ?? {};
  cache.values.delete(gone);
  await assert.rejects(cache.query().results(), (error) => {
    return error instanceof NotFoundError && error.data.key === gone;
  });
});

Deno.test("QueryIterator.evict() removes what matches, and only that", async () => {
  const cache = await filled(1, 2, 3, 4, 5);
  assert.equal(await cache.query().take(2).evict(), 2);
  assert.deepEqual(await cache.query().results(), [3, 2, 1]);
  assert.equal(await cache.query({ metadata: { git: { commit: "c1" } } }).evict(), 2);
  assert.deepEqual(await cache.query().results(), [2]);
  await assert.rejects(cache.readonly().query().evict(), RejectedError);
  assert.equal(await cache.query().evict(), 1);
  assert.equal(await cache.query().evict(), 0);
});

Deno.test("QueryIterator.transfer() copies calls with all their values", async () => {
  const [from, to] = [memory(), memory()];
  const large = (x: number) => ({ data: new Float64Array(10_000).fill(x) });
  for (const x of [1, 2, 3]) {
    const argument = "a".repeat(2000) + x;
    await from.save(new Call({ name: "f", arguments: { x, argument }, result: large(x) }));
  }
  assert.equal(await from.query({ arguments: { x: 2 } }).transfer(to), 1);
  assert.deepEqual(await to.query().results(), [large(2)]);
  const [copied] = await Array.fromAsync(to.query());
  assert.equal(await copied?.argument("argument"), "a".repeat(2000) + 2);
  // What is there already is left alone, and is not counted.
  assert.equal(await from.query().transfer(to), 2);
  assert.equal(await from.query().transfer(to), 0);
  assert.equal(await from.query().count(), 3);
});

Deno.test("QueryIterator.transfer() replaces only what it is told to, and removes what it copied", async () => {
  const [from, to] = [memory(), memory()];
  for (const [cache, result] of [[to, "old"], [from, "new"]] as const) {
    await cache.save(new Call({ name: "f", arguments: { x: 1 }, result }));
  }
  await from.save(new Call({ name: "f", arguments: { x: 2 }, result: "other" }));
  assert.equal(await from.query().transfer(to, { pop: true }), 1);
  assert.deepEqual(await from.query().results(), ["new"]);
  assert.deepEqual((await to.query().results()).sort(), ["old", "other"]);
  assert.equal(await from.query().transfer(to, { pop: true, overwrite: true }), 1);
  assert.equal(await from.query().count(), 0);
  assert.deepEqual((await to.query().results()).sort(), ["new", "other"]);
});

Deno.test("QueryIterator.transfer() passes over a call whose result is gone", async () => {
  const [from, to] = [memory(), memory()];
  for (const x of [1, 2]) {
    await from.save(new Call({ name: "f", arguments: { x }, result: `${x}`.repeat(2000) }));
  }
  const lost = await from.query({ arguments: { x: 1 } }).only();
  for (const { digest } of lost.detach().resultReferences) from.values.delete(digest);
  const errors = await errorsOf(async () => {
    assert.equal(await from.query().transfer(to, { pop: true }), 1);
  });
  assert.equal(errors.length, 1);
  assert.match(errors[0] ?? "", new RegExp(`^fleche: Cannot copy call ${lost.key}: `));
  assert.deepEqual(await to.query().results(), ["2".repeat(2000)]);
  assert.deepEqual(await keysOf(from.query()), [lost.key]);
  // A cache that refuses ends it.
  const refused = from.query().transfer(to.readonly(), { overwrite: true });
  await assert.rejects(refused, RejectedError);
});

Deno.test("QueryIterator.transfer() loses nothing where both caches are one", async () => {
  const cache = await filled(1, 2);
  const options = { pop: true, overwrite: true };
  await assert.rejects(cache.query().transfer(cache, options), TypeError);
  const twin = new Cache({ values: cache.values, calls: cache.calls });
  await assert.rejects(cache.query().transfer(twin, options), TypeError);
  await assert.rejects(cache.query().take(1).transfer(cache, options), TypeError);
  // Of what a stack keeps its calls in, the query knows nothing.
  const stack = new CacheStack([cache, memory()]);
  assert.equal(await cache.query().transfer(stack, options), 2);
  assert.deepEqual((await cache.query().results()).sort(), [1, 2]);
});

Deno.test("QueryIterator.table() gives a row for each call", async () => {
  const cache = await filled(1, 2, 3);
  const table = await cache.query().sorted("runtime.walltime").table();
  assert(table instanceof CallTable);
  assert.deepEqual(table.column("result"), ["1", "2", "3"]);
});
