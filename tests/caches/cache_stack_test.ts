import {
  Cache,
  CacheStack,
  CallMemory,
  CallSql,
  digest,
  NotFoundError,
  type RecordFilter,
  RejectedError,
  ValueFile,
  ValueMemory,
  ValueVoid,
} from "@fleche/core";
import assert from "node:assert/strict";
import { assertAlike } from "../storage/_samples.ts";
import { DatabaseSync } from "node:sqlite";
import { filesBelow, TemporaryFolder } from "../storage/_temporary_folder.ts";
import { Warnings } from "../storage/_warnings.ts";
import { simple } from "./_cache_manifest.ts";
import { FailingCache, memory } from "./_doubles.ts";

const PART = new Uint8Array(100_000).fill(5);
const RESULT = { text: "t".repeat(2000), inner: [{ part: PART }] };

Deno.test("CacheStack() takes at least one cache, and no stack", () => {
  assert.throws(() => new CacheStack([]), TypeError);
  const stack = new CacheStack([memory()]);
  assert.throws(() => new CacheStack([memory(), stack]), TypeError);
  assert.throws(() => new CacheStack([stack]), TypeError);
  assert.throws(() => memory().push(stack), TypeError);
});

Deno.test("push() puts a cache in front", () => {
  const [one, two, three] = [memory(), memory(), memory()];
  const stack = one.push(two);
  assert.deepEqual(stack.stack.map((each) => [two, one].indexOf(each as Cache)), [0, 1]);
  const higher = stack.push(three);
  assert.deepEqual(higher.stack.map((each) => [three, two, one].indexOf(each as Cache)), [0, 1, 2]);
  assert.equal(stack.stack.length, 2);
});

Deno.test("a stack is not changed through the list that it was made from", async () => {
  const [near, far] = [memory(), memory()];
  const list = [near, far];
  const stack = new CacheStack(list);
  list.reverse();
  const key = await stack.save(simple(1));
  assert.equal(await near.contains(key), true);
});

Deno.test("a stack saves to its first cache only", async () => {
  const [near, far] = [memory(), memory()];
  const key = await new CacheStack([near, far]).save(simple(1));
  assert.equal(await near.contains(key), true);
  assert.equal(await far.contains(key), false);
});

Deno.test("a stack loads from its first cache that has the call", async () => {
  const [near, middle, far] = [memory(), memory(), memory()];
  const key = await middle.save(simple(1, "middle"));
  await far.save(simple(1, "far"));
  const stack = new CacheStack([near, middle, far]);
  assert.equal(await (await stack.load(key)).result(), "middle");
  await near.save(simple(1, "near"));
  assert.equal(await (await stack.load(key)).result(), "near");
});

Deno.test("a stack copies what it loads into its first cache, with all parts", async () => {
  const [near, middle, far] = [memory(), memory(), memory()];
  const argument = "a".repeat(2000);
  const key = await far.save(simple(argument, RESULT));
  const stack = new CacheStack([near, middle, far]);
  const call = await stack.load(key);
  assert.equal(await middle.contains(key), false);
  const copy = await near.load(key);
  assertAlike(await copy.result(), RESULT);
  assert.deepEqual(Uint8Array.from(copy.detach().bytes), Uint8Array.from(call.detach().bytes));
  // Arguments are needed seldom; they are read from where they are.
  await assert.rejects(copy.argument("x"), NotFoundError);
  assert.equal(await call.argument("x"), argument);
  await far.evict(key);
  assert.equal(await (await stack.load(key)).argument("x"), argument);
});

Deno.test("loads of one call at the same time agree", async () => {
  const [near, far] = [memory(), memory()];
  const key = await far.save(simple(1, RESULT));
  const stack = new CacheStack([near, far]);
  const results = await Promise.all(Array.from({ length: 20 }, async () => {
    return await (await stack.load(key)).result();
  }));
  for (const result of results) assertAlike(result, RESULT);
  assertAlike(await (await near.load(key)).result(), RESULT);
});

Deno.test("contains() and query() of a stack copy nothing", async () => {
  const [near, far] = [memory(), memory()];
  const key = await far.save(simple(1, RESULT));
  const stack = new CacheStack([near, far]);
  assert.equal(await stack.contains(key), true);
  assertAlike(await stack.query().results(), [RESULT]);
  assert.equal(await near.contains(key), false);
});

Deno.test("a stack with a read-only first cache reads on and saves nothing", async () => {
  const [near, far] = [memory(), memory()];
  const stack = new CacheStack([near.readonly(), far]);
  using warnings = new Warnings();
  const key = await far.save(simple(1, RESULT));
  assert.equal(stack.isReadOnly, true);
  assertAlike(await (await stack.load(key)).result(), RESULT);
  assert.equal(await near.contains(key), false);
  await assert.rejects(stack.save(simple(2)), RejectedError);
  assert.equal(await far.contains(simple(2).key), false);
  assert.deepEqual(warnings.texts, []);
});

Deno.test("a read-only view of a stack stores nothing, not even what it loads", async () => {
  const [near, far] = [memory(), memory()];
  const key = await far.save(simple(1, RESULT));
  const view = new CacheStack([near, far]).readonly();
  assertAlike(await (await view.load(key)).result(), RESULT);
  assert.equal(await near.contains(key), false);
  assert.deepEqual(await near.list(""), []);
});

Deno.test("evict() removes a call from all caches that can be written to", async () => {
  const [near, shared, far] = [memory(), memory(), memory()];
  for (const each of [near, shared, far]) await each.save(simple(1));
  const { key } = simple(1);
  const stack = new CacheStack([near, shared.readonly(), far]);
  using warnings = new Warnings();
  assert.equal(await stack.evict(key), true);
  assert.equal(await near.contains(key), false);
  assert.equal(await shared.contains(key), true);
  assert.equal(await far.contains(key), false);
  assert.equal(await stack.evict(key), false);
  assert.deepEqual(warnings.texts, []);
});

