import { Culprit } from "./_culprit.ts";
import type { Reference } from "./encoding.ts";
import { MAX_REPEATED_LENGTH } from "./format.ts";

/**
 * The parts that are split off while one value is encoded.
 *
 * What a value comes to by containing parts more than once is counted as the decoder counts it, so
 * that whatever is stored can be loaded, and nobody waits for ever where a few objects contain each
 * other twice, level by level. That an object has been encoded before is not remembered: a getter or
 * the encoder of a registered type may have changed it since.
 */
export class SplitParts {
  readonly #digests = new Set<string>();
  readonly #repeated = { memory: 0, other: 0 };

  /** Forgets all parts. */
  clear(): void {
    if (this.#digests.size === 0) return;
    this.#digests.clear();
    this.#repeated.memory = this.#repeated.other = 0;
  }

  /**
   * Notes a part whose own parts have been noted.
   *
   * @param kind what the part is itself
   * @throws {Culprit} If the value repeats more than can be decoded.
   */
  add({ digest, length }: Reference, kind: "memory" | "other"): void {
    if (!this.#digests.has(digest)) {
      this.#digests.add(digest);
      return;
    }
    this.#repeated[kind] += length;
    if (this.#repeated[kind] <= MAX_REPEATED_LENGTH[kind]) return;
    throw new Culprit(
      `repeats parts of more than ${MAX_REPEATED_LENGTH[kind]} bytes, which could not be loaded ` +
        "again: hold each once, and refer to it by a key or an index",
    );
  }
}
