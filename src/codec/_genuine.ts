import { Culprit } from "./_culprit.ts";
import { getter } from "./memory.ts";

const NOT_REAL = "only looks like a built-in object: pass plain data";

const MAP_SIZE = getter(Map.prototype, "size");
const SET_SIZE = getter(Set.prototype, "size");
const DATE_TIME = Date.prototype.getTime;
const MAX_ARRAY_LENGTH = 0xffff_ffff;

// Built-in objects refuse to be read through a prototype or a proxy that is not their own; and what
// they hold is not what a property of theirs says.
function genuine<T>(read: () => unknown, value: object): T {
  try {
    return read.call(value) as T;
  } catch (error) {
    if (error instanceof TypeError) throw new Culprit(NOT_REAL);
    throw error;
  }
}

/** How many entries a Map really has. */
export function mapSize(map: object): number {
  return genuine(MAP_SIZE, map);
}

/** How many elements a Set really has. */
export function setSize(set: object): number {
  return genuine(SET_SIZE, set);
}

/** The time that a Date really holds, in milliseconds. */
export function dateTime(date: object): number {
  return genuine(DATE_TIME, date);
}

/** The length of an array; a proxy may claim what no array can have. */
export function arrayLength({ length }: readonly unknown[]): number {
  if (Number.isInteger(length) && length >= 0 && length <= MAX_ARRAY_LENGTH) return length;
  throw new Culprit(NOT_REAL);
}

/** Refuses an array that passes for a plain object. */
export function refuseArray(value: object): void {
  if (Array.isArray(value)) throw new Culprit(NOT_REAL);
}

/** The prototype of an object; a proxy that was revoked has none. */
export function prototypeOf(value: object): object | null {
  try {
    return Object.getPrototypeOf(value);
  } catch (error) {
    if (error instanceof TypeError) {
      throw new Culprit("is a proxy that cannot be read: pass plain data");
    }
    throw error;
  }
}

/** The memory of a view or a buffer, which has to be there. */
export function memoryThere(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes !== undefined) return bytes;
  throw new Culprit(
    "is detached or out of bounds: its memory has been transferred elsewhere, or made shorter",
  );
}

/** Refuses properties that the encoding of a built-in object has no place for. */
export function refuseExtras(value: object): void {
  if (Object.keys(value).length > 0 || Object.getOwnPropertySymbols(value).length > 0) {
    throw new Culprit("has properties of its own, which would be lost: store them beside it");
  }
}
