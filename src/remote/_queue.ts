/** Things that come in one after the other and are taken by one loop. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  #end: { error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** Adds one. */
  push(item: T): void {
    this.#waiting.push(item);
    this.#wake?.();
  }

  /** Says that no more come, and why if it is not as it should be. */
  end(error?: unknown): void {
    // What it ended with first is why.
    this.#end ??= error === undefined ? {} : { error };
    this.#wake?.();
  }

  /** Takes what has come and what comes. */
  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    while (true) {
      yield* this.#waiting.splice(0);
      if (this.#waiting.length > 0) continue;
      if (this.#end !== undefined) {
        if ("error" in this.#end) throw this.#end.error;
        return;
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}
