import { Call, D, digest, pure } from "@fleche/core";
import assert from "node:assert/strict";
import fc from "fast-check";
import { describeSlot } from "../../src/describe_slot.ts";
import { sampleOf } from "../storage/_samples.ts";
import { memory } from "./_doubles.ts";

const half = (x: number) => x / 2;

const DESCRIPTIONS: readonly (readonly [value: unknown, text: string])[] = [
  [null, "null"],
  [true, "true"],
  [0, "0"],
  [127, "127"],
  [200, "200"],
  [70_000, "70000"],
  [Number.MAX_SAFE_INTEGER, "9007199254740991"],
  [-1, "-1"],
  [-32, "-32"],
  [-33, "-33"],
  [-200, "-200"],
  [-70_000, "-70000"],
  [Number.MIN_SAFE_INTEGER, "-9007199254740991"],
  [0.1, "0.1"],
  [-0, "-0"],
  [NaN, "NaN"],
  [-Infinity, "-Infinity"],
  [0n, "0n"],
  [-(2n ** 70n), "-1180591620717411303424n"],
  ["", '""'],
  ['say "é"\n', '"say \\"é\\"\\n"'],
  ["s".repeat(60), `"${"s".repeat(60)}"`],
  [[], "[]"],
  [[1, [2, "three"]], '[1, [2, "three"]]'],
  [{}, "{}"],
  [{ b: 1, a: { "not plain": 2 } }, '{ a: { "not plain": 2 }, b: 1 }'],
  [[undefined], "[undefined]"],
  [new Map<unknown, unknown>([[1, "one"], ["k", [2]]]), 'Map { 1 => "one", "k" => [2] }'],
  [new Set([1, "a"]), 'Set { 1, "a" }'],
  [new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 250)), "2024-02-29T12:30:15.250Z"],
  [new Date(0), "1970-01-01T00:00:00.000Z"],
  [new Date(-1), "1969-12-31T23:59:59.999Z"],
  [new Date(2 ** 34 * 1000), "2514-05-30T01:53:04.000Z"],
  [new Uint8Array(0), "Uint8Array(0) []"],
  [Uint8Array.of(1, 200), "Uint8Array(2) [1, 200]"],
  [new Float64Array([1, -0, 0.1, NaN]), "Float64Array(4) [1, -0, 0.1, NaN]"],
  [new Float32Array([0.1, 1 / 3]), "Float32Array(2) [0.1, 0.33333334]"],
  [new Int16Array([-300]), "Int16Array(1) [-300]"],
  [BigInt64Array.of(-5n, 0n), "BigInt64Array(2) [-5n, 0n]"],
  [new Uint16Array(100).fill(9), "Uint16Array(100) [9, 9, 9, 9, 9, 9, … 94 more]"],
  [{ u: new Uint8Array(7) }, "{ u: Uint8Array(7) [0, 0, 0, 0, 0, 0, … 1 more] }"],
  [new ArrayBuffer(5), "ArrayBuffer(5)"],
  [new DataView(new ArrayBuffer(5)), "DataView(5)"],
  [/a+/g, 'RegExp("a+", "g", 0)'],
  [new URL("https://example.org/x"), 'URL("https://example.org/x")'],
  ["\ud800", "<ill-formed string>"],
  [[new Uint8Array(70_000)], `[<${digest(new Uint8Array(70_000)).hex.slice(0, 8)}>]`],
  [[D("a".repeat(64))], "[<digest aaaaaaaa>]"],
];

Deno.test("describeSlot() describes values as people write them", () => {
  for (const [value, text] of DESCRIPTIONS) {
    assert.equal(describeSlot(sampleOf(value).encoding.head), text);
  }
  assert.match(
    describeSlot(sampleOf([pure(half)]).encoding.head) ?? "",
    /^\[<pure [0-9a-f]{8}>\]$/,
  );
});

Deno.test("describeSlot() shortens what is long", () => {
  const text = describeSlot(sampleOf("x".repeat(900)).encoding.head) ?? "";
  assert.equal(text.length, 200);
  assert.match(text, /^"x+…$/);
  const numbers = Array.from({ length: 300 }, (_, index) => index % 7);
  const list = describeSlot(sampleOf(numbers).encoding.head) ?? "";
  assert.match(list, /^\[0, 1, 2, .*… 280 more\]$/);
});

Deno.test("describeSlot() says nothing of a value that stands elsewhere", async () => {
  const cache = memory();
  const key = await cache.save(new Call({ name: "f", result: "x".repeat(2000) }));
  assert.equal(describeSlot((await cache.load(key)).detach().result), undefined);
});

Deno.test("describeSlot() takes any bytes", () => {
  const property = fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
    const text = describeSlot(bytes);
    assert(text === undefined || text.length <= 200);
  });
  // A reference of four bytes, a date of two, huge counts, and nesting without an end.
  const examples = [
    [0xd6, 1, 0, 0, 0, 0],
    [0xd5, 0xff, 0, 0],
    [0xdd, 0xff, 0xff, 0xff, 0xff],
    [0xdf, 0xff, 0xff, 0xff, 0xff, 1],
    [0xc7, 2, 8, 0x92, 0xa1],
    new Array(1024).fill(0x91),
  ];
  const options = {
    seed: 8,
    numRuns: 3000,
    examples: examples.map((each): [Uint8Array] => [Uint8Array.from(each)]),
  };
  fc.assert(property, options);
});
