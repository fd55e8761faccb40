import {
  Cache,
  Call,
  CallMemory,
  digest,
  type Explanation,
  FilteredCache,
  fleche,
  type FlecheOptions,
  RefreshingCache,
  registerType,
  ValueMemory,
  withCache,
} from "@fleche/core";
import assert from "node:assert";
import { memoryCache } from "../_wrapper.ts";

/** A function that does not look at its arguments; the options make it another one. */
function made(name: string, options: FlecheOptions = {}) {
  return fleche((_a?: unknown, _b?: unknown) => 1, { name, params: ["a", "b"], ...options });
}

function differencesOf({ differences }: Explanation): string[] {
  return differences.map(({ component, path, stored, given }) =>
    `${component} ${path}: ${stored} -> ${given}`
  );
}

Deno.test("explain() says what is stored, under which key and since when", async () => {
  const fn = made("explained hit");
  await withCache(memoryCache(), async () => {
    await fn(1);
    const explanation = await fn.explain(1);
    assert.equal(explanation.status, "hit");
    assert.equal(explanation.key, fn.digest(1));
    assert.equal(explanation.call?.key, fn.digest(1));
    const text = `${explanation}`;
    assert.match(text, /^explained hit is stored as [0-9a-f]{8} since \d{4}-/);
    assert.equal(Deno.inspect(explanation), text);
  });
});

Deno.test("explain() runs nothing, and stores nothing", async () => {
  let runs = 0;
  const fn = fleche((x: number) => (runs++, x), { name: "explained only" });
  await using cache = memoryCache();
  const explanation = await withCache(cache, () => fn.explain(1));
  assert.deepEqual([runs, await cache.query().count()], [0, 0]);
  assert.equal(explanation.status, "miss");
  assert.equal(
    `${explanation}`,
    'explained only is not stored: no call of a function "explained only" is',
  );
});

Deno.test("explain() names the place in an argument that differs", async () => {
  const grid = [{ dx: 1 }, { dx: 2 }, { dx: 3 }, { dx: 0.1 }];
  const stored = { grid, kind: "fine", list: new Float64Array([1, 2, 3]), "odd key": 1, gone: 1 };
  const fn = made("explained path");
  await withCache(memoryCache(), async () => {
    await fn(stored, 1);
    const explained = async (change: object) =>
      differencesOf(await fn.explain({ ...stored, ...change }, 1));
    const finer = grid.with(3, { dx: 0.2 });
    assert.deepEqual(await explained({ grid: finer }), ["argument a.grid[3].dx: 0.1 -> 0.2"]);
    assert.deepEqual(await explained({ grid: grid.slice(1) }), [
      "argument a.grid.length: 4 -> 3",
      "argument a.grid[0].dx: 1 -> 2",
      "argument a.grid[1].dx: 2 -> 3",
      "argument a.grid[2].dx: 3 -> 0.1",
    ]);
    assert.deepEqual(await explained({ list: new Float64Array([1, 5, 3]), "odd key": "1" }), [
      "argument a.list[1]: 2 -> 5",
      'argument a["odd key"]: 1 -> "1"',
    ]);
    assert.deepEqual(await explained({ kind: ["fine"] }), ['argument a.kind: "fine" -> ["fine"]']);
    assert.deepEqual(await explained({ fresh: true, gone: null }), [
      "argument a.gone: 1 -> null",
      "argument a.fresh: undefined -> true",
    ]);
    const { gone: _, ...without } = stored;
    assert.deepEqual(differencesOf(await fn.explain(without, 1)), [
      "argument a.gone: 1 -> undefined",
    ]);
    const text = `${await fn.explain({ ...stored, grid: finer }, 1)}`;
    assert.match(
      text,
      /is not stored; the closest stored call is [0-9a-f]{8} since .*, with\n {2}a\./,
    );
    assert.match(text, /\n {2}a\.grid\[3\]\.dx: 0\.1 -> 0\.2$/);
  });
});

Deno.test("explain() names arguments that only one of the calls has", async () => {
  const fn = made("explained absence");
  await withCache(memoryCache(), async () => {
    await fn(1, 2);
    assert.deepEqual(differencesOf(await fn.explain(1)), ["argument b: 2 -> undefined"]);
  });
  await withCache(memoryCache(), async () => {
    await fn(1);
    assert.deepEqual(differencesOf(await fn.explain(1, 2)), ["argument b: undefined -> 2"]);
  });
});

