import { isWholeDigest } from "../digest.ts";

/** What an {@linkcode Identity} stands for. */
export type IdentityKind = "function" | "pure" | "custom";

/**
 * What reads back of a value that was an argument by its identity alone: a cached function, a
 * function vouched for by `pure`, or an object with a digest method. Its content is not stored.
 */
export class Identity {
  /** Takes the kind of the value and its digest, 64 lower-case hexadecimal digits. */
  constructor(readonly kind: IdentityKind, readonly digest: string) {
    if (!isWholeDigest(digest)) {
      throw new TypeError(`Cannot use "${digest}" as an identity: it takes 64 hexadecimal digits`);
    }
  }
}

/** The method by which an object gives its own identity. */
export const DIGEST_METHOD: unique symbol = Symbol.for("fleche.digest") as never;

const identities = new WeakMap<object, () => Identity>();

/** Gives a function an identity, found anew each time it is digested. */
export function identify(target: object, identity: () => Identity): void {
  identities.set(target, identity);
}

/** The identity given to a function, if it was given one. */
export function identityOf(target: object): Identity | undefined {
  return identities.get(target)?.();
}
