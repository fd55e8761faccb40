import { withEncoding } from "./codec/encode.ts";
import { encodingDigest } from "./codec/encoding.ts";
import { registeredTypes } from "./codec/registry.ts";
import { describeSlot } from "./describe_slot.ts";
import { isRecord } from "./profile/parameters.ts";

/** One place where two values differ. */
export interface ValueDifference {
  /** The path to it, as `options.grid[3].dx`. */
  readonly path: string;
  /** What one has there, as people read it; undefined if nothing. */
  readonly stored: string | undefined;
  /** What the other has there. */
  readonly given: string | undefined;
}

/** Places that are named at the most. */
const MAX_PLACES = 5;

/**
 * Where two values differ: the first few places, in order. Equal values have none. Of a value of a
 * registered type the path goes through what is stored of it.
 */
export function differences(path: string, stored: unknown, given: unknown): ValueDifference[] {
  const found: ValueDifference[] = [];
  compare(path, stored, given, found);
  return found;
}

function compare(path: string, stored: unknown, given: unknown, found: ValueDifference[]): void {
  if (found.length >= MAX_PLACES || Object.is(stored, given)) return;
  const type = registeredTypes().find((each) => each.match(stored) && each.match(given));
  if (type !== undefined) return compare(path, type.encode(stored), type.encode(given), found);
  if (isList(stored) && isList(given) && stored.constructor === given.constructor) {
    return compareLists(path, stored, given, found);
  }
  if (isRecord(stored) && isRecord(given)) {
    for (const key of new Set([...Object.keys(stored), ...Object.keys(given)])) {
      const inner = `${path}${
        /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
      }`;
      if (!Object.hasOwn(stored, key)) add(inner, undefined, described(given[key]), found);
      else if (!Object.hasOwn(given, key)) add(inner, described(stored[key]), undefined, found);
      else compare(inner, stored[key], given[key], found);
    }
    return;
  }
  if (digestOf(stored) !== digestOf(given)) add(path, described(stored), described(given), found);
}

type List = ArrayLike<unknown> & object;

function isList(value: unknown): value is List {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

function compareLists(path: string, stored: List, given: List, found: ValueDifference[]): void {
  if (stored.length !== given.length) {
    add(`${path}.length`, `${stored.length}`, `${given.length}`, found);
  }
  const length = Math.min(stored.length, given.length);
  for (let index = 0; index < length && found.length < MAX_PLACES; index++) {
    compare(`${path}[${index}]`, stored[index], given[index], found);
  }
}

function add(
  path: string,
  stored: string | undefined,
  given: string | undefined,
  found: ValueDifference[],
): void {
  if (found.length < MAX_PLACES) found.push({ path, stored, given });
}

function digestOf(value: unknown): string {
  return withEncoding(value, {}, encodingDigest);
}

/** A value in a line, as people read it; a large one by its digest. */
export function described(value: unknown): string {
  const text = withEncoding(
    value,
    {},
    (encoding) => encoding.body === undefined ? describeSlot(encoding.head) : undefined,
  );
  return text ?? shortDigest(digestOf(value));
}

/** A digest in a line. */
export function shortDigest(digest: string): string {
  return `<${digest.slice(0, 8)}>`;
}
