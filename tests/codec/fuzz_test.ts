import assert from "node:assert";
import { bytesOf, concat } from "./_bytes.ts";
import { GOLDEN } from "./_golden.ts";
import { SPLIT } from "./_golden_split.ts";
import { decodeStrictly, type Verdict } from "./_strict.ts";

type Draw = (limit: number) => number;

/** Random integers below a limit, from a seed: xorshift32 (Marsaglia, Xorshift RNGs, 2003). */
function random(seed: number): Draw {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

const ROWS = [...GOLDEN.map(([, , hex]) => hex), ...SPLIT.map(([, , root]) => root)]
  .map(bytesOf)
  .filter((bytes) => bytes.length <= 300);

/** First bytes of every format, and bytes that often matter. */
const TELLING = [
  ...[
    0x00,
    0x01,
    0x04,
    0x05,
    0x06,
    0x07,
    0x08,
    0x09,
    0x0c,
    0x0b,
    0x7f,
    0x80,
    0x81,
    0x82,
    0x90,
    0x91,
    0x92,
  ],
  ...[
    0xa0,
    0xa1,
    0xbf,
    0xc0,
    0xc2,
    0xc3,
    0xc4,
    0xc5,
    0xc6,
    0xc7,
    0xc8,
    0xc9,
    0xca,
    0xcb,
    0xcc,
    0xcd,
    0xce,
  ],
  ...[
    0xcf,
    0xd0,
    0xd1,
    0xd2,
    0xd3,
    0xd4,
    0xd5,
    0xd6,
    0xd7,
    0xd8,
    0xd9,
    0xda,
    0xdb,
    0xdc,
    0xdd,
    0xde,
    0xdf,
  ],
  ...[0xe0, 0xff],
];

const pick = <T>(draw: Draw, list: ArrayLike<T>): T => list[draw(list.length)] as T;

/** One change of some bytes. */
function mutated(bytes: Uint8Array, draw: Draw): Uint8Array {
  const at = draw(bytes.length + 1);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  const other = pick(draw, ROWS);
  switch (draw(8)) {
    case 0:
      return bytes.length === 0 ? bytes : bytes.with(at % bytes.length, draw(256));
    case 1:
      return bytes.length === 0 ? bytes : bytes.with(at % bytes.length, pick(draw, TELLING));
    case 2:
      return concat(before, Uint8Array.of(pick(draw, TELLING)), after);
    case 3:
      return concat(before, after.subarray(1 + draw(4)));
    case 4:
      return concat(before, other, after);
    case 5:
      return concat(before, other.subarray(draw(other.length)));
    case 6:
      return concat(before, after.subarray(0, draw(8)), after);
    default:
      // A row in a container whose header fits, so that more is read than the first byte.
      return concat(pick(draw, WRAPS), bytes);
  }
}

const WRAPS = ["91", "92c0", "93c0c0", "81a161", "82a161c0a162", "9101"].map(bytesOf);

function run(
  count: number,
  next: (draw: Draw) => Uint8Array,
  seed: number,
): Record<Verdict, number> {
  const draw = random(seed);
  const verdicts: Record<Verdict, number> = { read: 0, corrupt: 0, unknown: 0, missing: 0 };
  for (let n = 0; n < count; n++) verdicts[decodeStrictly(next(draw))]++;
  return verdicts;
}

Deno.test("decode() takes changed encodings for nothing but what they are", () => {
  const verdicts = run(60_000, (draw) => {
    let bytes: Uint8Array = pick(draw, ROWS);
    for (let changes = 1 + draw(3); changes > 0; changes--) bytes = mutated(bytes, draw);
    return bytes;
  }, 0x5eed);
  for (const [verdict, count] of Object.entries(verdicts)) {
    assert(count > 100, `too few inputs to mean anything: ${count} ${verdict}`);
  }
});

Deno.test("decode() takes random bytes for nothing but what they are", () => {
  const verdicts = run(
    40_000,
    (draw) =>
      Uint8Array.from({ length: draw(40) }, () => draw(3) === 0 ? draw(256) : pick(draw, TELLING)),
    2,
  );
  assert(verdicts.read > 100 && verdicts.corrupt > 100);
});

/** Bytes that are well formed as MessagePack, mostly, though seldom canonical. */
function grown(draw: Draw, depth: number): Uint8Array {
  const byte = (...bytes: number[]) => Uint8Array.from(bytes);
  const some = (count: number) =>
    concat(...Array.from({ length: count }, () => grown(draw, depth - 1)));
  const limit = depth > 0 ? 9 : 6;
  switch (draw(limit)) {
    case 0:
      return byte(draw(128));
    case 1:
      return byte(0xa2, draw(128), draw(128));
    case 2:
      return pick(draw, ROWS);
    case 3:
      return byte(
        0xcb,
        pick(draw, [0x3f, 0x7f, 0xc0]),
        pick(draw, [0xf0, 0xf8, 0xe0]),
        0,
        0,
        0,
        0,
        draw(2),
        0,
      );
    case 4:
      return byte(0xd4, draw(14), draw(256));
    case 5:
      return byte(pick(draw, [0xc0, 0xc2, 0xc3]));
    case 6: {
      const count = draw(4);
      return concat(byte(0x90 + count), some(count));
    }
    case 7: {
      const keys = [..."abcd"].slice(draw(3));
      return concat(
        byte(0x80 + keys.length),
        ...keys.map((key) => concat(byte(0xa1, key.charCodeAt(0)), grown(draw, depth - 1))),
      );
    }
    default: {
      const count = draw(4);
      const payload = concat(byte(0x90 + count), some(count));
      const code = pick(draw, [5, 6, 8, 9, 12]);
      const { length } = payload;
      if (length > 255) return concat(byte(0xc8, length >> 8, length & 0xff, code), payload);
      const fixed = [1, 2, 4, 8, 16].indexOf(length);
      return concat(fixed < 0 ? byte(0xc7, length, code) : byte(0xd4 + fixed, code), payload);
    }
  }
}

Deno.test("decode() takes well-formed MessagePack for nothing but what it is", () => {
  const verdicts = run(30_000, (draw) => grown(draw, 4), 0xcafe);
  assert(verdicts.read > 1000 && verdicts.corrupt > 1000);
});