Deno.test("explain() compares with the closest of the stored calls", async () => {
  const fn = made("explained closest");
  await withCache(memoryCache(), async () => {
    await fn(1, 1);
    await fn(2, 2);
    await fn(3, 3);
    assert.equal((await fn.explain(2, 5)).call?.key, fn.digest(2, 2));
    assert.equal((await fn.explain(1, 5)).call?.key, fn.digest(1, 1));
  });
});

Deno.test("explain() gives digests where argument values are not stored", async () => {
  const fn = made("explained digests", { storeArguments: false });
  await withCache(memoryCache(), async () => {
    await fn([1]);
    const [difference] = (await fn.explain([2])).differences;
    assert.match(difference?.stored ?? "", /^<[0-9a-f]{8}>$/);
    assert.equal(difference?.given, "[2]");
  });
});

Deno.test("explain() names version, module, code and deps that differ", async () => {
  const cases: [string, FlecheOptions, FlecheOptions, RegExp][] = [
    ["version", { version: 1 }, { version: "2" }, /^version version: 1 -> "2"$/],
    ["module", { module: "one" }, { module: "other" }, /^module module: "one" -> "other"$/],
    ["code", { hashCode: true }, {}, /^code code: <[0-9a-f]{8}> -> undefined$/],
    ["deps", { deps: [1] }, { deps: [2] }, /^deps deps: <[0-9a-f]{8}> -> <[0-9a-f]{8}>$/],
  ];
  for (const [component, before, after, expected] of cases) {
    const name = `explained ${component}`;
    await withCache(memoryCache(), async () => {
      await made(name, before)(1);
      const explanation = await made(name, after).explain(1);
      assert.equal(explanation.status, "miss");
      const [difference, ...others] = differencesOf(explanation);
      assert.match(difference ?? "", expected);
      assert.deepEqual(others, []);
      assert.match(`${explanation}`, new RegExp(`\\n  ${component}: `));
    });
  }
});

Deno.test("explain() names the argument that has no encoding", async () => {
  const fn = made("explained indigestible");
  await withCache(memoryCache(), async () => {
    const explanation = await fn.explain(1, { deep: [Symbol("s")] });
    assert.equal(explanation.status, "uncacheable");
    assert.equal(explanation.key, undefined);
    assert.match(`${explanation}`, /runs uncached: .*arguments\.b\.deep\[0\]/);
  });
});

Deno.test("explain() says where a call can never be cached", async () => {
  const required = made("explained required", { require: ["b"] });
  assert.match(`${await required.explain(1)}`, /runs uncached: it was not given b$/);
  const method = fleche(function withThis(this: unknown) {
    return this;
  });
  assert.match(`${await method.explain()}`, /^withThis runs uncached: it uses this/);
});

