import { type AnyFunction, fleche } from "@fleche/core";
import fc from "fast-check";
import assert from "node:assert";
import { made } from "../_wrapper.ts";

/** What the arguments of a call are called, and what they are. */
function argumentsOf(fn: AnyFunction, ...args: unknown[]): Record<string, unknown> {
  return fleche(fn, { name: "named", hashCode: true }).describe(...args).arguments;
}

function keys(fn: AnyFunction, calls: readonly unknown[][]): string[] {
  const wrapped = fleche(fn, { name: "named", hashCode: true });
  return calls.map((args) => wrapped.digest(...args));
}

function assertAgree(fn: AnyFunction, ...calls: unknown[][]): void {
  assert.equal(new Set(keys(fn, calls)).size, 1, `The calls of ${fn} differ`);
}

function assertDiffer(fn: AnyFunction, ...calls: unknown[][]): void {
  assert.equal(new Set(keys(fn, calls)).size, calls.length, `Some calls of ${fn} agree`);
}

const LITERALS: readonly (readonly [string, unknown])[] = [
  ["2", 2],
  ["2.5e3", 2500],
  ["0x10", 16],
  ["1_000", 1000],
  ["-2", -2],
  ["-0", -0],
  ["- -3", 3],
  ["(4)", 4],
  ['""', ""],
  ["'it\\'s'", "it's"],
  ['"\\u00e9\\n"', "é\n"],
  ["true", true],
  ["false", false],
  ["null", null],
  ["``", ""],
  ["`plain\\ttext`", "plain\ttext"],
  ["`two\nlines`", "two\nlines"],
  ["[]", []],
  ["[1, [-2, ['x', null]], { a: `b` }]", [1, [-2, ["x", null]], { a: "b" }]],
  ["{}", {}],
  ["{ b: 1, a: { 'c d': [true] }, 3: -1 }", { a: { "c d": [true] }, 3: -1, b: 1 }],
];

for (const [text, value] of LITERALS) {
  Deno.test(`fleche() applies the literal default ${JSON.stringify(text)}`, () => {
    const fn = made(`function (x, y = ${text}) {}`);
    assert.deepEqual(argumentsOf(fn, 1), { x: 1, y: value });
    assertAgree(fn, [1], [1, undefined], [1, value]);
    assertDiffer(fn, [1], [1, "something else"]);
  });
}

Deno.test("fleche() applies any default that JSON can write", () => {
  const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value))
    .filter((text) => !text.includes("__proto__"));
  fc.assert(
    fc.property(json, (text) => {
      assertAgree(made(`(x, y = ${text}) => x`), [1], [1, undefined], [1, JSON.parse(text)]);
    }),
    { seed: 31, numRuns: 200 },
  );
});

const NO_LITERALS = [
  "other",
  "x",
  "x + 1",
  "1 + 1",
  "(1, 1)",
  "+1",
  "!1",
  "~1",
  "-'1'",
  "-x",
  "void 0",
  "undefined",
  "NaN",
  "Infinity",
  "1n",
  "/1/",
  "`${x}`",
  "String.raw`1`",
  "[x]",
  "[...x]",
  "[, 1]",
  "{ x }",
  "{ ...x }",
  "{ [x]: 1 }",
  "{ a() {} }",
  "{ get a() { return 1; } }",
  "{ __proto__: null }",
  "new Date(1)",
  "() => 1",
];

for (const text of NO_LITERALS) {
  Deno.test(`fleche() does not apply the default ${text}, which is no literal`, () => {
    const fn = made(`function (x, y = ${text}) {}`);
    assert.deepEqual(argumentsOf(fn, 1), { x: 1 });
    assertAgree(fn, [1], [1, undefined]);
    assertDiffer(fn, [1], [1, 1], [1, null]);
  });
}

Deno.test("fleche() names arguments after the parameters, in their order", () => {
  const fn = (zeta: number, alpha: number, $: number, _ä: number) => zeta + alpha + $ + _ä;
  assert.deepEqual(Object.entries(argumentsOf(fn, 1, 2, 3, 4)), [
    ["zeta", 1],
    ["alpha", 2],
    ["$", 3],
    ["_ä", 4],
  ]);
  assertDiffer(fn, [1, 2], [2, 1], [1], [undefined, 1], []);
});

Deno.test("fleche() takes undefined for an argument that is left out", () => {
  const fn = (a?: number, b?: number, c?: number) => [a, b, c];
  assertAgree(fn, [1], [1, undefined], [1, undefined, undefined, undefined]);
  assertAgree(fn, [], [undefined]);
  assertAgree(fn, [undefined, undefined, 3], [undefined, undefined, 3, undefined]);
  assertDiffer(fn, [1], [undefined, 1], [undefined, undefined, 1], [null], [1, null]);
});

Deno.test("fleche() keeps an explicit null where the default is not null", () => {
  assertDiffer(made("(x = 1) => x"), [], [null], [0]);
});

Deno.test("fleche() takes a rest parameter for one array, also when it is empty", () => {
  const fn = (first: number, ...more: number[]) => [first, ...more];
  assert.deepEqual(argumentsOf(fn, 1), { first: 1, more: [] });
  assert.deepEqual(argumentsOf(fn, 1, 2, 3), { first: 1, more: [2, 3] });
  // The body sees how many there are.
  assertDiffer(fn, [1], [1, undefined], [1, 2], [1, [2]], [1, 2, undefined]);
});

Deno.test("fleche() names a rest parameter that is a pattern after its position", () => {
  assert.deepEqual(argumentsOf(made("(a, ...[b, c]) => a"), 1, 2), { a: 1, "[1]": [2] });
});

Deno.test("fleche() names surplus arguments after their positions", () => {
  const fn = made("function (a, b = 5) { return arguments.length; }");
  assert.deepEqual(argumentsOf(fn, 1, 2, 3, 4), { a: 1, b: 2, "[2]": 3, "[3]": 4 });
  assert.deepEqual(argumentsOf(fn, 1, undefined, undefined, 4), { a: 1, b: 5, "[3]": 4 });
  assertDiffer(fn, [1, 2], [1, 2, 3], [1, 2, undefined, 3], [1, 2, 3, 3]);
});

Deno.test("fleche() names all arguments of a function without parameters after positions", () => {
  const fn = made("function () { return arguments[0]; }");
  assert.deepEqual(argumentsOf(fn, 7, 8), { "[0]": 7, "[1]": 8 });
});

Deno.test("fleche() names patterns among several parameters after their positions", () => {
  const fn = made("(a, { b, c = 2 } = {}, [d] = [3], e) => a");
  assert.deepEqual(argumentsOf(fn, 1), { a: 1, "[1]": {}, "[2]": [3] });
  assert.deepEqual(argumentsOf(fn, 1, { b: 2 }, undefined, 4), {
    a: 1,
    "[1]": { b: 2 },
    "[2]": [3],
    e: 4,
  });
  assertDiffer(fn, [1], [1, { b: 1 }], [1, {}, []], [1, {}, [3], 1]);
});

Deno.test("fleche() names a single array pattern after its position", () => {
  assert.deepEqual(argumentsOf(made("([a, b] = [1, 2]) => a"), [3]), { "[0]": [3] });
  assertAgree(made("([a, b] = [1, 2]) => a"), [], [[1, 2]]);
});

Deno.test("fleche() tells the arguments of two parameters of one name apart", () => {
  assertDiffer(made("function (a, a) { return arguments[0]; }"), [1, 2], [3, 2], [1, 3]);
});
