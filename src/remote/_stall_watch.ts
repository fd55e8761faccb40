/** Longest time that a timer takes, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

/** How long nothing moves before somebody is told, in seconds. */
export const WAIT_NOTICE = 5;

/** How late a timer is that this program has kept from running, in milliseconds. */
const LATE = 1000;

/** A time as messages tell it. */
export function inSeconds(count: number): string {
  return `${count} ${count === 1 ? "second" : "seconds"}`;
}

/** What a {@linkcode StallWatch} tells before it gives up. */
export interface StallWatchOptions {
  /** Called when nothing has moved for half of the notice, each time. */
  readonly onQuiet?: () => void;
  /** Called once for each standstill, with how many seconds it has lasted. */
  readonly onWait?: (seconds: number) => void;
  /** How long a standstill lasts before that is called, in seconds: 5 by default. */
  readonly notice?: number;
}

/** Notices when something that should move has stood still for too long. */
export class StallWatch {
  readonly #patience: number;
  readonly #onStall: () => void;
  readonly #onWait: (seconds: number) => void;
  readonly #onQuiet: () => void;
  readonly #notice: number;
  #lastMoved = 0;
  /** The beginning of the standstill that has been told of. */
  #told: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes the time in seconds, and what to do once it has passed. */
  constructor(patience: number, onStall: () => void, options: StallWatchOptions = {}) {
    this.#patience = patience * 1000;
    this.#onStall = onStall;
    this.#onWait = options.onWait ?? (() => {});
    this.#onQuiet = options.onQuiet ?? (() => {});
    this.#notice = options.onWait === undefined ? Infinity : (options.notice ?? WAIT_NOTICE) * 1000;
  }

  /** Begins to watch. */
  start(): void {
    this.moved();
    this.#wait(Math.min(this.#patience, this.#notice) / 2);
  }

  /** Notes that something has moved. This is cheap: the timer finds out when it is due. */
  moved(): void {
    this.#lastMoved = performance.now();
  }

  /** Ends the watch. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(milliseconds: number): void {
    clearTimeout(this.#timer);
    if (milliseconds > MAX_TIMER) return;
    const due = performance.now() + milliseconds;
    this.#timer = setTimeout(() => this.#look(due), milliseconds);
    // What is due from the other side keeps a program running, not the watch.
    Deno.unrefTimer(this.#timer);
  }

  #look(due: number): void {
    const now = performance.now();
    // The program was busy with something else: what has come meanwhile is still to be read.
    if (now - due > LATE) this.#lastMoved = now;
    const still = now - this.#lastMoved;
    if (still >= this.#patience) return this.#onStall();
    this.#onQuiet();
    const isTold = this.#told === this.#lastMoved;
    if (!isTold && still >= this.#notice) {
      this.#told = this.#lastMoved;
      this.#onWait(still / 1000);
    }
    const half = Math.min(this.#patience, this.#notice) / 2;
    const next = still >= this.#notice ? this.#notice : half - still % half;
    this.#wait(Math.min(next, this.#patience - still));
  }
}
