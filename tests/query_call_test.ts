import {
  AmbiguousDigestError,
  type BaseCache,
  Cache,
  CacheStack,
  Call,
  CallFile,
  CallMemory,
  CallSql,
  type CallStorage,
  D,
  digest,
  fleche,
  IndigestibleError,
  type Json,
  NotFoundError,
  pure,
  QueryCall,
  type QueryTemplate,
  RefreshingCache,
  ValueMemory,
  withCache,
} from "@fleche/core";
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { memory } from "./caches/_doubles.ts";
import { TemporaryFolder } from "./storage/_temporary_folder.ts";

async function results(cache: BaseCache, template: QueryTemplate | Call): Promise<unknown[]> {
  return (await cache.query(template).results()).sort();
}

const GRID = Float64Array.from({ length: 500 }, (_, index) => index / 7);

async function sample(): Promise<BaseCache> {
  const cache = memory();
  const deps = "d".repeat(64);
  const calls = [
    new Call({ name: "f", version: 1, arguments: { x: 1, grid: GRID }, result: "a" }),
    new Call({ name: "f", version: 2, arguments: { x: 2, grid: GRID }, result: "b", deps }),
    new Call({ name: "f", module: "m", arguments: { x: { b: [2], a: 1 } }, result: "c" }),
    new Call({ name: "g", code: "c".repeat(64), arguments: { x: 1n, grid: [1] }, result: "d" }),
    new Call({ name: "g", arguments: { y: 1 }, result: GRID.map((each) => 2 * each) }),
  ];
  for (const call of calls) await cache.save(call);
  return cache;
}

Deno.test("QueryCall finds calls by the values of their arguments", async () => {
  const cache = await sample();
  assert.deepEqual(await results(cache, { arguments: { x: 1 } }), ["a"]);
  assert.deepEqual(await results(cache, { arguments: { x: 1n } }), ["d"]);
  assert.deepEqual(await results(cache, { arguments: { x: { a: 1, b: [2] } } }), ["c"]);
  assert.deepEqual(await results(cache, { arguments: { grid: GRID.slice() } }), ["a", "b"]);
  assert.deepEqual(await results(cache, { arguments: { grid: GRID, x: 2 } }), ["b"]);
  assert.deepEqual(await results(cache, { arguments: { grid: GRID, x: 3 } }), []);
  assert.deepEqual(await results(cache, { arguments: { z: 1 } }), []);
  assert.equal((await results(cache, { name: "f", arguments: {} })).length, 3);
});

Deno.test("QueryCall finds calls by digests, whole and short", async () => {
  const cache = await sample();
  const grid = digest(GRID);
  for (const each of [grid, D(grid.hex.slice(0, 10))]) {
    assert.deepEqual(await results(cache, { arguments: { grid: each } }), ["a", "b"]);
  }
  assert.deepEqual(await results(cache, { result: digest("b") }), ["b"]);
  assert.deepEqual(await results(cache, { result: D(digest("c").hex.slice(0, 12)) }), ["c"]);
  assert.deepEqual(await results(cache, { result: "d" }), ["d"]);
  // A whole digest may name what is not there; one that is short cannot be told from a mistake.
  assert.deepEqual(await results(cache, { result: digest("no result") }), []);
  const unknown = cache.query({ arguments: { x: D("123456789abc") } });
  await assert.rejects(unknown.count(), NotFoundError);
});

Deno.test("QueryCall expands short digests each time the search starts", async () => {
  const cache = memory();
  const short = D(digest("late").hex.slice(0, 16));
  const query = cache.query({ arguments: { x: short } });
  await assert.rejects(query.count(), NotFoundError);
  await cache.save(new Call({ name: "f", arguments: { x: "late" }, result: 1 }));
  assert.equal(await query.count(), 1);
  const byStart = new Map<string, number>();
  for (let number = 0;; number++) {
    const start = digest(number).hex.slice(0, 4);
    const other = byStart.get(start);
    byStart.set(start, number);
    if (other === undefined) continue;
    for (const x of [other, number]) {
      await cache.save(new Call({ name: "f", arguments: { x }, result: "r" }));
    }
    await assert.rejects(cache.query({ arguments: { x: D(start) } }).count(), AmbiguousDigestError);
    break;
  }
});

