import { Digest } from "../digest.ts";
import { encodingDigest } from "./encoding.ts";
import { withEncoding } from "./encode.ts";

/**
 * The digest of a value: the SHA-256 of its canonical encoding.
 *
 * Equal values have equal digests, on every machine and in every version. The keys of an object may
 * stand in any order; `Map` and `Set` keep theirs. The memory of a large typed array is hashed where
 * it is.
 *
 * @example Usage
 * ```ts
 * import { digest } from "@fleche/core";
 * import assert from "node:assert";
 *
 * assert.deepEqual(digest({ a: 1, b: 2 }), digest({ b: 2, a: 1 }));
 * assert.notDeepEqual(digest(1n), digest(1));
 * // `printf '\x93\x01\x02\x03' | sha256sum`
 * assert.match(String(digest([1, 2, 3])), /^[0-9a-f]{64}$/);
 * ```
 *
 * @param value anything that can be an argument of a cached function
 * @throws {IndigestibleError} If the value, or something in it, has no encoding.
 */
export function digest(value: unknown): Digest {
  return new Digest(withEncoding(value, {}, encodingDigest));
}
