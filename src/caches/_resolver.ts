import type { Reference } from "../codec/encoding.ts";
import type { Awaitable } from "../storage/storage.ts";
import { partsOf, type PartSource } from "./_reach.ts";

/** Whether values are there with all their parts; "unverified" if nobody can tell. */
export type Wholeness = boolean | "unverified";

/** Tells whether values are there with all their parts; each is looked at once. */
export class Resolver {
  readonly #values: PartSource;
  readonly #fault: (digest: string) => Awaitable<"damaged" | "unverified" | undefined>;
  readonly #whole = new Map<string, Wholeness>();

  /** Takes the values, and what is wrong with some of them. */
  constructor(
    values: PartSource,
    fault: (digest: string) => Awaitable<"damaged" | "unverified" | undefined>,
  ) {
    this.#values = values;
    this.#fault = fault;
  }

  /** Whether all of some values are there with all their parts. */
  async areWhole(references: readonly Reference[]): Promise<Wholeness> {
    let areWhole: Wholeness = true;
    for (const reference of references) {
      const isWhole = await this.#isWhole(reference);
      if (areWhole !== false && isWhole !== true) areWhole = isWhole;
    }
    return areWhole;
  }

  // Values do not contain themselves, and nest no deeper than their encoding allows.
  async #isWhole(reference: Reference): Promise<Wholeness> {
    const { digest } = reference;
    const known = this.#whole.get(digest);
    if (known !== undefined) return known;
    const isWhole = await this.#look(reference);
    this.#whole.set(digest, isWhole);
    return isWhole;
  }

  async #look(reference: Reference): Promise<Wholeness> {
    const fault = await this.#fault(reference.digest);
    if (fault !== undefined) return fault === "unverified" ? fault : false;
    const parts = await partsOf(this.#values, reference);
    return parts === undefined ? false : await this.areWhole(parts);
  }
}
