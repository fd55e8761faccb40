import { type AnyFunction, fleche, IndigestibleError, withCache } from "@fleche/core";
import assert from "node:assert";
import { made, memoryCache, warningsOf } from "../_wrapper.ts";

function named(fn: AnyFunction, ...args: unknown[]): [string, unknown][] {
  return Object.entries(wrapped(fn).describe(...args).arguments);
}

function wrapped(fn: AnyFunction) {
  return fleche(fn, { name: "destructured", hashCode: true });
}

function assertAgree(fn: AnyFunction, ...calls: unknown[][]): void {
  const keys = calls.map((args) => wrapped(fn).digest(...args));
  assert.equal(new Set(keys).size, 1, `The calls of ${fn} differ`);
}

function assertDiffer(fn: AnyFunction, ...calls: unknown[][]): void {
  const keys = calls.map((args) => wrapped(fn).digest(...args));
  assert.equal(new Set(keys).size, calls.length, `Some calls of ${fn} agree`);
}

Deno.test("fleche() names the properties of a destructured object in the pattern's order", () => {
  const fn = made("({ zeta, alpha, mid }) => zeta");
  assert.deepEqual(named(fn, { mid: 3, alpha: 2, zeta: 1 }), [["zeta", 1], ["alpha", 2], [
    "mid",
    3,
  ]]);
  assertAgree(fn, [{ zeta: 1, alpha: 2 }], [{ alpha: 2, zeta: 1 }]);
  assertDiffer(fn, [{ zeta: 1, alpha: 2 }], [{ zeta: 2, alpha: 1 }], [{ zeta: 1 }]);
});

Deno.test("fleche() names a renamed property by its key", () => {
  assert.deepEqual(named(made("({ a: x, 'b c': y, 'd': z }) => x"), { a: 1, "b c": 2, d: 3 }), [
    ["a", 1],
    ["b c", 2],
    ["d", 3],
  ]);
});

Deno.test("fleche() applies the literal defaults of destructured properties", () => {
  const fn = made("({ a = 1, b: x = [-2], c = a }) => a");
  assert.deepEqual(named(fn, {}), [["a", 1], ["b", [-2]]]);
  assertAgree(fn, [{}], [{ a: undefined }], [{ a: 1 }], [{ b: [-2] }], [{ c: undefined, b: [-2] }]);
  assertDiffer(fn, [{}], [{ a: 2 }], [{ a: null }], [{ c: 1 }]);
});

Deno.test("fleche() applies no default of a property that is taken twice with two", () => {
  const fn = made("({ a: x = 1, a: y = 2 }) => x + y");
  assert.deepEqual(named(fn, { a: 5 }), [["a", 5]]);
  assertDiffer(fn, [{}], [{ a: 1 }], [{ a: 2 }]);
});

Deno.test("fleche() names the values of nested patterns as a whole", () => {
  const fn = made("({ a: { b }, c: [d] = [1], e: { f = 2 } = { f: 3 } }) => b");
  assert.deepEqual(named(fn, { a: { b: 1, z: 2 } }), [["a", { b: 1, z: 2 }], ["c", [1]], [
    "e",
    { f: 3 },
  ]]);
});

Deno.test("fleche() sorts further properties after those of the pattern", () => {
  for (const text of ["({ m }) => m", "({ m, ...rest }) => rest"]) {
    const fn = made(text);
    const call = { z: 1, b: 2, m: 3, é: 4, B: 5 };
    assert.deepEqual(named(fn, call).map(([name]) => name), ["m", "B", "b", "z", "é"]);
    assertDiffer(fn, [{ m: 1 }], [{ m: 1, n: 1 }], [{ m: 1, n: 2 }], [{ m: 1, o: 1 }]);
    assertAgree(fn, [{ m: 1, x: 2, y: 3 }], [{ y: 3, x: 2, m: 1, w: undefined }]);
  }
});

