import assert from "node:assert";
import { CorruptValueError, Digest, digest, Identity, IndigestibleError } from "@fleche/core";
import { decode } from "../../src/codec/decoder.ts";
import { encode } from "../../src/codec/encode.ts";
import { bytesOf, concat, decoded, encoded, encodedWhole, hexOf, referenceHex } from "./_bytes.ts";
import { assertIndigestible } from "./_indigestible.ts";
import { assertSame } from "./_same.ts";
import { Crate } from "./_sized.ts";

const TOO_DEEP = /deeper than 512 levels/;

/** A value inside a number of containers. */
function nested(levels: number, value: unknown, wrap: (value: unknown) => unknown): unknown {
  let result = value;
  for (let level = 0; level < levels; level++) result = wrap(result);
  return result;
}

const inArray = (value: unknown) => [value];

/** Containers that add one level each. */
const CONTAINERS: readonly (readonly [string, (value: unknown) => unknown])[] = [
  ["arrays", inArray],
  ["objects", (value) => ({ a: value })],
  ["keys of Maps", (value) => new Map([[value, 1]])],
  ["values of Maps", (value) => new Map([[1, value]])],
  ["Sets", (value) => new Set([value])],
  ["registered types", (value) => new Crate(value)],
  ["causes of errors", (value) => new Error("e", { cause: value })],
];

const LEAVES: readonly (readonly [string, unknown])[] = [
  ["a number", 1],
  ["a string", "a"],
  ["null", null],
  ["undefined", undefined],
  ["an empty array", []],
  ["an empty object", {}],
  ["an empty Map", new Map()],
  ["an empty Set", new Set()],
  ["bytes", Uint8Array.of(1)],
  ["a Float64Array", Float64Array.of(1)],
  ["a bigint", 1n],
  ["a Date", new Date(0)],
  ["a large string", "x".repeat(70_000)],
  ["a large Float64Array", new Float64Array(10_000)],
];

for (const [label, wrap] of CONTAINERS) {
  Deno.test(`encode() nests ${label} 512 levels deep and no deeper`, () => {
    for (const [leaf, value] of LEAVES) {
      const deepest = nested(511, value, wrap);
      const { root, source } = encodedWhole(deepest);
      assertSame(decoded(root, { source }), deepest, leaf);
      assert.throws(() => encode(nested(512, value, wrap)), (error) => {
        assert(error instanceof IndigestibleError, `${error}`);
        assert.match(error.message, TOO_DEEP);
        return true;
      }, leaf);
    }
  });
}

Deno.test("encode() names the path to what is too deep", () => {
  assertIndigestible(nested(512, 1, inArray), `value${"[0]".repeat(512)}`, TOO_DEEP);
  const record = nested(512, 1, (value) => ({ a: value }));
  assertIndigestible(record, `value${".a".repeat(512)}`, TOO_DEEP);
});

// Whether the fields of a small extension count as a level is for the decoder to say as well.
Deno.test("decode() reads whatever encode() writes, however deep", () => {
  const values = [
    new Digest("ab".repeat(32)),
    new Identity("pure", "ab".repeat(32)),
    { [Symbol.for("fleche.digest")]: () => "ab".repeat(32) },
    new Date(NaN),
    /a/,
    new URL("a:b"),
    new Error("e"),
    new AggregateError([1]),
    new Crate(1),
    new Map([[1, 2]]),
  ];
  for (const value of values) {
    for (let levels = 508; levels <= 513; levels++) {
      let bytes: Uint8Array;
      try {
        bytes = encoded(nested(levels, value, inArray));
      } catch (error) {
        assert(error instanceof IndigestibleError);
        continue;
      }
      const back = decoded(bytes);
      assert.equal(hexOf(encoded(back)), hexOf(bytes), `${Deno.inspect(value)} at ${levels + 1}`);
    }
  }
});

Deno.test("decode() refuses what nests deeper than 512 levels", () => {
  assertSame(decoded(bytesOf(`${"91".repeat(511)} 90`)), nested(511, [], inArray));
  const hostile = [
    `${"91".repeat(512)} 00`,
    `${"91".repeat(512)} 90`,
    `${"81a161".repeat(512)} 00`,
    "91".repeat(1_000_000),
    "81a161".repeat(1_000_000),
  ];
  for (const hex of hostile) assert.throws(() => decoded(bytesOf(hex)), CorruptValueError);
});

