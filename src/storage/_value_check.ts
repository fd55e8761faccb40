import { type Encoding, encodingDigest, matches, type Reference } from "../codec/encoding.ts";
import { encodingLength } from "../codec/encoding.ts";
import { CorruptValueError, SignatureError } from "../errors.ts";
import { openUnsigned, OversizeError, type Seal } from "./seal.ts";
import type { Verify } from "./storage.ts";

/** Bytes from which on memory is not left unused behind a value. */
const LARGE = 1 << 16;

/** Tells whether what is stored of a value is what it should be. */
export class ValueCheck {
  readonly #verify: Verify;
  readonly #seal: Seal | undefined;

  /** Takes how thoroughly is checked, and what opens entries. */
  constructor(verify: Verify, seal: Seal | undefined) {
    this.#verify = verify;
    this.#seal = seal;
  }

  /** Whether an encoding is the one of a digest and, if it is known, a reference. */
  isRight(digest: string, encoding: Encoding, expected?: Reference): boolean {
    if (expected !== undefined && encodingLength(encoding) !== expected.length) return false;
    if (this.#verify === false) return true;
    return this.#verify === "crc" && expected !== undefined
      ? matches(encoding, expected)
      : encodingDigest(encoding) === digest;
  }

  /**
   * The encoding that stored bytes hold, in whatever form they are.
   *
   * @param bytes what is stored; the encoding takes their memory
   * @returns undefined if it is not the right one
   * @throws {SignatureError} If entries have to be signed, and no key verifies this one.
   * @throws {OversizeError} If it is compressed, and longer than the reference says.
   */
  open(digest: string, bytes: Uint8Array, expected?: Reference): Encoding | undefined {
    for (const content of this.#contents(digest, bytes, expected)) {
      if (this.isRight(digest, { head: content }, expected)) return owned(content);
    }
  }

  /** Whether stored bytes hold what a reference leads to; they cannot be used any more after this. */
  holds(bytes: Uint8Array, reference: Reference): boolean {
    try {
      return this.open(reference.digest, bytes, reference) !== undefined;
    } catch (error) {
      if (error instanceof SignatureError || error instanceof OversizeError) return false;
      throw error;
    }
  }

  /** {@linkcode ValueCheck.open}, but right is what has the digest, whatever a reference says. */
  openByDigest(digest: string, bytes: Uint8Array, expected?: Reference): Encoding | undefined {
    for (const content of this.#contents(digest, bytes, expected)) {
      if (encodingDigest({ head: content }) === digest) return owned(content);
    }
  }

  #contents(digest: string, bytes: Uint8Array, expected?: Reference): Iterable<Uint8Array> {
    if (this.#seal?.signs !== true) return openUnsigned(digest, bytes, expected?.length);
    try {
      return [this.#seal.open(digest, bytes, expected?.length)];
    } catch (error) {
      if (!(error instanceof CorruptValueError) || error instanceof OversizeError) throw error;
      return [];
    }
  }
}

// Gives back the memory behind a large content that begins its buffer, so that a value can keep it.
function owned(content: Uint8Array): Encoding {
  const { buffer, byteOffset, length } = content;
  const isWhole = buffer.byteLength === length;
  const isLeft = length < LARGE || isWhole || byteOffset > 0;
  if (isLeft || !(buffer instanceof ArrayBuffer)) return { head: content, owned: true };
  return { head: new Uint8Array(buffer.transferToFixedLength(length)), owned: true };
}
