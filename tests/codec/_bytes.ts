/**
 * Encodings as bytes and as hexadecimal digits, with their parts.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { decode, type DecodeOptions } from "../../src/codec/decoder.ts";
import { encode } from "../../src/codec/encode.ts";
import type { EncodeOptions } from "../../src/codec/encoder.ts";
import { copied, joined, type Reference } from "../../src/codec/encoding.ts";

/** The bytes of hexadecimal digits; spaces are ignored. */
export function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  const digits = hex.replaceAll(" ", "");
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new TypeError(`Not bytes in hex: ${hex}`);
  const bytes = new Uint8Array(digits.length / 2);
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  }
  return bytes;
}

/** Bytes as hexadecimal digits. */
export function hexOf(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** ASCII text as hexadecimal digits. */
export function ascii(text: string): string {
  return hexOf(new TextEncoder().encode(text));
}

/** Several byte strings as one. */
export function concat(...pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The encoding of a value in one piece. */
export function encoded(value: unknown, options?: EncodeOptions): Uint8Array {
  return joined(encode(value, options));
}

/** The value of an encoding in one piece. */
export function decoded(bytes: Uint8Array, options?: DecodeOptions): unknown {
  return decode({ head: bytes }, options);
}

/** SHA-256 of bytes in hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The reference to a part, by the letter of the specification: extension 1 with 44 bytes. */
export function referenceHex(part: Uint8Array): string {
  const crc = crc32(part).toString(16).padStart(8, "0");
  return `c7 2c 01 ${sha256(part)} ${crc} ${part.length.toString(16).padStart(16, "0")}`;
}

/** An encoding together with the parts that were split off, in the order in which they came. */
export interface Whole {
  readonly root: Uint8Array;
  readonly parts: readonly { readonly reference: Reference; readonly bytes: Uint8Array }[];
  /** Finds a part, as storages do. */
  readonly source: NonNullable<DecodeOptions["source"]>;
}

/** Encodes a value and keeps its parts. */
export function encodedWhole(value: unknown, options: EncodeOptions = {}): Whole {
  const parts: { reference: Reference; bytes: Uint8Array }[] = [];
  const byDigest = new Map<string, Uint8Array>();
  const root = encoded(value, {
    ...options,
    sink(reference, encoding) {
      const bytes = joined(copied(encoding));
      parts.push({ reference, bytes });
      byDigest.set(reference.digest, bytes);
    },
  });
  const source = ({ digest }: Reference) => {
    const head = byDigest.get(digest);
    return head && { head };
  };
  return { root, parts, source };
}

/** Whether two byte strings are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
