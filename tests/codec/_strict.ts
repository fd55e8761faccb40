import assert from "node:assert";
import { CorruptValueError, UnknownTypeError } from "@fleche/core";
import { decode, MissingPart } from "../../src/codec/decoder.ts";
import { encoded, hexOf, sameBytes } from "./_bytes.ts";

/** What became of bytes that may be anything. */
export type Verdict = "read" | "corrupt" | "unknown" | "missing";

/**
 * Decodes bytes that may be anything: they must be refused as they should, or be the one encoding of
 * what they decode to.
 */
export function decodeStrictly(bytes: Uint8Array): Verdict {
  let value: unknown;
  try {
    value = decode({ head: bytes });
  } catch (error) {
    if (error instanceof CorruptValueError) return "corrupt";
    if (error instanceof UnknownTypeError) return "unknown";
    if (error instanceof MissingPart) return "missing";
    throw new Error(`A wrong error for ${hexOf(bytes.subarray(0, 200))}`, { cause: error });
  }
  let again: Uint8Array;
  try {
    again = encoded(value);
  } catch (error) {
    const hex = hexOf(bytes.subarray(0, 200));
    throw new Error(`What was read cannot be written: ${hex}`, { cause: error });
  }
  if (!sameBytes(again, bytes)) {
    assert.equal(hexOf(again), hexOf(bytes), `Two encodings of ${Deno.inspect(value)}`);
  }
  return "read";
}
