/**
 * Frames as no peer should send them: right ones with something changed, or none at all.
 *
 * @module
 */

import { encodeFrame, FRAME, LENGTH_BYTES } from "../../src/remote/frames.ts";
import { concat } from "./_bytes.ts";
import type { Random } from "./_random.ts";

/** A frame before it is bytes. */
export interface Draft {
  readonly kind: number;
  readonly id: number;
  readonly fields: readonly unknown[];
}

/** The bytes of a draft. */
export function draftBytes({ kind, id, fields }: Draft): Uint8Array {
  return encodeFrame(kind, id, ...fields);
}

// What takes the place of anything.
const ODD: readonly unknown[] = [
  ...[-1, 0, 1, 0.5, 255, 2 ** 31, 2 ** 32, 2 ** 33 + 1, 2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 53],
  ...[NaN, Infinity, -0, null, true, false],
  ...["", "a", "a".repeat(64), "A".repeat(64), "é".repeat(40), "x".repeat(300)],
  ...["x".repeat(39) + "😀", "__proto__", "constructor", "toString", "ping", "save", "../../x"],
  ...[[], [[]], {}, [{}], { digest: "a".repeat(64), length: 3 }, { withdrawn: true }],
  ...[{ constructor: { prototype: 1 } }, [null], ["a"]],
  ...[new Uint8Array(0), Uint8Array.of(0xc1), new Uint8Array(300)],
];

// What a value may hold and a frame may not; the name in the first is made one that nothing may have.
const FOREIGN: readonly unknown[] = [
  { __prot0__: { polluted: true } },
  ...[1n << 70n, undefined, "\ud83d", new Date(0), new Float64Array(2)],
  ...[new Map(), new Set([1]), /x/],
];

const NAME = new TextEncoder().encode("__prot0__");

// Bytes that mean something to a decoder.
const TELLING = [0, 1, 0x7f, 0x80, 0x90, 0x93, 0xc0, 0xc1, 0xc4, 0xc6, 0xcb, 0xcf, 0xd3, 0xd4];
const MORE_TELLING = [0xc7, 0xc9, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff, 0x20, 0x2f];

/** Something that is not what should be there. */
export function oddValue(random: Random): unknown {
  return random.pick(ODD);
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}

// The same with something else somewhere inside of it.
function alteredValue(value: unknown, random: Random): unknown {
  if (random.chance(0.1)) return random.pick(FOREIGN);
  if (random.chance(0.4)) return oddValue(random);
  if (Array.isArray(value) && value.length > 0) {
    const at = random.below(value.length);
    const others = value.toSpliced(at, 1);
    if (random.chance(0.2)) return others;
    if (random.chance(0.2)) return [...value, value[at]];
    return others.toSpliced(at, 0, alteredValue(value[at], random));
  }
  if (isTable(value)) {
    const names = Object.keys(value);
    const name = names.length > 0 ? random.pick(names) : "x";
    const { [name]: inner, ...rest } = value;
    if (random.chance(0.2)) return rest;
    if (random.chance(0.1)) {
      return { ...value, [random.pick(["x", "", "__prot0__", "withdrawn", "constructor"])]: inner };
    }
    return { ...rest, [name]: alteredValue(inner, random) };
  }
  if (value instanceof Uint8Array) return alteredBytes(value, random);
  if (typeof value === "string" && value !== "" && random.chance(0.7)) {
    return value.slice(0, random.below(value.length)) + random.pick(["", "0", "f", "é"]);
  }
  if (typeof value === "number") return value + random.pick([1, -1, 0.5, 2 ** 32, -(2 ** 32)]);
  return oddValue(random);
}

/** The same frame with another kind, another number or other fields. */
export function alteredDraft(draft: Draft, random: Random): Draft {
  const { kind, id, fields } = draft;
  switch (random.below(8)) {
    case 0:
      return { ...draft, kind: random.below(11) };
    case 1:
      return { ...draft, id: random.pick([0, id + 1, Math.max(id - 1, 0), 2 ** 32, 2 ** 53 - 1]) };
    case 2:
      return { kind, id, fields: fields.slice(0, -1) };
    case 3:
      return { kind, id, fields: [...fields, oddValue(random)] };
    case 4:
      return { kind, id, fields: fields.toReversed() };
    default: {
      if (fields.length === 0) return { kind, id, fields: [oddValue(random)] };
      const at = random.below(fields.length);
      return { kind, id, fields: fields.with(at, alteredValue(fields[at], random)) };
    }
  }
}