Deno.test("QueryCall finds calls by code, dependencies and result", async () => {
  const cache = await sample();
  assert.deepEqual(await results(cache, { code: "c".repeat(64) }), ["d"]);
  assert.deepEqual(await results(cache, { deps: "d".repeat(64) }), ["b"]);
  assert.equal((await results(cache, { deps: null })).length, 4);
  assert.equal((await results(cache, { code: null })).length, 4);
  const twice = await results(cache, { result: GRID.map((each) => 2 * each) });
  assert.equal(twice.length, 1);
});

Deno.test("QueryCall finds calls by their key, whole and short", async () => {
  const cache = await sample();
  const { key } = await cache.query({ result: "b" }).only();
  for (const each of [key, D(key), key.slice(0, 10), D(key.slice(0, 10)), key.toUpperCase()]) {
    assert.deepEqual(await results(cache, { key: each }), ["b"]);
  }
  assert.deepEqual(await results(cache, { key, name: "f", arguments: { x: 2 } }), ["b"]);
  assert.deepEqual(await results(cache, { key, name: "g" }), []);
  assert.deepEqual(await results(cache, { key, deps: null }), []);
  assert.deepEqual(await results(cache, { key: "f".repeat(64) }), []);
  // The digest of a value is no key.
  assert.deepEqual(await results(cache, { key: digest("b") }), []);
  assert.deepEqual(await results(new CacheStack([memory(), cache]), { key }), ["b"]);
  assert.deepEqual(await results(cache.readonly(), { key: key.slice(0, 10) }), ["b"]);
});

Deno.test("QueryCall finds calls by metadata and tags", async () => {
  const cache = memory();
  const notes: Record<string, Record<string, Json>>[] = [
    { git: { commit: "abc", dirty: false }, tags: { project: "ice", run: 1 } },
    { git: { commit: "abc", dirty: true }, tags: { project: "ice", run: 2, good: true } },
    { git: { commit: "def", dirty: false }, tags: { shape: { n: [1, 2] } } },
    {},
  ];
  for (const [x, metadata] of notes.entries()) {
    await cache.save(new Call({ name: "f", arguments: { x }, result: x, metadata }));
  }
  assert.deepEqual(await results(cache, { metadata: { git: { commit: "abc" } } }), [0, 1]);
  const clean = { git: { commit: "abc", dirty: false } };
  assert.deepEqual(await results(cache, { metadata: clean }), [0]);
  assert.deepEqual(await results(cache, { tags: { project: "ice" } }), [0, 1]);
  assert.deepEqual(await results(cache, { tags: { project: "ice", run: 2 } }), [1]);
  assert.deepEqual(await results(cache, { tags: { shape: { n: [1, 2] } } }), [2]);
  assert.deepEqual(await results(cache, { tags: { run: "1" } }), []);
  // A name alone stands for true, as where calls are tagged.
  assert.deepEqual(await results(cache, { tags: ["good"] }), [1]);
  assert.deepEqual(await results(cache, { tags: ["good", "project"] }), []);
  assert.deepEqual(await results(cache, { metadata: clean, tags: { run: 1 } }), [0]);
  const both = { metadata: { tags: { project: "ice" } }, tags: { run: 2 } };
  assert.deepEqual(await results(cache, both), [1]);
  assert.deepEqual(await results(cache, { metadata: { constructor: { name: "Object" } } }), []);
  // A namespace that has to be there, whatever it holds.
  assert.deepEqual(await results(cache, { metadata: { tags: {} } }), [0, 1, 2]);
});

Deno.test("QueryCall takes a call as template, and leaves open what the call has not", async () => {
  const cache = memory();
  const add = fleche(
    (x: number | undefined, y: number, z = 5) => Number(x) + y + z,
    { name: "add", version: 1 },
  );
  await withCache(cache, async () => {
    for (const [x, y] of [[1, 2], [1, 3], [2, 2]] as const) await add(x, y);
    await add(1, 2, 6);
  });
  await cache.save(new Call({ name: "add", arguments: { x: 1, y: 2, z: 5 }, result: "old" }));
  const all = await results(cache, new Call({ name: "add" }));
  assert.deepEqual(all, [8, 9, 9, 9, "old"]);
  assert.deepEqual(await results(cache, add.describe(1, 2)), [8]);
  // An argument that is left out matches any.
  assert.deepEqual(await results(cache, add.describe(undefined, 2)), [8, 9]);
  assert.deepEqual(await results(cache, new Call({ name: "add", arguments: { z: 6 } })), [9]);
  assert.deepEqual(await results(cache, new Call({ name: "add", result: "old" })), ["old"]);
  const { deps, ...rest } = add.describe(1, 2);
  assert.equal(deps, null);
  assert.deepEqual(await results(cache, new Call({ ...rest, deps: "e".repeat(64) })), []);
});

