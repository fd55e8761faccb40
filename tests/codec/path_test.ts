import assert from "node:assert";
import { IndigestibleError, registerType } from "@fleche/core";
import { encode } from "../../src/codec/encode.ts";
import { assertIndigestible } from "./_indigestible.ts";

class Holder {
  constructor(readonly content: unknown) {}
}

registerType<Holder>({
  name: "test/Holder",
  match: (value) => value instanceof Holder,
  encode: ({ content }) => content,
  decode: (content) => new Holder(content),
});

const culprit = () => 1;

const PATHS: readonly (readonly [path: string, value: unknown])[] = [
  ["", culprit],
  [".grid.cells[3]", { grid: { cells: [1, 2, 3, culprit] } }],
  ["[0]", [culprit]],
  ["[10][2]", [...new Array(10).fill(0), [0, 0, culprit]]],
  [".a", { a: culprit, b: 1 }],
  [".b", { b: culprit, a: 1 }],
  [".$_a1", { $_a1: culprit }],
  ['[""]', { "": culprit }],
  ['["0"]', { 0: culprit }],
  ['["1a"]', { "1a": culprit }],
  ['["a b"]', { "a b": culprit }],
  ['["a.b"]', { "a.b": culprit }],
  ['["a\\nb"]', { "a\nb": culprit }],
  ['["\\""]', { '"': culprit }],
  ['["\u00e9"]', { "\u00e9": culprit }],
  ["<key 0>", new Map([[culprit, 1]])],
  ["<key 1>", new Map<unknown, unknown>([[1, 1], [culprit, 1]])],
  ['.get("k")', new Map([["k", culprit]])],
  ['.get("a \\"b\\"")', new Map([['a "b"', culprit]])],
  ["<value 0>", new Map([[1, culprit]])],
  ["<value 2>", new Map<unknown, unknown>([["a", 1], [2, 2], [[], culprit]])],
  ["<element 0>", new Set([culprit])],
  ["<element 2>", new Set<unknown>([1, 2, culprit])],
  ["<content of test/Holder>", new Holder(culprit)],
  ["<content of test/Holder>.list[1]", new Holder({ list: [0, culprit] })],
  [".cause", new Error("e", { cause: culprit })],
  [".at", Object.assign(new Error("e"), { at: culprit })],
  [".errors[1]", new AggregateError([0, culprit])],
  ['.a[0].get("b")<element 0>.c', { a: [new Map([["b", new Set([{ c: culprit }])]])] }],
];

Deno.test("encode() names the path to the culprit", async (t) => {
  for (const [path, value] of PATHS) {
    await t.step(path === "" ? "the root" : path, () => {
      assertIndigestible(value, `value${path}`, /is a function/);
      assertIndigestible(value, `arguments${path}`, /is a function/, { root: "arguments" });
      assertIndigestible([value], `value[0]${path}`, /is a function/);
      assertIndigestible(value, `value${path}`, /is a function/, { split: false });
    });
  }
});

Deno.test("encode() names the path to a culprit inside a part", () => {
  const large = ["x".repeat(70_000), new Uint8Array(70_000), culprit];
  assertIndigestible({ a: [large] }, "value.a[0][2]", /is a function/);
});

Deno.test("encode() names the first culprit in the order of the keys", () => {
  assertIndigestible({ b: Symbol("b"), a: culprit }, "value.a", /is a function/);
});

Deno.test("encode() lets errors of getters pass as they are", () => {
  const error = new RangeError("mine");
  const value = {
    get a(): never {
      throw error;
    },
  };
  assert.throws(() => encode({ list: [value] }), (thrown) => thrown === error);
  assert.throws(() => encode({ list: [culprit] }), IndigestibleError);
});
