import { digest, fleche, Identity, IndigestibleError, pure, withCache } from "@fleche/core";
import assert from "node:assert";
import { made, memoryCache, warningsOf } from "../_wrapper.ts";

Deno.test("fleche() takes a function that it has wrapped as an argument", async () => {
  let runs = 0;
  const double = fleche((x: number) => 2 * x, { name: "argument double" });
  const apply = fleche(async (fn: unknown, x: number) => {
    runs++;
    return await (fn as typeof double)(x);
  }, { name: "applies a wrapped function" });
  await using cache = memoryCache();
  await withCache(cache, async () => {
    assert.deepEqual([await apply(double, 4), await apply(double, 4)], [8, 8]);
  });
  assert.equal(runs, 1);
  const call = await cache.load(apply.digest(double, 4));
  assert.deepEqual([...call.calls], [double.digest(4)]);
  const read = await call.argument("fn");
  assert(read instanceof Identity);
  assert.equal(read.kind, "function");
  // An identity stands for the function in a key.
  assert.equal(apply.describe(read, 4).key, call.key);
});

Deno.test("digest() of a wrapped function follows name, module, version, source and deps", () => {
  let factor = 1;
  const options = { name: "argument", module: "m", version: 1 };
  const byDeps = fleche(made("(x) => x"), { ...options, deps: () => [factor], hashCode: true });
  const digests = [
    fleche(made("(x) => x"), options),
    fleche(made("(x) => x"), { ...options, name: "other" }),
    fleche(made("(x) => x"), { ...options, module: "n" }),
    fleche(made("(x) => x"), { ...options, version: 2 }),
    fleche(made("(x) => -x"), { ...options, hashCode: true }),
    byDeps,
  ].map((each) => digest(each).hex);
  factor = 2;
  digests.push(digest(byDeps).hex);
  assert.equal(new Set(digests).size, digests.length);
  factor = 1;
  assert.equal(digest(byDeps).hex, digests[5]);
  const again = fleche(made("(x) => /* the same */ x"), { ...options, hashCode: true });
  assert.equal(digest(again).hex, digests[0]);
});

Deno.test("fleche() takes a function that is vouched for as an argument", async () => {
  let runs = 0;
  const scaled = (factor: number) => pure((x: number) => x * factor, [factor]);
  const apply = fleche((fn: (x: number) => number, x: number) => (runs++, fn(x)), {
    name: "applies a pure function",
  });
  await withCache(memoryCache(), async () => {
    assert.deepEqual([await apply(scaled(2), 5), await apply(scaled(2), 5)], [10, 10]);
    assert.equal(runs, 1);
    assert.equal(await apply(scaled(3), 5), 15);
    assert.equal(runs, 2);
  });
});

Deno.test("fleche() finds functions deep inside arguments", async () => {
  let runs = 0;
  const inner = fleche((x: number) => x, { name: "argument deep" });
  const fn = fleche((options: { steps: unknown[] }) => (runs++, options.steps.length), {
    name: "takes functions deep inside",
  });
  await withCache(memoryCache(), async () => {
    const options = () => ({ steps: [inner, { then: pure(() => 1) }] });
    assert.deepEqual([await fn(options()), await fn(options())], [2, 2]);
  });
  assert.equal(runs, 1);
});

Deno.test("fleche() does not store functions as results", async () => {
  const inner = fleche((x: number) => x, { name: "argument returned" });
  const fn = fleche(() => [inner, pure(() => 1)], { name: "returns functions" });
  const warnings = await warningsOf(() =>
    withCache(memoryCache(), async () => {
      assert.equal((await fn())[0], inner);
      assert.equal(await fn.contains(), false);
    })
  );
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /returns functions.*result\[0\]/);
});

Deno.test("fleche() asks an object for its digest where it has a method for that", async () => {
  class Table {
    constructor(readonly id: string) {}
    [Symbol.for("fleche.digest")]() {
      return digest(this.id);
    }
  }
  let runs = 0;
  const fn = fleche((table: Table) => (runs++, table.id), { name: "takes a table" });
  await using cache = memoryCache();
  await withCache(cache, async () => {
    assert.deepEqual([await fn(new Table("a")), await fn(new Table("a"))], ["a", "a"]);
    assert.equal(runs, 1);
    assert.equal(await fn(new Table("b")), "b");
  });
  const read = await (await cache.load(fn.digest(new Table("a")))).argument("table");
  assert.deepEqual(read, new Identity("custom", digest("a").hex));
});

Deno.test("pure() throws TypeError for what it cannot vouch for", () => {
  const bad = [
    Math.max,
    ((x: number) => x).bind(null, 1),
    class Model {},
    made("function () { return this; }"),
  ];
  for (const fn of bad) {
    assert.throws(() => pure(fn as () => unknown), TypeError);
  }
  assert.throws(() => pure(() => 1, [Symbol("s")]), IndigestibleError);
});

Deno.test("pure() throws TypeError where a function gets a second identity", () => {
  const fn = (x: number) => x;
  assert.equal(pure(fn, [1]), fn);
  assert.equal(pure(fn, [1]), fn);
  assert.throws(() => pure(fn, [2]), TypeError);
  assert.throws(() => pure(fleche(fn, { name: "vouched for" })), TypeError);
});

Deno.test("digest() of a pure function follows its source and deps", () => {
  const digests = [
    pure(made("(x) => x")),
    pure(made("(x) => -x")),
    pure(made("(x) => x"), [1]),
    pure(made("(x) => x"), [[1]]),
  ].map((each) => digest(each).hex);
  assert.equal(new Set(digests).size, digests.length);
  assert.equal(digest(pure(made("( x ) => /* once more */ x"))).hex, digests[0]);
});
