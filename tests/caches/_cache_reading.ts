import {
  AmbiguousDigestError,
  type BaseCache,
  Cache,
  Call,
  CallMemory,
  D,
  digest,
  NotFoundError,
  ValueMemory,
} from "@fleche/core";
import assert from "node:assert/strict";
import { assertAlike } from "../storage/_samples.ts";
import { type CacheManifest, define, isNotFound, LARGE, simple } from "./_cache_manifest.ts";

/** What holds where calls are never found. */
export function testNotFinding(manifest: CacheManifest): void {
  define(manifest, "misses what was stored", async ({ cache, behind }) => {
    const key = await behind.save(simple(1));
    assert.equal(await cache.contains(key), false);
    assert.equal(await cache.find(key), undefined);
    await assert.rejects(cache.load(key), NotFoundError);
  });
}

/** What holds where calls are found. */
export function testFinding(manifest: CacheManifest): void {
  define(manifest, "load() finds a call by every form of its key", async ({ cache, behind }) => {
    const key = await behind.save(simple({ a: 1 }, [2n]));
    for (const form of [key, D(key), key.toUpperCase(), key.slice(0, 4), D(key.slice(0, 9))]) {
      const call = await cache.load(form);
      assert.equal(call.key, key);
      assert.deepEqual(await call.result(), [2n]);
      assert.equal(await cache.contains(form), true);
      assert.equal(await cache.expand(form), key);
      assert.equal(await cache.shrink(form), key.slice(0, 4));
    }
  });

  define(manifest, "load() gives all that was noted of a call", async ({ cache, behind }) => {
    const child = "e".repeat(64);
    const options = {
      ...{ name: "f", module: "p/a.ts", version: 2, code: "a".repeat(64), deps: "b".repeat(64) },
      ...{ source: "d".repeat(64), hashed: ["version", "code"] as const, calls: [child] },
      arguments: { y: [undefined, -0], x: new Float32Array([1.5]), none: undefined },
      metadata: { runtime: { walltime: 1.25, nested: [{ a: null }] } },
      result: new Map([["k", new Set([1])]]),
    };
    const key = await behind.save(new Call(options));
    const call = await cache.load(key);
    const { name, module, version, code, deps, source, hashed, calls, metadata } = call;
    const { arguments: given, result, ...fields } = options;
    assert.deepEqual(
      { name, module, version, code, deps, source, hashed, calls, metadata },
      { ...fields, hashed: [...options.hashed] },
    );
    assert.deepEqual(call.argumentNames, ["y", "x"]);
    assert.deepEqual(await call.arguments(), { y: given.y, x: given.x });
    assert.deepEqual(await call.argument("x"), given.x);
    assert.equal(await call.argument("none"), undefined);
    assertAlike(await call.result(), result);
    const whole = await call.fetch();
    assertAlike(whole.result, result);
    assert.equal(whole.key, key);
  });

  define(manifest, "what a caller does to a result changes no other", async ({ cache, behind }) => {
    for (const length of manifest.keepsValues ? [10, 5000, 300_000] : [10]) {
      const key = await behind.save(simple(length, { data: new Float64Array(length).fill(1) }));
      for (let round = 0; round < 2; round++) {
        const result = await (await cache.load(key)).result() as { data: Float64Array };
        assertAlike(result.data, new Float64Array(length).fill(1));
        result.data.fill(2);
      }
    }
  });

  define(manifest, "loadValue() finds what records embed", async ({ cache, behind }) => {
    await behind.save(simple({ a: 1 }, "short"));
    assert.deepEqual(await cache.loadValue(digest({ a: 1 })), { a: 1 });
    assert.equal(await cache.loadValue(digest("short").hex.slice(0, 7)), "short");
  });

  define(
    manifest,
    "a call that is stored again takes its new result",
    async ({ cache, behind }) => {
      await behind.save(simple(1, "old"));
      const key = await behind.save(simple(1, "new"));
      assert.equal(await (await cache.load(key)).result(), "new");
      assert.equal(await cache.query().count(), 1);
    },
  );
}

