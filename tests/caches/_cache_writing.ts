import {
  Cache,
  Call,
  CallMemory,
  D,
  digest,
  IndigestibleError,
  NotFoundError,
  RejectedError,
  ValueMemory,
} from "@fleche/core";
import assert from "node:assert/strict";
import { type CacheManifest, define, isNotFound, LARGE, simple } from "./_cache_manifest.ts";

/** What holds for every cache. */
export function testAny(manifest: CacheManifest): void {
  define(manifest, "finds nothing when nothing is stored", async ({ cache }) => {
    const { key } = simple("absent");
    await assert.rejects(cache.load(key), isNotFound(key));
    await assert.rejects(cache.loadValue(key), isNotFound(key));
    await assert.rejects(cache.load(key.slice(0, 6)), isNotFound(key.slice(0, 6)));
    await assert.rejects(cache.expand(key.slice(0, 6)), isNotFound(key.slice(0, 6)));
    await assert.rejects(cache.expand(key), isNotFound(key));
    await assert.rejects(cache.shrink(key), isNotFound(key));
    assert.equal(await cache.contains(key), false);
    assert.equal(await cache.contains(key.slice(0, 6)), false);
    assert.equal(await cache.find(key), undefined);
    assert.equal(await cache.readNamed(key), undefined);
    assert.equal(await cache.read({ digest: key, crc: 1, length: 1 }), undefined);
    assert.deepEqual(await cache.list(""), []);
    assert.equal(await cache.query().count(), 0);
    assert.deepEqual(await cache.shrink(), []);
  });

  define(manifest, "takes 4 to 64 hexadecimal digits for a key", async ({ cache }) => {
    for (const key of ["", "abc", "xyz0", "a".repeat(65), "sqrt", "12 4", "-123"]) {
      const named = (error: unknown) => error instanceof TypeError && error.message.includes(key);
      await assert.rejects(cache.load(key), named);
      await assert.rejects(cache.loadValue(key), named);
      await assert.rejects(cache.contains(key), named);
      await assert.rejects(cache.evict(key), named);
      await assert.rejects(cache.expand(key), named);
      await assert.rejects(cache.shrink(key), named);
    }
  });

  define(manifest, "can be closed twice and used again", async ({ cache }) => {
    await cache.close();
    await cache.close();
    assert.equal(await cache.contains("0".repeat(64)), false);
  });
}

/** What holds where calls can be stored. */
export function testWritable(manifest: CacheManifest): void {
  define(manifest, "save() returns the key of the call", async ({ cache }) => {
    assert.equal(cache.isReadOnly, false);
    const call = new Call({
      ...{ name: "f", module: "m", version: "2", code: "c".repeat(64), hashed: ["version"] },
      arguments: { x: 1, absent: undefined, large: LARGE },
      result: null,
    });
    assert.equal(await cache.save(call), call.key);
    const same = new Call({
      ...{ name: "f", version: "2", arguments: { x: 1, large: D(digest(LARGE).hex) }, result: 1 },
    });
    assert.equal(await cache.save(same), call.key);
  });

  define(manifest, "save() refuses what has no result or no encoding", async ({ cache }) => {
    const isIndigestible = (path: string) => (error: unknown) =>
      error instanceof IndigestibleError && error.data.path === path;
    const call = new Call({ name: "f", arguments: { x: 1 } });
    await assert.rejects(cache.save(call), TypeError);
    await assert.rejects(cache.save(simple(Symbol())), isIndigestible("arguments.x"));
    await assert.rejects(cache.save(simple(1, [() => 1])), isIndigestible("result[0]"));
    await assert.rejects(cache.save(simple(D("abcd"))), isIndigestible("arguments.x"));
    assert.equal(await cache.contains(simple(1).key), false);
    assert.equal(await cache.query().count(), 0);
  });

  define(manifest, "a prepared call ends exactly once", async ({ cache }) => {
    const ended = (error: unknown) =>
      error instanceof TypeError && /second time/.test(error.message);
    const one = await cache.prepare(simple(1));
    assert.equal(one.key, simple(1).key);
    assert.equal(await one.commit({ result: 1 }), one.key);
    await assert.rejects(one.commit({ result: 1 }), ended);
    assert.throws(() => one.abandon(), ended);
    const two = await cache.prepare(simple(2));
    two.abandon();
    assert.throws(() => two.abandon(), ended);
    await assert.rejects(two.commit({ result: 2 }), ended);
    assert.equal(await cache.contains(two.key), false);
  });

  define(manifest, "evict() of what is not there is false", async ({ cache }) => {
    assert.equal(await cache.evict(simple(1).key), false);
    assert.equal(await cache.evict(simple(1).key.slice(0, 8)), false);
  });

  define(manifest, "accept() refuses a call whose result is not whole", async ({ cache }) => {
    const elsewhere = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
    const part = new Uint8Array(100_000);
    const key = await elsewhere.save(simple(1, { a: LARGE, b: [{ c: part }] }));
    await elsewhere.values.delete(digest(part).hex);
    const record = (await elsewhere.load(key)).detach();
    await assert.rejects(cache.accept(record, elsewhere), NotFoundError);
    assert.equal(await cache.contains(key), false);
  });
}

