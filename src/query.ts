import { CallTable } from "./call_table.ts";
import { AmbiguousDigestError, NotFoundError } from "./errors.ts";
import type { LazyCall } from "./lazy_call.ts";
import { mapAhead } from "./map_ahead.ts";
import { type CallKey, keyFunction, KeyIndex } from "./query_keys.ts";
import { filter, skip, sorted, take, unique, withKeys } from "./query_steps.ts";
import { transferCalls, type TransferOptions, type TransferTarget } from "./transfer.ts";

/** What a query asks of the cache that it is made in. */
export interface QuerySource {
  /** Starts the search. */
  search(): AsyncIterable<LazyCall>;
  /** Whether the search gives what was filed last first. */
  isOrdered(): boolean | Promise<boolean>;
  /** Finds a call by its whole key, without storing anything on the way. */
  peek(key: string): Promise<LazyCall | undefined>;
  /** Removes a call; whether there was one. */
  evict(key: string): Promise<boolean>;
  /** Throws a TypeError if another cache is this one. */
  checkTarget(target: TransferTarget): void;
  /** The shortest prefixes that mean some whole keys among all that is in the cache, as far as known. */
  shorten(keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** How calls are sorted. */
export interface SortOptions {
  /** Whether to begin with the greatest; false by default. */
  descending?: boolean;
}

/** Keys that are named where there should have been one. */
const SHOWN_CANDIDATES = 5;

/**
 * The calls that match a query, found while they are iterated, what was filed last first; a stack or
 * pool of caches gives those of one cache after those of another. It can be iterated again, and
 * finds then what is there then.
 *
 * A query keeps to the cache that it was made in. Nothing of the calls but their records is read,
 * unless results or arguments are asked for. A record that is damaged, or that a newer version
 * wrote, is passed over with an error in the log.
 *
 * @example Usage
 * ```ts
 * import { Cache, Call, CallMemory, ValueMemory } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * for (const x of [3, 1, 2]) {
 *   await cache.save(new Call({ name: "square", arguments: { x, unit: "m" }, result: x * x }));
 * }
 * const squares = cache.query({ name: "square", arguments: { unit: "m" } });
 * for await (const call of squares.take(1)) assert.equal(await call.argument("x"), 2);
 * assert.deepEqual(await squares.sorted((call) => call.argument("x")).results(), [1, 4, 9]);
 * const odd = squares.filter(async (call) => Number(await call.result()) % 2 === 1);
 * assert.equal(await odd.evict(), 2);
 * assert.equal(await (await squares.only()).result(), 4);
 * ```
 */
export class QueryIterator implements AsyncIterable<LazyCall> {
  readonly #source: QuerySource;

  /** Takes what to search. */
  constructor(source: QuerySource) {
    this.#source = source;
  }

  /** Starts the search. */
  [Symbol.asyncIterator](): AsyncIterator<LazyCall> {
    return this.#source.search()[Symbol.asyncIterator]();
  }

  // Other calls of the same cache; in the same order, unless something else is said.
  #derived(search: () => AsyncIterable<LazyCall>, isOrdered?: false): QueryIterator {
    const source = this.#source;
    return new QueryIterator({
      search,
      isOrdered: () => isOrdered ?? source.isOrdered(),
      peek: (key) => source.peek(key),
      evict: (key) => source.evict(key),
      checkTarget: (target) => source.checkTarget(target),
      shorten: (keys) => source.shorten(keys),
    });
  }

  /**
   * The first calls; the search ends with the last of them.
   *
   * @throws {RangeError} If the count is not a non-negative integer.
   */
  take(count: number): QueryIterator {
    checkCount(count);
    return this.#derived(() => take(this, count));
  }

  /**
   * All but the first calls.
   *
   * @throws {RangeError} If the count is not a non-negative integer.
   */
  skip(count: number): QueryIterator {
    checkCount(count);
    return this.#derived(() => skip(this, count));
  }

  /** The calls for which a function returns true, or a promise of it. */
  filter(predicate: (call: LazyCall) => boolean | Promise<boolean>): QueryIterator {
    return this.#derived(() => filter(this, predicate));
  }

  /**
   * The calls in the order of a field, of metadata as `runtime.walltime`, or of what a function,
   * which may be asynchronous, makes of them: numbers, strings, booleans, dates, or lists of these.
   * Those for which it is undefined, null or NaN come last, equal ones stay in their order. All
   * records are read before the first call is given.
   *
   * @throws {TypeError} If there is no such field.
   */
  sorted(by: CallKey, options: SortOptions = {}): QueryIterator {
    const key = keyFunction(by);
    const direction = options.descending === true ? -1 : 1;
    return this.#derived(() => sorted(this, key, direction), false);
  }

  /**
   * The first call of each kind, told apart by a field, by metadata as `git.commit`, or by what a
   * function, which may be asynchronous, makes of them. Objects that are equal as values are one.
   *
   * @throws {TypeError} If there is no such field.
   */
  unique(by: CallKey): QueryIterator {
    const key = keyFunction(by);
    return this.#derived(() => unique(this, key));
  }

  /**
   * The calls by a field, by metadata, or by what a function makes of them. Each group is a query of
   * its own over the records as they are now, in their order; what is filed later does not join it.
   *
   * @example Usage
   * ```ts
   * import { Cache, Call, CallMemory, ValueMemory } from "@fleche/core";
   * import assert from "node:assert";
   *
   * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
   * for (const x of [1, 2, 3]) {
   *   await cache.save(new Call({ name: "f", arguments: { x }, result: x % 2 }));
   * }
   * const groups = await cache.query().groupBy((call) => call.result());
   * assert.deepEqual([...groups.keys()], [1, 0]);
   * assert.equal(await groups.get(1)?.count(), 2);
   * ```
   *
   * @throws {TypeError} If there is no such field.
   */
  async groupBy(by: CallKey): Promise<Map<unknown, QueryIterator>> {
    const index = new KeyIndex<LazyCall[]>();
    const groups = new Map<unknown, LazyCall[]>();
    for await (const [call, key] of withKeys(this, keyFunction(by))) {
      const group = index.ensure(key, () => {
        const started: LazyCall[] = [];
        groups.set(key, started);
        return started;
      });
      group.push(call);
    }
    const entries = [...groups].map(([key, calls]) =>
      [
        key,
        this.#derived(async function* () {
          yield* calls;
        }),
      ] as const
    );
    return new Map(entries);
  }

  /**
   * The one call that there is.
   *
   * @throws {NotFoundError} If there is none.
   * @throws {AmbiguousDigestError} If there are several; its data name the first of them.
   */
  async only(): Promise<LazyCall> {
    const found = await Array.fromAsync(this.take(SHOWN_CANDIDATES + 1));
    const [first] = found;
    if (first === undefined) throw new NotFoundError("No call matches the query", { key: "" });
    if (found.length === 1) return first;
    const candidates = found.map(({ key }) => key).slice(0, SHOWN_CANDIDATES);
    throw new AmbiguousDigestError(
      `More than one call matches the query: ${candidates.join(", ")}` +
        `${found.length > SHOWN_CANDIDATES ? " and more" : ""}; narrow it down, or use any()`,
      { prefix: "", candidates },
    );
  }

  /** Some call, the first one that is found; undefined if there is none. */
  async any(): Promise<LazyCall | undefined> {
    for await (const call of this) return call;
  }

  /** How many calls there are. */
  async count(): Promise<number> {
    let count = 0;
    for await (const _ of this) count++;
    return count;
  }

  /** Whether there is no call. */
  async empty(): Promise<boolean> {
    return await this.any() === undefined;
  }

  /**
   * The call that was filed last; undefined if there is none. In a stack or pool of caches, and after
   * {@linkcode QueryIterator.sorted}, it is the one that ended last as far as that was noted.
   */
  async latest(): Promise<LazyCall | undefined> {
    if (await this.#source.isOrdered()) return await this.any();
    let latest: LazyCall | undefined;
    for await (const call of this) {
      if (latest === undefined || endOf(call) > endOf(latest)) latest = call;
    }
    return latest;
  }

  /**
   * The call that was filed first; undefined if there is none. In a stack or pool of caches, and
   * after {@linkcode QueryIterator.sorted}, it is the one that ended first as far as that was noted.
   */
  async oldest(): Promise<LazyCall | undefined> {
    const isOrdered = await this.#source.isOrdered();
    let oldest: LazyCall | undefined;
    for await (const call of this) {
      if (isOrdered || oldest === undefined || endOf(call) <= endOf(oldest)) oldest = call;
    }
    return oldest;
  }

  /**
   * Loads the results of all calls, in their order.
   *
   * @throws {NotFoundError} If one is not in the cache any more.
   */
  async results(): Promise<unknown[]> {
    return await Array.fromAsync(mapAhead(this, (call) => call.result()));
  }

  /**
   * Removes all calls; the values they refer to stay.
   *
   * @returns How many there were.
   * @throws {RejectedError} If the cache refuses it.
   */
  async evict(): Promise<number> {
    // First all keys, so that what goes does not change what is found.
    const keys = await Array.fromAsync(this, ({ key }) => key);
    let count = 0;
    for await (const found of mapAhead(keys, (key) => this.#source.evict(key))) if (found) count++;
    return count;
  }

  /**
   * Copies all calls with their values to another cache, bytes as they are, so that they keep their
   * order there. A call whose result is not there any more is passed over, with an error in the log.
   *
   * @example Usage
   * ```ts
   * import { Cache, Call, CallMemory, ValueMemory } from "@fleche/core";
   * import assert from "node:assert";
   *
   * await using near = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
   * await using far = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
   * await near.save(new Call({ name: "square", arguments: { x: 3 }, result: 9 }));
   * assert.equal(await near.query({ name: "square" }).transfer(far, { pop: true }), 1);
   * assert.deepEqual([await near.query().count(), await far.query().count()], [0, 1]);
   * ```
   *
   * @returns How many were copied.
   * @throws {TypeError} If the other cache is this one.
   * @throws {RejectedError} If the other cache refuses them, or this one to remove them.
   */
  async transfer(to: TransferTarget, options: TransferOptions = {}): Promise<number> {
    this.#source.checkTarget(to);
    return (await transferCalls(this, this.#source, to, options)).moved;
  }

  /** A table of the calls, with short keys that the cache understands. */
  async table(): Promise<CallTable> {
    const calls = await Array.fromAsync(this);
    const shortKeys = await this.#source.shorten(calls.map(({ key }) => key));
    return new CallTable(calls, { shortKeys });
  }
}

function checkCount(count: number): void {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`Cannot count to ${count}: it takes a non-negative integer`);
  }
}

// When a call ended, in seconds since 1970; calls that did not note it count as older than all others.
function endOf({ metadata }: LazyCall): number {
  const timestop = metadata["runtime"]?.["timestop"];
  return typeof timestop === "number" ? timestop : -Infinity;
}
