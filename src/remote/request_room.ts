import type { ProtocolLimits } from "./limits.ts";

/** How a request waits for room. */
export interface RoomOptions {
  /** Whether a request that is under way waits for it. */
  readonly isUrgent: boolean;
  /** Says that it is not wanted any more. */
  readonly signal?: AbortSignal | undefined;
}

interface Waiting {
  readonly size: number;
  readonly start: () => void;
  readonly reject: (error: unknown) => void;
}

/** The part of the room that requests take which nobody who is under way waits for. */
const ORDINARY = 3 / 4;

/**
 * The room for requests that are under way. A part of it is left to those that others wait for, which
 * never wait for others themselves: so there is always one that goes on.
 */
export class RequestRoom {
  readonly #limits: ProtocolLimits;
  readonly #ordinary = new Set<Waiting>();
  readonly #urgent = new Set<Waiting>();
  #count = 0;
  #size = 0;

  /** Takes the limits that the other side keeps. */
  constructor(limits: ProtocolLimits) {
    this.#limits = limits;
  }

  /** Takes room for a request of some bytes and starts it, at once or when there is room. */
  async take<T>(size: number, start: () => T, { isUrgent, signal }: RoomOptions): Promise<T> {
    const begin = () => {
      this.#count++;
      this.#size += size;
      return start();
    };
    const queue = isUrgent ? this.#urgent : this.#ordinary;
    if (this.#urgent.size === 0 && queue.size === 0 && this.#has(size, isUrgent)) return begin();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiting = { size, start: () => resolve(begin()), reject };
    queue.add(waiting);
    const leave = () => {
      queue.delete(waiting);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", leave, { once: true });
    return await promise.finally(() => signal?.removeEventListener("abort", leave));
  }

  #has(size: number, isUrgent: boolean): boolean {
    const { requests, requestBytes } = this.#limits;
    const part = isUrgent ? 1 : ORDINARY;
    return this.#count < Math.max(Math.floor(requests * part), 1) &&
      (this.#size === 0 || this.#size + size <= requestBytes * part);
  }

  /** Gives the room of a request back. */
  give(size: number): void {
    this.#count--;
    this.#size -= size;
    for (const queue of [this.#urgent, this.#ordinary]) {
      for (const waiting of queue) {
        if (!this.#has(waiting.size, queue === this.#urgent)) break;
        queue.delete(waiting);
        waiting.start();
      }
    }
  }

  /** Fails those that wait. */
  fail(error: unknown): void {
    for (const queue of [this.#urgent, this.#ordinary]) {
      for (const { reject } of queue) reject(error);
      queue.clear();
    }
  }
}
