import { D, type Digest, digest, fleche, NotFoundError, withCache } from "@fleche/core";
import assert from "node:assert";
import { memoryCache, warningsOf } from "../_wrapper.ts";

const GRID = Float64Array.from({ length: 5000 }, (_, index) => Math.sqrt(index));

// What a Digest stands for has the type that the parameter asks for.
function named<T>(value: T): T {
  return digest(value) as T;
}

Deno.test("fleche() gives the body the value that a digest names", async () => {
  let runs = 0;
  const sum = fleche((grid: Float64Array, scale: number) => {
    runs++;
    assert(grid instanceof Float64Array);
    return grid.reduce((total, each) => total + each) * scale;
  }, { name: "sums a named grid" });
  const make = fleche(() => GRID, { name: "makes a grid" });
  await using cache = memoryCache();
  await withCache(cache, async () => {
    await make();
    await cache.save(Object.assign(make.describe(), { name: "two", result: 2 }));
    const total = GRID.reduce((total, each) => total + each) * 2;
    assert.equal(await sum(named(GRID), named(2)), total);
    assert.equal(await sum(GRID, 2), total);
    assert.equal(await sum(named(GRID), 2), total);
  });
  assert.equal(runs, 1);
  const call = await cache.load(sum.digest(GRID, 2));
  assert.deepEqual(await call.arguments(), { grid: GRID, scale: 2 });
  assert.equal(call.detach().computeKey(), call.key);
});

Deno.test("fleche() records the same arguments for values and their digests", async () => {
  const fn = fleche((x: unknown, y: unknown) => [x, y], { name: "records named arguments" });
  const make = fleche((x: unknown) => x, { name: "makes named arguments" });
  const values = [{ small: 1 }, GRID] as const;
  const slots: unknown[] = [];
  for (const args of [values, [named(values[0]), named(values[1])]] as const) {
    await using cache = memoryCache();
    await withCache(cache, async () => {
      for (const each of values) await make(each);
      await fn(...args);
    });
    slots.push((await cache.load(fn.digest(...values))).detach().arguments);
  }
  assert.deepEqual(slots[0], slots[1]);
});

Deno.test("fleche() loads what a digest names only if the body runs", async () => {
  let runs = 0;
  const fn = fleche((grid: Float64Array) => (runs++, grid.length), { name: "measures a grid" });
  await using cache = memoryCache();
  await withCache(cache, async () => {
    await fn(GRID);
    await cache.values.delete(digest(GRID).hex);
    assert.equal(await fn(named(GRID)), 5000);
    assert.equal(await fn.load(named(GRID)), 5000);
    await fn.evict(GRID);
    await assert.rejects(fn(named(GRID)), (error) => {
      return error instanceof NotFoundError && error.data.key === digest(GRID).hex;
    });
  });
  assert.equal(runs, 1);
});

Deno.test("fleche() expands a short digest", async () => {
  let runs = 0;
  const fn = fleche((grid: Float64Array) => (runs++, grid.length), { name: "measures shortly" });
  const make = fleche(() => GRID, { name: "makes shortly" });
  await using cache = memoryCache();
  await withCache(cache, async () => {
    await make();
    const short = D(await cache.shrink(digest(GRID))) as Digest & Float64Array;
    assert.equal(short.isShort, true);
    assert.equal(await fn(short), 5000);
    assert.equal(await fn(GRID), 5000);
    const call = await cache.load(fn.digest(GRID));
    assert.deepEqual(await call.argument("grid"), GRID);
  });
  assert.equal(runs, 1);
});

Deno.test("fleche() throws NotFoundError for a digest of nothing, and does not run", async () => {
  const fn = fleche((x: unknown) => assert.fail(`It ran with ${x}`), { name: "given nothing" });
  const whole = digest("nobody has stored this");
  for (const each of [whole, D(whole.hex.slice(0, 12))]) {
    await warningsOf(() =>
      withCache(memoryCache(), async () => {
        await assert.rejects(fn(each), (error) => {
          return error instanceof NotFoundError && error.data.key === each.hex;
        });
      })
    );
  }
});

Deno.test("fleche() takes properties of a destructured object for whole arguments", async () => {
  const fn = fleche(({ grid, scale = 1 }: { grid: Float64Array; scale?: number }) => {
    assert(grid instanceof Float64Array);
    return grid.length * scale;
  }, { name: "named properties" });
  const make = fleche(() => GRID, { name: "makes for properties" });
  await withCache(memoryCache(), async () => {
    await make();
    assert.equal(await fn({ grid: named(GRID), scale: 2 }), 10_000);
    assert.equal(fn.digest({ grid: named(GRID), scale: 2 }), fn.digest({ grid: GRID, scale: 2 }));
  });
});

Deno.test("fleche() leaves a digest inside another value as it is", async () => {
  const inner = digest(GRID);
  const fn = fleche((list: Digest[], ...more: Digest[]) => [...list, ...more].map(String), {
    name: "lists digests",
  });
  await using cache = memoryCache();
  await withCache(cache, async () => {
    assert.deepEqual(await fn([inner], inner), [inner.hex, inner.hex]);
  });
  const call = await cache.load(fn.digest([inner], inner));
  assert.deepEqual(await call.argument("list"), [inner]);
  assert.deepEqual(await call.argument("more"), [inner]);
});

Deno.test("fleche() gives the body values where the call cannot be cached", async () => {
  const fn = fleche((grid: Float64Array, callback: (x: number) => number) => {
    assert(grid instanceof Float64Array);
    return callback(grid.length);
  }, { name: "named but uncached" });
  const wants = fleche((grid: Float64Array, seed?: number) => {
    assert(grid instanceof Float64Array);
    return seed ?? grid.length;
  }, { name: "named but not given a seed", require: ["seed"] });
  const make = fleche(() => GRID, { name: "makes for the uncached" });
  await warningsOf(() =>
    withCache(memoryCache(), async () => {
      await make();
      assert.equal(await fn(named(GRID), (x) => x + 1), 5001);
      assert.equal(await wants(named(GRID)), 5000);
    })
  );
});

Deno.test("fleche() gives the body the value that an ignored digest names", async () => {
  const fn = fleche((x: number, grid: Float64Array) => {
    assert(grid instanceof Float64Array);
    return x;
  }, { name: "named but ignored", ignore: ["grid"] });
  const make = fleche(() => GRID, { name: "makes for the ignored" });
  await withCache(memoryCache(), async () => {
    await make();
    assert.equal(await fn(1, named(GRID)), 1);
  });
});

Deno.test("fleche() gives the values to all who run by themselves", async () => {
  const fn = fleche(async (grid: Float64Array) => {
    await Promise.resolve();
    assert(grid instanceof Float64Array);
  }, { name: "named for all" });
  const make = fleche(() => GRID, { name: "makes for all" });
  await warningsOf(() =>
    withCache(memoryCache(), async () => {
      await make();
      await Promise.all([fn(named(GRID)), fn(named(GRID)), fn(named(GRID))]);
    })
  );
});

Deno.test("Fleche.contains(), load() and evict() expand a short digest", async () => {
  const fn = fleche((grid: Float64Array) => grid.length, { name: "asked shortly" });
  await using cache = memoryCache();
  await withCache(cache, async () => {
    await fn(GRID);
    const short = D(await cache.shrink(digest(GRID))) as Digest & Float64Array;
    assert.equal(await fn.contains(short), true);
    assert.equal(await fn.load(short), 5000);
    assert.equal(await fn.evict(short), true);
  });
});
