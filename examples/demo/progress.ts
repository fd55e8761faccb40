/**
 * A line that says how far the work is.
 *
 * @module
 */

/** Is told which part of a piece of work is done, from 0 to 1. */
export type Progress = (fraction: number) => void;

/** Milliseconds between two states of the line. */
const INTERVAL = 100;

/** Cells of the bar. */
const CELLS = 30;

const isTerminal = Deno.stdout.isTerminal();
const utf8 = new TextEncoder();

/** Shows progress: a line that is drawn over itself on a terminal; elsewhere a line per quarter. */
export function progressLine(label: string): Progress {
  return isTerminal ? drawnLine(label) : plainLines(label);
}

function drawnLine(label: string): Progress {
  let drawn = -Infinity;
  return (fraction) => {
    const now = performance.now();
    if (now - drawn < INTERVAL) return;
    drawn = now;
    const bar = "=".repeat(Math.round(fraction * CELLS)).padEnd(CELLS);
    write(`\r  [${bar}] ${percent(fraction)}  ${label}`);
  };
}

function plainLines(label: string): Progress {
  let shown = 0;
  return (fraction) => {
    const quarters = Math.floor(fraction * 4);
    if (quarters === shown || quarters === 4) return;
    shown = quarters;
    console.log(`  ${percent(fraction)}  ${label}`);
  };
}

/** Takes the line away, so that something else can be printed in its place. */
export function clearProgressLine(): void {
  if (isTerminal) write("\r\x1b[K");
}

function percent(fraction: number): string {
  return `${Math.floor(fraction * 100)} %`.padStart(5);
}

function write(text: string): void {
  Deno.stdout.writeSync(utf8.encode(text));
}
