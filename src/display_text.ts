/**
 * Text for terminals and pages: nothing in it controls them, and its width is that of the cells it
 * takes.
 *
 * @module
 */

/** What moves the cursor, turns the direction of writing, or cannot be seen; joiners form emoji. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Characters of one cell each. */
const PLAIN = /^[\x20-\x7e]*$/;

/** Characters that stand on those before them. */
const MARKS = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]+$/u;

/** Characters that are drawn as pictures, unless told otherwise. */
const EMOJI = /\p{Emoji_Presentation}/u;

/** Where the next character is drawn as a picture. */
const EMOJI_VARIATION = "\ufe0f";

/** First and last of the characters of East Asian width W or F (Unicode 16, Annex 11). */
const WIDE: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2630, 0x2637],
  [0x268a, 0x268f],
  [0x2e80, 0x303e],
  [0x3041, 0x3247],
  [0x3250, 0xa4c6],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6b],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x16ff1],
  [0x17000, 0x18d08],
  [0x1aff0, 0x1b2fb],
  [0x1d300, 0x1d356],
  [0x1d360, 0x1d376],
  [0x1f200, 0x1f202],
  [0x1f210, 0x1f23b],
  [0x1f240, 0x1f248],
  [0x1f250, 0x1f251],
  [0x1f260, 0x1f265],
  [0x20000, 0x3fffd],
];

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Text in which what would control a terminal is written as an escape, as `\u001b`. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}

/**
 * JSON in which what would control a terminal is written as an escape too. It means the same: outside
 * of strings there are only line breaks and spaces.
 */
export function visibleJson(json: string): string {
  return json.replace(
    UNSEEN,
    (character) => character === "\n" ? character : unitEscapes(character),
  );
}

function unitEscapes(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

/** Text whose tabs and line breaks stay; what else would control a terminal is an escape. */
export function visibleLines(text: string): string {
  const parts = text.split(/(\t|\r?\n)/);
  return parts.map((part, index) => index % 2 === 1 ? part : visible(part)).join("");
}

/** How many cells of a terminal text takes. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += graphemeWidth(segment);
  return width;
}

function graphemeWidth(grapheme: string): number {
  if (MARKS.test(grapheme)) return 0;
  const code = grapheme.codePointAt(0) ?? 0;
  const isWide = WIDE.some(([first, last]) => code >= first && code <= last) ||
    EMOJI.test(grapheme) || grapheme.includes(EMOJI_VARIATION);
  return isWide ? 2 : 1;
}

/** Text of at most so many cells; where something is left out, it ends in "…". */
export function truncated(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  let room = width - 1;
  for (const { segment } of segmenter.segment(text)) {
    room -= graphemeWidth(segment);
    if (room < 0) break;
    kept += segment;
  }
  return width < 1 ? "" : `${kept}…`;
}

/** Text with spaces after it, so that it takes so many cells. */
export function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}