Deno.test("explain() tells that the value of a result is gone", async () => {
  const values = new ValueMemory();
  await using cache = new Cache({ values, calls: new CallMemory() });
  const fn = fleche((length: number) => new Float64Array(length).fill(1), {
    name: "explained lost",
  });
  await withCache(cache, async () => {
    await fn(1000);
    assert.equal((await fn.explain(1000)).status, "hit");
    for (const digest of await values.list("")) values.delete(digest);
    const explanation = await fn.explain(1000);
    assert.equal(explanation.status, "lost");
    assert.match(
      `${explanation}`,
      /runs again: .*the value of its result is gone \([0-9a-f]{8} since/,
    );
  });
});

Deno.test("explain() tells that an evicted call is not there", async () => {
  const fn = made("explained evicted");
  await withCache(memoryCache(), async () => {
    await fn(1);
    await fn.evict(1);
    assert.match(`${await fn.explain(1)}`, /is not stored: no call of a function/);
  });
});

Deno.test("explain() tells that the function has changed since", async () => {
  const status = { warn: "hit", recompute: "stale", ignore: "hit" } as const;
  const texts: string[] = [];
  for (const onStale of ["warn", "recompute", "ignore"] as const) {
    const fn = made(`explained ${onStale}`, { onStale });
    await using cache = memoryCache();
    await cache.save(new Call({ ...fn.describe(1), source: digest("former").hex, result: 1 }));
    const explanation = await withCache(cache, () => fn.explain(1));
    assert.equal(explanation.status, status[onStale]);
    texts.push(`${explanation}`);
  }
  assert.match(texts[0] ?? "", /is stored as .*it has changed since .*; raise version/);
  assert.match(texts[1] ?? "", /runs again: it has changed since .*onStale says to recompute/);
  assert.doesNotMatch(texts[2] ?? "", /changed/);
});

Deno.test("explain() looks into values of registered types", async () => {
  class Odd {
    constructor(readonly x: number) {}
  }
  registerType<Odd, { x: number }>({
    name: "tests/Odd",
    match: (value) => value instanceof Odd,
    encode: ({ x }) => ({ x }),
    decode: ({ x }) => new Odd(x),
  });
  const fn = made("explained types");
  await withCache(memoryCache(), async () => {
    await fn(new Odd(1));
    assert.deepEqual(differencesOf(await fn.explain(new Odd(2))), [
      "argument a.x: 1 -> 2",
    ]);
    assert.deepEqual(differencesOf(await fn.explain(3)), ["argument a: tests/Odd { x: 1 } -> 3"]);
  });
});

Deno.test("explain() gives digests where a registered type does not decode", async () => {
  class Grumpy {
    constructor(readonly x: number) {}
  }
  let problem: unknown;
  registerType<Grumpy, number>({
    name: "tests/Grumpy",
    match: (value) => value instanceof Grumpy,
    encode: ({ x }) => x,
    decode: (x) => {
      if (problem !== undefined) throw problem;
      return new Grumpy(x);
    },
  });
  const fn = made("explained decoding");
  await withCache(memoryCache(), async () => {
    await fn(new Grumpy(1), [new Grumpy(1)]);
    for (problem of [new RangeError("An old payload"), "no error at all"]) {
      const { differences } = await fn.explain(new Grumpy(2), [new Grumpy(2)]);
      assert.deepEqual(differences.map(({ path }) => path), ["a", "b"]);
      for (const { stored } of differences) assert.match(stored ?? "", /^<[0-9a-f]{8}>$/);
    }
  });
});

Deno.test("explain() gives digests where a decoded value has no encoding", async () => {
  class Oneway {
    readonly x = 1;
  }
  registerType<Oneway, number>({
    name: "tests/Oneway",
    match: (value) => value instanceof Oneway,
    encode: ({ x }) => x,
    decode: (x) => Object.assign(Object.create({}), { x }),
  });
  const fn = made("explained one way");
  await withCache(memoryCache(), async () => {
    await fn(new Oneway());
    const [difference] = (await fn.explain(2)).differences;
    assert.match(difference?.stored ?? "", /^<[0-9a-f]{8}>$/);
    assert.equal(difference?.given, "2");
  });
});

Deno.test("explain() names the order of the arguments", async () => {
  const before = made("explained order");
  const after = made("explained order", { params: ["b", "a"] });
  await withCache(memoryCache(), async () => {
    await before(1, 2);
    const explanation = await after.explain(2, 1);
    assert.deepEqual(differencesOf(explanation), ["order order: a, b -> b, a"]);
    assert.match(`${explanation}`, /\n {2}order of the arguments: a, b -> b, a$/);
  });
});

Deno.test("explain() names a cache that does not find what is stored", async () => {
  const fn = made("explained refreshing");
  await using cache = memoryCache();
  await withCache(cache, () => fn(1));
  const filtered = new FilteredCache(new RefreshingCache(cache), () => true);
  for (
    const [active, name] of [
      [new RefreshingCache(cache), "RefreshingCache"],
      [filtered, "FilteredCache"],
    ] as const
  ) {
    await withCache(active, async () => {
      const explanation = await fn.explain(1);
      assert.equal(explanation.status, "miss");
      assert.equal(explanation.call?.key, fn.digest(1));
      assert.match(
        `${explanation}`,
        new RegExp(
          `runs again: it is stored, but the active cache, a ${name}, does not find it \\(`,
        ),
      );
      assert.deepEqual(differencesOf(await fn.explain(2)), ["argument a: 1 -> 2"]);
    });
  }
});

Deno.test("query() finds the calls of the function, and no others", async () => {
  const fn = made("queried");
  const twin = made("queried", { module: "elsewhere" });
  await withCache(memoryCache(), async () => {
    await fn(1, 1);
    await fn(1, 2);
    await fn(2, 2);
    await twin(1, 2);
    assert.equal(await fn.query().count(), 3);
    assert.equal(await twin.query().count(), 1);
    assert.equal(await fn.query({ arguments: { a: 1 } }).count(), 2);
    assert.equal((await fn.query({ arguments: { a: 1, b: 2 } }).only()).key, fn.digest(1, 2));
    assert.equal(await fn.query({ arguments: { a: 3 } }).empty(), true);
  });
});

Deno.test("query() keeps to the cache that is active when it is made", async () => {
  const fn = made("queried there");
  await using cache = memoryCache();
  const query = await withCache(cache, async () => (await fn(1), fn.query()));
  assert.equal(await withCache(memoryCache(), () => query.count()), 1);
});
