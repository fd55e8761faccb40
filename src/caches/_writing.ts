import { copied, type Encoding, type Reference } from "../codec/encoding.ts";
import type { Awaitable, CallStorage, ValueStorage } from "../storage/storage.ts";

import { newRegistration } from "./registration.ts";

/**
 * Writes that may still be under way. From the first one until this is disposed, nobody removes
 * values.
 */
export class Writing implements Disposable {
  readonly #pending: Promise<void>[] = [];
  #inside: Disposable | Promise<Disposable> | undefined;
  #isOver = false;

  /**
   * Takes the storages.
   *
   * @param onPut told of each value before it is stored
   */
  constructor(
    readonly values: ValueStorage,
    readonly calls: CallStorage,
    readonly onPut: (reference: Reference) => void,
  ) {}

  /** Goes through the gate of the values, unless that is done. */
  enter(): Awaitable<Disposable> {
    return this.#inside ??= this.#enter();
  }

  #enter(): Awaitable<Disposable> {
    const entered = this.values.gate.enter();
    if (entered instanceof Promise) {
      return this.#later(entered.then((inside) => this.#registered(inside)));
    }
    const registered = this.#registered(entered);
    return registered instanceof Promise ? this.#later(registered) : registered;
  }

  // Inside the gate, so that whoever has shut it finds records where some are announced.
  #registered(inside: Disposable): Awaitable<Disposable> {
    try {
      const registered = this.#register(newRegistration(this.calls));
      if (!(registered instanceof Promise)) return inside;
      return registered.then(() => inside, (error) => {
        inside[Symbol.dispose]();
        throw error;
      });
    } catch (error) {
      inside[Symbol.dispose]();
      throw error;
    }
  }

  #register(registration: Awaitable<string | undefined>): Awaitable<void> {
    if (registration instanceof Promise) return registration.then((text) => this.#register(text));
    if (registration !== undefined) return this.values.register(registration);
  }

  #later(entering: Promise<Disposable>): Promise<Disposable> {
    return entering.then((inside) => {
      this.#inside = inside;
      if (this.#isOver) inside[Symbol.dispose]();
      return inside;
    });
  }

  /** Stores a value; its memory may be used again when this returns. */
  readonly put = (reference: Reference, encoding: Encoding): void => {
    this.onPut(reference);
    const inside = this.enter();
    if (!(inside instanceof Promise)) return this.#add(this.values.put(reference, encoding));
    // The caller may use the memory again when this returns.
    const kept = copied(encoding);
    this.#add(inside.then(() => this.values.put(reference, kept)));
  };

  #add(written: Awaitable<void>): void {
    if (!(written instanceof Promise)) return;
    // Whoever awaits settled() hears of a failure; until then it is not unhandled.
    written.catch(() => {});
    this.#pending.push(written);
  }

  /** Waits until all is stored. */
  async settled(): Promise<void> {
    if (this.#pending.length > 0) await Promise.all(this.#pending.splice(0));
  }

  /** Lets others remove values. */
  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#inside instanceof Promise) this.#inside.catch(() => {});
    else this.#inside?.[Symbol.dispose]();
  }
}
