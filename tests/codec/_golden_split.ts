/** A row of a value with parts: its label, the value, the root's encoding, and those of the parts. */
export type SplitRow = readonly [
  label: string,
  value: () => unknown,
  root: string,
  parts: readonly string[],
];

/**
 * Golden rows of values that are stored in several parts, with the references in full. Derived like
 * those of the golden table, the CRC-32 with Python's zlib.
 */
export const SPLIT: readonly SplitRow[] = [
  [
    "a string of 65532 bytes stays",
    () => ["x".repeat(65532)],
    "91 dafffc" + "78".repeat(65532),
    [],
  ],
  [
    "a string of 65533 bytes",
    () => ["x".repeat(65533)],
    "91 c72c01 c8c4cfb16ffd707553b72b8a7c6d84aa73ec22c7b2ab5e272875846d6f85b2f1 7c2aee70" +
    "0000000000010000",
    ["dafffd" + "78".repeat(65533)],
  ],
  [
    "bytes",
    () => [new Uint8Array(65536).fill(7)],
    "91 c72c01 75e0ff80d63f639da3e69437b4b1518251bc0343086d5e62e4cce5c7d1e69868 983eae95" +
    "0000000000010005",
    ["c600010000" + "07".repeat(65536)],
  ],
  [
    "Float64Array",
    () => ({ grid: new Float64Array(8192).fill(1), n: 1 }),
    "82 a4 67726964 c72c01" +
    "3d09f1f3e171c3edd84f01ecf7595a2a21d5b419cba6d1d6257a63fdc1e3362a fff87cca" +
    "0000000000010007 a1 6e 01",
    ["c90001000104 0b" + "000000000000f03f".repeat(8192)],
  ],
  [
    "an array in a Map",
    () => new Map([[new Array(65533).fill(1), 2]]),
    "c73105 92 c72c01 689479fcbdd40ff115eedaa913e371cd978f2312d6ae5ccdc19c0bcfdf403b6c" +
    "59520bf3 0000000000010000 02",
    ["dcfffd" + "01".repeat(65533)],
  ],
  [
    "a Set in a Set",
    () => new Set([new Set(["x".repeat(65528)])]),
    "c73006 91 c72c01 1b6e34d80bfd8a7386155a08cd744ae78ad8c0bd9dfa3873897c7bee6c6e3d66" +
    "27256ee4 0000000000010000",
    ["c8fffc06 91 dafff8" + "78".repeat(65528)],
  ],
  [
    "an object in an error",
    () => new Error("e", { cause: { a: "x".repeat(65530) } }),
    "c73c09 97 a5 4572726f72 a1 65 c0 80 c3 c72c01" +
    "e0c0fbda8389d8ad343e424aa83b2037dd2cc75ee66c137838386dfb8663c9e5 df9ee3db" +
    "0000000000010000 c0",
    ["81 a1 61 dafffa" + "78".repeat(65530)],
  ],
  [
    "a part in a part",
    () => [["x".repeat(65533), "x".repeat(65530)]],
    "91 c72c01 b4884fedcebad86a92ffcf4cc73671a9a3371147cf3345b3f64b0d5dc76b0f79 f416f1ab" +
    "000000000001002d",
    [
      "dafffd" + "78".repeat(65533),
      "92 c72c01 c8c4cfb16ffd707553b72b8a7c6d84aa73ec22c7b2ab5e272875846d6f85b2f1 7c2aee70" +
      "0000000000010000 dafffa" + "78".repeat(65530),
    ],
  ],
  [
    "one part twice",
    () => ["x".repeat(65533), { again: "x".repeat(65533) }],
    "92 c72c01 c8c4cfb16ffd707553b72b8a7c6d84aa73ec22c7b2ab5e272875846d6f85b2f1 7c2aee70" +
    "0000000000010000 81 a5 616761696e c72c01" +
    "c8c4cfb16ffd707553b72b8a7c6d84aa73ec22c7b2ab5e272875846d6f85b2f1 7c2aee70" +
    "0000000000010000",
    ["dafffd" + "78".repeat(65533), "dafffd" + "78".repeat(65533)],
  ],
];
