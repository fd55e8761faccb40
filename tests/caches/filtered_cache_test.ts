import { CacheStack, Call, digest, NotFoundError, RejectedError } from "@fleche/core";
import assert from "node:assert/strict";
import { assertAlike } from "../storage/_samples.ts";
import { Warnings } from "../storage/_warnings.ts";
import { simple } from "./_cache_manifest.ts";
import { FailingCache, memory } from "./_doubles.ts";

Deno.test("a filtered cache shows only the calls that match", async () => {
  const cache = memory();
  const keys = [];
  for (const x of [1, 2, 3, 4]) {
    keys.push(await cache.save(simple(x, { x, pad: "p".repeat(2000) })));
  }
  const even = cache.filter(async (call) => Number(await call.argument("x")) % 2 === 0);
  assert.deepEqual(await Array.fromAsync(keys, (key) => even.contains(key)), [
    ...[false, true, false, true],
  ]);
  const [odd = "", second = ""] = keys;
  assert.equal(await even.find(odd), undefined);
  assert.equal(await even.peek(odd), undefined);
  assert.equal((await even.find(second))?.key, second);
  await assert.rejects(even.load(odd.slice(0, 20)), NotFoundError);
  assert.deepEqual((await even.query().results()).length, 2);
  assert.equal((await even.table()).rows.length, 2);
  const listed = await even.list("");
  assert.deepEqual(keys.map((key) => listed.includes(key)), [false, true, false, true]);
  assert.equal((await even.list("", 1)).length, 1);
});

Deno.test("values can be read through a filtered cache whatever call they are of", async () => {
  const cache = memory();
  await cache.save(simple(1, "v".repeat(2000)));
  const none = cache.filter(() => false);
  assert.equal(await none.loadValue(digest("v".repeat(2000)).hex.slice(0, 12)), "v".repeat(2000));
});

Deno.test("a filtered cache does not evict what it hides", async () => {
  const cache = memory();
  const keys = [await cache.save(simple(1)), await cache.save(simple(2))] as const;
  const filtered = cache.filter(async (call) => await call.result() === 2);
  assert.equal(await filtered.evict(keys[0]), false);
  assert.equal(await filtered.evict(keys[1]), true);
  assert.deepEqual(await cache.query().results(), [1]);
});

Deno.test("a filtered cache refuses to store what it would hide", async () => {
  const cache = memory();
  const filtered = cache.filter(async (call) => (await call.result() as unknown[]).length > 1);
  const part = new Float64Array(20_000).fill(1);
  await assert.rejects(filtered.save(simple(1, [part])), RejectedError);
  assert.deepEqual(await cache.list(""), []);
  const key = await filtered.save(simple(part, [part, part]));
  const call = await cache.load(key);
  assertAlike(await call.result(), [part, part]);
  assertAlike(await call.argument("x"), part);
  const other = memory();
  await other.save(simple(2, [3]));
  const record = (await other.load(simple(2).key)).detach();
  await assert.rejects(filtered.accept(record, other), RejectedError);
});

Deno.test("a filter sees the metadata of a call before it is stored", async () => {
  const seen: unknown[] = [];
  const filtered = memory().filter(({ metadata, name }) => {
    seen.push([name, metadata]);
    return true;
  });
  const metadata = { runtime: { walltime: 2 } };
  await filtered.save(new Call({ name: "f", arguments: {}, result: 1, metadata }));
  assert.deepEqual(seen, [["f", metadata]]);
});

Deno.test("what a filter hides is not copied in the stack below it", async () => {
  const [near, far] = [memory(), memory()];
  const key = await far.save(simple(1));
  const stack = new CacheStack([near, far]);
  assert.equal(await stack.filter(() => false).find(key), undefined);
  assert.equal(await near.contains(key), false);
  assert.equal((await stack.filter(() => true).find(key))?.key, key);
  assert.equal(await near.contains(key), true);
});

Deno.test("a filter that fails for what is stored is an error", async () => {
  const cache = memory();
  const failing = cache.filter(() => {
    throw new Error("no idea");
  });
  await assert.rejects(failing.save(simple(2)), /no idea/);
});

Deno.test("close() closes the cache below a filter", async () => {
  const cache = new FailingCache("1");
  await cache.filter(() => true).close();
  assert.equal(cache.closed, true);
});

Deno.test("a filtered cache hides a call for which its function fails, and no other", async () => {
  using warnings = new Warnings();
  const far = memory();
  const [one, two] = [await far.save(simple(1)), await far.save(simple(2))];
  const filtered = far.filter(async (call) => {
    if (await call.argument("x") === 1) throw new TypeError("no such thing");
    return true;
  });
  const stack = new CacheStack([memory(), filtered]);
  assert.deepEqual([await stack.contains(one), await stack.contains(two)], [false, true]);
  assert.equal(await (await stack.load(two)).result(), await (await far.load(two)).result());
  assert.deepEqual(await Array.fromAsync(filtered.query(), ({ key }) => key), [two]);
  assert.equal((await filtered.list("")).includes(one), false);
  assert.equal(warnings.texts.length, 1);
  assert.match(warnings.texts[0] ?? "", /fails, and others like it: no such thing/);
});
