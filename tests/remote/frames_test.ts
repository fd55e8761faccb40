import assert from "node:assert";
import { decode as decodeMsgpack } from "@msgpack/msgpack";
import fc from "fast-check";
import { ProtocolError, registerType } from "@fleche/core";
import { chunkHead, encodeFrame, FRAME, type Frame, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { bytesOf, concat, cut } from "./_bytes.ts";
import { KeptFrames } from "./_memory.ts";

const SEED = 20_240_901;

function readAll(pieces: Iterable<Uint8Array>, limits = PROTOCOL_LIMITS): Frame[] {
  const reader = new KeptFrames(limits);
  return [...pieces].flatMap((piece) => reader.push(piece));
}

type Plain = [kind: number, id: number, fields: readonly unknown[]];

// What frames say; the pieces of a chunk, of which the tests send no two in a row, are joined.
function said(frames: readonly Frame[]): Plain[] {
  const all: Plain[] = [];
  for (const { kind, id, fields } of frames) {
    const last = all.at(-1);
    if (kind === FRAME.chunk && last?.[0] === FRAME.chunk) {
      last[2] = [concat([last[2][0] as Uint8Array, fields[0] as Uint8Array])];
    } else all.push([kind, id, fields]);
  }
  return all;
}

// A frame around bytes that need not be a frame's.
function framed(...bytes: number[]): Uint8Array {
  return concat([bytesOf(0, 0, bytes.length >> 8, bytes.length & 0xff), bytesOf(...bytes)]);
}

const field = fc.oneof(
  fc.integer(),
  fc.string({ unit: "binary" }),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 2000 }),
  fc.array(fc.string(), { maxLength: 5 }),
  fc.dictionary(fc.string({ minLength: 1 }).filter((key) => key !== "__proto__"), fc.nat(), {
    noNullPrototype: true,
  }),
);
const number = fc.maxSafeNat();
const frame: fc.Arbitrary<Plain> = fc.tuple(
  fc.nat({ max: 300 }).filter((kind) => kind !== FRAME.chunk),
  number,
  fc.array(field, { maxLength: 4 }),
);
const chunk: fc.Arbitrary<Plain> = fc.tuple(
  fc.constant(FRAME.chunk),
  number,
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 3000, size: "max" })),
);
// No two chunks in a row.
const frames = fc.array(fc.tuple(frame, fc.option(chunk)), { maxLength: 5 })
  .map((pairs) => pairs.flat().filter((each) => each !== null));

Deno.test("encodeFrame() writes a big-endian length and an array of MessagePack", () => {
  const bytes = encodeFrame(FRAME.request, 7, "load", { key: "ab" }, 0);
  assert.equal(new DataView(bytes.buffer).getUint32(0), bytes.length - 4);
  assert.deepEqual(decodeMsgpack(bytes.subarray(4)), [0, 7, "load", { key: "ab" }, 0]);
});

