import { registerType } from "@fleche/core";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { encode } from "../../src/codec/encode.ts";
import { type Encoding, joined, type Reference } from "../../src/codec/encoding.ts";
import { nodeOf } from "../../src/storage/_hdf5_from_encoding.ts";
import { loadLibrary } from "../../src/storage/_hdf5_library.ts";
import {
  keyOfLink,
  linkName,
  MAX_GROUP_DEPTH,
  MAX_NODES,
  type Node,
} from "../../src/storage/_hdf5_node.ts";
import { encodingOf, isGroup } from "../../src/storage/_hdf5_to_encoding.ts";
import { fileOfValue, valueOfFile } from "../../src/storage/_hdf5_value.ts";
import { anyValue, fewValues } from "../codec/_arbitrary.ts";
import { sampleOf } from "./_samples.ts";

class Atom {
  constructor(readonly symbol: string, readonly position: Float64Array) {}
}

registerType({
  name: "tests/storage/hdf5_mapping/Atom",
  match: (value: unknown): value is Atom => value instanceof Atom,
  encode: ({ symbol, position }: Atom) => ({ symbol, position }),
  decode: (payload) => {
    const { symbol, position } = payload as { symbol: string; position: Float64Array };
    return new Atom(symbol, position);
  },
});

const library = await loadLibrary();

function assertSameBytes(actual: Encoding, expected: Encoding): void {
  assert.equal(Buffer.compare(joined(actual), joined(expected)), 0);
}

function assertSurvives(value: unknown, compress = false): void {
  const { encoding, reference } = sampleOf(value);
  const file = fileOfValue(library, reference, encoding, compress);
  assertSameBytes(valueOfFile(library, file, reference), encoding);
  assertSameBytes(valueOfFile(library, file), encoding);
}

/** What a value becomes, without its data. */
function outline(node: Node): unknown {
  const label = node.label === undefined ? "" : ` ${node.label}`;
  if (!isGroup(node)) return `${node.type}[${node.shape}]${label}`;
  const members = [...node.members].map(([name, member]) => [name, outline(member)]);
  return label === "" ? Object.fromEntries(members) : [label.trim(), Object.fromEntries(members)];
}

function outlineOf(value: unknown): unknown {
  return outline(nodeOf(encode(value)));
}

for (const compress of [false, true]) {
  Deno.test(`any value survives an HDF5 file byte for byte, ${compress ? "" : "not "}compressed`, () => {
    const property = fc.property(anyValue, (value) => assertSurvives(value, compress));
    fc.assert(property, { seed: 7, numRuns: 150 });
  });
}

Deno.test("values that are nearly the same survive an HDF5 file as what they are", () => {
  fc.assert(fc.property(fewValues, (value) => assertSurvives(value)), { seed: 8, numRuns: 400 });
});

// Where the choice between integers and floats could go wrong.
const numbers = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 0.5, NaN, Infinity, -Infinity, 5e-324),
  fc.constantFrom(
    2 ** 31,
    2 ** 32,
    2 ** 53 - 1,
    2 ** 53,
    -(2 ** 53) + 1,
    -(2 ** 53),
    2 ** 63,
    1e300,
  ),
  fc.maxSafeInteger(),
  fc.double(),
);

Deno.test("arrays of numbers survive whatever mixture they are", () => {
  const matrix = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))
    .chain(([rows, columns]) => {
      const row = fc.array(numbers, { minLength: columns, maxLength: columns });
      return fc.array(row, { minLength: rows, maxLength: rows });
    });
  const property = fc.property(fc.oneof(matrix, fc.array(numbers)), (value) => {
    const { encoding } = sampleOf(value);
    const node = nodeOf(encoding);
    assert(!isGroup(node));
    assert(node.label === undefined);
    assertSameBytes(encodingOf(node), encoding);
    assertSurvives(value);
  });
  fc.assert(property, { seed: 9, numRuns: 500 });
});

Deno.test("arrays of strings survive whatever they end in", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "é", " ", "\0", "\ufeff", "😀"),
    maxLength: 4,
  });
  const property = fc.property(fc.array(text, { maxLength: 5 }), (value) => assertSurvives(value));
  fc.assert(property, { seed: 10, numRuns: 500 });
});

Deno.test("any key of an object has a link of its own, and gets it back", () => {
  const text = fc.string({
    unit: fc.constantFrom("/", ".", "%", "2", "F", "\0", "\ufeff", "é", "a"),
  });
  fc.assert(fc.property(text, (key) => assert.equal(keyOfLink(linkName(key)), key)), { seed: 11 });
  const property = fc.property(fc.array(text, { maxLength: 8 }), (keys) => {
    assertSurvives(Object.fromEntries(keys.map((key, index) => [key, index])));
  });
  fc.assert(property, { seed: 12, numRuns: 200 });
  assert.equal(keyOfLink("a%2fb"), undefined);
});

