import { Call, digest, fleche, type FlecheOptions, type OnStale, withCache } from "@fleche/core";
import assert from "node:assert";
import { made, memoryCache, warningsOf } from "../_wrapper.ts";

/** A call of a function, as an earlier version of its source has stored it. */
function formerly(call: Call): Call {
  return new Call({ ...call, source: digest("former source").hex, result: "former" });
}

const OUTCOMES: readonly (readonly [OnStale, result: string, warnings: number, stored: string])[] =
  [
    ["warn", "former", 1, "former"],
    ["recompute", "new", 0, "new"],
    ["ignore", "former", 0, "former"],
  ];

for (const [onStale, result, count, stored] of OUTCOMES) {
  Deno.test(`fleche() gives the ${result} result of a changed function if onStale is ${onStale}`, async () => {
    const name = `stale ${onStale}`;
    const fn = fleche((_: number) => "new", { name, onStale });
    await using cache = memoryCache();
    await cache.save(formerly(fn.describe(1)));
    await cache.save(formerly(fn.describe(2)));
    const warnings = await warningsOf(() =>
      withCache(cache, async () => {
        assert.deepEqual([await fn(1), await fn(1), await fn(2)], [result, result, result]);
        assert.equal(await fn.load(1), stored);
      })
    );
    assert.equal(warnings.length, count);
    for (const warning of warnings) {
      assert(warning.includes(name));
      assert.match(warning, /changed since this result was stored; raise version, or set hashCode/);
    }
  });
}

Deno.test("fleche() warns by default, and not where the source is the same or not known", async () => {
  const fn = fleche((_: number) => "new", { name: "stale default" });
  await using cache = memoryCache();
  await cache.save(new Call({ ...fn.describe(1), result: "same" }));
  await cache.save(new Call({ ...fn.describe(2), source: null, result: "unknown" }));
  await cache.save(formerly(fn.describe(3)));
  const warnings = await warningsOf(() =>
    withCache(cache, async () => {
      assert.deepEqual([await fn(1), await fn(2)], ["same", "unknown"]);
    })
  );
  assert.deepEqual(warnings, []);
  const more = await warningsOf(() => withCache(cache, () => fn(3)));
  assert.equal(more.length, 1);
});

Deno.test("fleche() computes anew where the code joins the key", async () => {
  await using cache = memoryCache();
  const results: unknown[] = [];
  const warnings = await warningsOf(() =>
    withCache(cache, async () => {
      for (const text of ["(x) => x + 1", "(x) => x + 2", "(x) => /* once more */ x + 1"]) {
        const fn = fleche(made(text), { name: "stale never", hashCode: true });
        results.push(await fn(1), await fn.contains(1));
      }
    })
  );
  assert.deepEqual(results, [2, true, 3, true, 2, true]);
  assert.equal((await cache.calls.list("")).length, 2);
  // The third has the source of the first, and may close over something else.
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /have one source/);
});

Deno.test("fleche() throws TypeError for a second function of one name", () => {
  const first = fleche(made("(x) => x + 1"), { name: "mixed up" });
  const second = made("(x) => x + 2");
  assert.throws(() => fleche(second, { name: "mixed up" }), (error) => {
    return error instanceof TypeError &&
      /second function "mixed up" of @fleche\/core/.test(error.message);
  });
  // What went before still stands.
  assert.throws(() => fleche(second, { name: "mixed up" }), TypeError);
  fleche(first.wrapped, { name: "mixed up" });
});

Deno.test("fleche() throws TypeError for a second native function of one name", () => {
  fleche(Math.max, { name: "native mix-up", version: 1 });
  assert.throws(() => fleche(Math.min, { name: "native mix-up", version: 1 }), TypeError);
  fleche(Math.max, { name: "native mix-up", version: 1 });
  fleche(Math.min, { name: "native mix-up", version: 2 });
  fleche(Math.min, { name: "native mix-up", version: 1, deps: ["min"] });
});

Deno.test("fleche() accepts a second function of one name that differs otherwise", async () => {
  const warnings = await warningsOf(() => {
    fleche((x: number) => x, { name: "told apart" });
    fleche((x: number) => x + 1, { name: "told apart", version: 1 });
    fleche((x: number) => x + 2, { name: "told apart", version: "1" });
    fleche((x: number) => x + 3, { name: "told apart", version: 2 });
    fleche((x: number) => x + 4, { name: "told apart", module: "elsewhere" });
    fleche((x: number) => x + 5, { name: "told apart", hashCode: true });
    fleche((x: number) => x + 6, { name: "told apart", hashCode: true });
    fleche((x: number) => x + 7, { name: "told apart", module: null });
  });
  assert.deepEqual(warnings, []);
});

