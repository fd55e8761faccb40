/**
 * What calls are sorted and told apart by.
 *
 * @module
 */

import type { Json } from "./json.ts";
import { digest } from "./codec/digest_value.ts";
import { Digest } from "./digest.ts";
import type { LazyCall } from "./lazy_call.ts";

/** A field of a call, or one of its metadata, as `runtime.walltime`. */
export type CallField =
  | "key"
  | "name"
  | "module"
  | "version"
  | "code"
  | "deps"
  | "source"
  | `${string}.${string}`;

const FIELDS = ["key", "name", "module", "version", "code", "deps", "source"] as const;

/** What calls are sorted, grouped or told apart by: a field, or what a function makes of a call. */
export type CallKey = CallField | ((call: LazyCall) => unknown);

/** What computes the key of a call. */
export type KeyFunction = (call: LazyCall) => unknown;

/**
 * What computes the key of a call.
 *
 * @throws {TypeError} If there is no such field.
 */
export function keyFunction(by: CallKey): KeyFunction {
  if (typeof by === "function") return by;
  const field = FIELDS.find((each) => each === by);
  if (field !== undefined) return (call) => call[field];
  const dot = typeof by === "string" ? by.indexOf(".") : -1;
  if (dot < 1) {
    throw new TypeError(
      `Cannot use "${String(by)}" as a field of calls: it takes ${FIELDS.join(", ")}, ` +
        "or metadata as runtime.walltime",
    );
  }
  const [namespace, note] = [by.slice(0, dot), by.slice(dot + 1)];
  return ({ metadata }) => ownNote(own(metadata, namespace), note);
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function ownNote(notes: Readonly<Record<string, Json>> | undefined, name: string): unknown {
  return notes === undefined ? undefined : own(notes, name);
}

/**
 * Orders two keys: booleans before numbers, strings, dates, and lists of these, which are compared
 * element by element. What is missing, null or NaN comes last in both directions.
 *
 * @param direction 1 to begin with the least, -1 with the greatest
 * @throws {TypeError} If a key is none of these.
 */
export function compareKeys(one: unknown, other: unknown, direction: 1 | -1): number {
  const [first, second] = [rank(one), rank(other)];
  if (first !== second) {
    return Math.max(first, second) === LAST ? first - second : direction * (first - second);
  }
  if (Array.isArray(one) && Array.isArray(other)) {
    for (let index = 0; index < Math.min(one.length, other.length); index++) {
      const order = compareKeys(one[index], other[index], direction);
      if (order !== 0) return order;
    }
    return direction * (one.length - other.length);
  }
  if (first === LAST) return 0;
  // Of one rank, so that they compare as numbers or as strings do; a Digest is a string here.
  const [left, right] = [one as number, other as number];
  return left < right ? -direction : left > right ? direction : 0;
}

const LAST = 5;

function rank(key: unknown): number {
  if (key === undefined || key === null) return LAST;
  if (typeof key === "boolean") return 0;
  if (typeof key === "bigint") return 1;
  if (typeof key === "number") return Number.isNaN(key) ? LAST : 1;
  if (typeof key === "string" || key instanceof Digest) return 2;
  if (key instanceof Date) return Number.isNaN(key.getTime()) ? LAST : 3;
  if (Array.isArray(key)) return 4;
  throw new TypeError(
    `Cannot sort calls by ${typeof key === "object" ? "an object" : `a ${typeof key}`}: ` +
      "give numbers, strings, booleans, dates, or lists of these",
  );
}

/** Something for each key; keys are the same if they are equal as values. */
export class KeyIndex<T> {
  readonly #plain = new Map<unknown, T>();
  // Objects by the digest of their value.
  readonly #objects = new Map<string, T>();

  /** What is kept for a key, which is made if there is nothing yet. */
  ensure(key: unknown, make: () => T): T {
    return typeof key === "object" && key !== null
      ? ensure(this.#objects, digest(key).hex, make)
      : ensure(this.#plain, key, make);
  }
}

function ensure<K, T>(map: Map<K, T>, key: K, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined || map.has(key)) return known as T;
  const made = make();
  map.set(key, made);
  return made;
}
