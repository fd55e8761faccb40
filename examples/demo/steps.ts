/**
 * Runs cached functions, and tells from the stored records what was computed and what was loaded.
 *
 * @module
 */

import type { AnyFunction, BaseCache, Fleche } from "@fleche/core";
import { clearProgressLine } from "./progress.ts";
import { printCall, type Trace } from "./report.ts";

/** The calls that the program makes, one after the other. */
export class Steps {
  readonly #cache: BaseCache;
  readonly #isRerun: boolean;
  readonly #begun = Date.now() / 1000;
  readonly #traces: Trace[] = [];

  /**
   * Takes the active cache.
   *
   * @param isRerun whether everything is computed, although it is stored
   */
  constructor(cache: BaseCache, isRerun: boolean) {
    this.#cache = cache;
    this.#isRerun = isRerun;
  }

  /** Calls a cached function and prints what became of the call. */
  async take<F extends AnyFunction>(
    about: string,
    fn: Fleche<F>,
    ...args: Parameters<F>
  ): Promise<Awaited<ReturnType<F>>> {
    const start = performance.now();
    const result = this.#isRerun ? await fn.rerun(...args) : await fn(...args);
    const elapsed = (performance.now() - start) / 1000;
    clearProgressLine();
    const trace = await this.#trace(fn.digest(...args));
    this.#traces.push(trace);
    printCall(trace, { about, elapsed });
    return result;
  }

  async #trace(key: string): Promise<Trace> {
    const { name, metadata, calls } = await this.#cache.load(key);
    const { timestart, walltime } = metadata["runtime"] ?? {};
    const isComputed = Number(timestart) >= this.#begun;
    const inner: Trace[] = [];
    for (const call of isComputed ? calls : []) inner.push(await this.#trace(call));
    return { name, isComputed, walltime: Number(walltime), calls: inner };
  }

  /** All calls so far. */
  get all(): Trace[] {
    return flattened(this.#traces);
  }
}

function flattened(traces: readonly Trace[]): Trace[] {
  return traces.flatMap((each) => [each, ...flattened(each.calls)]);
}
