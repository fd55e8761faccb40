import assert from "node:assert";
import { decode as decodeMsgpack } from "@msgpack/msgpack";
import fc from "fast-check";
import { ProtocolError, registerType } from "@fleche/core";
import { encodeFrame, FRAME, type Frame, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { bytesOf, concat, cut } from "./_bytes.ts";
import { KeptFrames } from "./_memory.ts";

const SEED = 20_240_901;

function readAll(pieces: Iterable<Uint8Array>, limits = PROTOCOL_LIMITS): Frame[] {
  const reader = new KeptFrames(limits);
  return [...pieces].flatMap((piece) => reader.push(piece));
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
const frame = fc.record({
  // Chunks hold bytes and nothing else.
  kind: fc.nat({ max: 300 }).filter((kind) => kind !== FRAME.chunk),
  id: fc.maxSafeNat(),
  fields: fc.array(field, { maxLength: 4 }),
}, { noNullPrototype: true });

Deno.test("encodeFrame() writes a big-endian length and an array of MessagePack", () => {
  const bytes = encodeFrame(FRAME.request, 7, "load", { key: "ab" }, 0);
  assert.equal(new DataView(bytes.buffer).getUint32(0), bytes.length - 4);
  assert.deepEqual(decodeMsgpack(bytes.subarray(4)), [0, 7, "load", { key: "ab" }, 0]);
});

Deno.test("FrameReader gives back what encodeFrame() was given, wherever the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat()), (frames, cuts) => {
      const bytes = concat(frames.map(({ kind, id, fields }) => encodeFrame(kind, id, ...fields)));
      const expected = frames.map(({ kind, id, fields }) => {
        return { kind, id, fields, size: encodeFrame(kind, id, ...fields).length };
      });
      assert.deepEqual(readAll(cut(bytes, cuts)), expected);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

Deno.test("FrameReader takes bytes one at a time", () => {
  const piece = new Uint8Array(300).map((_, index) => index % 251);
  const frames = [[0, 1, "a"], [FRAME.chunk, 2, piece], [5, 3]] as const;
  const bytes = concat(frames.map(([kind, id, ...fields]) => encodeFrame(kind, id, ...fields)));
  const reader = new FrameReader(PROTOCOL_LIMITS);
  const got = [...bytes].flatMap((byte) => [...reader.push(bytesOf(byte))]);
  // A chunk is given as it comes.
  const expected = [[0, 1, "a"], ...[...piece].map((each) => [4, 2, bytesOf(each)]), [5, 3]];
  assert.deepEqual(got.map(({ kind, id, fields }) => [kind, id, ...fields]), expected);
  assert.equal(reader.isInside, false);
});

Deno.test("FrameReader takes many frames, and the beginning of one more, in one piece", () => {
  const count = 5000;
  const frames = Array.from({ length: count }, (_, id) => encodeFrame(FRAME.item, id, "x"));
  const last = encodeFrame(FRAME.end, count);
  const reader = new FrameReader(PROTOCOL_LIMITS);
  const got = [...reader.push(concat([...frames, last.subarray(0, 5)]))];
  assert.deepEqual(got.map(({ id }) => id), Array.from({ length: count }, (_, id) => id));
  assert.equal(reader.isInside, true);
  assert.deepEqual([...reader.push(last.subarray(5))], [{
    kind: FRAME.end,
    id: count,
    fields: [],
    size: last.length,
  }]);
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
