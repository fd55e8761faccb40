/**
 * Choices that look random and come again with the same seed: the finalizer of MurmurHash3 over a
 * Weyl sequence.
 */
export class Random {
  #state: number;

  /** Takes the seed, of which 32 bits count. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 32 bits. */
  bits(): number {
    this.#state = (this.#state + 0x9e37_79b9) | 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
    return (bits ^ (bits >>> 16)) >>> 0;
  }

  /** A count below a limit; 0 if that is 0. */
  below(limit: number): number {
    return Math.floor(this.bits() / 2 ** 32 * limit);
  }

  /** Whether something happens that has a probability. */
  chance(probability: number): boolean {
    return this.bits() < probability * 2 ** 32;
  }

  /** One of several. */
  pick<T>(list: readonly T[]): T {
    // There is one, as long as the list is not empty.
    return list[this.below(list.length)] as T;
  }

  /** One of several by their weights, which need not have any sum. */
  weighted<T>(list: readonly (readonly [weight: number, T])[]): T {
    let left = this.below(list.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, item] of list) {
      left -= weight;
      if (left < 0) return item;
    }
    throw new RangeError("Cannot choose from nothing");
  }

  /** So many bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.bits());
  }
}
