import { type AnyFunction, Cache, CallVoid, fleche, ValueVoid, withCache } from "@fleche/core";
import assert from "node:assert";
import { memoryCache, ticks, warningsOf } from "../_wrapper.ts";

Deno.test("fleche() runs a function that uses this uncached, with its this", async () => {
  const counter = {
    start: 10,
    runs: 0,
    addToStart: fleche(function addToStart(this: { start: number; runs: number }, x: number) {
      this.runs++;
      return this.start + x;
    }),
  };
  await using cache = memoryCache();
  const warnings = await warningsOf(() =>
    withCache(cache, async () => {
      assert.equal(await counter.addToStart(1), 11);
      counter.start = 20;
      assert.equal(await counter.addToStart(1), 21);
    })
  );
  assert.equal(counter.runs, 2);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /addToStart runs uncached: it uses this/);
  assert.deepEqual(await cache.list(""), []);
});

Deno.test("fleche() caches a function in which only nested functions use this", async () => {
  let runs = 0;
  const nested = fleche(function nestedThis(x: number) {
    runs++;
    class Box {
      value = x;
      read() {
        return this.value;
      }
    }
    return [
      new Box().read(),
      function (this: number) {
        return this;
      }.call(x),
    ].map(Number);
  });
  const warnings = await warningsOf(() =>
    withCache(memoryCache(), async () => {
      assert.deepEqual([await nested(1), await nested(1)], [[1, 1], [1, 1]]);
    })
  );
  assert.deepEqual([runs, warnings], [1, []]);
});

class Foreign {}

const CULPRITS: readonly (readonly [label: string, argument: unknown, path: string])[] = [
  ["a function", () => 1, "arguments.x"],
  ["a symbol", Symbol("s"), "arguments.x"],
  ["a promise", { grid: { cells: [0, 1, 2, Promise.resolve(1)] } }, "arguments.x.grid.cells[3]"],
  ["a foreign class", { "a b": new Map([["k", new Foreign()]]) }, 'arguments.x["a b"].get("k")'],
  ["a stream", [new ReadableStream()], "arguments.x[0]"],
];

for (const [label, argument, path] of CULPRITS) {
  Deno.test(`fleche() runs uncached with ${label} as an argument, and names the path`, async () => {
    let runs = 0;
    const name = `is given ${label}`;
    const fn = fleche((x: unknown) => (runs++, x === argument), { name });
    await using cache = memoryCache();
    const warnings = await warningsOf(() =>
      withCache(cache, async () =>
        assert.deepEqual([await fn(argument), await fn(argument)], [
          ...[true, true],
        ]))
    );
    assert.equal(runs, 2);
    assert.equal(warnings.length, 1);
    assert(warnings[0]?.includes(`${name} runs uncached`) && warnings[0].includes(path));
    assert.deepEqual(await cache.list(""), []);
  });
}

Deno.test("fleche() returns a result that cannot be stored, and names the path", async () => {
  let runs = 0;
  const result = { handlers: [() => 1], grid: new Float64Array(20_000) };
  const fn = fleche(() => (runs++, result), { name: "returns a handler" });
  await using cache = memoryCache();
  const warnings = await warningsOf(() =>
    withCache(cache, async () => {
      assert.equal(await fn(), result);
      assert.equal(await fn(), result);
    })
  );
  assert.equal(runs, 2);
  assert.equal(warnings.length, 1);
  assert(warnings[0]?.includes("returns a handler") && warnings[0].includes("result.handlers[0]"));
  assert.deepEqual(await cache.calls.list(""), []);
});

Deno.test("fleche() runs uncached where a required argument is missing", async () => {
  let runs = 0;
  const random = fleche((steps: number, seed = 0) => (runs++, steps + seed), {
    name: "wants a seed",
    require: ["seed"],
  });
  const warnings = await warningsOf(() =>
    withCache(memoryCache(), async () => {
      assert.deepEqual([await random(1), await random(1, undefined)], [1, 1]);
      assert.equal(runs, 2);
      assert.deepEqual([await random(1, 0), await random(1, 0)], [1, 1]);
      assert.equal(runs, 3);
    })
  );
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /wants a seed runs uncached: it was not given seed/);
});

