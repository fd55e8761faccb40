import { durationText } from "../time_text.ts";
import { sizeText } from "./_text.ts";

/** Cells of the bar itself. */
const BAR = 24;

/** Least time between two drawings, in milliseconds. */
const PAUSE = 100;

/** Columns of a terminal that does not tell. */
const USUAL_WIDTH = 80;

/** How far something is. */
export interface Progress {
  /** What was done before this began. */
  readonly start: number;
  /** What is done. */
  readonly done: number;
  /** All there is to do. */
  readonly total: number;
  /** An amount in words; in bytes by default. */
  readonly inWords?: (amount: number) => string;
}

/** One line that says how far a copy is, how fast it goes, and what time is left. */
export function progressLine(
  { start, done, total, inWords = sizeText }: Progress,
  seconds: number,
): string {
  const share = total === 0 ? 1 : done / total;
  const filled = Math.floor(share * BAR);
  const bar = `[${"#".repeat(filled)}${".".repeat(BAR - filled)}]`;
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  const amount = `${inWords(done)} of ${inWords(total)}`;
  const rate = (done - start) / seconds;
  if (!(rate > 0) || !Number.isFinite(rate)) return `${bar} ${percent}  ${amount}`;
  const left = done < total ? `, ${durationText(Math.ceil((total - done) / rate))} left` : "";
  return `${bar} ${percent}  ${amount}  ${inWords(rate)}/s${left}`;
}

/** A bar on standard error, or one line if that is no terminal. */
export class ProgressBar implements Disposable {
  readonly #title: string;
  readonly #isTerminal = Deno.stderr.isTerminal();
  readonly #begin = performance.now();
  #drawn = -Infinity;

  /** Takes what the one line says. */
  constructor(title: string) {
    this.#title = title;
  }

  /** Draws how far it is, now and then. */
  show(progress: Progress): void {
    const now = performance.now();
    const isFirst = this.#drawn === -Infinity;
    if (!isFirst && !this.#isTerminal) return;
    if (now - this.#drawn < PAUSE && progress.done < progress.total) return;
    this.#drawn = now;
    const line = progressLine(progress, (now - this.#begin) / 1000);
    this.#write(this.#isTerminal ? `\r${cut(line)}\x1b[K` : `${this.#title}\n`);
  }

  /** Takes the bar away. */
  [Symbol.dispose](): void {
    if (this.#isTerminal && this.#drawn !== -Infinity) this.#write("\r\x1b[K");
  }

  #write(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}

// A line that is too long could not be drawn over. A terminal may not tell its width.
function cut(line: string): string {
  return line.slice(0, (Deno.consoleSize().columns || USUAL_WIDTH) - 1);
}
