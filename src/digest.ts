/**
 * The name of a value: the SHA-256 of its canonical encoding.
 *
 * @module
 */

/** Hexadecimal digits of a whole digest. */
export const DIGEST_LENGTH = 64;

/** Fewest hexadecimal digits that a short digest may have. */
export const SHORTEST_PREFIX = 4;

const HEX = /^[0-9a-f]+$/;

/** Whether a string is a whole digest: 64 lower-case hexadecimal digits. */
export function isWholeDigest(text: string): boolean {
  return text.length === DIGEST_LENGTH && HEX.test(text);
}

/**
 * Checks a digest or prefix and returns it in lower case.
 *
 * @throws {TypeError} If it is not 4 to 64 hexadecimal digits.
 */
export function checkedPrefix(text: string): string {
  const lower = typeof text === "string" ? text.toLowerCase() : "";
  if (lower.length < SHORTEST_PREFIX || lower.length > DIGEST_LENGTH || !HEX.test(lower)) {
    throw new TypeError(
      `Cannot use "${String(text).slice(0, 80)}" as a digest: ` +
        `it takes ${SHORTEST_PREFIX} to ${DIGEST_LENGTH} hexadecimal digits`,
    );
  }
  return lower;
}

/**
 * The digest of a value, or a prefix of one.
 *
 * As a whole argument of a cached function a `Digest` stands for the value it names. Inside another
 * value it is just itself, and reads back as a `Digest`.
 *
 * @example Usage
 * ```ts
 * import { Digest, digest } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const name = digest([1, 2, 3]);
 * assert(name instanceof Digest);
 * assert.equal(`${name}`, name.hex);
 * assert.match(name.hex, /^[0-9a-f]{64}$/);
 * ```
 */
export class Digest {
  /** Lower-case hexadecimal digits: 64, or fewer for a prefix. */
  readonly hex: string;

  /**
   * Takes a digest or a prefix of one.
   *
   * @param hex 4 to 64 hexadecimal digits
   * @throws {TypeError} If it is anything else.
   */
  constructor(hex: string) {
    this.hex = checkedPrefix(hex);
  }

  /** Whether this is a prefix, which a cache can expand to the whole digest. */
  get isShort(): boolean {
    return this.hex.length < DIGEST_LENGTH;
  }

  /** The hexadecimal digits. */
  toString(): string {
    return this.hex;
  }

  /** The hexadecimal digits. */
  toJSON(): string {
    return this.hex;
  }

  /** The hexadecimal digits, so that digests compare and sort as strings do. */
  [Symbol.toPrimitive](): string {
    return this.hex;
  }

  /** How Deno prints a digest. */
  [Symbol.for("Deno.customInspect")](): string {
    return `Digest ${this.hex}`;
  }
}

/**
 * A digest given as text.
 *
 * @example Passing a stored value to a cached function by its digest
 * ```ts
 * import { D, digest } from "@fleche/core";
 * import assert from "node:assert";
 *
 * assert.deepEqual(D(digest("salt").hex), digest("salt"));
 * assert.equal(D("c0ffee").isShort, true);
 * ```
 *
 * @param hex 4 to 64 hexadecimal digits
 * @returns The digest, which stands for the value it names when it is a whole argument.
 * @throws {TypeError} If it is anything else; `digest` is what takes the digest of a value.
 */
export function D(hex: string): Digest {
  return new Digest(hex);
}

/** The text of a key: strings, digests and prefixes are all accepted where a key is. */
export function keyText(key: string | Digest): string {
  return checkedPrefix(typeof key === "string" ? key : key.hex);
}
