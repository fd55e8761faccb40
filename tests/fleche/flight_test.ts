import { fleche, withCache } from "@fleche/core";
import assert from "node:assert";
import { memoryCache, settled, ticks, warningsOf } from "../_wrapper.ts";
import { HookedCache } from "../_wrapper_double.ts";

Deno.test("fleche() runs a body once for all who call it at the same time", async () => {
  let runs = 0;
  const gate = Promise.withResolvers<void>();
  const fn = fleche(async (x: number) => {
    runs++;
    await gate.promise;
    return [x];
  }, { name: "flight once" });
  await withCache(memoryCache(), async () => {
    const calls = [fn(1), fn(1), fn(2), fn(1)];
    await ticks(100);
    calls.push(fn(1));
    gate.resolve();
    assert.deepEqual(await settled(Promise.all(calls)), [[1], [1], [2], [1], [1]]);
  });
  assert.equal(runs, 2);
});

Deno.test("fleche() runs a synchronous body once for all who call it at the same time", async () => {
  let runs = 0;
  const fn = fleche((x: number) => (runs++, x), { name: "flight synchronous" });
  await withCache(memoryCache(), async () => {
    assert.deepEqual(await settled(Promise.all([fn(1), fn(1), fn(1)])), [1, 1, 1]);
  });
  assert.equal(runs, 1);
});

Deno.test("fleche() gives each who waits a result of his own", async () => {
  const make = () => ({ list: [1], memory: new Float64Array(20_000), map: new Map([["k", [1]]]) });
  const fn = fleche(async () => (await ticks(50), make()), { name: "flight copies" });
  await withCache(memoryCache(), async () => {
    const results = await settled(Promise.all([fn(), fn(), fn()]));
    for (const result of results) {
      assert.deepEqual(result, make());
      result.list.push(2);
      result.memory.fill(2);
      result.map.get("k")?.push(2);
    }
    assert.deepEqual(await fn(), make());
  });
});

Deno.test("fleche() gives each who waits memory of his own", async () => {
  const make = () => new Float64Array(20_000);
  const fn = fleche(async () => (await ticks(50), make()), { name: "flight memory" });
  await withCache(memoryCache(), async () => {
    for (const result of await settled(Promise.all([fn(), fn(), fn()]))) {
      assert.deepEqual(result, make());
      result.fill(2);
    }
  });
});

