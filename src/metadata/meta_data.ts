import type { Call } from "../call.ts";
import type { Json } from "../json.ts";

/** What one kind of metadata notes of a call, by name. */
export type Notes = Record<string, Json>;

/** Where a call stands among those that are running. */
export interface CallPosition {
  /** The key of the cached call that it was made by; null if it was made by none. */
  readonly parent: string | null;
  /** How many cached calls are running around it. */
  readonly depth: number;
}

/**
 * Notes something of each call that runs; a hit notes nothing. What the methods return is stored
 * with the call, under the name of the metadata: plain values that JSON can hold. Metadata that
 * fails, or returns anything else, costs a warning, never the result.
 *
 * @example Metadata of your own
 * ```ts
 * import {
 *   Cache, type Call, CallMemory, fleche, type MetaData, type Notes, ValueMemory, withCache,
 * } from "@fleche/core";
 * import assert from "node:assert";
 *
 * class Memory implements MetaData {
 *   readonly name = "memory";
 *   start(): Notes {
 *     return { heap: Deno.memoryUsage().heapUsed };
 *   }
 *   after(before: Notes, call: Call): Notes {
 *     return { grown: Deno.memoryUsage().heapUsed - Number(before.heap), of: call.name };
 *   }
 * }
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const zeros = fleche(function zeros(length: number) {
 *   return new Float64Array(length);
 * }, { version: 1, meta: [new Memory()] });
 * await withCache(cache, () => zeros(10_000));
 * const { memory } = (await cache.load(zeros.digest(10_000))).metadata;
 * assert.equal(memory?.of, "zeros");
 * assert.equal(typeof memory?.grown, "number");
 * ```
 */
export interface MetaData {
  /** The name under which the notes are stored. */
  readonly name: string;
  /** Notes taken before the call runs, which waits for them if they are a promise. */
  before?(call: Call, position: CallPosition): Notes | Promise<Notes>;
  /** Notes taken at the moment when the call begins, after everything that is waited for. */
  start?(call: Call, position: CallPosition): Notes;
  /** Notes taken after it has run, given those from before, which they may replace. */
  after?(before: Notes, call: Call): Notes;
}
