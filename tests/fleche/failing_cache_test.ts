import { digest, fleche, withCache } from "@fleche/core";
import assert from "node:assert";
import { memoryCache, settled, warningsOf } from "../_wrapper.ts";
import { HookedCache, type Hooks } from "../_wrapper_double.ts";

const FAILURES: readonly (readonly [label: string, fail: () => unknown])[] = [
  ["throws", () => {
    throw new Error("Out of order");
  }],
  ["rejects", () => Promise.reject(new Error("Out of order"))],
  ["rejects with text", () => Promise.reject("Out of order")],
  ["stalls", () => new Promise(() => {})],
];

const STEPS = ["find", "found", "prepare", "commit", "committed"] as const;

for (const step of STEPS) {
  for (const [label, fail] of FAILURES) {
    const title = step === "found" ? "find, late" : step === "committed" ? "commit, late" : step;
    Deno.test(`fleche() gives the result where the cache ${label} in ${title}`, async () => {
      let runs = 0;
      const name = `failing ${step} ${label}`;
      const fn = fleche((x: number) => (runs++, { x }), { name });
      const cache = new HookedCache({ [step]: fail, saveTimeout: 0.05 });
      const warnings = await warningsOf(() =>
        withCache(cache, async () => {
          assert.deepEqual(await settled(fn(1)), { x: 1 });
          assert.deepEqual(await settled(fn(1)), { x: 1 });
        })
      );
      assert(runs === 2 || step === "committed", `${runs} runs`);
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert(warnings[0]?.includes(name));
      assert.match(warnings[0] ?? "", label === "stalls" ? /0\.05 seconds/ : /Out of order/);
    });
  }
}

Deno.test("fleche() passes on the error of the body where the cache fails as well", async () => {
  const thrown = new RangeError("Own");
  const fn = fleche(() => {
    throw thrown;
  }, { name: "failing with the cache" });
  for (const step of STEPS) {
    const fail = () => Promise.reject(new Error("Out of order"));
    await warningsOf(() =>
      withCache(new HookedCache({ [step]: fail }), async () => {
        await assert.rejects(fn(), (error) => error === thrown);
      })
    );
  }
});

Deno.test("fleche() stores as soon as the cache works again", async () => {
  let broken = true;
  const hooks: Hooks = {
    find: () => broken ? Promise.reject(new Error("Later, please")) : undefined,
    prepare: () => broken ? Promise.reject(new Error("Later, please")) : undefined,
  };
  let runs = 0;
  const fn = fleche((x: number) => (runs++, x), { name: "failing for a time" });
  await warningsOf(() =>
    withCache(new HookedCache(hooks), async () => {
      await fn(1);
      broken = false;
      assert.deepEqual([await fn(1), await fn(1)], [1, 1]);
    })
  );
  assert.equal(runs, 2);
});

Deno.test("fleche() runs again where the value of a result is gone or damaged", async () => {
  let runs = 0;
  const grid = new Float64Array(5000);
  const fn = fleche(() => (runs++, grid), { name: "failing values" });
  await using cache = memoryCache();
  await withCache(cache, async () => {
    await fn();
    await cache.values.delete(digest(grid).hex);
    assert.deepEqual(await fn(), grid);
    assert.equal(runs, 2);
    assert.deepEqual(await fn(), grid);
    assert.equal(runs, 2);
  });
});

Deno.test("fleche() gives the result where the cache may only be read", async () => {
  let runs = 0;
  const fn = fleche((x: number) => (runs++, x), { name: "failing read-only" });
  await using cache = memoryCache();
  await withCache(cache, () => fn(1));
  const warnings = await warningsOf(() =>
    withCache(cache.readonly(), async () => {
      assert.deepEqual([await fn(1), await fn(2), await fn(2)], [1, 2, 2]);
    })
  );
  assert.equal(runs, 3);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /failing read-only: the result will not be stored: .*read-only/);
});

Deno.test("fleche() gives the result where metadata fails", async () => {
  const fail = () => {
    throw new Error("No clock");
  };
  for (const step of ["before", "after"]) {
    const name = `failing metadata ${step}`;
    const fn = fleche((x: number) => x, { name, meta: [{ name: "clock", [step]: fail }] });
    const warnings = await warningsOf(async () => {
      assert.equal(await withCache(memoryCache(), () => fn(1)), 1);
    });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /No clock/);
  }
});

Deno.test("fleche() leaves time to a cache whose limit is infinite", async () => {
  let runs = 0;
  const fn = fleche((x: number) => (runs++, x), { name: "failing never" });
  const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
  await using cache = new HookedCache({ commit: pause, saveTimeout: Infinity });
  const warnings = await warningsOf(() =>
    withCache(cache, async () => assert.deepEqual([await fn(1), await fn(1)], [1, 1]))
  );
  assert.deepEqual([runs, warnings], [1, []]);
});
