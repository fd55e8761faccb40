/** Longest time that a timer takes, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

/** Notices when something that should move has stood still for too long. */
export class StallWatch {
  readonly #patience: number;
  readonly #onStall: () => void;
  #lastMoved = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes the time in seconds, and what to do once it has passed. */
  constructor(patience: number, onStall: () => void) {
    this.#patience = patience * 1000;
    this.#onStall = onStall;
  }

  /** Begins to watch. */
  start(): void {
    this.moved();
    if (this.#patience <= MAX_TIMER) this.#wait(this.#patience);
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
    this.#timer = setTimeout(() => {
      const left = this.#lastMoved + this.#patience - performance.now();
      if (left > 0) this.#wait(left);
      else this.#onStall();
    }, milliseconds);
  }
}
