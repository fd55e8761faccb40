import { digest } from "./codec/digest_value.ts";
import { identify, Identity, identityOf } from "./codec/identity.ts";
import type { AnyFunction } from "./function_profile.ts";
import { isNativeSource, parseFunction, sourceDigest, usesThis } from "./profile/source.ts";

/**
 * Vouches that what a function does follows from its source and what is named here, so that it can
 * be an argument of a cached function.
 *
 * @example Usage
 * ```ts
 * import { digest, pure } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const scaled = (factor: number) => pure((x: number) => x * factor, [factor]);
 * assert.deepEqual(digest(scaled(2)), digest(scaled(2)));
 * assert.notDeepEqual(digest(scaled(2)), digest(scaled(3)));
 * ```
 *
 * @param fn the function
 * @param deps everything it closes over that makes a difference
 * @returns The function itself.
 * @throws {TypeError} If the function is native, bound, a class or uses `this`, or has an identity
 *   already.
 * @throws {IndigestibleError} If a dependency has no encoding.
 */
export function pure<F extends AnyFunction>(fn: F, deps: readonly unknown[] = []): F {
  const text = Function.prototype.toString.call(fn);
  const parsed = isNativeSource(text) ? undefined : parseFunction(text);
  if (parsed === undefined) {
    throw new TypeError(`Cannot vouch for ${fn.name || "a function"}: its source is not known`);
  }
  if (usesThis(parsed.node)) {
    throw new TypeError(`Cannot vouch for ${fn.name || "a function"}: it uses this`);
  }
  const identity = new Identity("pure", digest([sourceDigest(parsed), deps]).hex);
  const known = identityOf(fn);
  if (known !== undefined && (known.kind !== "pure" || known.digest !== identity.digest)) {
    throw new TypeError(
      `Cannot vouch for ${fn.name || "a function"} a second time with other deps`,
    );
  }
  identify(fn, () => identity);
  return fn;
}