Deno.test("fleche() asks for required properties of a destructured object", async () => {
  let runs = 0;
  const fn = fleche(({ steps = 1, seed = 0 } = {}) => (runs++, steps + seed), {
    name: "wants a property",
    require: ["seed"],
  });
  await warningsOf(() =>
    withCache(memoryCache(), async () => {
      for (const args of [[], [{}], [{ steps: 2 }], [{ seed: 5 }], [{ seed: 5 }]]) {
        await (fn as AnyFunction)(...args);
      }
    })
  );
  assert.equal(runs, 4);
});

Deno.test("fleche() runs uncached where dependencies cannot be digested", async () => {
  let runs = 0;
  const fn = fleche(() => ++runs, { name: "depends on a symbol", deps: [Symbol("s")] });
  const warnings = await warningsOf(() =>
    withCache(memoryCache(), async () => assert.deepEqual([await fn(), await fn()], [1, 2]))
  );
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /deps\[0\]/);
});

Deno.test("fleche() warns through the console, once each", async () => {
  const fn = fleche(() => undefined, { name: "silent at last" });
  const once = () => warningsOf(() => withCache(memoryCache(), () => fn()));
  assert.equal((await once()).length, 1);
  assert.equal((await once()).length, 0);
});

Deno.test("fleche() runs everything where the cache keeps nothing", async () => {
  let runs = 0;
  const fn = fleche((x: number) => (runs++, x), { name: "kept nowhere" });
  const cache = new Cache({ values: new ValueVoid(), calls: new CallVoid() });
  const warnings = await warningsOf(() =>
    withCache(cache, async () => assert.deepEqual([await fn(1), await fn(1)], [1, 1]))
  );
  assert.deepEqual([runs, warnings], [2, []]);
});

// The caller may go on and change an argument at any time after the call.
Deno.test("fleche() never files a result under arguments that the body did not see", async () => {
  const first = fleche((list: number[]) => list[0], { name: "first of a changing list" });
  let uncached = 0;
  const warnings = await warningsOf(async () => {
    for (let count = 0; count <= 40; count++) {
      await using cache = memoryCache();
      await withCache(cache, async () => {
        const list = [1];
        const result = first(list);
        await ticks(count);
        list[0] = 2;
        await result;
        if (!await first.contains([1])) uncached++;
        assert.equal(await first([1]), 1, `changed after ${count} microtasks`);
      });
    }
  });
  // Changes that came in time were noticed, and the latest came too late to matter.
  assert(uncached > 0 && uncached < 40, `${uncached} calls were uncached`);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /first of a changing list runs uncached: .*changed/);
});

Deno.test("fleche() never files a result under arguments that came and went", async () => {
  const first = fleche((list: number[]) => list[0], { name: "first of a list that came and went" });
  await warningsOf(async () => {
    for (let start = 0; start <= 20; start++) {
      for (let length = 1; length <= 20; length++) {
        await using cache = memoryCache();
        await withCache(cache, async () => {
          const list = [1];
          const result = first(list);
          await ticks(start);
          list[0] = 2;
          await ticks(length);
          list[0] = 1;
          await result;
          const found = [await first([1]), await first([2])];
          assert.deepEqual(found, [1, 2], `changed from ${start} for ${length} microtasks`);
        });
      }
    }
  });
});

Deno.test("fleche() finds a call by the arguments that it was called with", async () => {
  const first = fleche((list: number[]) => list[0], { name: "first of a changed list" });
  await withCache(memoryCache(), async () => {
    await first([1]);
    const list = [1];
    const result = first(list);
    list[0] = 2;
    assert.equal(await result, 1);
  });
});
