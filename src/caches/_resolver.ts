import type { Reference } from "../codec/encoding.ts";
import { partsOf, type PartSource } from "./_reach.ts";

/** Tells whether values are there with all their parts; each is looked at once. */
export class Resolver {
  readonly #values: PartSource;
  readonly #damaged: ReadonlySet<string>;
  readonly #whole = new Map<string, boolean>();

  /** Takes the values, and the digests of those that are damaged. */
  constructor(values: PartSource, damaged: ReadonlySet<string>) {
    this.#values = values;
    this.#damaged = damaged;
  }

  /** Whether all of some values are there with all their parts. */
  async areWhole(references: readonly Reference[]): Promise<boolean> {
    let areWhole = true;
    for (const reference of references) {
      if (!await this.#isWhole(reference)) areWhole = false;
    }
    return areWhole;
  }

  // Values do not contain themselves, and nest no deeper than their encoding allows.
  async #isWhole(reference: Reference): Promise<boolean> {
    const { digest } = reference;
    const known = this.#whole.get(digest);
    if (known !== undefined) return known;
    const parts = this.#damaged.has(digest) ? undefined : await partsOf(this.#values, reference);
    const isWhole = parts !== undefined && await this.areWhole(parts);
    this.#whole.set(digest, isWhole);
    return isWhole;
  }
}
