import assert from "node:assert";
import { digest, IndigestibleError } from "@fleche/core";
import {
  ascii,
  bytesOf,
  concat,
  decoded,
  encoded,
  encodedWhole,
  referenceHex,
  sameBytes,
} from "./_bytes.ts";
import { SplitParts } from "../../src/codec/_split_parts.ts";
import { assertSame } from "./_same.ts";
import { Crate, SIZED } from "./_sized.ts";

/** Splitting by the letter of the specification, over bytes. */
class Model {
  readonly parts: Uint8Array[] = [];

  /** A value inside another one: itself, or a reference to it. */
  inner(bytes: Uint8Array): Uint8Array {
    if (bytes.length < 65536) return bytes;
    this.parts.push(bytes);
    return bytesOf(referenceHex(bytes));
  }

  /** An extension of any length that is not in a short form. */
  extension(code: number, ...pieces: Uint8Array[]): Uint8Array {
    const payload = concat(...pieces);
    const { length } = payload;
    const header = new DataView(new ArrayBuffer(6));
    header.setUint8(0, 0xc9);
    header.setUint32(1, length);
    header.setUint8(5, code);
    const long = new Uint8Array(header.buffer);
    if (length >= 0x1_0000) return concat(long, payload);
    if (length >= 0x100) return concat(Uint8Array.of(0xc8, ...long.subarray(3)), payload);
    return concat(Uint8Array.of(0xc7, ...long.subarray(4)), payload);
  }
}

const hex = (digits: string) => bytesOf(digits);

/** Places that a value can have in another one, and what the encoding of the other one is. */
const PLACES: readonly (readonly [
  label: string,
  wrap: (value: unknown) => unknown,
  expected: (model: Model, bytes: Uint8Array) => Uint8Array,
])[] = [
  [
    "as an element",
    (value) => [1, value, 2],
    (model, bytes) => concat(hex("93 01"), model.inner(bytes), hex("02")),
  ],
  [
    "as a value of an object",
    (value) => ({ k: value }),
    (model, bytes) => concat(hex("81 a16b"), model.inner(bytes)),
  ],
  [
    "as a key of a Map",
    (value) => new Map([[value, 1]]),
    (model, bytes) => model.extension(5, hex("92"), model.inner(bytes), hex("01")),
  ],
  [
    "as a value of a Map",
    (value) => new Map([[1, value]]),
    (model, bytes) => model.extension(5, hex("92 01"), model.inner(bytes)),
  ],
  [
    "as an element of a Set",
    (value) => new Set([value]),
    (model, bytes) => model.extension(6, hex("91"), model.inner(bytes)),
  ],
  [
    "as a payload",
    (value) => new Crate(value),
    (model, bytes) => model.extension(8, hex("92 a173"), model.inner(bytes)),
  ],
  ["as a cause", (value) => new Error("e", { cause: value }), (model, bytes) =>
    model.extension(
      9,
      hex(`97 a5 ${ascii("Error")} a165 c0 80 c3`),
      model.inner(bytes),
      hex("c0"),
    )],
  [
    "as data of an error",
    (value) => Object.assign(new Error("e"), { x: value }),
    (model, bytes) => {
      const data = model.inner(concat(hex("81 a178"), model.inner(bytes)));
      return model.extension(9, hex(`97 a5 ${ascii("Error")} a165 c0`), data, hex("c2 c0 c0"));
    },
  ],
  ["as a collected error", (value) => new AggregateError([value], "e"), (model, bytes) => {
    const errors = model.inner(concat(hex("91"), model.inner(bytes)));
    return model.extension(9, hex(`97 ae ${ascii("AggregateError")} a165 c0 80 c2 c0`), errors);
  }],
  [
    "two levels down",
    (value) => [{ k: value }],
    (model, bytes) => concat(hex("91"), model.inner(concat(hex("81 a16b"), model.inner(bytes)))),
  ],
];