/** What holds where they cannot. */
export function testRefusing(manifest: CacheManifest): void {
  define(manifest, "refuses to store and to evict", async ({ cache, behind }) => {
    const key = await behind.save(simple(1));
    const record = (await behind.load(key)).detach();
    assert.equal(cache.isReadOnly, true);
    const isRejected = (error: unknown) => {
      return error instanceof RejectedError && /read-only/.test(error.message);
    };
    await assert.rejects(cache.save(simple(2)), isRejected);
    await assert.rejects(cache.prepare(simple(2)), isRejected);
    await assert.rejects(cache.accept(record, behind), isRejected);
    await assert.rejects(cache.evict(key), isRejected);
    await assert.rejects(cache.evict(key.slice(0, 8)), isRejected);
    assert.equal(await behind.query().count(), 1);
  });
}

/** What holds where calls that were stored are found again. */
export function testEvicting(manifest: CacheManifest): void {
  define(manifest, "evict() removes a call and leaves the others", async ({ cache }) => {
    const keys = [await cache.save(simple(1)), await cache.save(simple(2))] as const;
    const third = await cache.save(simple(3));
    assert.equal(await cache.evict(keys[0]), true);
    assert.equal(await cache.evict(keys[0]), false);
    assert.equal(await cache.evict(keys[1].slice(0, 8)), true);
    assert.equal(await cache.contains(keys[0]), false);
    assert.equal(await cache.contains(keys[1]), false);
    assert.equal(await cache.contains(third), true);
    assert.deepEqual(await Array.fromAsync(cache.query(), ({ key }) => key), [third]);
  });

  define(manifest, "arguments are sealed when a call is prepared", async ({ cache }) => {
    const list = [1, 2];
    const call = simple(list);
    const { key } = call;
    const prepared = await cache.prepare(call);
    list.push(3);
    assert.equal(await prepared.commit({ result: "r", metadata: { m: { a: 1 } } }), key);
    const loaded = await cache.load(key);
    assert.deepEqual(await loaded.argument("x"), [1, 2]);
    assert.deepEqual(loaded.metadata, { m: { a: 1 } });
  });

  define(manifest, "arguments that are not to be stored leave their digest", async ({ cache }) => {
    const call = simple("private");
    const prepared = await cache.prepare(call, { storeArguments: false });
    await prepared.commit({ result: 1 });
    const loaded = await cache.load(call.key);
    assert.equal(await loaded.result(), 1);
    await assert.rejects(loaded.argument("x"), isNotFound(digest("private").hex));
    assert.match(loaded.describeArguments(), /^x=<[0-9a-f]{8}>$/);
    await assert.rejects(cache.loadValue(digest("private")), NotFoundError);
  });
}
