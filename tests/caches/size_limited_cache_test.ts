import {
  type BaseCache,
  Cache,
  Call,
  CallFile,
  CallMemory,
  CallSql,
  digest,
  type EvictionPolicy,
  SizeLimitedCache,
  ValueFile,
  ValueMemory,
} from "@fleche/core";
import assert from "node:assert/strict";
import { beside, Child } from "../storage/_child.ts";
import { filesBelow, TemporaryFolder } from "../storage/_temporary_folder.ts";
import { Warnings } from "../storage/_warnings.ts";
import { LARGE, simple } from "./_cache_manifest.ts";

/** Limits and policy of a cache in memory. */
type Limits = { maxSize?: number; maxBytes?: number; policy?: EvictionPolicy };

/** Records in memory by a clock of the test, which also counts how often they are touched. */
class TimedCalls extends CallMemory {
  touched = 0;
  readonly #times = new Map<string, number>();
  #now = 0;

  override put(record: Parameters<CallMemory["put"]>[0]): void {
    super.put(record);
    this.#times.set(record.key, this.#now++);
  }

  override touch(key: string): void {
    this.touched++;
    this.#times.set(key, this.#now++);
  }

  override async *entries(): ReturnType<CallMemory["entries"]> {
    for await (const entry of super.entries()) {
      yield { ...entry, modified: this.#times.get(entry.name) ?? 0 };
    }
  }
}

/** Records in memory that let others go first. */
class SlowCalls extends CallMemory {
  override async put(record: Parameters<CallMemory["put"]>[0]): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
    super.put(record);
  }

  override async *records(...filter: Parameters<CallMemory["records"]>) {
    for await (const record of super.records(...filter)) {
      await new Promise((resolve) => setTimeout(resolve));
      yield record;
    }
  }
}

function limited(limits: Limits, calls: TimedCalls = new TimedCalls()): SizeLimitedCache {
  return new SizeLimitedCache({ values: new ValueMemory(), calls, ...limits });
}

/** A value of its own that takes 3,003 bytes. */
function text(x: number): string {
  return String.fromCharCode(97 + x).repeat(3000);
}

async function resultsOf(cache: BaseCache): Promise<unknown[]> {
  return (await cache.query().results()).toReversed();
}

/** What is really stored, in bytes. */
async function bytesOf({ calls, values }: Cache): Promise<number> {
  let bytes = 0;
  for (const storage of [calls, values]) {
    for await (const { length } of storage.entries()) bytes += length;
  }
  return bytes;
}

Deno.test("SizeLimitedCache() takes positive limits and known policies", () => {
  assert.throws(() => limited({}), TypeError);
  assert.throws(() => limited({ maxSize: 0 }), RangeError);
  assert.throws(() => limited({ maxBytes: 1.5 }), RangeError);
  assert.throws(() => limited({ maxSize: 1, policy: "best" as EvictionPolicy }), TypeError);
  const { maxSize, maxBytes, policy } = limited({ maxSize: 5 });
  assert.deepEqual([maxSize, maxBytes, policy], [5, Infinity, "oldest"]);
});

Deno.test("a cache that is full makes room for a tenth of its limit, the oldest first", async () => {
  const cache = limited({ maxSize: 20 });
  for (let x = 0; x < 20; x++) await cache.save(simple(x));
  assert.equal(await cache.query().count(), 20);
  await cache.save(simple(20));
  assert.deepEqual(await resultsOf(cache), Array.from({ length: 18 }, (_, x) => x + 3));
  await cache.save(simple(21));
  await cache.save(simple(22));
  assert.equal(await cache.query().count(), 20);
});

Deno.test("policy lru keeps what was found, and touches it at most once a minute", async () => {
  const calls = new TimedCalls();
  const cache = limited({ maxSize: 3, policy: "lru" }, calls);
  for (const x of [1, 2, 3]) await cache.save(simple(x));
  for (let round = 0; round < 50; round++) await cache.load(simple(1).key);
  assert.equal(calls.touched, 1);
  await cache.save(simple(4));
  assert.deepEqual(await resultsOf(cache), [1, 3, 4]);
  await cache.load(simple(3).key);
  await cache.save(simple(5));
  assert.deepEqual(await resultsOf(cache), [3, 4, 5]);
});

Deno.test("policy oldest touches nothing", async () => {
  const calls = new TimedCalls();
  const cache = limited({ maxSize: 3 }, calls);
  await cache.load(await cache.save(simple(1)));
  assert.equal(calls.touched, 0);
});

Deno.test("policy random leaves to chance what goes, but not the latest", async () => {
  const { random } = Math;
  try {
    for (const order of [[0.1, 0.9, 0.5, 0.2], [0.9, 0.5, 0.1, 0]]) {
      const cache = limited({ maxSize: 3, policy: "random" });
      for (const x of [1, 2, 3]) await cache.save(simple(x));
      let at = 0;
      Math.random = () => order[at++] ?? 0;
      await cache.save(simple(4));
      Math.random = random;
      assert.deepEqual(await resultsOf(cache), order[0] === 0.1 ? [2, 3, 4] : [1, 2, 4]);
    }
  } finally {
    Math.random = random;
  }
});

