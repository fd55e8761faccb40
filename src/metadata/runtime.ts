import process from "node:process";
import type { MetaData, Notes } from "./meta_data.ts";

/**
 * When a call ran and how long it took: `timestart` and `timestop` in seconds since 1970,
 * `walltime` and `cputime` in seconds. The processor time is that of the whole process.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, fleche, ValueMemory, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const half = fleche((x: number) => x / 2, { name: "half", version: 1 });
 * await withCache(cache, () => half(3));
 * const { runtime } = (await cache.load(half.digest(3))).metadata;
 * assert(Number(runtime?.walltime) >= 0);
 * ```
 */
export class Runtime implements MetaData {
  /** The name under which the notes are stored. */
  readonly name = "runtime";

  /** Notes the start. */
  start(): Notes {
    return { timestart: Date.now() / 1000, walltime: performance.now(), cputime: cpuSeconds() };
  }

  /** Notes the end, and replaces the clocks' readings by what has passed. */
  after({ walltime, cputime }: Notes): Notes {
    return {
      timestop: Date.now() / 1000,
      walltime: (performance.now() - Number(walltime)) / 1000,
      cputime: cpuSeconds() - Number(cputime),
    };
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
