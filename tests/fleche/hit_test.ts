import { type BaseCache, fleche, withCache } from "@fleche/core";
import assert from "node:assert";
import { memoryCache, warningsOf } from "../_wrapper.ts";

Deno.test("fleche() runs a call once and loads it from then on", async () => {
  let runs = 0;
  const add = fleche(function addOnce(x: number, y = 2) {
    runs++;
    return x + y;
  });
  await withCache(memoryCache(), async () => {
    assert.deepEqual([await add(1), await add(1), await add(1, 2), await add(1, undefined)], [
      ...[3, 3, 3, 3],
    ]);
    assert.equal(runs, 1);
    assert.equal(await add(1, 3), 4);
    assert.equal(await add(2), 4);
    assert.equal(runs, 3);
  });
  assert.equal(await withCache(memoryCache(), () => add(1)), 3);
  assert.equal(runs, 4);
});

Deno.test("fleche() caches what an asynchronous function comes to", async () => {
  let runs = 0;
  const later = fleche(async function addLater(x: number) {
    runs++;
    await new Promise((resolve) => setTimeout(resolve, 1));
    return { x };
  });
  await withCache(memoryCache(), async () => {
    assert.deepEqual(await later(1), { x: 1 });
    assert.deepEqual(await later(1), { x: 1 });
  });
  assert.equal(runs, 1);
});

Deno.test("fleche() always returns a promise, also where the function throws at once", async () => {
  const broken = fleche(function throwsAtOnce() {
    throw new RangeError("No");
  });
  const promise = withCache(memoryCache(), () => broken());
  assert(promise instanceof Promise);
  await assert.rejects(promise, RangeError);
});

Deno.test("fleche() passes this on, and keeps name and length", () => {
  const fn = fleche(function remembered(_a: number, _b: number) {
    return 1;
  });
  assert.deepEqual([fn.name, fn.length], ["remembered", 2]);
});

const RESULTS: readonly (readonly [label: string, make: () => unknown])[] = [
  ["null", () => null],
  ["false", () => false],
  ["zero", () => 0],
  ["minus zero", () => -0],
  ["NaN", () => NaN],
  ["an empty text", () => ""],
  ["a large integer", () => 2n ** 70n],
  ["an object with undefined", () => ({ a: undefined, b: [undefined] })],
  ["a map", () => new Map<unknown, unknown>([[{ k: 1 }, new Set([1])]])],
  ["a date", () => new Date(-1)],
  ["bytes", () => Uint8Array.of(1, 2)],
  [
    "a large array of numbers",
    () => Float64Array.from({ length: 50_000 }, (_, index) => index / 3),
  ],
  [
    "parts that are stored by themselves",
    () => ({ a: new Uint8Array(70_000), b: "x".repeat(1e5) }),
  ],
  ["an error that is returned", () => new TypeError("No", { cause: 1 })],
];

for (const [label, make] of RESULTS) {
  Deno.test(`fleche() caches ${label}`, async () => {
    let runs = 0;
    const fn = fleche(() => (runs++, make()), { name: `returns ${label}`, hashCode: true });
    const warnings = await warningsOf(() =>
      withCache(memoryCache(), async () => {
        const [first, second, third] = [await fn(), await fn(), await fn.load()];
        assert.deepStrictEqual(first, make());
        assert.deepStrictEqual(second, make());
        assert.deepStrictEqual(third, make());
      })
    );
    assert.equal(runs, 1);
    assert.deepEqual(warnings, []);
  });
}

Deno.test("fleche() never caches undefined, and says so once", async () => {
  let runs = 0;
  const nothing = fleche(function returnsNothing() {
    runs++;
  });
  await using cache = memoryCache();
  const warnings = await warningsOf(() =>
    withCache(cache, async () => {
      assert.deepEqual([await nothing(), await nothing(), await nothing()], [
        ...[undefined, undefined, undefined],
      ]);
      assert.equal(await nothing.contains(), false);
    })
  );
  assert.equal(runs, 3);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /returnsNothing .*undefined.*null/);
  assert.deepEqual(await cache.list(""), []);
});

const THROWN: readonly (readonly [label: string, value: unknown])[] = [
  ["an error", new Error("No")],
  ["an error of its own class", new (class Special extends Error {})("No")],
  ["text", "No"],
  ["undefined", undefined],
  ["null", null],
  ["a frozen object", Object.freeze({ code: 5 })],
];

