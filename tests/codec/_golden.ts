import { BUILTINS } from "./_golden_builtins.ts";
import { CONTAINERS } from "./_golden_containers.ts";
import { MEMORY } from "./_golden_memory.ts";
import { NUMBERS } from "./_golden_numbers.ts";
import type { GoldenRow } from "./_golden_row.ts";
import { STRINGS } from "./_golden_strings.ts";
import { TEMPORAL } from "./_golden_temporal.ts";
import { TYPES } from "./_golden_types.ts";

/** All rows that consist of one piece. */
export const GOLDEN: readonly GoldenRow[] = [
  ...NUMBERS,
  ...STRINGS,
  ...MEMORY,
  ...CONTAINERS,
  ...BUILTINS,
  ...(Reflect.has(globalThis, "Temporal") ? TEMPORAL : []),
  ...TYPES,
];

/** Labels of rows that share an encoding, since they are one value or read back as one. */
export const ALIASES: readonly (readonly string[])[] = [
  ["NaN", "NaN with sign and payload", "NaN that signals"],
  ["bytes, none", "bytes, an empty Buffer"],
  ["array with a property besides", "array, frozen"],
  ["object", "object, no prototype", "object, only own enumerable keys", "object with a getter"],
  ["object, keys in order", "object, keys out of order"],
  ["RegExp /\\//", "RegExp, with a slash"],
  ["custom: an instance with a digest method", "custom: a plain object with a digest method"],
];