/** What holds where calls are found with their values. */
export function testLoading(manifest: CacheManifest): void {
  define(manifest, "large values and their parts come back", async ({ cache, behind }) => {
    const part = Float64Array.from({ length: 20_000 }, (_, index) => index / 3);
    const argument = { list: [LARGE, part], bytes: new Uint8Array(2 << 20).fill(3) };
    const result = new Map<string, unknown>([["series", [part, { part }]], ["text", LARGE]]);
    const key = await behind.save(simple(argument, result));
    const call = await cache.load(key);
    assertAlike(await call.argument("x"), argument);
    assertAlike(await call.result(), result);
    assert.deepEqual(await behind.missing(call.detach().references), []);
  });

  define(manifest, "equal parts of a value share no memory", async ({ cache, behind }) => {
    const part = () => ({ data: new Float64Array(20_000).fill(1) });
    const value = { first: part(), nested: [part(), { deep: [part()] }], plain: part().data };
    const key = await behind.save(simple(1, value));
    const loaded = await (await cache.load(key)).result() as typeof value;
    assertAlike(loaded, value);
    const [second, third] = loaded.nested as [typeof value.first, { deep: typeof value.first[] }];
    const copies = [loaded.first.data, second.data, third.deep[0]?.data, loaded.plain];
    assert.equal(new Set(copies.map((each) => each?.buffer)).size, 4);
    assert.notEqual(loaded.first, second);
    for (const [index, copy] of copies.entries()) copy?.fill(index);
    assert.deepEqual(copies.map((each) => each?.[7]), [0, 1, 2, 3]);
  });

  define(manifest, "equal parts inside of equal parts share no memory", async (opened) => {
    const { cache, behind } = opened;
    const data = () => new Float64Array(20_000).fill(1);
    // Large by itself, though each of its elements but one is small.
    const part = () => ({ data: data(), a: "a".repeat(40_000), b: "b".repeat(40_000) });
    const outer = () => ({ part: part(), c: "c".repeat(40_000), d: "d".repeat(40_000) });
    const values = [
      { one: part(), two: part() },
      // The second time is found after, or before, the parts of the first are known.
      { one: part(), two: outer() },
      { one: outer(), two: outer(), three: data() },
    ];
    for (const [x, value] of values.entries()) {
      const key = await behind.save(simple(x, value));
      const loaded = await (await cache.load(key)).result();
      assertAlike(loaded, value);
      const found = arraysIn(loaded);
      assert.equal(new Set(found.map(({ buffer }) => buffer)).size, found.length);
      assert.equal(found.length, x === 2 ? 3 : 2);
    }
  });

  define(manifest, "a digest as argument stands for its value", async ({ cache, behind }) => {
    await behind.save(simple(1, LARGE));
    const call = new Call({ name: "g", arguments: { x: D(digest(LARGE).hex) }, result: 2 });
    assert.equal(call.key, new Call({ name: "g", arguments: { x: LARGE } }).key);
    const loaded = await cache.load(await behind.save(call));
    assert.equal(await loaded.argument("x"), LARGE);
  });
}

function arraysIn(value: unknown): Float64Array[] {
  if (value instanceof Float64Array) return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(arraysIn) : [];
}

/** What holds where values are kept. */
export function testValues(manifest: CacheManifest): void {
  define(manifest, "loadValue() finds values, and parts of them", async ({ cache, behind }) => {
    const part = new Uint16Array(100_000).fill(9);
    const value = { a: LARGE, b: part };
    await behind.save(simple(value, LARGE));
    assertAlike(await cache.loadValue(digest(value)), value);
    assertAlike(await cache.loadValue(digest(part).hex.slice(0, 10)), part);
    assert.equal(await cache.loadValue(digest(LARGE)), LARGE);
    assert.equal(await cache.expand(digest(part).hex.slice(0, 10)), digest(part).hex);
  });

  define(manifest, "values outlive the calls that hold them", async ({ cache, behind }) => {
    await behind.evict(await behind.save(simple(1, LARGE)));
    assert.equal(await cache.loadValue(digest(LARGE)), LARGE);
  });
}