Deno.test("fleche() throws TypeError where what differs does not join the key", () => {
  fleche(made("(x) => x"), { name: "hardly told apart", version: 1, hashVersion: false });
  assert.throws(
    () => fleche(made("(x) => -x"), { name: "hardly told apart", version: 2, hashVersion: false }),
    TypeError,
  );
  fleche(made("(x) => x"), { name: "hardly told apart", module: "a", hashModule: false });
  assert.throws(
    () => fleche(made("(x) => -x"), { name: "hardly told apart", module: "b", hashModule: false }),
    TypeError,
  );
});

Deno.test("fleche() warns of closures that nothing tells apart, once", async () => {
  const scale = (factor: number) => fleche((x: number) => x * factor, { name: "closures" });
  const warnings = await warningsOf(() => [scale(1), scale(2), scale(3)]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /"closures".*tell them apart with deps or name/);
});

Deno.test("fleche() warns of closures although their code joins the key", async () => {
  const scale = (factor: number, options: FlecheOptions) =>
    fleche((x: number) => x * factor, { name: "closures with code", ...options });
  for (const options of [{ hashCode: true }, { module: null }]) {
    const warnings = await warningsOf(() => [scale(2, options), scale(3, options)]);
    assert.match(warnings.at(-1) ?? "", /"closures with code".*have one source/);
  }
});

Deno.test("fleche() warns of closures although one between them has deps", async () => {
  const scale = (factor: number, deps: Pick<FlecheOptions, "deps"> = {}) =>
    fleche((x: number) => x * factor, { name: "closures around deps", ...deps });
  const warnings = await warningsOf(() => [scale(2), scale(3, { deps: [3] }), scale(4)]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /"closures around deps".*have one source/);
});

Deno.test("fleche() tells closures apart by deps or name, without a warning", async () => {
  const byDeps = (factor: number) =>
    fleche((x: number) => x * factor, { name: "closures with deps", deps: [factor] });
  const byName = (factor: number) =>
    fleche((x: number) => x * factor, { name: `closure ${factor}` });
  for (const scale of [byDeps, byName]) {
    const results: number[] = [];
    const warnings = await warningsOf(() =>
      withCache(memoryCache(), async () => {
        for (const factor of [2, 3, 4]) results.push(await scale(factor)(5));
      })
    );
    assert.deepEqual([results, warnings], [[10, 15, 20], []]);
  }
});

Deno.test("fleche() wraps one function twice without complaint", async () => {
  const fn = (x: number) => x;
  const warnings = await warningsOf(() => [
    fleche(fn, { name: "wrapped twice" }),
    fleche(fn, { name: "wrapped twice" }),
  ]);
  assert.deepEqual(warnings, []);
});

Deno.test("fleche() stores nothing under dependencies that change while it runs", async () => {
  let factor = 2;
  const { promise, resolve } = Promise.withResolvers<void>();
  const lookedUp = fleche((x: number) => x * factor, { name: "deps 1", deps: () => [factor] });
  const running = fleche(async (x: number) => {
    await promise;
    return x * factor;
  }, { name: "deps 2", deps: () => [factor] });
  await using cache = memoryCache();
  const results: number[] = [];
  const warnings = await warningsOf(() =>
    withCache(cache, async () => {
      const calls = [lookedUp(5), running(5)];
      factor = 3;
      resolve();
      results.push(...await Promise.all(calls));
      factor = 2;
      results.push(await lookedUp(5), await running(5));
    })
  );
  assert.deepEqual(results, [15, 15, 10, 10]);
  assert.equal((await cache.calls.list("")).length, 2);
  assert.equal(warnings.filter((each) => /dependenc/.test(each)).length, 2);
});

Deno.test("fleche() stores what a function returned, whatever it does to it later", async () => {
  const buffer = new Float64Array(2);
  const fill = fleche((x: number) => buffer.fill(x), { name: "reuses its buffer", version: 1 });
  await using cache = memoryCache();
  await withCache(cache, async () => {
    await Promise.all([1, 2, 3].map((x) => fill(x)));
    for (const x of [1, 2, 3]) assert.deepEqual(await fill.load(x), new Float64Array([x, x]));
  });
});

Deno.test("fleche() follows dependencies that change between calls", async () => {
  let factor = 2;
  let runs = 0;
  const scale = fleche((x: number) => (runs++, x * factor), {
    name: "changing deps",
    deps: () => [factor],
  });
  await withCache(memoryCache(), async () => {
    const results: number[] = [];
    for (factor of [2, 3, 2, 3]) results.push(await scale(5));
    assert.deepEqual(results, [10, 15, 10, 15]);
  });
  assert.equal(runs, 2);
});
