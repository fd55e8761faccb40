import assert from "node:assert";
import { difference } from "./_same.ts";

const UNLIKE: readonly (readonly [string, unknown, unknown])[] = [
  ["signs of zero", 0, -0],
  ["a number and its text", 1, "1"],
  ["a number and a bigint", 1, 1n],
  ["null and undefined", null, undefined],
  ["undefined and missing", { a: undefined }, {}],
  ["undefined and a hole", [undefined], new Array(1)],
  ["lengths", [1], [1, undefined]],
  ["signs of zero inside", [{ a: 0 }], [{ a: -0 }]],
  ["an array and an object", [], {}],
  ["prototypes", {}, Object.create(null)],
  ["a Date and its time", new Date(0), 0],
  ["dates", new Date(0), new Date(1)],
  ["an invalid date", new Date(NaN), new Date(0)],
  ["order in a Map", new Map([[1, 1], [2, 2]]), new Map([[2, 2], [1, 1]])],
  ["values of a Map", new Map([[1, [1]]]), new Map([[1, [2]]])],
  ["order in a Set", new Set([1, 2]), new Set([2, 1])],
  ["a Map and a Set", new Map(), new Set()],
  ["kinds of memory", new Int8Array(2), new Uint8Array(2)],
  ["lengths of memory", new Int8Array(2), new Int8Array(3)],
  ["bytes", Uint8Array.of(1, 2), Uint8Array.of(1, 3)],
  ["signs of zero in memory", Float64Array.of(0), Float64Array.of(-0)],
  ["buffers", new ArrayBuffer(1), new ArrayBuffer(2)],
  ["flags", /a/g, /a/],
  ["lastIndex", /a/g, Object.assign(/a/g, { lastIndex: 1 })],
  ["addresses", new URL("a:b"), new URL("a:c")],
  ["classes of errors", new Error("a"), new TypeError("a")],
  ["messages", new Error("a"), new Error("b")],
  ["own names", new Error("a"), Object.assign(new Error("a"), { name: "Error" })],
  ["causes", new Error("a", { cause: 1 }), new Error("a", { cause: 2 })],
  ["a cause undefined", new Error("a", { cause: undefined }), new Error("a")],
  ["data of errors", Object.assign(new Error("a"), { x: 1 }), new Error("a")],
  ["collected errors", new AggregateError([1]), new AggregateError([2])],
];

Deno.test("difference() finds what sets two values apart", async (t) => {
  for (const [label, a, b] of UNLIKE) {
    await t.step(label, () => {
      assert.notEqual(difference(a, b), undefined);
      assert.notEqual(difference(b, a), undefined);
      assert.equal(difference(a, a), undefined);
      assert.equal(difference([structuredClone(1), a], [1, a]), undefined);
    });
  }
});

Deno.test("difference() finds none where only the order of keys differs", () => {
  const memory = Uint8Array.of(9, 1, 2).subarray(1);
  assert.equal(difference({ a: 1, b: [NaN] }, { b: [NaN], a: 1 }), undefined);
  assert.equal(difference(memory, Uint8Array.of(1, 2)), undefined);
  assert.equal(difference(new Map([[[1], 2]]), new Map([[[1], 2]])), undefined);
});
