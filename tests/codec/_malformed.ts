/**
 * Bytes that are not the canonical encoding of any value, by what is wrong with them.
 *
 * @module
 */

import { ascii, concat, hexOf, referenceHex } from "./_bytes.ts";

/** What is wrong, and the bytes in hexadecimal digits. */
export type Malformed = readonly [label: string, hex: string];

const of = (group: string, ...digits: readonly string[]): Malformed[] =>
  digits.map((hex) => [`${group}: ${hex.slice(0, 60)}`, hex]);

/** Numbers in other forms than the one they have. */
export const NUMBERS: readonly Malformed[] = [
  ...of("longer than needed", "cc 00", "cc 7f", "cd 0000", "cd 0080", "cd 00ff", "ce 00000000"),
  ...of("longer than needed", "ce 0000ffff", "cf 0000000000000000", "cf 00000000ffffffff"),
  ...of("longer than needed", "d0 ff", "d0 e0", "d1 ff80", "d1 ffff", "d2 ffff8000", "d2 ffffffff"),
  ...of("longer than needed", "d3 ffffffff80000000", "d3 ffffffffffffffff"),
  ...of("positive in a signed format", "d0 00", "d0 7f", "d1 0080", "d1 7fff", "d2 00010000"),
  ...of("positive in a signed format", "d2 7fffffff", "d3 0000000100000000", "d3 001fffffffffffff"),
  ...of("not a safe integer", "cf 0020000000000000", "cf 0020000000000001", "cf ffffffffffffffff"),
  ...of("not a safe integer", "d3 ffe0000000000000", "d3 8000000000000000", "d3 7fffffffffffffff"),
  ...of(
    "an integer as a float",
    "cb 0000000000000000",
    "cb 3ff0000000000000",
    "cb bff0000000000000",
  ),
  ...of(
    "an integer as a float",
    "cb 433fffffffffffff",
    "cb c33fffffffffffff",
    "cb 41e0000000000000",
  ),
  ...of("another NaN", "cb 7ff8000000000001", "cb fff8000000000000", "cb 7ff0000000000001"),
  ...of("another NaN", "cb 7fffffffffffffff", "cb 7ff8000100000000", "cb ffffffffffffffff"),
  ...of("float 32", "ca 3fc00000", "ca 7fc00000", "ca 00000000", "ca 80000000"),
  ...of("the byte c1", "c1", "c1 c0"),
  ...of("bigint without bytes", "c7 00 03"),
  ...of(
    "bigint with extra bytes",
    "d5 03 0000",
    "d5 03 0001",
    "d5 03 007f",
    "d5 03 ffff",
    "d5 03 ff80",
  ),
  ...of("bigint with extra bytes", "c7 03 03 000001", "c7 03 03 ffff80", "d6 03 ffffffff"),
  ...of("undefined with content", "d4 02 00", "d5 02 0000", "c7 03 02 000000"),
];

/** Lengths and counts in other forms than the shortest. */
export const LENGTHS: readonly Malformed[] = [
  ...of("str 8", "d9 00", "d9 01 61", `d9 1f ${"61".repeat(31)}`),
  ...of("str 16", "da 0000", `da 001f ${"61".repeat(31)}`, `da 00ff ${"61".repeat(255)}`),
  ...of("str 32", "db 00000000", `db 0000ffff ${"61".repeat(65535)}`),
  ...of("bin 16", "c5 0000", `c5 00ff ${"00".repeat(255)}`),
  ...of("bin 32", "c6 00000000", `c6 0000ffff ${"00".repeat(65535)}`),
  ...of("array 16", "dc 0000", "dc 0001 c0", `dc 000f ${"c0".repeat(15)}`),
  ...of("array 32", "dd 00000000", "dd 00000001 c0", `dd 0000ffff ${"c0".repeat(65535)}`),
  ...of("map 16", "de 0000", "de 0001 a161 c0"),
  ...of("map 32", "df 00000000", "df 00000001 a161 c0"),
  ...of("ext 8", "c7 01 04 01", "c7 02 04 0100", `c7 04 04 01 ${"00".repeat(3)}`),
  ...of("ext 8", `c7 08 04 01 ${"00".repeat(7)}`, `c7 10 04 01 ${"00".repeat(15)}`),
  ...of("ext 8", "c7 01 05 90", "c7 04 ff 00000001", "c7 08 ff 003d090000000001"),
  ...of("ext 16", "c8 0000 02", "c8 0001 04 01", `c8 00ff 04 01 ${"00".repeat(254)}`),
  ...of("ext 32", "c9 00000000 02", `c9 0000ffff 04 01 ${"00".repeat(65534)}`),
  ...of("a key", "81 d901 61 c0", "81 da0001 61 c0", `81 d91f ${"61".repeat(31)} c0`),
  ...of("ext 16 as a reference", referenceHex(new Uint8Array(70_000)).replace("c7 2c", "c8 002c")),
];

const dated = (nanoseconds: number, seconds: bigint) =>
  `c7 0c ff ${nanoseconds.toString(16).padStart(8, "0")}` +
  BigInt.asUintN(64, seconds).toString(16).padStart(16, "0");

