import assert from "node:assert/strict";
import fc from "fast-check";
import { displayWidth, padded, truncated, visible } from "../src/display_text.ts";

const WIDTHS: readonly (readonly [text: string, width: number])[] = [
  ["", 0],
  ["plain text", 10],
  ["é", 1],
  ["e\u0301", 1],
  ["日本語", 6],
  ["한국어", 6],
  ["한", 2],
  ["ｱ", 1],
  ["Ａ", 2],
  ["、", 2],
  ["𠮷", 2],
  ["Ω", 1],
  ["→", 1],
  ["😀", 2],
  ["👩‍👩‍👧", 2],
  ["🇫🇷", 2],
  ["❤", 1],
  ["❤\ufe0f", 2],
  ["\u0301", 0],
  ["‰", 1],
];

Deno.test("displayWidth() counts the cells of a terminal", () => {
  for (const [text, width] of WIDTHS) assert.equal(displayWidth(text), width, text);
});

Deno.test("truncated() keeps what fits, and never half a character", () => {
  assert.equal(truncated("abcdef", 6), "abcdef");
  assert.equal(truncated("abcdef", 5), "abcd…");
  assert.equal(truncated("日本語", 6), "日本語");
  assert.equal(truncated("日本語", 5), "日本…");
  assert.equal(truncated("日本語", 4), "日…");
  assert.equal(truncated("👩‍👩‍👧👩‍👩‍👧", 3), "👩‍👩‍👧…");
  assert.equal(truncated("abc", 1), "…");
  assert.equal(truncated("abc", 0), "");
  assert.equal(truncated("", 0), "");
});

Deno.test("truncated() and padded() give text of the width that is asked for", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 20 }).map(visible);
  const property = fc.property(text, fc.nat(30), (each, width) => {
    const cut = truncated(each, width);
    assert(displayWidth(cut) <= width);
    if (displayWidth(each) <= width) assert.equal(cut, each);
    // A wide character may leave one cell empty.
    else assert(width === 0 || displayWidth(cut) >= width - 1);
    assert.equal(displayWidth(padded(cut, width)), width);
  });
  fc.assert(property, { seed: 3, numRuns: 2000 });
});

Deno.test("visible() writes what cannot be seen as escapes, and leaves the rest", () => {
  const cases: readonly (readonly [text: string, shown: string])[] = [
    ["\u001b[31m", "\\u001b[31m"],
    ["a\nb\tc\u007f\u009b", "a\\u000ab\\u0009c\\u007f\\u009b"],
    ["\u202eabc\u2066", "\\u202eabc\\u2066"],
    ["\u2028\u2029\ufeff\u200b", "\\u2028\\u2029\\ufeff\\u200b"],
    ["\ud800", "\\ud800"],
    ["\u{e0041}", "\\u{e0041}"],
    ["日本語 é 👩‍👩‍👧 \u0301", "日本語 é 👩‍👩‍👧 \u0301"],
  ];
  for (const [text, shown] of cases) assert.equal(visible(text), shown);
});
