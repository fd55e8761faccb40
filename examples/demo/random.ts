/**
 * Random numbers that are the same on every machine, so that a result computed again is the same to
 * the last digit.
 *
 * The generator is xoshiro128** 1.1 by D. Blackman and S. Vigna, "Scrambled linear pseudorandom number
 * generators", ACM Trans. Math. Softw. 47 (2021), https://doi.org/10.1145/3460772; its state is filled
 * from the seed by SplitMix64, as they advise (https://prng.di.unimi.it).
 *
 * @module
 */

/** A stream of random numbers. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /**
   * Begins the stream of a seed.
   *
   * @param seed a non-negative integer
   */
  constructor(seed: number) {
    const words = splitMix64(BigInt(seed), 2).flatMap((word) => [
      Number(word & 0xffffffffn),
      Number(word >> 32n),
    ]);
    [this.#a, this.#b, this.#c, this.#d] = words as [number, number, number, number];
  }

  /** The next integer from 0 to 2³² - 1. */
  uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return result;
  }

  /** The next number from 0 to 1, without 1, in steps of 2⁻³². */
  uniform(): number {
    return this.uint32() / 2 ** 32;
  }

  /** The next integer from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  /**
   * The next number of the standard normal distribution, by the transformation of G. E. P. Box and
   * M. E. Muller, Ann. Math. Stat. 29 (1958), 610.
   */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

// G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
function splitMix64(seed: bigint, count: number): bigint[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let word = state;
    word = BigInt.asUintN(64, (word ^ (word >> 30n)) * 0xbf58476d1ce4e5b9n);
    word = BigInt.asUintN(64, (word ^ (word >> 27n)) * 0x94d049bb133111ebn);
    return word ^ (word >> 31n);
  });
}