Deno.test("policy cost keeps what took longest for the room that it takes", async () => {
  const cache = limited({ maxSize: 4, policy: "cost" });
  const save = (x: number, result: unknown, walltime?: number) => {
    const metadata = walltime === undefined ? {} : { runtime: { walltime } };
    return cache.save(new Call({ name: "f", arguments: { x }, result, metadata }));
  };
  await save(1, 1, 5); // cheap, but small
  await save(2, text(2), 20); // twenty times the room for four times the time
  await save(3, 3, 50);
  await save(4, text(4), 5000);
  await save(5, 5, 1);
  assert.deepEqual(await resultsOf(cache), [1, 3, text(4), 5]);
  await save(6, 6, 9);
  assert.deepEqual(await resultsOf(cache), [1, 3, text(4), 6]);
  await save(7, 7); // goes first the next time
  await save(8, 8, 100);
  assert.deepEqual(await resultsOf(cache), [3, text(4), 6, 8]);
});

Deno.test("the limit in bytes counts records and values, and frees both", async () => {
  const cache = limited({ maxBytes: 40_000 });
  for (let x = 0; x < 30; x++) {
    await cache.save(simple(x, text(x % 26)));
    assert(await bytesOf(cache) <= 40_000, `${await bytesOf(cache)} bytes`);
  }
  const left = await resultsOf(cache);
  assert(left.length >= 10 && left.length <= 12, String(left.length));
  assert.equal(left.at(-1), text(29 % 26));
  const { orphans, isClean } = await cache.verify();
  assert.deepEqual([orphans.entries, isClean], [0, true]);
});

Deno.test("values that other calls need stay, parts of others included", async () => {
  const shared = new Float64Array(9000).fill(1);
  const cache = limited({ maxSize: 2 });
  await cache.save(simple(1, shared));
  await cache.save(simple(2, [{ shared, own: text(1).repeat(30) }, LARGE]));
  await cache.save(simple(3, LARGE));
  assert.equal(await cache.query().count(), 2);
  assert.equal((await cache.verify()).isClean, true);
  assert.equal(await cache.values.has(digest(shared).hex), true);
  await cache.save(simple(4));
  assert.equal(await cache.values.has(digest(shared).hex), false);
  assert.equal(await cache.values.has(digest(LARGE).hex), true);
});

Deno.test("values that another call storage needs stay", async () => {
  using folder = new TemporaryFolder();
  const values = new ValueFile({ root: folder.join("values") });
  await using other = new Cache({ values, calls: new CallFile({ root: folder.join("other") }) });
  const key = await other.save(simple(1, text(1)));
  const calls = new CallFile({ root: folder.join("calls") });
  await using cache = new SizeLimitedCache({ values, calls, maxSize: 1 });
  await cache.save(simple(1, text(1)));
  await cache.save(simple(2, text(2)));
  await cache.save(simple(3, text(3)));
  assert.equal(await cache.query().count(), 1);
  assert.equal(await (await other.load(key)).result(), text(1));
  assert.equal(await values.has(digest(text(2)).hex), false);
});

Deno.test("where another call storage cannot be read calls go, and values stay", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  const values = new ValueFile({ root: folder.join("values") });
  values.register("postgresql://db.example:5432/calls");
  await using cache = new SizeLimitedCache({ values, calls: new CallMemory(), maxSize: 1 });
  for (const x of [1, 2, 3]) await cache.save(simple(x, text(x)));
  assert.equal(await cache.query().count(), 1);
  assert.equal(values.list("").length, 3);
  assert.equal(warnings.about("postgresql://db.example:5432/calls"), 1);
});

Deno.test("a call that alone exceeds the limit is not kept, and costs nothing else", async () => {
  const cache = limited({ maxBytes: 20_000 });
  const key = await cache.save(simple(1, new Uint8Array(30_000)));
  assert.equal(await cache.contains(key), false);
  assert.equal(await bytesOf(cache), 0);
});

Deno.test("what was evicted by hand makes room without any call going", async () => {
  const cache = limited({ maxBytes: 20_000 });
  for (let x = 0; x < 5; x++) await cache.save(simple(x, text(x)));
  for (const x of [3, 4]) await cache.evict(simple(x).key);
  for (const x of [5, 6]) await cache.save(simple(x, text(x)));
  assert.deepEqual(await resultsOf(cache), [0, 1, 2, 5, 6].map(text));
});

Deno.test("saving a call again takes no room", async () => {
  const cache = limited({ maxSize: 3, maxBytes: 20_000 });
  for (let round = 0; round < 10; round++) {
    for (const x of [1, 2, 3]) await cache.save(simple(x, text(x)));
  }
  assert.deepEqual(await resultsOf(cache), [1, 2, 3].map(text));
});

Deno.test("calls that are accepted from elsewhere count too", async () => {
  const cache = limited({ maxSize: 2 });
  const from = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
  for (const x of [1, 2, 3, 4]) await from.save(simple(x, text(x)));
  await from.transfer(cache);
  assert.equal(await cache.query().count(), 2);
  assert.equal((await cache.verify()).orphans.entries, 0);
});

