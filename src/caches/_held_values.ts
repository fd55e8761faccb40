import { copied, type Encoding, type Reference } from "../codec/encoding.ts";
import type { Writing } from "./_writing.ts";

/** Bytes of arguments that are held while a function runs; what goes beyond is stored at once. */
export const HELD_LENGTH = 64 << 20;

/** The values of arguments, held in memory as long as they are not too large together. */
export class HeldValues {
  readonly #writing: Writing;
  readonly #held: { reference: Reference; encoding: Encoding }[] = [];
  #room = HELD_LENGTH;

  constructor(writing: Writing) {
    this.#writing = writing;
  }

  readonly take = (reference: Reference, encoding: Encoding): void => {
    this.#room -= reference.length;
    if (this.#room >= 0) {
      this.#held.push({ reference, encoding: copied(encoding) });
      return;
    }
    this.release();
    this.#writing.put(reference, encoding);
  };

  /** Stores what is held. */
  release(): void {
    for (const { reference, encoding } of this.#held) this.#writing.put(reference, encoding);
    this.#held.length = 0;
  }
}