Deno.test("FrameReader gives back what encodeFrame() was given, wherever the bytes are cut", () => {
  fc.assert(
    fc.property(frames, fc.array(fc.nat()), (frames, cuts) => {
      const bytes = concat(frames.map(([kind, id, fields]) => encodeFrame(kind, id, ...fields)));
      assert.deepEqual(said(readAll(cut(bytes, cuts))), frames);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

Deno.test("FrameReader takes bytes one at a time", () => {
  const frames = [[0, 1, "a"], [4, 2, new Uint8Array(300).fill(7)], [5, 3]] as const;
  const bytes = concat(frames.map(([kind, id, ...fields]) => encodeFrame(kind, id, ...fields)));
  const reader = new FrameReader(PROTOCOL_LIMITS);
  const got = [...bytes].flatMap((byte) => [...reader.push(bytesOf(byte))]);
  assert.deepEqual(said(got).map(([kind, id, fields]) => [kind, id, ...fields]), frames);
  assert.equal(reader.isInside, false);
});

Deno.test("FrameReader gives the bytes of a chunk as they come", () => {
  const bytes = encodeFrame(FRAME.chunk, 7, new Uint8Array(1000).map((_, index) => index % 251));
  const reader = new FrameReader(PROTOCOL_LIMITS);
  const sizes: number[] = [];
  for (const piece of cut(bytes, [5, 20, 300, 301])) {
    for (const { kind, id, fields, size } of reader.push(piece)) {
      assert.deepEqual([kind, id], [FRAME.chunk, 7]);
      // They are those that were given, not copies.
      assert.equal((fields[0] as Uint8Array).buffer, piece.buffer);
      sizes.push(size);
    }
    assert.equal(reader.isInside, piece.byteOffset + piece.length < bytes.length);
  }
  const head = bytes.length - 1000;
  assert.deepEqual(sizes, [20 - head, 280, 1, bytes.length - 301]);
});

Deno.test("FrameReader keeps nothing of the bytes that it was given, but for chunks", () => {
  const bytes = concat([encodeFrame(FRAME.item, 1, "text", Uint8Array.of(1, 2, 3)), bytesOf(0, 0)]);
  const reader = new FrameReader(PROTOCOL_LIMITS);
  const [first] = [...reader.push(bytes)];
  bytes.fill(0xff);
  assert.deepEqual(first?.fields, ["text", Uint8Array.of(1, 2, 3)]);
  const rest = encodeFrame(FRAME.item, 2, "rest");
  assert.deepEqual([...reader.push(rest.subarray(2))].map(({ fields }) => fields), [["rest"]]);
});

for (const length of [1, 0xff, 0x100, 0xffff, 0x1_0000]) {
  for (const id of [0, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    Deno.test(`chunkHead() is what encodeFrame() writes before ${length} bytes of request ${id}`, () => {
      const frame = encodeFrame(FRAME.chunk, id, new Uint8Array(length));
      assert.deepEqual(chunkHead(id, length), frame.slice(0, frame.length - length));
    });
  }
}

Deno.test("FrameReader takes many frames, and the beginning of one more, in one piece", () => {
  const count = 5000;
  const frames = Array.from({ length: count }, (_, id) => encodeFrame(FRAME.item, id, "x"));
  const last = encodeFrame(FRAME.end, count);
  const reader = new FrameReader(PROTOCOL_LIMITS);
  const got = [...reader.push(concat([...frames, last.subarray(0, 5)]))];
  assert.deepEqual(got.map(({ id }) => id), Array.from({ length: count }, (_, id) => id));
  assert.equal(reader.isInside, true);
  assert.deepEqual(said([...reader.push(last.subarray(5))]), [[FRAME.end, count, []]]);
  assert.equal(reader.isInside, false);
});

Deno.test("FrameReader gives a frame before it has seen the next", () => {
  const reader = new FrameReader(PROTOCOL_LIMITS);
  const bytes = concat([encodeFrame(FRAME.item, 1), encodeFrame(FRAME.item, 2).subarray(0, 3)]);
  assert.deepEqual([...reader.push(bytes)].map(({ id }) => id), [1]);
});

Deno.test("FrameReader takes a frame just inside its limit, and none just outside", () => {
  const bytes = encodeFrame(FRAME.chunk, 1, new Uint8Array(1000));
  const length = bytes.length - 4;
  const [whole] = readAll([bytes], { ...PROTOCOL_LIMITS, frame: length });
  assert.deepEqual(whole?.fields, [new Uint8Array(1000)]);
  assert.throws(
    () => readAll([bytes], { ...PROTOCOL_LIMITS, frame: length - 1 }),
    (error) => error instanceof ProtocolError && error.data.limit === "frame",
  );
});

Deno.test("FrameReader takes a chunk just inside its limit, and none just outside", () => {
  const bytes = encodeFrame(FRAME.chunk, 1, new Uint8Array(1000));
  assert.equal(readAll([bytes], { ...PROTOCOL_LIMITS, chunk: 1000 }).length, 1);
  for (const count of [bytes.length, bytes.length - 1000]) {
    assert.throws(
      () => readAll([bytes.subarray(0, count)], { ...PROTOCOL_LIMITS, chunk: 999 }),
      (error) => error instanceof ProtocolError && error.data.limit === "chunk",
    );
  }
});

Deno.test("FrameReader refuses a frame over its limit before any of it has come", () => {
  const outside = new Uint8Array(4);
  new DataView(outside.buffer).setUint32(0, PROTOCOL_LIMITS.frame + 1);
  assert.throws(() => readAll([outside]), ProtocolError);
  const inside = new Uint8Array(4);
  new DataView(inside.buffer).setUint32(0, PROTOCOL_LIMITS.frame);
  assert.deepEqual(readAll([inside]), []);
});

// Kind 0, number 1 and one more field, or what is wrong with it.
const MALFORMED: readonly [label: string, bytes: Uint8Array][] = [
  ["nothing", framed()],
  ["a byte that begins nothing", framed(0xc1)],
  ["no array", framed(0x80)],
  ["an array without a kind", framed(0x90)],
  ["an array without a number", framed(0x91, 0x00)],
  ["a kind below zero", framed(0x92, 0xff, 0x01)],
  ["a kind that is text", framed(0x92, 0xa1, 0x30, 0x01)],
  ["a number below zero", framed(0x92, 0x00, 0xff)],
  ["a number that is none", framed(0x92, 0x00, 0xc0)],
  ["a fraction as number", framed(0x92, 0x00, 0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0)],
  ["a kind beyond 2 ** 53", framed(0x92, 0xcf, 0xff, 0, 0, 0, 0, 0, 0, 0, 0x01)],
  ["less than it announces", framed(0x93, 0x00, 0x01)],
  ["more than it announces", framed(0x92, 0x00, 0x01, 0x02)],
  ["an array of 2 ** 32 - 1 elements", framed(0xdd, 0xff, 0xff, 0xff, 0xff)],
  ["bytes that are not there", framed(0x93, 0x00, 0x01, 0xc6, 0xff, 0xff, 0xff, 0xff)],
  ["a number not in its shortest form", framed(0x92, 0x00, 0xcc, 0x01)],
  ["text that is not UTF-8", framed(0x93, 0x00, 0x01, 0xa1, 0xff)],
  ["keys out of order", framed(0x93, 0x00, 0x01, 0x82, 0xa1, 0x62, 0x01, 0xa1, 0x61, 0x01)],
  [
    "the key __proto__",
    framed(0x93, 0, 1, 0x81, 0xa9, ...new TextEncoder().encode("__proto__"), 1),
  ],
  ["a chunk of text", framed(0x93, 0x04, 0x01, 0xa1, 0x30)],
  ["a chunk with more than bytes", framed(0x94, 0x04, 0x01, 0xc4, 0x01, 0x07, 0x01)],
  [
    "a chunk that is longer than its frame",
    framed(0x93, 0x04, 0x01, 0xc4, 0x30, ...Array(20).fill(7)),
  ],
  ["an unknown extension", framed(0x93, 0x00, 0x01, 0xd4, 0x63, 0x00)],
  // [type name "x", 1] in extension 8: nothing here is built from what a frame says.
  ["a value of a type", framed(0x93, 0x00, 0x01, 0xd6, 0x08, 0x92, 0xa1, 0x78, 0x01)],
  // A reference to a value of 64 KiB.
  [
    "a reference",
    framed(0x93, 0, 1, 0xc7, 44, 1, ...Array(32).fill(1), 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0),
  ],
];

for (const [label, bytes] of MALFORMED) {
  Deno.test(`FrameReader refuses a frame that holds ${label}`, () => {
    assert.throws(() => readAll([bytes]), ProtocolError);
  });
}

Deno.test("FrameReader builds nothing of a registered type", () => {
  let built = 0;
  class Built {}
  registerType<Built, string>({
    name: "test/Frames",
    match: (value) => value instanceof Built,
    encode: () => "payload",
    decode: () => (built++, new Built()),
  });
  assert.throws(() => readAll([encodeFrame(FRAME.item, 1, new Built())]), ProtocolError);
  assert.equal(built, 0);
});

Deno.test("FrameReader refuses a frame that is nested too deeply", () => {
  const nested = (depth: number) => framed(0x93, 0, 1, ...Array(depth).fill(0x91), 0xc0);
  assert.equal(readAll([nested(500)]).length, 1);
  assert.throws(() => readAll([nested(600)]), ProtocolError);
});

const CHUNKS: readonly [label: string, bytes: Uint8Array][] = [
  ["a bin 16 of 4 bytes", framed(0x93, 4, 1, 0xc5, 0, 4, 1, 2, 3, 4)],
  ["a bin 32 of 4 bytes", framed(0x93, 4, 1, 0xc6, 0, 0, 0, 4, 1, 2, 3, 4)],
  ["a bin 32 of 100 bytes", framed(0x93, 4, 1, 0xc6, 0, 0, 0, 100, ...Array(100).fill(7))],
  ["a bin 32 of 300 bytes", framed(0x93, 4, 1, 0xc6, 0, 0, 1, 44, ...Array(300).fill(7))],
  ["a number not in its shortest form", framed(0x93, 4, 0xcc, 1, 0xc4, 1, 7)],
  ["a number of 16 bits for 200", framed(0x93, 4, 0xcd, 0, 200, 0xc4, 1, 7)],
  ["a number below zero", framed(0x93, 4, 0xff, 0xc4, 1, 7)],
  ["no bytes", framed(0x93, 4, 1, 0xc4, 0)],
  ["less than its frame", framed(0x93, 4, 1, 0xc4, 1, 7, 7)],
];

for (const [label, bytes] of CHUNKS) {
  Deno.test(`FrameReader refuses a chunk of ${label}, wherever it is cut`, () => {
    assert.throws(() => readAll([bytes]), ProtocolError);
    assert.throws(() => readAll([...bytes].map((byte) => Uint8Array.of(byte))), ProtocolError);
  });
}

Deno.test("FrameReader takes a frame just inside its limit of nesting, and none just outside", () => {
  const nested = (depth: number) => framed(0x93, 0, 1, ...Array(depth).fill(0x91), 0xc0);
  const limits = { ...PROTOCOL_LIMITS, depth: 10 };
  const inside = [...Array(20).keys()].filter((depth) => {
    try {
      return readAll([nested(depth)], limits).length === 1;
    } catch (error) {
      assert(error instanceof ProtocolError);
      return false;
    }
  });
  const most = inside.at(-1) ?? 0;
  assert.deepEqual(inside, [...Array(most + 1).keys()]);
  assert(most >= 8 && most <= 10, `${most} levels`);
});

Deno.test("FrameReader takes as many elements in a frame as its limit says, and no more", () => {
  const limits = { ...PROTOCOL_LIMITS, elements: 10 };
  // Three of the frame itself, one and two of the objects, and those of the list.
  const frame = (count: number) => {
    return encodeFrame(FRAME.item, 1, { a: { b: Array(count).fill([]), c: 1 } });
  };
  assert.equal(readAll([frame(4)], limits).length, 1);
  assert.throws(() => readAll([frame(5)], limits), ProtocolError);
});
