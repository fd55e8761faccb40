import {
  Call,
  digest,
  fleche,
  IndigestibleError,
  NotFoundError,
  RejectedError,
  withCache,
} from "@fleche/core";
import assert from "node:assert";
import { memoryCache, warningsOf } from "../_wrapper.ts";

Deno.test("Fleche.wrapped is the function itself", () => {
  const fn = function unwrapped(x: number) {
    return x;
  };
  assert.equal(fleche(fn).wrapped, fn);
});

Deno.test("Fleche.describe() is the call without a result, and does not run it", () => {
  const fn = fleche(() => assert.fail("It ran"), { name: "described", version: "2", deps: [1] });
  const call = fn.describe();
  assert(call instanceof Call);
  assert.deepEqual({ ...call }, {
    name: "described",
    module: "@fleche/core/tests/fleche/handles_test.ts",
    version: "2",
    code: null,
    deps: digest([1]).hex,
    hashed: ["module", "version"],
    source: call.source,
    arguments: {},
    argumentNames: [],
    result: undefined,
    metadata: {},
    calls: [],
  });
  assert.match(call.source ?? "", /^[0-9a-f]{64}$/);
});

Deno.test("Fleche.digest() throws IndigestibleError at once", () => {
  const fn = fleche((x: unknown) => x, { name: "digested" });
  assert.throws(() => fn.digest([Symbol("s")]), IndigestibleError);
});

Deno.test("Fleche.load() gives the stored result, and never runs", async () => {
  let runs = 0;
  const fn = fleche((x: number) => (runs++, { x }), { name: "loaded" });
  await withCache(memoryCache(), async () => {
    await assert.rejects(fn.load(1), (error) => {
      return error instanceof NotFoundError && error.data.key === fn.digest(1);
    });
    await fn(1);
    assert.deepEqual(await fn.load(1), { x: 1 });
    await assert.rejects(fn.load(2), NotFoundError);
  });
  assert.equal(runs, 1);
});

Deno.test("Fleche.contains() and evict() tell and forget", async () => {
  let runs = 0;
  const fn = fleche((x: number) => (runs++, x), { name: "evicted" });
  await withCache(memoryCache(), async () => {
    assert.deepEqual([await fn.contains(1), await fn.evict(1)], [false, false]);
    await fn(1);
    await fn(2);
    assert.deepEqual([await fn.contains(1), await fn.evict(1)], [true, true]);
    assert.deepEqual([await fn.contains(1), await fn.contains(2)], [false, true]);
    await fn(1);
    assert.equal(runs, 3);
  });
  await assert.rejects(withCache(memoryCache().readonly(), () => fn.evict(1)), RejectedError);
});

Deno.test("Fleche.load(), contains() and evict() reject where an argument has no encoding", async () => {
  const fn = fleche((x: unknown) => x, { name: "rejects" });
  const culprit = Symbol("s");
  for (const method of ["load", "contains", "evict"] as const) {
    let promise: Promise<unknown> | undefined;
    assert.doesNotThrow(() => {
      promise = withCache(memoryCache(), () => fn[method](culprit));
    }, `${method}() throws instead of rejecting`);
    await assert.rejects(promise ?? assert.fail(), IndigestibleError);
  }
});

Deno.test("Fleche.rerun() runs again and stores anew", async () => {
  let runs = 0;
  const fn = fleche((x: number) => x + runs++, { name: "rerun" });
  await withCache(memoryCache(), async () => {
    assert.deepEqual([await fn(1), await fn(1)], [1, 1]);
    assert.equal(await fn.rerun(1), 2);
    assert.equal(await fn(1), 2);
    assert.equal(runs, 2);
  });
});

Deno.test("Fleche.rerun() runs all cached calls below it, once each", async () => {
  const ran: string[] = [];
  const leaf = fleche((x: number) => (ran.push(`leaf ${x}`), x), { name: "rerun leaf" });
  const branch = fleche(async (x: number) => {
    ran.push(`branch ${x}`);
    return await leaf(x) + await leaf(0);
  }, { name: "rerun branch" });
  const root = fleche(async () => {
    ran.push("root");
    const sums = [await branch(1), await branch(2), await branch(1), ...await both()];
    return sums.reduce((sum, each) => sum + each);
  }, { name: "rerun root" });
  const both = () => Promise.all([branch(2), branch(1)]);
  const once = ["branch 1", "branch 2", "leaf 0", "leaf 1", "leaf 2", "root"];
  await withCache(memoryCache(), async () => {
    assert.equal(await root(), 7);
    assert.deepEqual(ran.splice(0).sort(), once);
    assert.equal(await root(), 7);
    assert.deepEqual(ran, []);
    assert.equal(await root.rerun(), 7);
    assert.deepEqual(ran.splice(0).sort(), once);
    assert.equal(await root.rerun(), 7);
    assert.deepEqual(ran.splice(0).sort(), once);
    await root();
    assert.deepEqual(ran, []);
  });
});