/** Extensions that hold an array that holds the next one. */
function nestedExtension(levels: number, code: number, before: string): Uint8Array {
  let bytes = bytesOf("00");
  for (let level = 0; level < levels; level++) {
    const payload = concat(bytesOf(before), bytes);
    const header = new DataView(new ArrayBuffer(6));
    header.setUint8(0, 0xc9);
    header.setUint32(1, payload.length);
    header.setUint8(5, code);
    const long = new Uint8Array(header.buffer);
    const { length } = payload;
    if ([1, 2, 4, 8, 16].includes(length)) {
      bytes = concat(Uint8Array.of(0xd4 + Math.log2(length), code), payload);
    } else if (length < 0x100) bytes = concat(Uint8Array.of(0xc7, ...long.subarray(4)), payload);
    else bytes = concat(Uint8Array.of(0xc8, ...long.subarray(3)), payload);
  }
  return bytes;
}

Deno.test("decode() refuses extensions that nest deeper than 512 levels", () => {
  const kinds: readonly (readonly [code: number, before: string])[] = [
    [5, "9201"],
    [6, "91"],
    [8, "92a173"],
  ];
  for (const [code, before] of kinds) {
    const deepest = decoded(nestedExtension(511, code, before));
    assert.equal(hexOf(encoded(deepest)), hexOf(nestedExtension(511, code, before)));
    assert.throws(() => decoded(nestedExtension(512, code, before)), CorruptValueError);
    assert.throws(() => decoded(nestedExtension(3000, code, before)), CorruptValueError);
  }
});

Deno.test("encode() and decode() count levels across parts", () => {
  const part = (levels: number) => ["x".repeat(65_530), nested(levels, 1, inArray)];
  // The part is at level 301, its number at 302 + levels.
  const deepest = nested(300, part(210), inArray);
  const { root, source } = encodedWhole(deepest);
  assertSame(decoded(root, { source }), deepest);
  assert.throws(() => encode(nested(300, part(211), inArray)), IndigestibleError);
  const head = encoded(part(211));
  const outer = bytesOf("91".repeat(300) + referenceHex(head));
  assert.throws(() => decode({ head: outer }, { source: () => ({ head }) }), CorruptValueError);
});

Deno.test("decode() refuses parts at level 513, whatever form they come in", () => {
  const memory = new Uint8Array(70_000);
  const { head, body } = encode(memory);
  const whole = concat(head, memory);
  const reference = referenceHex(whole);
  const at = (level: number) => ({ head: bytesOf("91".repeat(level - 1) + reference) });
  for (
    const form of [
      () => ({ head: whole }),
      () => ({ head: whole.slice(), owned: true }),
      () => ({ head, body }),
    ]
  ) {
    assertSame(decode(at(512), { source: form }), nested(511, memory, inArray));
    assert.throws(() => decode(at(513), { source: form }), CorruptValueError);
  }
});

Deno.test("encode() refuses cycles", () => {
  const array: unknown[] = [];
  array.push([array]);
  const record: Record<string, unknown> = {};
  record.self = record;
  const map = new Map<unknown, unknown>();
  map.set("self", map);
  const key = new Map<unknown, unknown>();
  key.set(key, 1);
  const set = new Set<unknown>();
  set.add({ set });
  const error = new Error("e");
  error.cause = error;
  const crate = { content: undefined as unknown };
  crate.content = new Crate([crate]);
  for (const cycle of [array, record, map, key, set, error, crate]) {
    assert.throws(() => digest(cycle), (thrown) => {
      assert(thrown instanceof IndigestibleError, `${thrown}`);
      assert.match(thrown.message, /contains itself/);
      assert(thrown.data.path.startsWith("value"));
      return true;
    });
  }
});

Deno.test("encode() takes a value that occurs several times, but not in itself", () => {
  const shared = { a: [1] };
  const value = [shared, { shared }, new Map([[shared, shared]])];
  assertSame(decoded(encoded(value)), structuredClone(value));
});