Deno.test("every half-precision number survives as a single-precision one", () => {
  const all = new Float16Array(Uint16Array.from({ length: 0x1_0000 }, (_, bits) => bits).buffer);
  const node = nodeOf(encode(all));
  assert(!isGroup(node));
  assert.equal(outline(node), "float32[65536] Float16Array");
  const { buffer, byteOffset, byteLength } = node.data;
  const singles = new Float32Array(buffer, byteOffset, byteLength / 4);
  assert(all.every((half, index) => Object.is(half, singles[index])));
  assertSameBytes(encodingOf(node), encode(all));
});

Deno.test("nodeOf() chooses what other programs read best", () => {
  const table: readonly [unknown, unknown][] = [
    [1, "int64[]"],
    [2 ** 53, "float64[]"],
    [-0, "float64[]"],
    ["text", "ascii[]"],
    ["é", "utf8[]"],
    ["", "ascii[]"],
    [null, "ascii[] null"],
    [undefined, "ascii[] undefined"],
    [true, "uint8[] boolean"],
    [10n ** 30n, "ascii[] bigint"],
    [new Date(0), "ascii[] Date"],
    [new Date(NaN), ["builtin", { 0: "ascii[]" }]],
    [[], "int64[0]"],
    [[1, 2, 3], "int64[3]"],
    [[1, 2.5, NaN], "float64[3]"],
    [[[1, 2], [3, 4], [5, 6]], "int64[3,2]"],
    [[[[1], [2.5]]], "float64[1,2,1]"],
    [[[true, false]], "uint8[1,2] boolean"],
    [[["a", "bcd"], ["", "e"]], "ascii[2,2]"],
    [["é", "a"], "utf8[2]"],
    [[[1, 2], [3]], ["Array", { 0: "int64[2]", 1: "int64[1]" }]],
    [[[], []], ["Array", { 0: "int64[0]", 1: "int64[0]" }]],
    [[1, [2]], ["Array", { 0: "int64[]", 1: "int64[1]" }]],
    [[1, "a", null], ["Array", { 0: "int64[]", 1: "ascii[]", 2: "ascii[] null" }]],
    [["a\0"], ["Array", { 0: "ascii[]" }]],
    [["a ", "b"], "ascii[2]"],
    [["é ", "b"], ["Array", { 0: "utf8[]", 1: "ascii[]" }]],
    [["x".repeat(9000), ...new Array(99).fill("y")].slice(0, 1), "ascii[1]"],
    [{ b: 1, a: { "x/y": [] } }, { a: { "x%2Fy": "int64[0]" }, b: "int64[]" }],
    [{}, {}],
    [new Map([["a", 1], ["b", 2.5]]), ["Map", { keys: "ascii[2]", values: "float64[2]" }]],
    [new Set([[1], [2]]), ["Set", { elements: "int64[2,1]" }]],
    [new Uint8Array(3), "uint8[3] Uint8Array"],
    [new Uint8ClampedArray(3), "uint8[3] Uint8ClampedArray"],
    [new Int8Array(0), "int8[0] Int8Array"],
    [new Int16Array(1), "int16[1] Int16Array"],
    [new Uint16Array(1), "uint16[1] Uint16Array"],
    [new Int32Array(1), "int32[1] Int32Array"],
    [new Uint32Array(1), "uint32[1] Uint32Array"],
    [new BigInt64Array(1), "int64[1] BigInt64Array"],
    [new BigUint64Array(1), "uint64[1] BigUint64Array"],
    [new Float32Array(1), "float32[1] Float32Array"],
    [new Float64Array(70_000), "float64[70000] Float64Array"],
    [new DataView(new ArrayBuffer(2)), "uint8[2] DataView"],
    [new ArrayBuffer(2), "uint8[2] ArrayBuffer"],
    [/a/g, ["builtin", { 0: "ascii[]", 1: "ascii[]", 2: "ascii[]", 3: "int64[]" }]],
    ["\ud800", "uint8[4] encoding"],
    [
      new Atom("He", new Float64Array(3)),
      [
        "registered",
        { type: "ascii[]", value: { position: "float64[3] Float64Array", symbol: "ascii[]" } },
      ],
    ],
  ];
  for (const [value, expected] of table) {
    assert.deepEqual(outlineOf(value), expected, String(outlineOf(value)));
    assertSurvives(value);
  }
});

Deno.test("strings of too different lengths are not filled up", () => {
  const words = ["x".repeat(9000), ...new Array<string>(99).fill("y")];
  assert.deepEqual((outlineOf(words) as unknown[])[0], "Array");
  assertSurvives(words);
});

