/**
 * Golden rows of arrays, objects, Map and Set.
 *
 * @module
 */

import type { GoldenRow } from "./_golden_row.ts";

function twice(value: unknown): unknown[] {
  return [value, value];
}

function numbered(length: number): Record<string, number> {
  const entries = Array.from({ length }, (_, n) => [`k${String(n).padStart(2, "0")}`, n]);
  return Object.fromEntries(entries.reverse());
}

function withHiddenKey(): object {
  const record = Object.create({ inherited: 3 });
  Object.setPrototypeOf(record, Object.prototype);
  Object.defineProperty(record, "hidden", { value: 2, enumerable: false });
  return Object.assign(record, { a: 1 });
}

/** Golden rows of arrays, objects, Map and Set. */
export const CONTAINERS: readonly GoldenRow[] = [
  // arrays
  ["array, empty", () => [], "90"],
  ["array", () => [1, 2, 3], "93 01 02 03"],
  ["array of 15", () => new Array(15).fill(0), "9f" + "00".repeat(15)],
  ["array of 16", () => new Array(16).fill(0), "dc0010" + "00".repeat(16)],
  ["array of 65535", () => new Array(65535).fill(0), "dcffff" + "00".repeat(65535)],
  ["array of 65536", () => new Array(65536).fill(0), "dd00010000" + "00".repeat(65536)],
  [
    "array of everything",
    () => [null, true, -1, 0.5, "a", [], {}, undefined, 1n],
    "99 c0 c3 ff cb 3fe0000000000000 a1 61 90 80 c70002 d403 01",
  ],
  ["array, nested", () => [[[]], [[1]]], "92 91 90 91 91 01"],
  ["array of undefined", () => [undefined], "91 c70002"],
  ["array with a hole", () => [1, , 3], "93 01 c70002 03", () => [1, undefined, 3]],
  ["array with a hole at the end", () => [1, ,], "92 01 c70002", () => [1, undefined]],
  ["array of holes", () => new Array(2), "92 c70002 c70002", () => [undefined, undefined]],
  ["array with a property besides", () => Object.assign([1], { unit: "m" }), "91 01", () => [1]],
  ["array, frozen", () => Object.freeze([1]), "91 01", () => [1]],
  ["array of one array twice", () => twice([1]), "92 91 01 91 01"],
  // objects: own enumerable string keys, sorted by UTF-16 code unit
  ["object, empty", () => ({}), "80"],
  ["object", () => ({ a: 1 }), "81 a1 61 01"],
  ["object, keys in order", () => ({ a: 1, b: 2 }), "82 a1 61 01 a1 62 02"],
  ["object, keys out of order", () => ({ b: 2, a: 1 }), "82 a1 61 01 a1 62 02"],
  ["object, a value undefined", () => ({ a: undefined }), "81 a1 61 c70002"],
  ["object, the empty key", () => ({ "": 0, a: 1 }), "82 a0 00 a1 61 01"],
  [
    "object, integer-like keys",
    () => ({ 9: 1, 10: 2, 100: 3 }),
    "83 a2 3130 02 a3 313030 03 a1 39 01",
  ],
  [
    "object, integer-like and other keys",
    () => ({ b: 1, 2: 2, "-1": 3, "01": 4 }),
    "84 a2 2d31 03 a2 3031 04 a1 32 02 a1 62 01",
  ],
  [
    "object, upper before lower case",
    () => ({ a: 1, B: 2, _: 3 }),
    "83 a1 42 02 a1 5f 03 a1 61 01",
  ],
  ["object, a key that starts another", () => ({ ab: 1, a: 2 }), "82 a1 61 02 a2 6162 01"],
  [
    "object, UTF-16 order is not that of code points",
    () => ({ "\uff61": 1, "\u{10000}": 2 }),
    "82 a4 f0908080 02 a3 efbda1 01",
  ],
  ["object, a key with U+FEFF", () => ({ "\ufeffa": 1, a: 2 }), "82 a1 61 02 a4 efbbbf61 01"],
  [
    "object, keys of Object.prototype",
    () => ({ constructor: 1, toString: 2, hasOwnProperty: 3, prototype: 4 }),
    "84 ab 636f6e7374727563746f72 01 ae 6861734f776e50726f7065727479 03 a9" +
    "70726f746f74797065 04 a8 746f537472696e67 02",
  ],
  [
    "object, keys like __proto__",
    () => ({ __proto: 1, proto__: 2, __proto___: 3 }),
    "83 a7 5f5f70726f746f 01 aa 5f5f70726f746f5f5f5f 03 a7 70726f746f5f5f 02",
  ],
  [
    "object, no prototype",
    () => Object.assign(Object.create(null), { a: 1 }),
    "81 a1 61 01",
    () => ({ a: 1 }),
  ],
  ["object, key of 31 bytes", () => ({ ["k".repeat(31)]: 0 }), "81 bf" + "6b".repeat(31) + "00"],
  ["object, key of 32 bytes", () => ({ ["k".repeat(32)]: 0 }), "81 d920" + "6b".repeat(32) + "00"],
  [
    "object, key of 256 bytes",
    () => ({ ["k".repeat(256)]: 0 }),
    "81 da0100" + "6b".repeat(256) + "00",
  ],
  [
    "object, key of 70000 bytes",
    () => ({ ["k".repeat(70000)]: 0 }),
    "81 db00011170" + "6b".repeat(70000) + "00",
  ],
  [
    "object of 15 keys",
    () => numbered(15),
    "8f a3 6b3030 00 a3 6b3031 01 a3 6b3032 02 a3 6b3033 03 a3 6b3034 04 a3 6b3035 05 a3" +
    "6b3036 06 a3 6b3037 07 a3 6b3038 08 a3 6b3039 09 a3 6b3130 0a a3 6b3131 0b a3 6b3132" +
    "0c a3 6b3133 0d a3 6b3134 0e",
  ],
  [
    "object of 16 keys",
    () => numbered(16),
    "de0010 a3 6b3030 00 a3 6b3031 01 a3 6b3032 02 a3 6b3033 03 a3 6b3034 04 a3 6b3035 05" +
    "a3 6b3036 06 a3 6b3037 07 a3 6b3038 08 a3 6b3039 09 a3 6b3130 0a a3 6b3131 0b a3" +
    "6b3132 0c a3 6b3133 0d a3 6b3134 0e a3 6b3135 0f",
  ],
  ["object, only own enumerable keys", () => withHiddenKey(), "81 a1 61 01", () => ({ a: 1 })],
  [
    "object with a getter",
    () => ({
      get a() {
        return 1;
      },
    }),
    "81 a1 61 01",
    () => ({ a: 1 }),
  ],
  [
    "object, nested",
    () => ({ grid: { cells: [1, 2] } }),
    "81 a4 67726964 81 a5 63656c6c73 92 01 02",
  ],
  // Map and Set: insertion order counts
  ["Map, empty", () => new Map(), "d405 90"],
  ["Map", () => new Map([["a", 1]]), "d605 92 a1 61 01"],
  ["Map, in order", () => new Map([["a", 1], ["b", 2]]), "c70705 94 a1 61 01 a1 62 02"],
  ["Map, in another order", () => new Map([["b", 2], ["a", 1]]), "c70705 94 a1 62 02 a1 61 01"],
  [
    "Map, keys of every kind",
    () =>
      new Map<unknown, unknown>([
        [NaN, 0],
        [undefined, 1],
        [null, 2],
        [1n, 3],
        [[1], 4],
        [{ a: 1 }, 5],
        ["1", 6],
        [1, 7],
      ]),
    "c72405 dc0010 cb 7ff8000000000000 00 c70002 01 c0 02 d403 01 03 91 01 04 81 a1 61 01" +
    "05 a1 31 06 01 07",
  ],
  [
    "Map, the key __proto__",
    () => new Map([["__proto__", 1]]),
    "c70c05 92 a9 5f5f70726f746f5f5f 01",
  ],
  ["Map, a key with a lone surrogate", () => new Map([["\ud800", 1]]), "c70605 92 d507 00d8 01"],
  ["Map, the key -0 is 0", () => new Map([[-0, 1]]), "c70305 92 00 01", () => new Map([[0, 1]])],
  ["Map, the value -0", () => new Map([[0, -0]]), "c70b05 92 00 cb 8000000000000000"],
  ["Map, equal objects are two keys", () => new Map([[{}, 1], [{}, 2]]), "c70505 94 80 01 80 02"],
  [
    "Map of Maps",
    () => new Map([[new Map(), new Map([[1, 2]])]]),
    "c70a05 92 d405 90 c70305 92 01 02",
  ],
  [
    "Map of 8 entries",
    () => new Map(Array.from({ length: 8 }, (_, n) => [n, n])),
    "c71305 dc0010 00 00 01 01 02 02 03 03 04 04 05 05 06 06 07 07",
  ],
  [
    "Map of 200 entries",
    () => new Map(Array.from({ length: 200 }, (_, n) => [n, n])),
    "c8022305 dc0190 00 00 01 01 02 02 03 03 04 04 05 05 06 06 07 07 08 08 09 09 0a 0a 0b" +
    "0b 0c 0c 0d 0d 0e 0e 0f 0f 10 10 11 11 12 12 13 13 14 14 15 15 16 16 17 17 18 18 19" +
    "19 1a 1a 1b 1b 1c 1c 1d 1d 1e 1e 1f 1f 20 20 21 21 22 22 23 23 24 24 25 25 26 26 27" +
    "27 28 28 29 29 2a 2a 2b 2b 2c 2c 2d 2d 2e 2e 2f 2f 30 30 31 31 32 32 33 33 34 34 35" +
    "35 36 36 37 37 38 38 39 39 3a 3a 3b 3b 3c 3c 3d 3d 3e 3e 3f 3f 40 40 41 41 42 42 43" +
    "43 44 44 45 45 46 46 47 47 48 48 49 49 4a 4a 4b 4b 4c 4c 4d 4d 4e 4e 4f 4f 50 50 51" +
    "51 52 52 53 53 54 54 55 55 56 56 57 57 58 58 59 59 5a 5a 5b 5b 5c 5c 5d 5d 5e 5e 5f" +
    "5f 60 60 61 61 62 62 63 63 64 64 65 65 66 66 67 67 68 68 69 69 6a 6a 6b 6b 6c 6c 6d" +
    "6d 6e 6e 6f 6f 70 70 71 71 72 72 73 73 74 74 75 75 76 76 77 77 78 78 79 79 7a 7a 7b" +
    "7b 7c 7c 7d 7d 7e 7e 7f 7f cc 80 cc 80 cc 81 cc 81 cc 82 cc 82 cc 83 cc 83 cc 84 cc" +
    "84 cc 85 cc 85 cc 86 cc 86 cc 87 cc 87 cc 88 cc 88 cc 89 cc 89 cc 8a cc 8a cc 8b cc" +
    "8b cc 8c cc 8c cc 8d cc 8d cc 8e cc 8e cc 8f cc 8f cc 90 cc 90 cc 91 cc 91 cc 92 cc" +
    "92 cc 93 cc 93 cc 94 cc 94 cc 95 cc 95 cc 96 cc 96 cc 97 cc 97 cc 98 cc 98 cc 99 cc" +
    "99 cc 9a cc 9a cc 9b cc 9b cc 9c cc 9c cc 9d cc 9d cc 9e cc 9e cc 9f cc 9f cc a0 cc" +
    "a0 cc a1 cc a1 cc a2 cc a2 cc a3 cc a3 cc a4 cc a4 cc a5 cc a5 cc a6 cc a6 cc a7 cc" +
    "a7 cc a8 cc a8 cc a9 cc a9 cc aa cc aa cc ab cc ab cc ac cc ac cc ad cc ad cc ae cc" +
    "ae cc af cc af cc b0 cc b0 cc b1 cc b1 cc b2 cc b2 cc b3 cc b3 cc b4 cc b4 cc b5 cc" +
    "b5 cc b6 cc b6 cc b7 cc b7 cc b8 cc b8 cc b9 cc b9 cc ba cc ba cc bb cc bb cc bc cc" +
    "bc cc bd cc bd cc be cc be cc bf cc bf cc c0 cc c0 cc c1 cc c1 cc c2 cc c2 cc c3 cc" +
    "c3 cc c4 cc c4 cc c5 cc c5 cc c6 cc c6 cc c7 cc c7",
  ],
  ["Set, empty", () => new Set(), "d406 90"],
  ["Set", () => new Set([1]), "d506 91 01"],
  ["Set, in order", () => new Set([1, 2]), "c70306 92 01 02"],
  ["Set, in another order", () => new Set([2, 1]), "c70306 92 02 01"],
  [
    "Set, elements of every kind",
    () => new Set<unknown>([NaN, undefined, null, 1n, "1", 1, [], {}, new Set([1])]),
    "c71a06 99 cb 7ff8000000000000 c70002 c0 d403 01 a1 31 01 90 80 d506 91 01",
  ],
  ["Set, -0 is 0", () => new Set([-0]), "d506 91 00", () => new Set([0])],
  ["Set, equal arrays are two elements", () => new Set([[], []]), "c70306 92 90 90"],
  [
    "Set of 16",
    () => new Set(Array.from({ length: 16 }, (_, n) => n)),
    "c71306 dc0010 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f",
  ],
];