const dated64 = (nanoseconds: number, seconds: bigint) =>
  `d7 ff ${(BigInt(nanoseconds) << 34n | seconds).toString(16).padStart(16, "0")}`;

/** Timestamps that no Date is written as. */
export const DATES: readonly Malformed[] = [
  ...of(
    "another length",
    "c7 00 ff",
    "d4 ff 00",
    "d5 ff 0000",
    "c7 03 ff 000000",
    "c7 05 ff 0000000000",
  ),
  ...of("another length", `d8 ff ${"00".repeat(16)}`, `c7 0b ff ${"00".repeat(11)}`),
  ...of("64 where 32 is enough", dated64(0, 0n), dated64(0, 1n), dated64(0, 0xffff_ffffn)),
  ...of("96 where less is enough", dated(0, 0n), dated(1_000_000, 0n), dated(0, 0x3_ffff_ffffn)),
  ...of("micro- and nanoseconds", dated64(1, 0n), dated64(1000, 0n), dated64(999_999_999, 0n)),
  ...of(
    "micro- and nanoseconds",
    dated(1, -1n),
    dated(1_000_001, -1n),
    dated(999_999, 0x4_0000_0000n),
  ),
  ...of("a second of milliseconds", dated64(1_000_000_000, 0n), dated64(1_073_000_000, 5n)),
  ...of("a second of milliseconds", dated(1_000_000_000, -1n), dated(4_294_000_000, -1n)),
  ...of("too late", dated(0, 8_640_000_000_001n), dated(1_000_000, 8_640_000_000_000n)),
  ...of("too early", dated(0, -8_640_000_000_001n), dated(999_000_000, -8_640_000_000_001n)),
  ...of("far out", dated(0, 2n ** 63n - 1n), dated(0, -(2n ** 63n)), dated(0, 2n ** 53n)),
];

const BAD_UTF8 = [
  ...["80", "bf", "c0", "c3", "e282", "f09f98", "fe", "ff"], // alone or broken off
  ...["c080", "c1bf", "e08080", "e09fbf", "f0808080", "f08fbfbf"], // overlong
  ...["eda080", "edafbf", "edb080", "edbfbf", "eda0bdedb880"], // surrogates
  ...["f4908080", "f5808080", "f880808080"], // beyond U+10FFFF
  ...["c328", "e28228", "e22882", "f0288cbc", "f09028bc"], // a continuation that is none
];

/** Text that is not UTF-8, in strings of each form, and as a key. */
export const TEXT: readonly Malformed[] = BAD_UTF8.flatMap((bad): Malformed[] => {
  const width = bad.length / 2;
  const padded = (length: number) => "61".repeat(length - width) + bad;
  const led = (length: number) => bad + "61".repeat(length - width);
  return [
    ...of(
      "fixstr",
      `${hexOf(Uint8Array.of(0xa0 + width))} ${bad}`,
      `b8 ${padded(24)}`,
      `bf ${led(31)}`,
    ),
    ...of("str 8", `d9 20 ${padded(32)}`, `d9 ff ${led(255)}`),
    ...of("str 16", `da 0100 ${padded(256)}`),
    ...of("a key", `81 ${hexOf(Uint8Array.of(0xa0 + width))} ${bad} c0`, `81 d9 20 ${led(32)} c0`),
  ];
});

/** Objects whose keys are not those of a plain object, each once and in order. */
export const OBJECTS: readonly Malformed[] = [
  ...of(
    "a key that is no string",
    "81 01 c0",
    "81 c0 c0",
    "81 c401 61 c0",
    "81 90 c0",
    "81 cb3fe0000000000000 c0",
  ),
  ...of("a key that is no string", "81 d507 00d8 c0", "81 d403 01 c0", "81 c70002 c0", "81 c1 c0"),
  ...of("a key that is a reference", `81 ${referenceHex(new Uint8Array(70_000))} c0`),
  ...of("keys out of order", "82 a162 c0 a161 c0", "82 a161 c0 a0 c0", "82 a26161 c0 a161 c0"),
  ...of("keys out of order", "82 a139 c0 a23130 c0", "83 a161 c0 a163 c0 a162 c0"),
  ...of("keys in order of code points", "82 a3efbda1 c0 a4f0908080 c0"),
  ...of("a key twice", "82 a161 c0 a161 c0", "82 a0 c0 a0 c0", "83 a161 c0 a162 c0 a162 c0"),
  ...of(
    "the key __proto__",
    `81 a9 ${ascii("__proto__")} c0`,
    `82 a9 ${ascii("__proto__")} 80 a161 c0`,
  ),
];

