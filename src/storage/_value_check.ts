import { type Encoding, encodingDigest, matches, type Reference } from "../codec/encoding.ts";
import { encodingLength } from "../codec/encoding.ts";
import { CorruptValueError, SignatureError } from "../errors.ts";
import { contentDigest } from "./_content_digest.ts";
import { decompressed, openUnsigned, OversizeError, type Seal, withAndWithout } from "./seal.ts";
import type { Verify } from "./storage.ts";

/** Bytes from which on memory is not left unused behind a value. */
const LARGE = 1 << 16;

/**
 * Longest compressed content that is unpacked before it is known to be right, where no reference says
 * how long it may be: a few bytes can be made to hold a gigabyte.
 */
export const MAX_UNCHECKED_CONTENT = 64 << 20;

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
    // Whatever the option says: the same value can be stored in several forms.
    if (expected === undefined) return encodingDigest(encoding) === digest;
    if (encodingLength(encoding) !== expected.length) return false;
    if (this.#verify === false) return true;
    return this.#verify === "crc"
      ? matches(encoding, expected)
      : encodingDigest(encoding) === digest;
  }

  /**
   * The encoding that stored bytes hold, in whatever form they are.
   *
   * @param bytes what is stored; the encoding takes their memory
   * @returns undefined if it is not the right one
   * @throws {SignatureError} If entries have to be signed, and no key verifies this one.
   * @throws {OversizeError} If it is compressed, and longer than the reference says, or, without
   *   one, than {@linkcode MAX_UNCHECKED_CONTENT}.
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

  /**
   * {@linkcode ValueCheck.openByDigest} for what is compressed and long: nothing that is not right is
   * ever in memory as a whole.
   */
  async openLong(digest: string, bytes: Uint8Array): Promise<Encoding | undefined> {
    for (const frame of this.#frames(digest, bytes)) {
      if (await contentDigest(frame) !== digest) continue;
      try {
        return owned(decompressed(frame, digest));
      } catch (error) {
        // With a signature behind it, which is no part of it.
        if (!(error instanceof CorruptValueError)) throw error;
      }
    }
  }

  /**
   * Whether stored bytes hold what has a digest; "unverified" if they do, but no key verifies the
   * signature. They cannot be used any more after this.
   */
  async judge(digest: string, bytes: Uint8Array): Promise<boolean | "unverified"> {
    try {
      return await this.#holdsDigest(digest, bytes);
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      const unsigned = new ValueCheck(this.#verify, undefined);
      return await unsigned.#holdsDigest(digest, bytes) && "unverified";
    }
  }

  async #holdsDigest(digest: string, bytes: Uint8Array): Promise<boolean> {
    try {
      return this.openByDigest(digest, bytes) !== undefined;
    } catch (error) {
      if (!(error instanceof OversizeError)) throw error;
      for (const frame of this.#frames(digest, bytes)) {
        if (await contentDigest(frame) === digest) return true;
      }
      return false;
    }
  }

  #frames(digest: string, bytes: Uint8Array): Uint8Array[] {
    const isSigned = this.#seal?.signs === true;
    return isSigned ? [this.#seal.unsigned(digest, bytes)] : withAndWithout(bytes);
  }

  #contents(digest: string, bytes: Uint8Array, expected?: Reference): Iterable<Uint8Array> {
    const maxLength = expected?.length ?? MAX_UNCHECKED_CONTENT;
    if (this.#seal?.signs !== true) return openUnsigned(digest, bytes, maxLength);
    try {
      return [this.#seal.open(digest, bytes, maxLength)];
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