for (const [label, value] of THROWN) {
  for (const mode of ["at once", "later"]) {
    Deno.test(`fleche() passes on ${label} that is thrown ${mode}, and caches nothing`, async () => {
      let runs = 0;
      const fn = fleche((_: number) => {
        runs++;
        if (mode === "later") return Promise.resolve().then(() => Promise.reject(value));
        throw value;
      }, { name: `throws ${label} ${mode}` });
      await using cache = memoryCache();
      await withCache(cache, async () => {
        for (let time = 0; time < 2; time++) {
          await fn(1).then(
            () => assert.fail("It should throw"),
            (error) => assert.equal(error, value),
          );
        }
        assert.equal(await fn.contains(1), false);
      });
      assert.equal(runs, 2);
      assert.deepEqual(await cache.list(""), []);
    });
  }
}

Deno.test("fleche() caches a call that succeeds after it has failed", async () => {
  let runs = 0;
  const flaky = fleche(function succeedsLater() {
    if (runs++ === 0) throw new Error("Not yet");
    return "done";
  });
  await withCache(memoryCache(), async () => {
    await assert.rejects(flaky(), /Not yet/);
    assert.deepEqual([await flaky(), await flaky()], ["done", "done"]);
  });
  assert.equal(runs, 2);
});

Deno.test("fleche() gives every caller a result of his own", async () => {
  const make = fleche(function makesFreshObjects() {
    return { list: [1], memory: new Float64Array(20_000), nested: { deep: new Uint8Array(3) } };
  });
  await withCache(memoryCache(), async () => {
    const original = make.wrapped();
    for (let time = 0; time < 3; time++) {
      const result = await make();
      assert.deepEqual(result, original);
      result.list.push(5);
      result.memory.fill(5);
      result.nested.deep[0] = 5;
    }
    const loaded = await make.load();
    loaded.memory.fill(5);
    assert.deepEqual(await make(), original);
  });
});

Deno.test("fleche() records the arguments as they were before the body changed them", async () => {
  let runs = 0;
  const drain = fleche(function drainsItsArguments(queue: number[], large: Float64Array) {
    runs++;
    let sum = 0;
    while (queue.length > 0) sum += queue.pop() ?? 0;
    large.fill(0);
    return sum;
  });
  await using cache = memoryCache();
  const large = () => new Float64Array(20_000).fill(1);
  const warnings = await warningsOf(() =>
    withCache(cache, async () => {
      assert.equal(await drain([1, 2, 3], large()), 6);
      assert.equal(await drain([1, 2, 3], large()), 6);
    })
  );
  assert.equal(runs, 1);
  assert.deepEqual(warnings, []);
  const call = await cache.load(drain.digest([1, 2, 3], large()));
  assert.deepEqual(await call.arguments(), { queue: [1, 2, 3], large: large() });
  assert.equal(call.detach().computeKey(), call.key);
});

Deno.test("fleche() hands the body its own arguments, not copies", async () => {
  const given = { list: [1] };
  const same = fleche((x: unknown) => x === given, { name: "compares identity" });
  assert.equal(await withCache(memoryCache(), () => same(given)), true);
});

Deno.test("fleche() notes when a call ran, and what else meta says", async () => {
  const seen: unknown[] = [];
  const meta = [{
    name: "notes",
    before: (call: { name: string }) => ({ name: call.name, replaced: 1 }),
    after: (before: Record<string, unknown>) => (seen.push(before), { replaced: 2 }),
  }];
  const fn = fleche((x: number) => x, { name: "noted", meta });
  await using cache: BaseCache = memoryCache();
  const start = Date.now() / 1000;
  await withCache(cache, async () => [await fn(1), await fn(1)]);
  const { runtime, notes } = (await cache.load(fn.digest(1))).metadata;
  assert.deepEqual(notes, { name: "noted", replaced: 2 });
  assert.deepEqual(seen, [{ name: "noted", replaced: 1 }]);
  assert(Number(runtime?.["timestart"]) >= start - 1);
  assert(Number(runtime?.["timestop"]) >= Number(runtime?.["timestart"]));
  assert(Number(runtime?.["walltime"]) >= 0 && Number(runtime?.["cputime"]) >= 0);
});