for (const [label, make, lengths] of SIZED) {
  Deno.test(`encode() splits off a value (${label}) where it reaches 65536 bytes`, async (t) => {
    for (const length of lengths) {
      const value = make(length);
      const bytes = encoded(value);
      assert.equal(bytes.length, length);
      for (const [place, wrap, expected] of PLACES) {
        await t.step(`${length} bytes ${place}`, () => {
          const model = new Model();
          const root = expected(model, bytes);
          const whole = encodedWhole(wrap(value));
          assert(sameBytes(whole.root, root));
          assert.equal(whole.parts.length, model.parts.length);
          whole.parts.forEach((part, n) => {
            assert(sameBytes(part.bytes, model.parts[n] as Uint8Array));
          });
          assertSame(decoded(root, { source: whole.source }), wrap(value));
        });
      }
    }
  });
}

Deno.test("encode() never splits the root", () => {
  for (const [, make, lengths] of SIZED) {
    const value = make(lengths.at(-1) as number);
    const whole = encodedWhole(value);
    assert(whole.root.length >= 65536);
    assert.deepEqual(whole.parts, []);
    assertSame(decoded(whole.root), value);
  }
});

Deno.test("encode() splits whole extensions and never the array inside one", () => {
  const numbers = Array.from({ length: 40_000 }, (_, n) => n);
  const values = [
    new Set(numbers),
    new Map(numbers.map((n) => [n, n])),
    new AggregateError(numbers),
  ];
  for (const value of values.slice(0, 2)) {
    assert.deepEqual(encodedWhole(value).parts, []);
    const { parts } = encodedWhole({ value });
    assert.equal(parts.length, 1);
    assert(sameBytes(parts[0]?.bytes as Uint8Array, encoded(value)));
  }
  // The errors of an AggregateError are a value in its array, not that array.
  assert.equal(encodedWhole(values[2]).parts.length, 1);
});

Deno.test("encode() never splits the keys of objects", () => {
  const record = { ["k".repeat(70_000)]: 1, ["l".repeat(70_000)]: 2 };
  assert.deepEqual(encodedWhole(record).parts, []);
  const { root, parts, source } = encodedWhole([record]);
  assert.equal(parts.length, 1);
  assert(sameBytes(parts[0]?.bytes as Uint8Array, encoded(record)));
  assertSame(decoded(root, { source }), [record]);
});

Deno.test("encode() splits the message and the name of an error", () => {
  const [message, name] = ["m".repeat(65533), "n".repeat(65533)];
  const value = Object.defineProperty(new Error(message), "name", { value: name });
  const { root, parts, source } = encodedWhole(value);
  assert.deepEqual(parts.map(({ reference }) => reference.digest), [
    digest(message).hex,
    digest(name).hex,
  ]);
  const back = decoded(root, { source });
  assert(back instanceof Error);
  assert.equal(back.message, message);
  assert.equal(back.name, name);
});

Deno.test("encode() counts what is left after the parts of a part were split off", () => {
  const large = Array.from({ length: 3 }, (_, n) => new Int8Array(65_531).fill(n));
  const few = encodedWhole([large]);
  assert.equal(few.parts.length, 3);
  // 1394 references and a header of 3 bytes come to 65521 bytes, 1395 to 65568.
  const leaf = new Int8Array(65_531);
  assert.equal(encodedWhole([new Array(1394).fill(leaf)]).parts.length, 1394);
  const many = encodedWhole([new Array(1395).fill(leaf)]);
  assert.equal(many.parts.length, 1396);
  assert.equal(many.parts.at(-1)?.bytes.length, 65568);
  assert.equal(many.root.length, 48);
});

Deno.test("encode() hands out each part after its own parts", () => {
  const leaf = (n: number) => "x".repeat(65_533 + n);
  const inner = { leaves: [leaf(0), leaf(1)], more: "y".repeat(65_000), rest: "z".repeat(1000) };
  const { parts } = encodedWhole([inner, leaf(2)]);
  assert.deepEqual(parts.map(({ reference }) => reference.digest), [
    digest(leaf(0)).hex,
    digest(leaf(1)).hex,
    digest(inner).hex,
    digest(leaf(2)).hex,
  ]);
});

Deno.test("encode() gives equal parts equal references, whatever holds them", () => {
  const grid = () => new Float64Array(10_000).fill(1.5);
  const { parts } = encodedWhole([
    grid(),
    { grid: grid() },
    new Map([[grid(), new Set([grid()])]]),
  ]);
  assert.equal(parts.length, 4);
  assert.deepEqual(new Set(parts.map(({ reference }) => reference.digest)).size, 1);
  assert.equal(parts[0]?.reference.digest, digest(grid()).hex);
  for (const { reference } of parts) assert.deepEqual(reference, parts[0]?.reference);
});

