/**
 * A first example: the first run takes a second, every further one a moment.
 *
 *     deno run --allow-read --allow-write --allow-env --allow-sys examples/first.ts
 *
 * @module
 */

import { fleche } from "@fleche/core";

const countPrimes = fleche(
  function countPrimes(limit: number): number {
    let count = 0;
    for (let n = 2; n < limit; n++) {
      let divisor = 2;
      while (divisor * divisor <= n && n % divisor !== 0) divisor++;
      if (divisor * divisor > n) count++;
    }
    return count;
  },
  { version: 1 }, // raise it when the function comes to compute something else
);

const start = performance.now();
const count = await countPrimes(3_000_000);
const seconds = ((performance.now() - start) / 1000).toFixed(3);
console.log(`${count} primes below 3,000,000, after ${seconds} s`);