Deno.test("calls that are stored at the same time keep near the limit", async () => {
  for (let round = 0; round < 20; round++) {
    const cache = limited({ maxSize: 10 });
    await Promise.all(Array.from({ length: 50 }, (_, x) => cache.save(simple(x, text(x % 26)))));
    const count = await cache.query().count();
    // What is just being stored may be counted before it is there, or not yet.
    assert(count >= 9 && count <= 12, String(count));
    assert.equal((await cache.verify()).isClean, true);
  }
});

Deno.test("a cache that cannot make room still stores", async () => {
  using warnings = new Warnings();
  class Stuck extends CallMemory {
    override delete(key: string): boolean {
      if (this.has(key)) throw new Error("stuck");
      return false;
    }
  }
  const calls = new Stuck();
  const cache = new SizeLimitedCache({ values: new ValueMemory(), calls, maxSize: 2 });
  for (const x of [1, 2, 3, 4]) await cache.save(simple(x));
  assert.equal(await cache.query().count(), 4);
  assert.equal(warnings.about("stuck"), 1);
});

Deno.test("two processes keep the limit together", async () => {
  using folder = new TemporaryFolder();
  const program = beside(import.meta.url, "_limited_child.ts");
  const children = [1, 2].map((number) => new Child(program, { args: [folder.path, `${number}`] }));
  for (const child of children) assert.equal(await child.line(), "saved 150");
  for (const child of children) assert.deepEqual(await child.end(), { code: 0, errors: "" });
  await using cache = new Cache({
    values: new ValueFile({ root: folder.join("values") }),
    calls: new CallSql({ url: folder.join("calls.db") }),
  });
  // Each counted what it stored itself; now one of them counts it all.
  const again = new Child(program, { args: [folder.path, "3", "1"] });
  assert.equal(await again.line(), "saved 1");
  await again.end();
  const count = await cache.query().count();
  assert(count <= 40 && count >= 30, String(count));
  const { isClean, orphans } = await cache.verify();
  assert.deepEqual([isClean, orphans.entries], [true, 0]);
});

Deno.test("a limit holds while several calls are stored at the same time", async () => {
  const cache = new SizeLimitedCache({
    values: new ValueMemory(),
    calls: new SlowCalls(),
    maxSize: 10,
  });
  await Promise.all([1, 2, 3, 4].map(async (lane) => {
    for (let x = 0; x < 50; x++) await cache.save(simple([lane, x]));
  }));
  const count = await cache.query().count();
  assert(count <= 14, `${count} calls are there`);
});

Deno.test("of a call that is larger than the limit, no other call has to go", async () => {
  using warnings = new Warnings();
  const storages = { values: new ValueMemory(), calls: new CallMemory() };
  const cache = new SizeLimitedCache({ ...storages, maxBytes: 100_000 });
  for (const x of [1, 2, 3]) await cache.save(simple(x, "s".repeat(30_000) + x));
  for (const x of [4, 5]) {
    const key = await cache.save(simple(x, "l".repeat(200_000) + x));
    assert.equal(await cache.contains(key), false);
  }
  assert.equal(await cache.query().count(), 3);
  assert.equal((await cache.values.list("")).length, 3);
  assert.equal(warnings.texts.length, 1);
  assert.match(warnings.texts[0] ?? "", /takes more than the 100000 bytes/);
});

Deno.test("no save waits for a call that runs, although there is no room", async () => {
  using _ = new Warnings();
  using folder = new TemporaryFolder();
  const values = () => new ValueFile({ root: folder.join("values") });
  await using cache = new SizeLimitedCache({
    values: values(),
    calls: new CallMemory(),
    maxSize: 2,
  });
  using _inside = await values().gate.enter();
  const start = performance.now();
  for (let x = 0; x < 6; x++) await cache.save(simple(x, `${x}`.repeat(5000)));
  const taken = performance.now() - start;
  assert(taken < 3000, `${taken} ms`);
});

Deno.test("values that a limited cache did not leave behind stay for an hour", async () => {
  using folder = new TemporaryFolder();
  const values = () => new ValueFile({ root: folder.join("values") });
  const other = new Cache({ values: values(), calls: new CallMemory() });
  const key = await other.save(simple("other", "o".repeat(5000)));
  const calls = new CallFile({ root: folder.join("calls") });
  await using cache = new SizeLimitedCache({ values: values(), calls, maxSize: 2 });
  for (let x = 0; x < 4; x++) await cache.save(simple(x, `${x}`.repeat(5000)));
  assert.equal(await (await other.load(key)).result(), "o".repeat(5000));
  assert.equal(values().list("").length, 3);
  const [file = ""] = filesBelow(folder.join("values", "v1"))
    .filter((each) => each.includes(digest("o".repeat(5000)).hex));
  const old = new Date(Date.now() - 2 * 3_600_000);
  Deno.utimeSync(folder.join("values", "v1", file), old, old);
  await cache.save(simple(5, "5".repeat(5000)));
  assert.equal(values().list("").length, 2);
});
