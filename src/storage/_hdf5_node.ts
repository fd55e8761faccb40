/**
 * What stands in an HDF5 file, as data: a tree of groups and datasets with a label each.
 *
 * Without a label a group is an object, and a dataset is what its type says: a number, a string or a
 * reference where it has no dimensions, and an array of them (of arrays of them...) where it has.
 *
 * @module
 */

import { memoryKind } from "../codec/memory.ts";

/** A dataset or a group. */
export type Node = Dataset | Group;

/** Elements of one type in a rectangular arrangement. */
export interface Dataset {
  readonly type: ElementType;
  /** Bytes of one element. */
  readonly width: number;
  /** How many elements there are along each dimension; none for a single element. */
  readonly shape: readonly number[];
  /** The elements, little-endian, the last dimension varying fastest. */
  readonly data: Uint8Array;
  readonly label?: string | undefined;
}

/** Nodes by name. */
export interface Group {
  readonly members: ReadonlyMap<string, Node>;
  readonly label?: string | undefined;
}

/**
 * The type of a dataset's elements. ASCII text ends in a zero byte, other text is filled up with
 * blanks, as the library does it.
 */
export type ElementType = NumericType | "ascii" | "utf8" | "reference";

/** A number of the machine. */
export type NumericType =
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "float32"
  | "float64";

/** Labels of datasets other than the names of typed arrays. */
export const LABEL = {
  null: "null",
  undefined: "undefined",
  boolean: "boolean",
  bigint: "bigint",
  date: "Date",
  /** Bytes of the encoding as they are, for what HDF5 has no type for. */
  encoding: "encoding",
  array: "Array",
  map: "Map",
  set: "Set",
  registered: "registered",
  builtin: "builtin",
  identity: "identity",
} as const;

/** What {@linkcode memoryKind} calls the kinds, and the elements that each is kept as. */
const MEMORY_TYPES: readonly NumericType[] = [
  ...["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"] as const,
  // The library has no half precision: as single precision the numbers are right, and exact.
  ...["float32", "float32", "float64", "uint8", "uint8"] as const,
];

/** Kind byte of a Float16Array. */
export const FLOAT16_KIND = 9;

/** The label and element type of each kind of memory; kind 0 is a Uint8Array. */
export const MEMORY: readonly { label: string; type: NumericType }[] = [
  { label: "Uint8Array", type: "uint8" },
  ...MEMORY_TYPES.map((type, index) => ({ label: memoryKind(index + 1)?.name ?? "", type })),
];

/** Bytes of an element. */
export function numericWidth(type: NumericType): number {
  return Number(type.replace(/\D+/, "")) / 8;
}

/**
 * How a reference stands in a file: a compound of its digest in ASCII with a zero byte, its check sum
 * and its length.
 */
export const REFERENCE_LAYOUT = { size: 80, digestSize: 65, crcAt: 68, lengthAt: 72 } as const;

/** Deepest nesting of groups; what is nested deeper stands as bytes of the encoding. */
export const MAX_GROUP_DEPTH = 32;

/** Most dimensions of a dataset (H5S_MAX_RANK). */
export const MAX_RANK = 32;

/**
 * Most groups and datasets of a file: each takes some 0.1 ms and 300 bytes. What goes beyond stands as
 * bytes of the encoding.
 */
export const MAX_NODES = 4096;

/** Longest name of a member, in bytes; an object with a longer one stands as bytes of the encoding. */
export const MAX_NAME_LENGTH = 1024;

// deno-lint-ignore no-control-regex -- a link's name ends at a zero byte
const UNSAFE = /[%/\u0000\ufeff]/g;

/**
 * The name of the link for a key. HDF5 takes a slash for a step down, "." for the group itself, and
 * no empty name; these, "%", the zero byte and U+FEFF are written as in URLs, and the empty key as "%".
 */
export function linkName(key: string): string {
  if (key === "") return "%";
  if (key === ".") return "%2E";
  return key.replace(UNSAFE, encodeEach);
}

// encodeURIComponent leaves only letters, digits and a few marks.
function encodeEach(character: string): string {
  return encodeURIComponent(character);
}

/** The key that a link stands for; undefined if no key has that link. */
export function keyOfLink(name: string): string | undefined {
  if (name === "%") return "";
  const key = name.replace(/%2E|%25|%2F|%00|%EF%BB%BF/g, decodeURIComponent);
  return linkName(key) === name ? key : undefined;
}