/** The same bytes with a few changed, missing or added. */
export function alteredBytes(bytes: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  let altered = bytes.slice();
  for (let count = random.pick([1, 1, 1, 2, 5]); count > 0; count--) {
    // The first ones say most.
    const most = random.chance(0.5) ? Math.min(altered.length, 12) : altered.length;
    const at = random.below(most);
    switch (random.below(6)) {
      case 0:
        if (at < altered.length) altered[at] = (altered[at] as number) ^ (1 << random.below(8));
        break;
      case 1:
      case 2:
        if (at < altered.length) altered[at] = random.pick(random.pick([TELLING, MORE_TELLING]));
        break;
      case 3:
        altered = altered.slice(0, at);
        break;
      case 4:
        altered = concat([altered.subarray(0, at), random.bytes(3), altered.subarray(at)]);
        break;
      default:
        altered = concat([altered.subarray(0, at), altered.subarray(at + 1 + random.below(4))]);
    }
  }
  return altered;
}

/** Bytes under a length, which is theirs unless another is given. */
export function framed(body: Uint8Array, length: number = body.length): Uint8Array<ArrayBuffer> {
  const prefix = new Uint8Array(LENGTH_BYTES);
  new DataView(prefix.buffer).setUint32(0, length);
  return concat([prefix, body]);
}

const LENGTHS = [0, 1, 2, 3, 16, 23, 24, 0xffff, 0xff_ffff, 0x7fff_ffff, 0xffff_ffff];

/** The bytes of a draft with something wrong, or of no frame at all. */
export function spoiled(draft: Draft, random: Random): Uint8Array {
  const choice = random.below(20);
  if (choice < 9) return renamed(draftBytes(alteredDraft(draft, random)));
  const bytes = draftBytes(draft);
  const body = bytes.subarray(LENGTH_BYTES);
  if (choice < 15) return framed(alteredBytes(body, random));
  switch (choice) {
    case 15:
      return framed(body, random.chance(0.5) ? random.pick(LENGTHS) : body.length + 1);
    case 16:
      return bytes.subarray(0, random.below(bytes.length));
    case 17:
      return framed(concat([body, body]));
    case 18:
      return framed(nested(random, draft));
    default:
      return random.chance(0.5)
        ? framed(random.bytes(random.below(60)))
        : random.bytes(random.below(60));
  }
}

function renamed(bytes: Uint8Array): Uint8Array {
  const at = bytes.findIndex((_, start) =>
    NAME.every((byte, index) => byte === bytes[start + index])
  );
  if (at >= 0) bytes[at + NAME.indexOf(0x30)] = 0x6f;
  return bytes;
}

// Arrays or tables in each other, to a depth about which a decoder may not like to go.
function nested(random: Random, { kind, id }: Draft): Uint8Array {
  const inner = Array.from<number>({ length: random.pick([5, 400, 511, 512, 5000]) });
  const opening = random.chance(0.5) ? [0x91] : [0x81, 0xa1, 0x61];
  const head = encodeFrame(kind, id, 0).subarray(LENGTH_BYTES, -1);
  return concat([head, Uint8Array.from(inner.flatMap(() => opening)), Uint8Array.of(0x90)]);
}

/** One and the same frame many times, of a kind that costs its sender nothing. */
export function storm(random: Random, ids: readonly number[], digests: readonly string[]): Draft[] {
  const id = ids.length > 0 ? random.pick(ids) : random.below(50);
  const draft: Draft = random.pick([
    { kind: FRAME.cancel, id, fields: [] },
    { kind: FRAME.skip, id, fields: [random.pick(digests)] },
    { kind: FRAME.credit, id, fields: [random.pick([1, 1000, 2 ** 53 - 1])] },
    { kind: FRAME.credit, id: 0, fields: [2 ** 53 - 1] },
    { kind: FRAME.item, id, fields: [{ withdrawn: true }] },
  ]);
  return Array.from({ length: 1 + random.below(40) }, () => draft);
}