Deno.test("QueryCall tells closures apart by their dependencies", async () => {
  const cache = memory();
  const scaler = (factor: number) =>
    fleche((x?: number) => factor * Number(x), { name: "scaled", version: 1, deps: [factor] });
  const [twice, thrice] = [scaler(2), scaler(3)];
  await withCache(cache, async () => {
    for (const x of [1, 2]) [await twice(x), await thrice(x)];
  });
  assert.deepEqual(await results(cache, twice.describe(1)), [2]);
  assert.deepEqual(await results(cache, new Call({ name: "scaled" })), [2, 3, 4, 6]);
  assert.deepEqual(await results(cache, thrice.describe()), [3, 6]);
});

Deno.test("QueryCall searches for functions as arguments", async () => {
  const cache = memory();
  const half = (x: number) => x / 2;
  await cache.save(new Call({ name: "map", arguments: { fn: pure(half) }, result: 1 }));
  assert.deepEqual(await results(cache, { arguments: { fn: pure(half) } }), [1]);
  const plain = (x: number) => x / 2;
  assert.throws(() => cache.query({ arguments: { fn: plain } }), IndigestibleError);
});

Deno.test("a query is settled when it is made, whatever becomes of the template", async () => {
  const cache = await sample();
  const template = { name: "f", arguments: { x: { a: 1, b: [2] } }, metadata: {} };
  const query = cache.query(template);
  template.arguments.x.b.push(3);
  template.name = "g";
  assert.deepEqual(await query.results(), ["c"]);
  const tagged = { tags: { list: [1] } };
  await cache.save(new Call({ name: "t", result: "t", metadata: { tags: { list: [1] } } }));
  const byTag = cache.query(tagged);
  tagged.tags.list.push(2);
  assert.deepEqual(await byTag.results(), ["t"]);
});

Deno.test("a QueryCall can be used in several caches", async () => {
  const wanted = new QueryCall({ arguments: { x: 1 } });
  assert.equal(await (await sample()).query(wanted).count(), 1);
  assert.equal(await memory().query(wanted).count(), 0);
});

Deno.test("QueryCall refuses what no template is", async () => {
  const cache = await sample();
  const wrong: [template: unknown, message: RegExp][] = [
    [{ argument: { x: 1 } }, /^Cannot search for calls by "argument": it takes key, name, /],
    [{ name: 5 }, /"name" should be a string$/],
    [{ name: null }, /"name" should be a string$/],
    [{ module: 5 }, /"module" should be a string or null$/],
    [{ version: 1n }, /"version" should be a string, a number or null$/],
    [{ arguments: [1] }, /"arguments" should be an object of values$/],
    [{ arguments: null }, /"arguments" should be an object of values$/],
    [{ metadata: { git: 5 } }, /"metadata" should be an object of objects of what JSON can hold$/],
    [{ metadata: { git: { at: new Date() } } }, /"metadata" should be/],
    [{ tags: [1] }, /"tags" should be an object of what JSON can hold, or a list of names$/],
    [{ tags: { n: 1n } }, /"tags" should be/],
    [{ key: "xyz" }, /^Cannot use "xyz" as a digest/],
    [{ code: "zz" }, /^Cannot use "zz" as a digest/],
    [{ deps: 5 }, /"deps" should be a digest$/],
    ["f", /^Cannot search for what is neither a plain object nor a Call$/],
    [null, /^Cannot search for what is neither/],
    [await cache.query({ result: "a" }).only(), /^Cannot search for what is neither/],
    [cache, /^Cannot search for what is neither/],
  ];
  for (const [template, message] of wrong) {
    // What JavaScript may pass.
    const given = template as QueryTemplate;
    assert.throws(() => cache.query(given), { name: "TypeError", message });
  }
  const path = { name: "IndigestibleError", message: /arguments\.x/ };
  assert.throws(() => cache.query({ arguments: { x: () => 1 } }), path);
  assert.throws(() => cache.query({ result: { y: Symbol() } }), { message: /result\.y/ });
});

