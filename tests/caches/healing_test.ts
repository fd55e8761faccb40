import {
  type AcceptOptions,
  Cache,
  CacheStack,
  CallMemory,
  type CallRecord,
  type DeepSource,
  digest,
  type FoundValue,
  LockTimeoutError,
  ValueMemory,
  type ValueSource,
} from "@fleche/core";
import assert from "node:assert/strict";
import { assertAlike } from "../storage/_samples.ts";
import { Warnings } from "../storage/_warnings.ts";
import { simple } from "./_cache_manifest.ts";
import { FailingCache, memory } from "./_doubles.ts";

const PART = new Uint8Array(100_000).fill(5);
const RESULT = { text: "t".repeat(2000), inner: [{ part: PART }] };
const { key: KEY } = simple(1);

/** A cache in memory that counts what is stored in it from elsewhere. */
class CountingCache extends Cache {
  accepted = 0;
  readonly #isRemote: boolean;

  constructor(isRemote = false) {
    super({ values: new ValueMemory(), calls: new CallMemory() });
    this.#isRemote = isRemote;
  }

  override get isRemote(): boolean {
    return this.#isRemote;
  }

  override accept(record: CallRecord, source: ValueSource, options?: AcceptOptions) {
    this.accepted++;
    return super.accept(record, source, options);
  }
}

async function saved<T extends Cache>(cache: T): Promise<T> {
  await cache.save(simple(1, RESULT));
  return cache;
}

async function lose(cache: Cache, value: unknown): Promise<void> {
  assert.equal(await cache.values.delete(digest(value).hex), true);
}

Deno.test("a value missing in any cache of a stack is healed from the next", async () => {
  for (const lost of [RESULT, PART]) {
    const caches = await Promise.all([1, 2, 3, 4].map(() => saved(new CountingCache())));
    const [, second, third] = caches;
    assert(second !== undefined && third !== undefined);
    const stack = new CacheStack([new CountingCache(), ...caches.slice(1)]);
    for (const cache of [second, third]) await lose(cache, lost);
    assertAlike(await stack.query().results(), [RESULT]);
    for (const cache of [second, third]) {
      assertAlike(await (await cache.load(KEY)).result(), RESULT);
    }
    assert.deepEqual([second.accepted, third.accepted], [1, 1]);
    // Now nothing is missing any more.
    assertAlike(await (await stack.load(KEY)).result(), RESULT);
    assert.deepEqual([second.accepted, third.accepted], [1, 1]);
  }
});

Deno.test("a part that the first cache has lost is healed, once for all parts", async () => {
  const near = await saved(new CountingCache());
  const far = await saved(new CountingCache());
  const stack = new CacheStack([near, far]);
  await lose(near, RESULT);
  await lose(near, PART);
  assertAlike(await (await stack.load(KEY)).result(), RESULT);
  assert.deepEqual([near.accepted, far.accepted], [1, 0]);
  assertAlike(await (await near.load(KEY)).result(), RESULT);
});

Deno.test("healing leaves alone what is read-only, remote, or has no such call", async () => {
  const far = await saved(new CountingCache());
  const readOnly = await saved(new CountingCache());
  const remote = await saved(new CountingCache(true));
  const other = new CountingCache();
  const first = await saved(new CountingCache());
  for (const cache of [readOnly, remote, first]) await lose(cache, RESULT);
  const stack = new CacheStack([first, readOnly.readonly(), other, remote, far]);
  using warnings = new Warnings();
  assertAlike(await (await stack.load(KEY)).result(), RESULT);
  const counts = [first, readOnly, other, remote].map(({ accepted }) => accepted);
  assert.deepEqual(counts, [1, 0, 0, 0]);
  assert.deepEqual(warnings.texts, []);
});

Deno.test("a cache that cannot be healed costs no load", async () => {
  class Full extends CountingCache {
    override accept(): Promise<void> {
      this.accepted++;
      return Promise.reject(new Error("no space left"));
    }
  }
  const full = await saved(new Full());
  await lose(full, RESULT);
  const stack = new CacheStack([full, await saved(memory())]);
  using warnings = new Warnings();
  assertAlike(await (await stack.load(KEY)).result(), RESULT);
  assert.equal(full.accepted, 1);
  assert.equal(warnings.about("no space left"), 1);
});

Deno.test("a cache of a stack that failed is left alone until reconnect()", async () => {
  const far = await saved(memory());
  const failing = new FailingCache("the disk is gone");
  const stack = new CacheStack([memory(), failing, far]);
  using _ = new Warnings();
  for (let round = 0; round < 3; round++) assert.equal(await stack.contains(KEY), true);
  assertAlike(await stack.query().results(), [RESULT]);
  assert.equal(failing.asked, 1);
  await stack.reconnect();
  assert.equal(await stack.contains(KEY), true);
  assert.equal(failing.asked, 2);
});

Deno.test("the first cache of a stack is not left alone because the one that a call is copied from fails", async () => {
  // Finds a call, and is gone when its values are read: one by one, or in one go.
  class Breaking extends CountingCache {
    override read(): Promise<never> {
      return Promise.reject(new Error("the link is gone"));
    }
  }
  class BreakingLater extends Breaking {
    override get deep(): DeepSource {
      // deno-lint-ignore require-yield
      const readDeep = async function* (): AsyncIterable<FoundValue> {
        throw new Error("the link is gone");
      };
      return { readDeep };
    }
  }
  for (const Far of [Breaking, BreakingLater]) {
    const near = memory();
    const other = await near.save(simple(2));
    const stack = new CacheStack([near, await saved(new Far(true))]);
    using warnings = new Warnings();
    await stack.load(KEY);
    assert.equal(await stack.contains(other), true);
    assert.equal(warnings.about(`${Far.name} number 2`), 1);
    assert.equal(warnings.about("number 1"), 0);
  }
});

Deno.test("a remote cache that failed is asked again, and says itself that it is gone", async () => {
  class Remote extends FailingCache {
    override get isRemote(): boolean {
      return true;
    }
  }
  const remote = new Remote("the link is gone");
  const stack = new CacheStack([memory(), remote]);
  using warnings = new Warnings();
  for (let round = 0; round < 3; round++) assert.equal(await stack.contains(KEY), false);
  assert.equal(remote.asked, 3);
  assert.equal(warnings.texts.length, 1);
});

Deno.test("a stack does not heal a cache that has another result of the call", async () => {
  const [near, far] = [memory(), await saved(memory())];
  const [call] = await Array.fromAsync(new CacheStack([near, far]).query());
  await near.save(simple(1, "newer"));
  assertAlike(await call?.result(), RESULT);
  assert.equal(await (await near.load(KEY)).result(), "newer");
});

Deno.test("a stack does not copy a call into a first cache that has it, but did not answer", async () => {
  using _ = new Warnings();
  const [near, far] = [memory(), await saved(memory())];
  await near.save(simple(1, "newer"));
  const find = near.find.bind(near);
  near.find = () => {
    near.find = find;
    return Promise.reject(new LockTimeoutError("busy", { resource: "it", seconds: 1 }));
  };
  const stack = new CacheStack([near, far]);
  assertAlike(await (await stack.load(KEY)).result(), RESULT);
  assert.equal(await (await near.load(KEY)).result(), "newer");
});
