import { encode } from "@msgpack/msgpack";
import { createHash } from "node:crypto";

/** The identity of a call as DESIGN section 3 writes it; what is left out is null. */
export interface Identity {
  name: string;
  module?: string;
  version?: string | number;
  code?: string;
  deps?: string;
}

/** SHA-256 of what MessagePack makes of a value of null, booleans, numbers, text, arrays, objects. */
export function plainDigest(value: unknown): string {
  return createHash("sha256").update(encode(value, { sortKeys: true })).digest("hex");
}

/** The lookup key by the formula, given the arguments as names and digests. */
export function expectedKey(identity: Identity, pairs: readonly [string, string][]): string {
  const { name, module = null, version = null, code = null, deps = null } = identity;
  return plainDigest(["fleche", 1, name, module, version, code, deps, pairs]);
}

/** The pairs of a call whose arguments are plain values. */
export function plainPairs(args: Record<string, unknown>): [string, string][] {
  return Object.entries(args).map(([name, value]) => [name, plainDigest(value)]);
}