/** What holds where records can be searched. */
export function testQueries(manifest: CacheManifest): void {
  define(manifest, "query() finds calls by name, module and version", async ({ cache, behind }) => {
    const options = [
      { name: "f", module: "a", version: 1 },
      { name: "f", module: "a", version: "1" },
      { name: "f", module: "b", version: null },
      { name: "g", module: null, version: 1 },
    ];
    for (const [result, each] of options.entries()) {
      await behind.save(new Call({ ...each, result }));
    }
    const results = async (template?: Parameters<BaseCache["query"]>[0]) => {
      return (await cache.query(template).results()).sort();
    };
    assert.deepEqual(await results(), [0, 1, 2, 3]);
    assert.deepEqual(await results({}), [0, 1, 2, 3]);
    assert.deepEqual(await results({ name: "f" }), [0, 1, 2]);
    assert.deepEqual(await results({ name: "f", module: "a" }), [0, 1]);
    assert.deepEqual(await results({ version: 1 }), [0, 3]);
    assert.deepEqual(await results({ version: "1" }), [1]);
    assert.deepEqual(await results({ version: null }), [2]);
    assert.deepEqual(await results({ module: null }), [3]);
    assert.deepEqual(await results({ name: "h" }), []);
    assert.equal(await cache.query({ module: "a" }).count(), 2);
  });

  define(manifest, "a query can be iterated again, and finds what is new", async (opened) => {
    const { cache, behind } = opened;
    const query = cache.query({ name: "f" });
    assert.equal(await query.count(), 0);
    for (const x of [1, 2, 3]) await behind.save(simple(x));
    assert.equal(await query.count(), 3);
    assert.deepEqual(await query.results(), [3, 2, 1]);
    const both = await Promise.all([query.results(), query.results()]);
    assert.deepEqual(both, [[3, 2, 1], [3, 2, 1]]);
    for await (const call of query) {
      assert.equal(await call.argument("x"), 3);
      break;
    }
    assert.equal(await query.count(), 3);
  });

  define(manifest, "table() shows the calls", async ({ cache, behind }) => {
    const metadata = { runtime: { timestop: 1_700_000_000, walltime: 1.5 } };
    const values = { x: 1, y: "two", z: LARGE };
    const call = new Call({ name: "f", version: 7, arguments: values, result: 1, metadata });
    await behind.save(call);
    const { rows } = await cache.query().table();
    assert.deepEqual(rows, [{
      ...{ key: call.key, name: "f", module: null, version: 7, result: "1", walltime: 1.5 },
      shortKey: await cache.shrink(call.key),
      arguments: `x=1, y="two", z=<${digest(LARGE).hex.slice(0, 8)}>`,
      finished: new Date(1_700_000_000_000),
    }]);
  });

  define(manifest, "accept() takes a call with all its values", async ({ cache, behind }) => {
    const elsewhere = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
    const part = new Uint8Array(100_000).fill(8);
    const argument = "y".repeat(2000);
    const key = await elsewhere.save(simple(argument, { a: LARGE, b: [{ c: part }] }));
    const record = (await elsewhere.load(key)).detach();
    await behind.accept(record, elsewhere);
    const [call] = await Array.fromAsync(cache.query());
    assert(call !== undefined);
    assert.equal(call.key, key);
    if (!manifest.keepsValues) return;
    assertAlike(await call.result(), { a: LARGE, b: [{ c: part }] });
    await assert.rejects(call.argument("x"), isNotFound(digest(argument).hex));
    await behind.accept(record, elsewhere, { arguments: true });
    assert.equal(await call.argument("x"), argument);
  });

  define(manifest, "short digests that could mean several are refused", async (opened) => {
    const { cache, behind } = opened;
    // Two small integers whose digests begin alike, found by trying.
    const byStart = new Map<string, number>();
    let pair: [number, number] | undefined;
    for (let number = 0; pair === undefined; number++) {
      const start = digest(number).hex.slice(0, 4);
      const other = byStart.get(start);
      if (other !== undefined) pair = [other, number];
      byStart.set(start, number);
    }
    for (const number of pair) await behind.save(simple(number, "r"));
    const digests = pair.map((number) => digest(number).hex).sort();
    const prefix = digests[0]?.slice(0, 4) ?? "";
    for (const use of [cache.loadValue(prefix), cache.expand(prefix), cache.shrink(prefix)]) {
      await assert.rejects(use, (error) => {
        assert(error instanceof AmbiguousDigestError);
        assert.deepEqual(error.data, { prefix, candidates: digests });
        return true;
      });
    }
    const shrunk = await cache.shrink(...digests);
    for (const [index, short] of shrunk.entries()) {
      assert(short.length > 4);
      assert.equal(await cache.expand(short), digests[index]);
      assert.equal(await cache.loadValue(short), await cache.loadValue(digests[index] ?? ""));
      await assert.rejects(cache.expand(short.slice(0, -1)), AmbiguousDigestError);
    }
  });
}

/** What holds where entries outlive the process. */
export function testPersistent(manifest: CacheManifest): void {
  define(manifest, "finds again what it held when it was closed", async (opened, folder) => {
    const key = await opened.behind.save(simple(1, "kept"));
    await opened.cache.close();
    assert.deepEqual(await opened.cache.query().results(), ["kept"]);
    const again = await manifest.open(folder);
    await using _ = again.cache;
    assert.deepEqual(await Array.fromAsync(again.cache.query(), (call) => call.key), [key]);
  });
}
