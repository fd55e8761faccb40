import { LockTimeoutError } from "../errors.ts";
import type { Awaitable, Gate } from "./storage.ts";

/** A gate for what only this process can see. */
export class MemoryGate implements Gate {
  #inside = 0;
  // Fulfilled when whoever has shut the gate opens it.
  #opened: Promise<void> | undefined;
  #left: (() => void) | undefined;

  /** Goes through, at once unless the gate is shut. */
  enter(): Awaitable<Disposable> {
    if (this.#opened !== undefined) return this.#enterLater();
    this.#inside++;
    let isInside = true;
    return {
      [Symbol.dispose]: () => {
        if (!isInside) return;
        isInside = false;
        if (--this.#inside === 0) this.#left?.();
      },
    };
  }

  async #enterLater(): Promise<Disposable> {
    while (this.#opened !== undefined) await this.#opened;
    return await this.enter();
  }

  /** Waits until nobody is inside, and lets nobody in. */
  async shut(seconds: number): Promise<Disposable> {
    while (this.#opened !== undefined) await this.#opened;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#opened = promise;
    const open = () => {
      this.#opened = undefined;
      resolve();
    };
    try {
      await this.#emptied(seconds);
    } catch (error) {
      open();
      throw error;
    }
    return { [Symbol.dispose]: open };
  }

  async #emptied(seconds: number): Promise<void> {
    if (this.#inside === 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      reject(
        new LockTimeoutError(`Cannot remove values: a call is still being stored`, {
          resource: "memory",
          seconds,
        }),
      );
    }, seconds * 1000);
    this.#left = resolve;
    try {
      await promise;
    } finally {
      this.#left = undefined;
      clearTimeout(timer);
    }
  }
}
