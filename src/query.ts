import type { LazyCall } from "./lazy_call.ts";
import { CallTable } from "./call_table.ts";

/** What calls are searched for; what is left out matches everything. */
export interface QueryTemplate {
  /** The function's name. */
  name?: string;
  /** Where the function is defined. */
  module?: string | null;
  /** The function's version. */
  version?: string | number | null;
}

/** Whether a call is one of those that are searched for. */
export function matchesTemplate(call: QueryTemplate, template: QueryTemplate): boolean {
  return (["name", "module", "version"] as const).every((field) =>
    template[field] === undefined || template[field] === call[field]
  );
}

/**
 * The calls that match a query, found while they are iterated; it can be iterated again.
 *
 * @example Usage
 * ```ts
 * import { Cache, Call, CallMemory, ValueMemory } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * await cache.save(new Call({ name: "square", arguments: { x: 3 }, result: 9 }));
 * for await (const call of cache.query({ name: "square" })) {
 *   assert.equal(await call.argument("x"), 3);
 * }
 * assert.deepEqual(await cache.query().results(), [9]);
 * ```
 */
export class QueryIterator implements AsyncIterable<LazyCall> {
  readonly #iterate: () => AsyncIterable<LazyCall>;

  /** Takes a function that starts the search. */
  constructor(iterate: () => AsyncIterable<LazyCall>) {
    this.#iterate = iterate;
  }

  /** Starts the search. */
  [Symbol.asyncIterator](): AsyncIterator<LazyCall> {
    return this.#iterate()[Symbol.asyncIterator]();
  }

  /** How many calls match. */
  async count(): Promise<number> {
    let count = 0;
    for await (const _ of this) count++;
    return count;
  }

  /** Loads the results of all calls that match. */
  async results(): Promise<unknown[]> {
    return await Promise.all((await Array.fromAsync(this)).map((call) => call.result()));
  }

  /** A table of the calls that match. */
  async table(): Promise<CallTable> {
    return new CallTable(await Array.fromAsync(this));
  }
}
