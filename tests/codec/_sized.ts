/**
 * Values whose own encoding has a given length, to stand on both sides of the limit of splitting.
 *
 * @module
 */

import { registerType } from "@fleche/core";

/** A registered type that holds anything. */
export class Crate {
  /** Takes what it holds. */
  constructor(readonly content: unknown) {}
}

registerType<Crate>({
  name: "s",
  match: (value) => value instanceof Crate,
  encode: ({ content }) => content,
  decode: (content) => new Crate(content),
});

const text = (length: number) => "x".repeat(length);

/** On both sides of the limit. */
const AROUND = [65535, 65536, 65537];

/** Makers of values by the length of their encoding, and the lengths to make. */
export const SIZED: readonly (readonly [
  label: string,
  make: (length: number) => unknown,
  lengths: readonly number[],
])[] = [
  ["string", (length) => text(length - 3), AROUND],
  ["string of long characters", (length) => "\u00e9".repeat(1000) + text(length - 2003), AROUND],
  ["string with a lone surrogate", (length) => "\ud800".repeat((length - 4) / 2), [65534, 65536]],
  ["bytes", (length) => new Uint8Array(length - 3).fill(1), AROUND],
  ["Int8Array", (length) => new Int8Array(length - 5).fill(2), AROUND],
  ["Int16Array", (length) => new Int16Array((length - 5) / 2).fill(3), [65535, 65537]],
  ["Float64Array", (length) => new Float64Array(Math.floor((length - 5) / 8)).fill(4), [
    65533,
    65543,
  ]],
  ["ArrayBuffer", (length) => new ArrayBuffer(length - 5), AROUND],
  ["DataView", (length) => new DataView(new ArrayBuffer(length - 5)), AROUND],
  ["bigint", (length) => 2n ** BigInt(8 * (length - 4) - 1) - 1n, AROUND],
  ["array", (length) => new Array(length - 3).fill(5), AROUND],
  ["object", (length) => ({ a: text(length - 6) }), AROUND],
  ["object with a long key", (length) => ({ [text(length - 5)]: 6 }), AROUND],
  ["Map", (length) => new Map([[7, text(length - 9)]]), AROUND],
  ["Map with a long key", (length) => new Map([[text(length - 9), 8]]), AROUND],
  ["Set", (length) => new Set([text(length - 8)]), AROUND],
  ["registered", (length) => new Crate(text(length - 10)), AROUND],
  ["RegExp", (length) => new RegExp(text(length - 17)), AROUND],
  ["error", (length) => new Error(text(length - 19)), AROUND],
];
