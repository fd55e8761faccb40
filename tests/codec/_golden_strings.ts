/**
 * Golden rows of strings.
 *
 * @module
 */

import type { GoldenRow } from "./_golden_row.ts";

/** Golden rows of strings. */
export const STRINGS: readonly GoldenRow[] = [
  ["string of no characters", () => "", "a0"],
  ["string a", () => "a", "a1 61"],
  ["string of NUL", () => "\0", "a1 00"],
  ["string of DEL", () => "\x7f", "a1 7f"],
  // fixstr, str 8, 16, 32 by the length in bytes
  ["string of 23 bytes", () => "a".repeat(23), "b7" + "61".repeat(23)],
  ["string of 24 bytes", () => "a".repeat(24), "b8" + "61".repeat(24)],
  ["string of 25 bytes", () => "a".repeat(25), "b9" + "61".repeat(25)],
  ["string of 31 bytes", () => "a".repeat(31), "bf" + "61".repeat(31)],
  ["string of 32 bytes", () => "a".repeat(32), "d920" + "61".repeat(32)],
  ["string of 63 bytes", () => "a".repeat(63), "d93f" + "61".repeat(63)],
  ["string of 64 bytes", () => "a".repeat(64), "d940" + "61".repeat(64)],
  ["string of 65 bytes", () => "a".repeat(65), "d941" + "61".repeat(65)],
  ["string of 255 bytes", () => "a".repeat(255), "d9ff" + "61".repeat(255)],
  ["string of 256 bytes", () => "a".repeat(256), "da0100" + "61".repeat(256)],
  ["string of 65535 bytes", () => "a".repeat(65535), "daffff" + "61".repeat(65535)],
  ["string of 65536 bytes", () => "a".repeat(65536), "db00010000" + "61".repeat(65536)],
  [
    "string of 31 bytes, 16 characters",
    () => "\u00e9".repeat(15) + "a",
    "bf c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a961",
  ],
  [
    "string of 32 bytes, 16 characters",
    () => "\u00e9".repeat(16),
    "d920 c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9",
  ],
  [
    "string of 255 bytes, 128 characters",
    () => "\u00e9".repeat(127) + "a",
    "d9ff" + "c3a9".repeat(127) + "61",
  ],
  [
    "string of 256 bytes, 128 characters",
    () => "\u00e9".repeat(128),
    "da0100" + "c3a9".repeat(128),
  ],
  [
    "string of 65535 bytes, 21845 characters",
    () => "\u20ac".repeat(21845),
    "daffff" + "e282ac".repeat(21845),
  ],
  [
    "string of 65536 bytes, 16384 astral characters",
    () => "\u{1f600}".repeat(16384),
    "db00010000" + "f09f9880".repeat(16384),
  ],
  [
    "string of 33 bytes that end in a long character",
    () => "a".repeat(30) + "\u20ac",
    "d921 616161616161616161616161616161616161616161616161616161616161e282ac",
  ],
  // UTF-8 of each length, and both sides of its boundaries
  ["string U+0080", () => "\u0080", "a2 c280"],
  ["string U+07FF", () => "\u07ff", "a2 dfbf"],
  ["string U+0800", () => "\u0800", "a3 e0a080"],
  ["string U+D7FF", () => "\ud7ff", "a3 ed9fbf"],
  ["string U+E000", () => "\ue000", "a3 ee8080"],
  ["string U+FFFD", () => "\ufffd", "a3 efbfbd"],
  ["string U+FFFF", () => "\uffff", "a3 efbfbf"],
  ["string U+10000", () => "\u{10000}", "a4 f0908080"],
  ["string U+10FFFF", () => "\u{10ffff}", "a4 f48fbfbf"],
  ["string U+2028", () => "\u2028", "a3 e280a8"],
  ["string composed", () => "\u00e9", "a2 c3a9"],
  ["string decomposed", () => "e\u0301", "a3 65cc81"],
  ["string mixed", () => "na\u00efve \u20ac \u{1f600}!", "b0 6e61c3af766520e282ac20f09f988021"],
  // a leading U+FEFF is a character like any other
  ["string U+FEFF", () => "\ufeff", "a3 efbbbf"],
  ["string U+FEFF twice", () => "\ufeff\ufeff", "a6 efbbbfefbbbf"],
  ["string U+FEFF and more", () => "\ufeffabc", "a6 efbbbf616263"],
  ["string U+FEFF inside", () => "a\ufeff", "a4 61efbbbf"],
  [
    "string U+FEFF and 300 characters",
    () => "\ufeff" + "a".repeat(300),
    "da012f  efbbbf" + "61".repeat(300),
  ],
  ["string U+FFFE", () => "\ufffe", "a3 efbfbe"],
  // lone surrogates: extension 7, UTF-16LE
  ["surrogate, high", () => "\ud800", "d507 00d8"],
  ["surrogate, low", () => "\udfff", "d507 ffdf"],
  ["surrogate, last high", () => "\udbff", "d507 ffdb"],
  ["surrogates in reverse", () => "\udc00\ud800", "d607 00dc00d8"],
  ["surrogate after ASCII", () => "a\ud800", "d607 610000d8"],
  ["surrogate after a pair", () => "\u{1f600}\ud83d", "c70607 3dd800de3dd8"],
  ["surrogate before a pair", () => "\ud83d\ud83d\ude00", "c70607 3dd83dd800de"],
  ["surrogate after U+FEFF", () => "\ufeff\udc00", "d607 fffe00dc"],
  ["surrogates, 4", () => "\ud800abc", "d707 00d8610062006300"],
  ["surrogates, 8", () => "\ud800".repeat(8), "d807 00d800d800d800d800d800d800d800d8"],
  ["surrogates, 9", () => "\ud800".repeat(9), "c71207 00d800d800d800d800d800d800d800d800d8"],
  ["surrogates, 127", () => "\ud800".repeat(127), "c7fe07" + "00d8".repeat(127)],
  ["surrogates, 128", () => "\ud800".repeat(128), "c8010007" + "00d8".repeat(128)],
  [
    "surrogate at the end of 70 characters",
    () => "a".repeat(69) + "\udc00",
    "c78c07" + "6100".repeat(69) + "00dc",
  ],
  ["surrogates, 32767", () => "\ud800".repeat(32767), "c8fffe07" + "00d8".repeat(32767)],
  ["surrogates, 32768", () => "\ud800".repeat(32768), "c90001000007" + "00d8".repeat(32768)],
];