Deno.test("QueryCall takes undefined for what is left open", async () => {
  const cache = await sample();
  // What JavaScript may pass, and TypeScript without exact optional properties.
  const open: Record<string, unknown> = { name: undefined, version: undefined, tags: undefined };
  const template = { ...open, arguments: { x: undefined } } as QueryTemplate;
  assert.equal(await cache.query(template).count(), 5);
  const notes: Record<string, unknown> = { metadata: { runtime: undefined } };
  assert.throws(() => cache.query(notes as QueryTemplate), TypeError);
});

Deno.test("a RefreshingCache finds by everything but the key what it would compute again", async () => {
  const cache = await sample();
  const fresh = new RefreshingCache(cache);
  assert.deepEqual(await results(fresh, { arguments: { x: 1 } }), ["a"]);
  const { key } = await cache.query({ result: "a" }).only();
  assert.deepEqual(await results(fresh, { key }), []);
});

interface Fields {
  readonly name: string;
  readonly module: string | null;
  readonly version: string | number | null;
  readonly arguments: Record<string, unknown>;
  readonly result: unknown;
  readonly tags: Record<string, Json>;
}

const few = fc.constantFrom<unknown>(0, 1, "1", null, [1], "z".repeat(1500), { a: 1 });
const fields = fc.record({
  name: fc.constantFrom("f", "g"),
  module: fc.constantFrom(null, "m"),
  version: fc.constantFrom(null, 1, "1"),
  arguments: fc.dictionary(fc.constantFrom("x", "y", "__proto__"), few, {
    maxKeys: 2,
    noNullPrototype: true,
  }),
  result: few,
  tags: fc.dictionary(
    fc.constantFrom("p", "q"),
    fc.constantFrom<Json>(1, "1", null, [1], { a: [] }),
    { maxKeys: 2, noNullPrototype: true },
  ),
});
const template = fc.record({
  name: fc.constantFrom("f", "g"),
  module: fc.constantFrom(null, "m"),
  version: fc.constantFrom(null, 1, "1"),
  arguments: fc.dictionary(fc.constantFrom("x", "y"), few, { maxKeys: 2, noNullPrototype: true }),
  result: few,
  tags: fc.dictionary(fc.constantFrom("p", "q"), fc.constantFrom<Json>(1, null, [1]), {
    maxKeys: 2,
    noNullPrototype: true,
  }),
}, { requiredKeys: [] });

function holds(call: Fields, wanted: QueryTemplate): boolean {
  const within = (table: object, part: object) =>
    Object.entries(part).every(([name, value]) =>
      Object.hasOwn(table, name) && isDeepStrictEqual(Reflect.get(table, name), value)
    );
  const { arguments: args = {}, tags = {}, ...rest } = wanted;
  return within(call, rest) && within(call.arguments, args) && within(call.tags, tags);
}

const STORAGES: readonly (readonly [
  name: string,
  numRuns: number,
  open: (folder: TemporaryFolder) => CallStorage,
])[] = [
  ["CallMemory", 300, () => new CallMemory()],
  ["CallSql", 60, () => new CallSql({ url: "sqlite://" })],
  ["CallFile", 20, (folder) => new CallFile({ root: folder.join("calls") })],
];

for (const [name, numRuns, open] of STORAGES) {
  Deno.test(`query() on ${name} finds just what a look at all calls finds`, async () => {
    const property = fc.asyncProperty(
      fc.array(fields, { maxLength: 12 }),
      fc.array(template, { minLength: 1, maxLength: 5 }),
      async (all, templates) => {
        using folder = new TemporaryFolder();
        await using cache = new Cache({ values: new ValueMemory(), calls: open(folder) });
        const filed = new Map<string, Fields>();
        for (const each of all) {
          const { tags, ...rest } = each;
          const key = await cache.save(new Call({ ...rest, metadata: { tags } }));
          filed.delete(key);
          filed.set(key, each);
        }
        for (const wanted of templates) {
          const found = await Array.fromAsync(cache.query(wanted), ({ key }) => key);
          const expected = [...filed].filter(([, each]) => holds(each, wanted));
          assert.deepEqual(found, expected.map(([key]) => key).reverse());
        }
      },
    );
    await fc.assert(property, { seed: 11, numRuns });
  });
}