/** Map, Set and their arrays. */
export const COLLECTIONS: readonly Malformed[] = [
  ...of(
    "no array",
    "c7 00 05",
    "d4 05 c0",
    "d4 05 80",
    "d4 05 01",
    "d5 05 a161",
    "d4 06 80",
    "c7 00 06",
  ),
  ...of("no array", "c7 03 05 c40161", "c7 03 06 d40501", "d4 08 c0", "d4 09 c0", "d4 0c c0"),
  ...of("bytes after the array", "d5 05 90c0", "d5 06 90c0", "c7 03 06 91c0c0", "d4 06 90 c0"),
  ...of("an array that goes on", "d4 05 91 c0", "d4 06 91 c0", "d5 06 92c0 c0", "d5 05 92c0 c0"),
  ...of("a key without a value", "d5 05 91c0", "d6 05 93c0c001"),
  ...of("a key twice", "c7 05 05 9401c001c0", "c7 05 05 94c0c0c0c0", "c7 07 05 94a161c0a161c0"),
  ...of("the key NaN twice", `c7 15 05 94 ${"cb7ff8000000000000 c0".repeat(2)}`),
  ...of("a bigint twice", "c7 09 05 94 d40301 c0 d40301 c0", "c7 07 06 92 d40301 d40301"),
  ...of(
    "the key -0",
    "c7 0b 05 92 cb8000000000000000 c0",
    "c7 0d 05 94 00c0 cb8000000000000000 c0",
  ),
  ...of("the element -0", "c7 0a 06 91 cb8000000000000000", "c7 0b 06 92 00 cb8000000000000000"),
  ...of(
    "an element twice",
    "c7 03 06 920101",
    "c7 03 06 92c0c0",
    "c7 05 06 92a161a161",
    "d6 06 93010201",
  ),
  ...of("the element NaN twice", `c7 13 06 92 ${"cb7ff8000000000000".repeat(2)}`),
  ...of("undefined twice", "c7 07 06 92 c70002 c70002"),
  ...of("a string with lone surrogates twice", "c7 09 06 92 d50700d8 d50700d8"),
  ...of(
    "well formed",
    "c7 00 07",
    "d5 07 6100",
    "d6 07 3dd800de",
    "d7 07 3dd800de61006200",
    "d5 07 fffe",
  ),
  ...of("half a character", "d4 07 d8", "c7 03 07 00d800", "c7 05 07 6100 00d8 61"),
];

const kinds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
const WIDE: readonly (readonly [kind: number, width: number])[] = [
  [3, 2],
  [4, 2],
  [5, 4],
  [6, 4],
  [7, 8],
  [8, 8],
  [9, 2],
  [10, 4],
  [11, 8],
];

/** Memory and extensions that there are not. */
export const MEMORY: readonly Malformed[] = [
  ...of("without a kind", "c7 00 04", "c8 0000 04", "c9 00000000 04"),
  ...of(
    "an unknown kind",
    "d4 04 00",
    "d5 04 00ff",
    "d4 04 0e",
    "d4 04 0f",
    "d4 04 7f",
    "d4 04 80",
    "d4 04 ff",
  ),
  ...of(
    "an unknown kind",
    ...Array.from({ length: 242 }, (_, n) => `d4 04 ${(n + 14).toString(16).padStart(2, "0")}`),
  ),
  ...WIDE.flatMap(([kind, width]) =>
    Array.from({ length: width - 1 }, (_, n) => {
      const payload = concat(Uint8Array.of(kind), new Uint8Array(width + n + 1));
      const { length } = payload;
      const head = [2, 4, 8, 16].includes(length)
        ? hexOf(Uint8Array.of(0xd4 + Math.log2(length), 4))
        : hexOf(Uint8Array.of(0xc7, length, 4));
      return of("half an element", `${head} ${hexOf(payload)}`);
    }).flat()
  ),
  ...of("more than there is", ...kinds.map((kind) => `c7 ff 04 ${hexOf(Uint8Array.of(kind))} 00`)),
  ...of(
    "an unknown extension",
    "d4 00 00",
    "d4 0d 00",
    "c7 00 0d",
    "d4 7f 00",
    "d4 80 00",
    "d4 fe 00",
    "d5 0e c0c0",
  ),
];

/** Bytes for {@linkcode MALFORMED} that concern whole inputs. */
export const WHOLES: readonly Malformed[] = [
  ["nothing at all", ""],
  ...of(
    "trailing bytes",
    "c0 c0",
    "00 00",
    "90 90",
    "a161 61",
    "c403 010203 04",
    "d4 0401 00",
    "c70002 00",
  ),
  ...of(
    "broken off",
    "91",
    "92 c0",
    "81",
    "81 a161",
    "a2 61",
    "c4",
    "c4 01",
    "cb 00",
    "d4",
    "d4 04",
    "c7",
    "c7 02 04 01",
  ),
  ...of("a part that was not split off", `91 db00010000 ${"61".repeat(65536)}`),
  ...of("a part that was not split off", `91 dafffd ${"61".repeat(65533)}`),
  ...of("a part that was not split off", `81 a161 c600010000 ${"61".repeat(65536)}`),
  ...of("a part that was not split off", `91 dcfffd ${"c0".repeat(65533)}`),
  ...of(
    "a part that was not split off",
    `c9 00010001 06 91 dafffd ${"61".repeat(65533)}`,
  ),
];