Deno.test("encode() gives the same bytes with and without a sink", () => {
  for (const [, make, lengths] of SIZED) {
    const value = [make(lengths.at(-1) as number), 1];
    assert(sameBytes(encoded(value), encodedWhole(value).root));
  }
});

Deno.test("encode() splits nothing off when told so", () => {
  for (const [, make, lengths] of SIZED) {
    const value = [make(lengths.at(-1) as number), 1];
    const whole = encodedWhole(value, { split: false });
    assert.deepEqual(whole.parts, []);
    assertSame(decoded(whole.root, { split: false }), value);
  }
});

// Each part has 65536 bytes of its own, of which 47 may be a reference that stands for another part:
// so the parts of n bytes are at most n / (65536 - 47).
Deno.test("encode() makes no more parts than one for each 65489 bytes", () => {
  const leaf = new Int8Array(65_531);
  const pairs: readonly (readonly [value: unknown, length: number])[] = [
    [[leaf], 1 + 65_536],
    [[new Array(1395).fill(leaf)], 1 + 3 + 1395 * 65_536],
    [new Array(100).fill(["x".repeat(65_532)]), 3 + 100 * (1 + 65_535)],
    [new Array(100).fill(["x".repeat(65_531)]), 3 + 100 * (1 + 65_534)],
    [new Array(300).fill({ text: "x".repeat(30_000) }), 3 + 300 * (1 + 5 + 30_003)],
  ];
  for (const [value, length] of pairs) {
    const { parts } = encodedWhole(value);
    assert(parts.length <= length / 65_489, `${parts.length} parts of ${length} bytes`);
  }
});

// Objects that contain each other twice, so many levels deep.
function doubled(levels: number, leaf: unknown): unknown {
  let value = leaf;
  for (let level = 0; level < levels; level++) value = [value, value];
  return value;
}

Deno.test("encode() takes an object as it is each time that it occurs", () => {
  const shared = new Float64Array(10_000);
  const filled = (x: number) => ({
    get data() {
      return shared.fill(x);
    },
  });
  const copy = (x: number) => ({ data: new Float64Array(10_000).fill(x) });
  assert.deepEqual(encoded([filled(1), filled(2)]), encoded([copy(1), copy(2)]));
  const list = new Array(20_000).fill(0);
  const listed = (x: number) => ({
    get data() {
      return list.fill(x);
    },
  });
  const lists = [1, 2].map((x) => ({ data: new Array(20_000).fill(x) }));
  assert.deepEqual(encoded([listed(1), listed(2)]), encoded(lists));
});

Deno.test("encode() gives what contains its parts twice the encoding of as many copies", () => {
  const copies = (levels: number): unknown =>
    levels === 0 ? ["x".repeat(20_000), levels] : [copies(levels - 1), copies(levels - 1)];
  const value = doubled(7, ["x".repeat(20_000), 0]);
  assert.deepEqual(encoded(value), encoded(copies(7)));
});

Deno.test("encode() refuses what would come to more than can be decoded", () => {
  // 2 ** 60 times 2 MiB; it is known after 4 GiB.
  const value = doubled(60, new Uint8Array(2 << 20));
  assert.throws(() => encoded(value), (error) => {
    return error instanceof IndigestibleError && /repeats parts of more than/.test(error.message);
  });
});

Deno.test("SplitParts count what a value repeats as decode() does", () => {
  const text = { digest: "a".repeat(64), crc: 0, length: 1 << 20 };
  const memory = { digest: "b".repeat(64), crc: 0, length: 2 << 20 };
  const parts = new SplitParts();
  for (let count = 0; count < 1025; count++) parts.add(text, "other");
  for (let count = 0; count < 2049; count++) parts.add(memory, "memory");
  assert.throws(() => parts.add(text, "other"), /more than 1073741824 bytes/);
  assert.throws(() => parts.add(memory, "memory"), /more than 4294967296 bytes/);
  parts.clear();
  parts.add(text, "other");
  parts.add(memory, "memory");
});
