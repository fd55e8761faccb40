import { CachePool, CacheStack, digest, NotFoundError, RejectedError } from "@fleche/core";
import assert from "node:assert/strict";
import { assertAlike } from "../storage/_samples.ts";
import { Warnings } from "../storage/_warnings.ts";
import { simple } from "./_cache_manifest.ts";
import { FailingCache, memory } from "./_doubles.ts";

const PART = new Uint8Array(100_000).fill(5);
const RESULT = { text: "t".repeat(2000), inner: [{ part: PART }] };

Deno.test("CachePool() takes at least one cache", () => {
  assert.throws(() => new CachePool([]), TypeError);
});

Deno.test("a pool answers from its first cache that has the call, and copies nothing", async () => {
  const caches = [memory(), memory(), memory()] as const;
  const [one, two, three] = caches;
  const pool = new CachePool(caches);
  const key = await three.save(simple(1, RESULT));
  assertAlike(await (await pool.load(key)).result(), RESULT);
  assertAlike(await pool.query().results(), [RESULT]);
  assert.deepEqual([await one.list(""), await two.list("")], [[], []]);
  await two.save(simple(1, "two"));
  assert.equal(await (await pool.load(key)).result(), "two");
  assert.equal(await pool.query().count(), 1);
});

Deno.test("a pool does not let a stack in it copy", async () => {
  const [near, far] = [memory(), memory()];
  const key = await far.save(simple(1, RESULT));
  const pool = new CachePool([new CacheStack([near, far])]);
  assertAlike(await (await pool.load(key)).result(), RESULT);
  assert.deepEqual(await near.list(""), []);
});

Deno.test("a pool refuses to store and to evict", async () => {
  const cache = memory();
  const key = await cache.save(simple(1));
  const pool = new CachePool([cache]);
  assert.equal(pool.isReadOnly, true);
  await assert.rejects(pool.save(simple(2)), RejectedError);
  await assert.rejects(pool.evict(key), RejectedError);
  await assert.rejects(pool.accept(), RejectedError);
  assert.equal(await cache.query().count(), 1);
});

Deno.test("a value that one cache of a pool has lost is read from another", async () => {
  const [one, two] = [memory(), memory()];
  for (const cache of [one, two]) await cache.save(simple(1, RESULT));
  assert.equal(await one.values.delete(digest(PART).hex), true);
  const pool = new CachePool([one, two]);
  const call = await pool.load(simple(1).key);
  assert.deepEqual(await pool.missing(call.detach().references), []);
  assertAlike(await call.result(), RESULT);
  assert.equal(await one.values.has(digest(PART).hex), false);
});

Deno.test("a cache of a pool that fails is passed over, and left alone until reconnect()", async () => {
  const far = memory();
  const failing = new FailingCache("the disk is gone");
  const pool = new CachePool([failing, far]);
  using warnings = new Warnings();
  const keys = [];
  for (const x of [1, 2, 3]) keys.push(await far.save(simple(x, RESULT)));
  for (const key of keys) assertAlike(await (await pool.load(key)).result(), RESULT);
  assert.equal(await pool.query().count(), 3);
  await assert.rejects(pool.load(simple("absent").key), NotFoundError);
  assert.equal(failing.asked, 1);
  assert.equal(warnings.texts.length, 1);
  assert.equal(warnings.about("a cache of a pool (FailingCache number 1)"), 1);
  await pool.reconnect();
  assert.equal(await pool.contains(keys[0] ?? ""), true);
  assert.equal(failing.asked, 2);
});

Deno.test("close() closes all caches of a pool", async () => {
  const caches = [new FailingCache("1"), new FailingCache("2")];
  await new CachePool(caches).close();
  assert.deepEqual(caches.map(({ closed }) => closed), [true, true]);
});