Deno.test("Fleche.rerun() keeps the stored result where the new run fails", async () => {
  let fails = false;
  const fn = fleche(() => {
    if (fails) throw new Error("No");
    return "good";
  }, { name: "rerun fails" });
  await withCache(memoryCache(), async () => {
    await fn();
    fails = true;
    await assert.rejects(fn.rerun(), /No/);
    assert.equal(await fn(), "good");
  });
});

Deno.test("Fleche.rerun() forgets a result that has become undefined", async () => {
  let result: number | undefined = 1;
  const fn = fleche(() => result, { name: "rerun vanishes" });
  await warningsOf(() =>
    withCache(memoryCache(), async () => {
      await fn();
      result = undefined;
      assert.equal(await fn.rerun(), undefined);
      assert.equal(await fn.contains(), false);
    })
  );
});

Deno.test("Fleche.bound() fixes the first arguments and the cache", async () => {
  let runs = 0;
  const fn = fleche((x: number, y: number) => (runs++, [x, y]), { name: "bound" });
  await using cache = memoryCache();
  const [bound, whole] = withCache(cache, () => [fn.bound(1), fn.bound()]);
  await withCache(memoryCache(), async () => {
    assert.deepEqual(await bound?.(2), [1, 2]);
    assert.deepEqual(await whole?.(1, 2), [1, 2]);
    assert.equal(await fn.contains(1, 2), false);
  });
  assert.equal(runs, 1);
  assert.equal(await cache.contains(fn.digest(1, 2)), true);
});

Deno.test("fleche() records the keys of the cached calls that a call makes", async () => {
  const inner = fleche((x: number) => x, { name: "recorded inner" });
  const middle = fleche(async (x: number) => await inner(x) + 1, { name: "recorded middle" });
  const outer = fleche(async (x: number) => {
    const [a, b] = await Promise.all([middle(x), inner(7)]);
    await new Promise((resolve) => setTimeout(resolve, 1));
    return a + b + await inner(7) + await plain(x);
  }, { name: "recorded outer" });
  const plain = async (x: number) => await inner(x + 100);
  await using cache = memoryCache();
  await withCache(cache, async () => {
    await inner(7);
    await outer(1);
    await Promise.all([outer(2), outer(3)]);
  });
  const callsOf = async (key: string) => [...(await cache.load(key)).calls].sort();
  for (const x of [1, 2, 3]) {
    const expected = [middle.digest(x), inner.digest(7), inner.digest(x + 100)];
    assert.deepEqual(await callsOf(outer.digest(x)), expected.sort());
    assert.deepEqual(await callsOf(middle.digest(x)), [inner.digest(x)]);
    assert.deepEqual(await callsOf(inner.digest(x)), []);
  }
});

Deno.test("fleche() stores no arguments if storeArguments is false", async () => {
  let runs = 0;
  const fn = fleche((small: number, large: Float64Array) => (runs++, small + large.length), {
    name: "private arguments",
    storeArguments: false,
  });
  const large = new Float64Array(20_000);
  await using cache = memoryCache();
  await withCache(cache, async () => [await fn(1, large), await fn(1, large)]);
  assert.equal(runs, 1);
  const key = fn.digest(1, large);
  const call = await cache.load(key);
  assert.deepEqual(await cache.values.list(""), []);
  assert.equal(call.detach().computeKey(), key);
  assert.deepEqual(call.argumentNames, ["small", "large"]);
  assert.equal(await call.result(), 20_001);
  for (const [name, value] of [["small", 1], ["large", large]] as const) {
    await assert.rejects(call.argument(name), NotFoundError);
    await assert.rejects(cache.loadValue(digest(value)), NotFoundError);
  }
  assert.equal(call.describeArguments().includes(`small=<${digest(1).hex.slice(0, 8)}>`), true);
});
