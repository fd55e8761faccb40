/**
 * How the demo prints what it did and found.
 *
 * @module
 */

import type { CallTable } from "@fleche/core";
import type { Estimate } from "./statistics.ts";

/** What became of a call, and of the cached calls that it made. */
export interface Trace {
  /** The name of the function. */
  readonly name: string;
  /** Whether its body ran in this run of the program. */
  readonly isComputed: boolean;
  /** How long the body took when it ran, in seconds. */
  readonly walltime: number;
  /** The calls that it made; none if it was loaded, since then they are not needed. */
  readonly calls: readonly Trace[];
}

/** Columns that lines are made for. */
export const COLUMNS = Deno.stdout.isTerminal() ? Math.max(60, Deno.consoleSize().columns) : 80;

/** Longest lines of text. */
const TEXT_COLUMNS = Math.min(COLUMNS, 100);

/** Most rows of the table of stored calls. */
const MAX_ROWS = 20;

/**
 * Prints what became of a call and of those that it made.
 *
 * @param call the call
 * @param about what it was for, and how long the caller waited, in seconds
 */
export function printCall(
  call: Trace,
  { about, elapsed }: { about: string; elapsed: number },
): void {
  printLine(call, `${call.name.padEnd(24)}${about}`, elapsed);
  printInner(call.calls, "  ");
}

function printInner(calls: readonly Trace[], indent: string): void {
  for (const call of calls) {
    printLine(call, indent + call.name, call.isComputed ? call.walltime : undefined);
    printInner(call.calls, `${indent}  `);
  }
}

function printLine({ isComputed, walltime }: Trace, what: string, elapsed?: number): void {
  const state = isComputed ? "computed" : "loaded";
  const took = elapsed === undefined ? "" : duration(elapsed);
  const instead = isComputed ? "" : `  instead of ${duration(walltime)}`;
  console.log(`  ${state.padEnd(10)}${what.padEnd(46)}${took.padStart(7)}${instead}`.trimEnd());
}

/** A heading. */
export function heading(text: string): void {
  console.log(`\n${text}\n${"-".repeat(text.length)}`);
}

/** A paragraph, wrapped at the width of the terminal. */
export function paragraph(text: string): void {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1) ?? "";
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= TEXT_COLUMNS) lines[lines.length - 1] += ` ${word}`;
    else lines.push(word);
  }
  console.log(lines.join("\n"));
}

/** Aligns rows of cells: the first column to the left, the others to the right. */
export function grid(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  const padded = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(padded).join("  ")}`.trimEnd()).join("\n");
}

/** The table of stored calls, without its less important columns where the terminal is narrow. */
export function printTable(table: CallTable): void {
  const shown = table.rows.slice(0, MAX_ROWS);
  const whole = String(table).split("\n");
  if (whole.every((line) => line.length <= COLUMNS)) {
    console.log(whole.slice(0, shown.length + 1).join("\n"));
  } else {
    const names = Math.max(...shown.map(({ name }) => name.length));
    const room = COLUMNS - names - 22;
    const line = (key: string, name: string, args: string, took: string) => {
      const cut = args.length > room ? `${args.slice(0, room - 1)}…` : args;
      return [key.slice(0, 8).padEnd(8), name.padEnd(names), cut.padEnd(room), took].join("  ");
    };
    console.log(line("key", "name", "arguments", "    took"));
    for (const { key, name, arguments: args, walltime } of shown) {
      console.log(line(key, name, args, duration(walltime ?? NaN).padStart(8)));
    }
  }
  const older = table.rows.length - shown.length;
  if (older > 0) console.log(`and ${older} older ones`);
}

/** A duration, given in seconds; NaN where it is not known. */
export function duration(seconds: number): string {
  if (Number.isNaN(seconds)) return "?";
  if (seconds >= 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 1e-3) return `${Math.round(seconds * 1e6)} µs`;
  return `${(seconds * 1e3).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
}

/** An estimate with its interval. */
export function interval({ value, low, high }: Estimate): string {
  return `${value.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}