Deno.test("fleche() runs a body once where the cache takes its time", async () => {
  for (const slow of ["find", "found", "prepare", "commit", "committed"]) {
    let runs = 0;
    const name = `flight slow ${slow}`;
    const fn = fleche((x: number) => (runs++, [x]), { name });
    const pause = () => new Promise((resolve) => setTimeout(resolve, 2));
    await using cache = new HookedCache({ [slow]: pause });
    await withCache(cache, async () => {
      const calls: Promise<unknown>[] = [];
      for (let wave = 0; wave < 8; wave++) {
        calls.push(fn(1), fn(1));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      for (const result of await settled(Promise.all(calls))) assert.deepEqual(result, [1]);
    });
    assert.equal(runs, 1, name);
  }
});

// A look-up that began before the result was stored may end at any moment after.
Deno.test("fleche() runs a body once whenever a late look-up comes back", async () => {
  for (let count = 0; count <= 40; count++) {
    let runs = 0;
    const fn = fleche((x: number) => (runs++, x), { name: "flight late", deps: [count] });
    const late = Promise.withResolvers<void>();
    const committed = Promise.withResolvers<void>();
    let lookups = 0;
    await using cache = new HookedCache({
      found: () => ++lookups === 1 ? late.promise : undefined,
      committed: () => committed.resolve(),
    });
    await withCache(cache, async () => {
      const first = fn(1);
      const second = fn(1);
      await settled(committed.promise);
      await ticks(count);
      late.resolve();
      assert.deepEqual(await settled(Promise.all([first, second])), [1, 1]);
    });
    assert.equal(runs, 1, `back ${count} microtasks after the result was stored`);
  }
});

Deno.test("fleche() lets an error reach all who wait, and nobody after", async () => {
  let runs = 0;
  const thrown = new RangeError("No");
  const fn = fleche(async () => {
    runs++;
    await ticks(20);
    if (runs === 1) throw thrown;
    return "done";
  }, { name: "flight fails" });
  await withCache(memoryCache(), async () => {
    const outcomes = await settled(Promise.allSettled([fn(), fn(), fn()]));
    assert.deepEqual(outcomes.map((each) => each.status), ["rejected", "rejected", "rejected"]);
    for (const each of outcomes) assert(each.status === "rejected" && each.reason === thrown);
    assert.equal(runs, 1);
    assert.equal(await fn(), "done");
  });
});

const UNCACHEABLE: readonly (readonly [label: string, result: unknown])[] = [
  ["undefined", undefined],
  ["a result that cannot be stored", () => 1],
];

for (const [label, result] of UNCACHEABLE) {
  Deno.test(`fleche() lets all who wait run by themselves after ${label}`, async () => {
    let runs = 0;
    const gate = Promise.withResolvers<void>();
    const name = `flight ${label}`;
    const fn = fleche(async () => {
      if (++runs === 1) await gate.promise;
      else await all.promise;
      return result;
    }, { name });
    // Nobody may have to wait for one who has waited: all run at once.
    const all = Promise.withResolvers<void>();
    await warningsOf(() =>
      withCache(memoryCache(), async () => {
        const calls = [fn(), fn(), fn(), fn()];
        await ticks(50);
        assert.equal(runs, 1);
        gate.resolve();
        await ticks(100);
        assert.equal(runs, 4);
        all.resolve();
        for (const each of await settled(Promise.all(calls))) assert.equal(each, result);
      })
    );
  });
}

Deno.test("fleche() lets all who wait run by themselves where the result cannot be filed", async () => {
  let runs = 0;
  const fn = fleche(async (x: number) => (runs++, await ticks(20), x), { name: "flight unfiled" });
  const fail = () => {
    throw new Error("Full");
  };
  for (const step of ["prepare", "commit"]) {
    runs = 0;
    await warningsOf(() =>
      withCache(new HookedCache({ [step]: fail }), async () => {
        assert.deepEqual(await settled(Promise.all([fn(1), fn(1), fn(1)])), [1, 1, 1]);
      })
    );
    assert.equal(runs, 3, step);
  }
});

Deno.test("fleche() does not wait for itself where it recurs under one key", async () => {
  let runs = 0;
  const fn = fleche(async function countDown(x: number, depth: number): Promise<number> {
    runs++;
    return depth === 0 ? x : await fn(x, depth - 1);
  }, { name: "flight recursion", ignore: ["depth"] });
  await withCache(memoryCache(), async () => {
    assert.equal(await settled(fn(1, 5)), 1);
    assert.equal(runs, 6);
    assert.equal(await fn(1, 99), 1);
    assert.equal(runs, 6);
  });
});

Deno.test("fleche() does not wait in a circle", async () => {
  type Step = (x: number, depth: number) => Promise<number>;
  const steps: Record<string, Step> = {};
  const chain = async (next: string, x: number, depth: number) => {
    // All three are under way before the first calls another.
    await new Promise((resolve) => setTimeout(resolve, 2));
    return depth === 0 ? x : await (steps[next] as Step)(x, depth - 1);
  };
  const options = (name: string) => ({ name: `flight circle ${name}`, ignore: ["depth"] });
  steps["a"] = fleche((x: number, depth: number) => chain("b", x, depth), options("a"));
  steps["b"] = fleche((x: number, depth: number) => chain("c", x, depth), options("b"));
  steps["c"] = fleche((x: number, depth: number) => chain("a", x, depth), options("c"));
  await withCache(memoryCache(), async () => {
    const calls = Object.values(steps).map((step) => step(1, 4));
    assert.deepEqual(await settled(Promise.all(calls)), [1, 1, 1]);
    assert.equal(await steps["a"]?.(1, 4), 1);
  });
});

Deno.test("fleche() does not wait in a circle that passes through a call that is not shared", async () => {
  const gate = Promise.withResolvers<void>();
  const outer = fleche(async (x: number, depth: number): Promise<number> => {
    await gate.promise;
    return depth === 0 ? x : await unshared(x, depth);
  }, { name: "flight outer", ignore: ["depth"] });
  const unshared = fleche((x: number, depth: number) => outer(x, depth - 1), {
    name: "flight unshared",
    ignore: ["depth"],
    singleFlight: false,
  });
  await withCache(memoryCache(), async () => {
    const calls = [outer(1, 2), outer(1, 2)];
    gate.resolve();
    assert.deepEqual(await settled(Promise.all(calls)), [1, 1]);
  });
});

Deno.test("fleche() runs each call by itself if singleFlight is false", async () => {
  let runs = 0;
  const fn = fleche(async (x: number) => (runs++, await ticks(20), x), {
    name: "flight alone",
    singleFlight: false,
  });
  await withCache(memoryCache(), async () => {
    assert.deepEqual(await settled(Promise.all([fn(1), fn(1), fn(1)])), [1, 1, 1]);
    assert.equal(await fn(1), 1);
  });
  assert.equal(runs, 3);
});

Deno.test("fleche() shares runs between the callers of one cache only", async () => {
  let runs = 0;
  const fn = fleche(async (x: number) => (runs++, await ticks(20), x), { name: "flight caches" });
  const [one, other] = [memoryCache(), memoryCache()];
  await settled(Promise.all([one, one, other, other].map((each) => withCache(each, () => fn(1)))));
  assert.equal(runs, 2);
  assert.deepEqual(await one.list(""), await other.list(""));
});

Deno.test("fleche() gives those who wait what the function returned, whatever it does later", async () => {
  const buffer = new Float64Array(2);
  const fill = fleche((x: number) => buffer.fill(x), { name: "waited for, reused", version: 1 });
  await using cache = memoryCache();
  const results = await withCache(
    cache,
    () => Promise.all([fill(1), fill(1), fill(2), fill(1), fill(2)]),
  );
  // The one who runs it gets the function's own memory.
  assert.deepEqual([1, 3, 4].map((at) => [...results[at] ?? []]), [[1, 1], [1, 1], [2, 2]]);
});
