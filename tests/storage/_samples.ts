import {
  Cache,
  Call,
  CallMemory,
  type CallOptions,
  type CallRecord,
  ValueMemory,
} from "@fleche/core";
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { encode } from "../../src/codec/encode.ts";
import { type Encoding, joined, type Reference, referenceTo } from "../../src/codec/encoding.ts";

/** A value, its encoding, and the reference that leads to it. */
export interface Sample {
  readonly value: unknown;
  readonly encoding: Encoding;
  readonly reference: Reference;
  readonly digest: string;
}

/** The sample of a value without parts. */
export function sampleOf(value: unknown): Sample {
  const encoding = encode(value);
  const reference = referenceTo(encoding);
  return { value, encoding, reference, digest: reference.digest };
}

/** The bytes of a sample in one piece. */
export function bytesOf({ encoding }: Sample): Uint8Array {
  return joined(encoding).slice();
}

/** Bytes without a pattern, the same for one seed (Marsaglia's xorshift32). */
export function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}

/** Encodings of a byte array begin with this many bytes of header, for 65,536 bytes and more. */
const BYTES_HEADER = 5;

/** A sample whose encoding has a length, at least 65,541 bytes. */
export function sampleOfLength(length: number, seed = 1): Sample {
  return sampleOf(noise(length - BYTES_HEADER, seed));
}

/** Compares values that may be large: to print in what they differ would take minutes. */
export function assertAlike(actual: unknown, expected: unknown): void {
  assert(isDeepStrictEqual(actual, expected), "The values differ");
}

/** The record of a call. */
export async function recordOf(options: CallOptions): Promise<CallRecord> {
  await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
  const key = await cache.save(new Call(options));
  return (await cache.load(key)).detach();
}