Deno.test("a registered type survives where it is not registered", () => {
  // As encode() would write it for a type of that name: extension 8, [name, payload].
  const payload = [0x92, 0xa4, ...new TextEncoder().encode("Nope"), 0x81, 0xa1, 0x61, 0x01];
  const head = Uint8Array.of(0xc7, payload.length, 8, ...payload);
  const node = nodeOf({ head });
  assert.deepEqual(outline(node), ["registered", { type: "ascii[]", value: { a: "int64[]" } }]);
  assertSameBytes(encodingOf(node), { head });
});

Deno.test("references survive, alone and in arrays", () => {
  const parts: Reference[] = [];
  const large = [1, 2, 3].map((seed) => new Uint8Array(70_000).fill(seed));
  const sink = (reference: Reference) => void parts.push(reference);
  const encoding = encode({ all: large, one: large[0] }, { sink });
  assert.equal(new Set(parts.map(({ digest }) => digest)).size, 3);
  const node = nodeOf(encoding);
  assert.deepEqual(outline(node), { all: "reference[3]", one: "reference[]" });
  assertSameBytes(encodingOf(node), encoding);
  const reference = { digest: "0".repeat(64), crc: 0, length: joined(encoding).length };
  const file = fileOfValue(library, reference, encoding, true);
  assertSameBytes(valueOfFile(library, file), encoding);
});

Deno.test("large data survive in slabs, compressed or not", () => {
  const matrix = Array.from({ length: 900 }, (_, i) => {
    return Array.from({ length: 700 }, (_, j) => i * j / 7);
  });
  const series = Float64Array.from({ length: 3_000_001 }, (_, index) => Math.sin(index));
  for (const compress of [false, true]) {
    assertSurvives(matrix, compress);
    assertSurvives(series, compress);
  }
});

/** Arrays in arrays, so that no two lengths are the same. */
function nested(depth: number): unknown {
  let value: unknown = "end";
  for (let level = 1; level < depth; level++) value = [value, level];
  return value;
}

function depthOf(node: Node): number {
  if (!isGroup(node)) return 1;
  return 1 + Math.max(0, ...node.members.values().map(depthOf));
}

for (const depth of [MAX_GROUP_DEPTH - 1, MAX_GROUP_DEPTH, MAX_GROUP_DEPTH + 1, 512]) {
  Deno.test(`a value of depth ${depth} survives in at most ${MAX_GROUP_DEPTH} levels`, () => {
    const value = nested(depth);
    assert.equal(depthOf(nodeOf(encode(value))), Math.min(depth, MAX_GROUP_DEPTH));
    assertSurvives(value);
  });
}

function countOf(node: Node): number {
  return 1 +
    (isGroup(node) ? node.members.values().reduce((sum, each) => sum + countOf(each), 0) : 0);
}

Deno.test("an object of 100,000 small members is stored as bytes, quickly", () => {
  const value = Object.fromEntries(
    Array.from({ length: 100_000 }, (_, index) => [`k${index}`, index]),
  );
  assert.match(String(outlineOf(value)), /^uint8\[\d+\] encoding$/);
  assertSurvives(value);
});

Deno.test("what goes beyond the most nodes stands as bytes, the rest is readable", () => {
  const value = {
    a: Array.from({ length: 1000 }, (_, index) => ({ index, name: "n" })),
    b: Array.from({ length: 1000 }, (_, index) => [index, null]),
    c: 5,
  };
  const node = nodeOf(encode(value));
  assert(countOf(node) <= MAX_NODES);
  assert(countOf(node) > MAX_NODES / 2);
  assert(isGroup(node));
  assert.equal(outline(node.members.get("c") as Node), "int64[]");
  assertSurvives(value);
});

for (const [length, kept] of [[1024, true], [1025, false]] as const) {
  Deno.test(`an object with a key of ${length} bytes is ${kept ? "a group" : "bytes"}`, () => {
    const value = { ["k".repeat(length)]: 1 };
    assert.equal(isGroup(nodeOf(encode(value))), kept);
    assertSurvives(value);
  });
}

Deno.test("bytes that are no canonical encoding come back as they are", () => {
  const odd = [
    [],
    [0xc1],
    [0x92, 1],
    [0xcd, 0, 1],
    [0x82, 0xa1, 0x62, 1, 0xa1, 0x61, 2],
    [0xc4, 9],
    [1, 1],
  ];
  for (const bytes of odd) {
    const head = Uint8Array.from(bytes);
    assertSameBytes(encodingOf(nodeOf({ head })), { head });
  }
  const property = fc.property(fc.uint8Array({ maxLength: 40 }), (head) => {
    assertSameBytes(encodingOf(nodeOf({ head })), { head });
  });
  fc.assert(property, { seed: 13, numRuns: 3000 });
});
