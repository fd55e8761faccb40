import {
  AmbiguousDigestError,
  type BaseCache,
  Cache,
  CacheStack,
  Call,
  CallMemory,
  CallSql,
  D,
  digest,
  NotFoundError,
  ValueFile,
  ValueMemory,
} from "@fleche/core";
import assert from "node:assert/strict";
import { assertAlike } from "../storage/_samples.ts";
import { TemporaryFolder } from "../storage/_temporary_folder.ts";
import { simple } from "./_cache_manifest.ts";
import { memory } from "./_doubles.ts";

/** Small integers whose digests share their first 4 digits, found by trying. */
function alike(count: number): number[] {
  const byStart = new Map<string, number[]>();
  for (let number = 0;; number++) {
    const start = digest(number).hex.slice(0, 4);
    const found = byStart.get(start);
    if (found === undefined) byStart.set(start, [number]);
    else if (found.push(number) === count) return found;
  }
}

/** An integer x and one y such that the key of f(x) and the digest of y share their first 4 digits. */
function keyAndValueAlike(): { x: number; y: number } {
  const values = new Map<string, number>();
  for (let y = 0; y < 2000; y++) values.set(digest(y).hex.slice(0, 4), y);
  for (let x = 0;; x++) {
    const y = values.get(simple(x).key.slice(0, 4));
    if (y !== undefined) return { x, y };
  }
}

function isAmbiguous(prefix: string, candidates: string[]): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof AmbiguousDigestError);
    assert.deepEqual(error.data, { prefix, candidates: candidates.toSorted() });
    for (const each of candidates) assert(error.message.includes(each));
    return true;
  };
}

Deno.test("a short digest that means a call and a value is ambiguous", async () => {
  const { x, y } = keyAndValueAlike();
  const cache = memory();
  const key = await cache.save(simple(x, "r"));
  const prefix = key.slice(0, 4);
  assert.equal((await cache.load(prefix)).key, key);
  await cache.save(simple(y, "r", "g"));
  const both = [key, digest(y).hex];
  for (const use of ["load", "loadValue", "contains", "evict", "expand", "shrink"] as const) {
    await assert.rejects(cache[use](prefix), isAmbiguous(prefix, both), use);
    await assert.rejects(cache[use](D(prefix)), isAmbiguous(prefix, both), use);
  }
  assert.equal(await cache.contains(key), true);
  const [ofCall = "", ofValue = ""] = await cache.shrink(key, digest(y));
  assert.equal((await cache.load(ofCall)).key, key);
  assert.equal(await cache.loadValue(ofValue), y);
  await assert.rejects(cache.load(ofValue), NotFoundError);
  assert.equal(await cache.contains(ofValue), false);
  assert.equal(await cache.evict(ofValue), false);
  assert.equal(await cache.evict(ofCall), true);
  assert.equal(await cache.expand(prefix), digest(y).hex);
});

Deno.test("an ambiguous digest names five candidates at the most", async () => {
  const numbers = alike(7);
  const cache = memory();
  for (const number of numbers) await cache.save(simple(number, "r"));
  const all = numbers.map((number) => digest(number).hex);
  const prefix = all[0]?.slice(0, 4) ?? "";
  await assert.rejects(cache.expand(prefix), (error) => {
    assert(error instanceof AmbiguousDigestError);
    assert.equal(error.data.candidates.length, 5);
    assert(error.data.candidates.every((each) => all.includes(each)));
    assert.match(error.message, /and more/);
    return true;
  });
});

Deno.test("short digests reach calls, values, parts and what records embed", async () => {
  using folder = new TemporaryFolder();
  await using cache = new Cache({
    values: new ValueFile({ root: folder.path }),
    calls: new CallSql({ url: folder.join("calls.db") }),
  });
  const part = new Uint8Array(70_000).fill(1);
  const result = { part, text: "t".repeat(2000) };
  const call = simple("embedded", result);
  await cache.save(call);
  const values = new Map<string, unknown>([
    [digest(part).hex, part],
    [digest(result).hex, result],
    [digest("embedded").hex, "embedded"],
  ]);
  for (const [whole, value] of values) {
    const short = await cache.shrink(whole);
    assert.equal(short, whole.slice(0, short.length));
    assert.equal(await cache.expand(short), whole);
    assertAlike(await cache.loadValue(short), value);
  }
  const short = await cache.shrink(call.key);
  assert.equal((await cache.load(short)).key, call.key);
  assert.equal(await cache.evict(short), true);
});

Deno.test("shrink() of many asks for each neighbourhood once, and keeps their order", async () => {
  const asked: string[] = [];
  class Calls extends CallMemory {
    override list(prefix: string, limit?: number): string[] {
      asked.push(prefix);
      return super.list(prefix, limit);
    }
  }
  const cache = new Cache({ values: new ValueMemory(), calls: new Calls() });
  const keys: string[] = [];
  for (let x = 0; x < 500; x++) keys.push(await cache.save(simple(x, null)));
  const shrunk = await cache.shrink(...keys);
  assert.equal(new Set(asked).size, asked.length);
  assert.equal(shrunk.length, keys.length);
  // Against all that is there, calls and values alike, as by hand.
  const present = await cache.list("");
  for (const [index, key] of keys.entries()) {
    const short = shrunk[index] ?? "";
    assert(key.startsWith(short) && short.length >= 4);
    assert.deepEqual(present.filter((each) => each.startsWith(short)), [key]);
    if (short.length > 4) {
      const shorter = short.slice(0, -1);
      assert(present.filter((each) => each.startsWith(shorter)).length > 1);
    }
  }
  assert.deepEqual(await cache.shrink(...keys, ...keys), [...shrunk, ...shrunk]);
});

Deno.test("shrink() of many fails when one of them is absent", async () => {
  const cache = memory();
  const key = await cache.save(simple(1));
  const absent = simple(2).key;
  await assert.rejects(cache.shrink(key, absent), (error) => {
    return error instanceof NotFoundError && error.data.key === absent;
  });
});

Deno.test("short digests of a stack mean what all its caches hold", async () => {
  const [one = 0, other = 0] = alike(2);
  const [near, far] = [memory(), memory()];
  const stack: BaseCache = new CacheStack([near, far]);
  await near.save(simple(one, "r"));
  const prefix = digest(one).hex.slice(0, 4);
  assert.equal(await stack.expand(prefix), digest(one).hex);
  await far.save(simple(other, "r"));
  const both = [digest(one).hex, digest(other).hex];
  await assert.rejects(stack.expand(prefix), isAmbiguous(prefix, both));
  assert.equal(await near.expand(prefix), digest(one).hex);
});

Deno.test("a digest whose value is nowhere is not found by its beginning", async () => {
  for (const calls of [new CallMemory(), new CallSql()]) {
    await using cache = new Cache({ values: new ValueMemory(), calls });
    const prepared = await cache.prepare(simple("p".repeat(2000)), { storeArguments: false });
    await prepared.commit({ result: 1 });
    const whole = digest("p".repeat(2000)).hex;
    await assert.rejects(cache.expand(whole.slice(0, 8)), NotFoundError);
    await assert.rejects(cache.loadValue(whole.slice(0, 8)), NotFoundError);
    assert.equal(await cache.contains(new Call({ name: "f" }).key), false);
  }
});
