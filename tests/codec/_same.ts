/**
 * Equality as a cache must keep it: the same type, the same content, nothing more and nothing less.
 *
 * @module
 */

import assert from "node:assert";
import { Digest, Identity } from "@fleche/core";

type Path = string;

/**
 * Finds the first difference between two values.
 *
 * Told apart are -0 and 0, undefined and missing, holes and undefined, prototypes, the order in Map
 * and Set (but not that of the keys of objects), bytes and offsets of memory, and own properties.
 *
 * @returns Where they differ, or undefined if they are the same.
 */
export function difference(a: unknown, b: unknown, path: Path = "value"): Path | undefined {
  if (Object.is(a, b)) return undefined;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return path;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return `prototype of ${path}`;
  return contentDifference(a, b, path);
}

/** Throws unless two values are the same. */
export function assertSame(actual: unknown, expected: unknown, message = ""): void {
  const where = difference(actual, expected);
  if (where === undefined) return;
  const [left, right] = [actual, expected].map((value) => Deno.inspect(value).slice(0, 500));
  assert.fail(`${message}: ${where} differs: ${left} instead of ${right}`);
}

function contentDifference(a: object, b: object, path: Path): Path | undefined {
  if (a instanceof Date && b instanceof Date) {
    return Object.is(a.getTime(), b.getTime()) ? undefined : `${path}.getTime()`;
  }
  if (a instanceof Map && b instanceof Map) {
    return difference([...a].flat(0), [...b].flat(0), `[...${path}]`);
  }
  if (a instanceof Set && b instanceof Set) return difference([...a], [...b], `[...${path}]`);
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) {
    return memoryDifference(a, b, path);
  }
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) {
    if (a.resizable !== b.resizable) return `${path}.resizable`;
    return memoryDifference(new Uint8Array(a), new Uint8Array(b), path);
  }
  if (a instanceof URL && b instanceof URL) return difference(a.href, b.href, `${path}.href`);
  if (a instanceof RegExp && b instanceof RegExp) {
    return difference([a.source, a.flags], [b.source, b.flags], path) ?? ownDifference(a, b, path);
  }
  if (a instanceof Error && b instanceof Error) return errorDifference(a, b, path);
  if (a instanceof Digest && b instanceof Digest) return difference(a.hex, b.hex, `${path}.hex`);
  if (a instanceof Identity && b instanceof Identity) {
    return difference([a.kind, a.digest], [b.kind, b.digest], path);
  }
  if (/^\[object Temporal\./.test(Object.prototype.toString.call(a))) {
    return difference(temporalFields(a), temporalFields(b), path);
  }
  return ownDifference(a, b, path);
}

function memoryDifference(a: ArrayBufferView, b: ArrayBufferView, path: Path): Path | undefined {
  if (a.byteLength !== b.byteLength) return `${path}.byteLength`;
  const left = new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
  const right = new Uint8Array(b.buffer, b.byteOffset, b.byteLength);
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return at < 0 ? undefined : `byte ${at} of ${path}`;
}

/** Own properties but the stack, which depends on the place. */
function errorDifference(a: Error, b: Error, path: Path): Path | undefined {
  if (a.message !== b.message) return `${path}.message`;
  return ownDifference(a, b, path, ["stack", "message"]);
}

function temporalFields(value: object): unknown[] {
  const units = ["years", "months", "weeks", "days", "hours", "minutes", "seconds"];
  const small = ["milliseconds", "microseconds", "nanoseconds"];
  return [String(value), ...[...units, ...small].map((unit) => Reflect.get(value, unit))];
}

function ownDifference(
  a: object,
  b: object,
  path: Path,
  ignored: readonly PropertyKey[] = [],
): Path | undefined {
  const keysOf = (value: object) => Reflect.ownKeys(value).filter((key) => !ignored.includes(key));
  const keys = keysOf(a);
  const others = new Set(keysOf(b));
  if (keys.length !== others.size) return `number of own properties of ${path}`;
  for (const key of keys) {
    const step = `${path}[${String(key)}]`;
    if (!others.has(key)) return step;
    const found = difference(Reflect.get(a, key), Reflect.get(b, key), step);
    if (found !== undefined) return found;
  }
}