Deno.test("query() of a stack gives each call once, from its first cache", async () => {
  const [near, far] = [memory(), memory()];
  for (const x of [1, 2]) await near.save(simple(x, `near ${x}`));
  for (const x of [2, 3]) await far.save(simple(x, `far ${x}`));
  const stack = new CacheStack([near, far]);
  assert.deepEqual((await stack.query().results()).sort(), ["far 3", "near 1", "near 2"]);
  assert.equal(await stack.query({ name: "f" }).count(), 3);
});

Deno.test("a query that is left early lets go of the caches below", async () => {
  let ended = 0;
  class Calls extends CallMemory {
    override async *records(filter?: RecordFilter) {
      try {
        yield* super.records(filter);
      } finally {
        ended++;
      }
    }
  }
  const far = new Cache({ values: new ValueVoid(), calls: new Calls() });
  for (const x of [1, 2, 3]) await far.save(simple(x));
  for await (const _ of far.query()) break;
  assert.equal(ended, 1);
  for await (const _ of new CacheStack([memory(), far]).query()) break;
  assert.equal(ended, 2);
});

Deno.test("a cache of a stack that fails is passed over, with one warning", async () => {
  const [near, far] = [memory(), memory()];
  const failing = new FailingCache("the link is down");
  const stack = new CacheStack([near, failing, far]);
  using warnings = new Warnings();
  const keys = [];
  for (const x of [1, 2, 3]) keys.push(await far.save(simple(x, RESULT)));
  for (const key of keys) {
    assert.equal(await stack.contains(key), true);
    assertAlike(await (await stack.load(key)).result(), RESULT);
    assert.equal(await stack.expand(key.slice(0, 12)), key);
  }
  assertAlike(await stack.loadValue(digest(PART)), PART);
  assert.equal(await stack.query().count(), 3);
  await assert.rejects(stack.load(simple("absent").key), NotFoundError);
  assert(failing.asked > 0);
  // However many keys were asked for: the messages differ, the cause does not.
  assert.equal(warnings.texts.length, 1, warnings.texts.join("\n"));
  assert.equal(warnings.about("the link is down"), 1);
  assert.equal(warnings.about("number 2"), 1);
});

Deno.test("a first cache that cannot take a copy costs no load", async () => {
  const far = memory();
  const failing = new FailingCache("the disk is full");
  const stack = new CacheStack([failing, far]);
  using warnings = new Warnings();
  const key = await far.save(simple(1, RESULT));
  assertAlike(await (await stack.load(key)).result(), RESULT);
  assert.equal(warnings.about("the disk is full") > 0, true);
});

Deno.test("a cache of a stack that never answers is passed over when its time is up", async () => {
  class StallingCache extends FailingCache {
    override find(): Promise<undefined> {
      return new Promise(() => {});
    }
  }
  const far = memory();
  const stack = new CacheStack([new StallingCache("asleep", 0.02), far]);
  using warnings = new Warnings();
  const key = await far.save(simple(1, RESULT));
  assert.deepEqual((await stack.find(key))?.key, key);
  assert.equal(warnings.about("did not answer in 0.02 seconds"), 1);
});

Deno.test("evict() reaches the caches behind one that fails", async () => {
  const [near, far] = [memory(), memory()];
  const stack = new CacheStack([near, new FailingCache("no answer"), far]);
  using _ = new Warnings();
  for (const each of [near, far]) await each.save(simple(1));
  await stack.evict(simple(1).key).catch(() => {});
  assert.equal(await near.contains(simple(1).key), false);
  assert.equal(await far.contains(simple(1).key), false);
});

Deno.test("close() closes all caches of a stack", async () => {
  const caches = [new FailingCache("1"), new FailingCache("2")];
  {
    await using _ = new CacheStack(caches);
  }
  assert.deepEqual(caches.map(({ closed }) => closed), [true, true]);
});

Deno.test("a value that is damaged in one cache is healed from the next", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  const root = folder.join("values");
  const near = new Cache({
    values: new ValueFile({ root }),
    calls: new CallSql({ url: folder.join("calls.db") }),
  });
  const far = memory();
  await using stack = new CacheStack([near, far]);
  for (const cache of [near, far]) await cache.save(simple(1, RESULT));
  const { key } = simple(1);
  for (const file of filesBelow(`${root}/v1`)) {
    const path = `${root}/v1/${file}`;
    const bytes = Deno.readFileSync(path);
    bytes[700] = (bytes[700] ?? 0) ^ 1;
    Deno.writeFileSync(path, bytes);
  }
  assertAlike(await (await stack.load(key)).result(), RESULT);
  assert.equal(warnings.texts.length, 2, warnings.texts.join("\n"));
  // Now without the next one.
  assertAlike(await (await near.load(key)).result(), RESULT);
});

Deno.test("a record that is damaged in one cache is healed from the next", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  const path = folder.join("calls.db");
  const near = new Cache({ values: new ValueMemory(), calls: new CallSql({ url: path }) });
  const far = memory();
  await using stack = new CacheStack([near, far]);
  for (const cache of [near, far]) await cache.save(simple(1, RESULT));
  const { key } = simple(1);
  {
    using database = new DatabaseSync(path);
    database.exec("UPDATE calls SET record = zeroblob(100)");
  }
  assertAlike(await (await stack.load(key)).result(), RESULT);
  assertAlike(await (await near.load(key)).result(), RESULT);
  assert.equal(warnings.texts.length, 1);
});
