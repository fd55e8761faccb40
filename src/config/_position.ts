import { parse, TomlError } from "smol-toml";
import type { ConfigPath } from "./_section.ts";
import { isTable } from "./_section.ts";

/** A place in a text, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * Where a value stands in a TOML text: the first line with which a beginning of the text holds it.
 *
 * The parser gives no positions for what is well-formed, so it is asked about ever longer beginnings;
 * that is slow, but happens on the way to an error only.
 *
 * @param text the whole text, which parses
 * @param path where the value is; what is missing at its end is looked for further up
 */
export function positionOf(text: string, path: ConfigPath): Position {
  const lines = text.split("\n");
  for (let length = path.length; length > 0; length--) {
    const start = path.slice(0, length);
    let after = 0;
    for (let count = 1; count <= lines.length; count++) {
      const found = beginningHas(`${lines.slice(0, count).join("\n")}\n`, start);
      if (found === undefined) continue;
      if (found) return { line: after + 1, column: columnOf(lines[after] ?? "", start) };
      after = count;
    }
  }
  return { line: 1, column: 1 };
}

// Whether a beginning of a text holds a value; undefined if it ends in the middle of one.
function beginningHas(beginning: string, path: ConfigPath): boolean | undefined {
  let value: unknown;
  try {
    value = parse(beginning);
  } catch (error) {
    if (error instanceof TomlError) return undefined;
    throw error;
  }
  for (const step of path) {
    if (Array.isArray(value) && typeof step === "number" && step < value.length) {
      value = value[step];
    } else if (isTable(value) && typeof step === "string" && Object.hasOwn(value, step)) {
      value = value[step];
    } else {
      return false;
    }
  }
  return true;
}

// As many of the last keys of the path as stand on the line, in their order: those before them may be in
// a header above it. What is in quotes is none of them, unless it is the last.
function columnOf(line: string, path: ConfigPath): number {
  const bare = line.replace(/"[^"]*"|'[^']*'/g, (text) => " ".repeat(text.length));
  const keys = path.filter((step) => typeof step === "string");
  for (let first = 0; first < keys.length; first++) {
    const at = placeOf(bare, keys.slice(first));
    if (at !== undefined) return at + 1;
  }
  const at = line.indexOf(keys.at(-1) ?? "");
  return (at === -1 ? line.length - line.trimStart().length : at) + 1;
}

// Where the last of some keys begins, if all of them stand on the line one after the other.
function placeOf(line: string, keys: readonly string[]): number | undefined {
  let at: number | undefined;
  let end = 0;
  for (const key of keys) {
    const isBare = /^[\w-]+$/.test(key);
    const found = isBare && new RegExp(`(?<![\\w-])${key}(?=\\s*[=.\\]])`).exec(line.slice(end));
    if (!found) return undefined;
    at = end + found.index;
    end = at + key.length;
  }
  return at;
}