Deno.test("fleche() applies a literal default of the whole object", () => {
  const empty = made("({ a = 1 } = {}) => a");
  assertAgree(empty, [], [undefined], [{}], [{ a: 1 }]);
  const filled = made("({ a = 1, b } = { a: 5, b: 6 }) => a");
  assertAgree(filled, [], [{ a: 5, b: 6 }]);
  assertDiffer(filled, [], [{}], [{ a: 5 }]);
});

Deno.test("fleche() keeps f() apart from f({}) where the default is not known", () => {
  assertDiffer(made("({ a } = fallback()) => a"), [], [{}], [{ a: undefined, b: 1 }]);
  assertDiffer(made("({ a }) => a"), [], [{}]);
});

Deno.test("fleche() caches f() where the default of the object is not known", async () => {
  let runs = 0;
  const fallback = () => ({ a: 7 });
  const fn = wrapped(({ a } = fallback()) => (runs++, a));
  await withCache(memoryCache(), async () => {
    assert.deepEqual([await fn(), await fn(undefined)], [7, 7]);
    assert.equal(fn.describe().key, fn.digest());
  });
  assert.equal(runs, 1);
});

Deno.test("fleche() takes objects without a prototype apart like others", () => {
  const bare = Object.assign(Object.create(null), { a: 1, b: 2 });
  assertAgree(made("({ a }) => a"), [bare], [{ b: 2, a: 1 }]);
});

Deno.test("fleche() names an argument that is no plain object after its position", () => {
  const fn = made("({ length, size }) => length ?? size");
  for (const value of [[1, 2], "text", 5, null, new Map([["a", 1]]), new Uint8Array(3)]) {
    assert.deepEqual(named(fn, value), [["[0]", value]]);
  }
  assertDiffer(fn, [[]], [{}], [""], [null], [new Map()], [new Set()]);
});

Deno.test("fleche() takes an object apart although the pattern has a computed key", () => {
  // What the key will be is not known, so nothing is: the object is one argument.
  assert.deepEqual(named(made("({ ['a' + 1]: b, c = 1 }) => b"), { a1: 2 }), [["[0]", { a1: 2 }]]);
});

Deno.test("fleche() names what follows a destructured object after its position", () => {
  const fn = made("({ a }) => a");
  assert.deepEqual(named(fn, { a: 1 }, 2, undefined, 3), [["a", 1], ["[1]", 2], ["[3]", 3]]);
});

Deno.test("fleche() tells properties named like positions from arguments there", () => {
  const fn = made("({ a, ...rest }, more) => a");
  const open = made("({ a, ...rest }) => a");
  for (const each of [fn, open]) {
    assertDiffer(each, [{ "[1]": 2 }], [{}, 2], [{ "[0]": 2 }], [2], [{ a: 2 }]);
  }
  assert.deepEqual(named(made("({ '[1]': b }) => b"), { "[1]": 2 }), [["[0]", { "[1]": 2 }]]);
});

Deno.test("fleche() refuses an own __proto__ property, which has no encoding", () => {
  const fn = wrapped(made("({ a, ...rest }) => a"));
  assert.throws(() => fn.digest(JSON.parse('{ "__proto__": 1 }')), IndigestibleError);
});

Deno.test("fleche() caches calls whose properties have whole numbers for names", async () => {
  let runs = 0;
  const { sum } = {
    sum: ({ start = 0, ...years }: Record<string, number>) => {
      runs++;
      return Object.values(years).reduce((total, each) => total + each, start);
    },
  };
  const fn = wrapped(sum);
  const call = { 2020: 1, 999: 2, start: 3, 10: 4 };
  const warnings = await warningsOf(() =>
    withCache(memoryCache(), async () => {
      assert.deepEqual([await fn(call), await fn(call)], [10, 10]);
      assert.equal(fn.describe(call).key, fn.digest(call));
      assert.deepEqual(fn.describe(call).argumentNames, ["start", "10", "2020", "999"]);
    })
  );
  assert.equal(runs, 1);
  assert.deepEqual(warnings, []);
});
