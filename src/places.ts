interface Waiting {
  readonly count: number;
  readonly start: () => void;
}

/** A number of places, which are taken for a while; who finds none free waits for a turn. */
export class Places {
  readonly #waiting: Waiting[] = [];
  #free: number;
  #taken = 0;
  #isOpen = false;

  /** Takes how many there are. */
  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Takes places until what is returned is disposed. One who wants more than there are gets them once
   * nobody else has any.
   */
  async take(count: number): Promise<Disposable> {
    if (this.#waiting.length > 0 || !this.#has(count)) {
      await new Promise<void>((start) => this.#waiting.push({ count, start }));
    } else {
      this.#book(count);
    }
    let isGiven = false;
    return {
      [Symbol.dispose]: () => {
        if (isGiven) return;
        isGiven = true;
        this.#book(-count);
        this.#startWaiting();
      },
    };
  }

  #has(count: number): boolean {
    return this.#isOpen || this.#taken === 0 || count <= this.#free;
  }

  #book(count: number): void {
    this.#free -= count;
    this.#taken += count;
  }

  #startWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#has(next.count);) {
      this.#waiting.shift();
      this.#book(next.count);
      next.start();
      next = this.#waiting[0];
    }
  }

  /** Lets everybody in: what there is to do is to be brought to an end. */
  open(): void {
    this.#isOpen = true;
    this.#startWaiting();
  }
}
