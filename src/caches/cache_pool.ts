import type { CallRecord } from "../call_record.ts";
import type { Encoding, Reference } from "../codec/encoding.ts";
import { RejectedError } from "../errors.ts";
import { LazyCall } from "../lazy_call.ts";
import type { PreparedCall } from "../prepared_call.ts";
import type { RecordFilter } from "../record_filter.ts";
import { Members } from "./_members.ts";
import { BaseCache } from "./base_cache.ts";

/**
 * Several caches read as one: the first that has something answers. Nothing is ever stored, nor
 * copied from one to another.
 *
 * A cache that fails costs a warning and is passed over, for a minute or until
 * {@linkcode CachePool.reconnect}; one on another machine whose connection is gone until it is
 * connected again.
 *
 * @example Usage
 * ```ts
 * import { Cache, CachePool, Call, CallMemory, ValueMemory } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const ours = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const theirs = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * await using pool = new CachePool([ours, theirs]);
 * const key = await theirs.save(new Call({ name: "square", arguments: { x: 3 }, result: 9 }));
 * assert.equal(await (await pool.load(key)).result(), 9);
 * assert.equal(await ours.contains(key), false);
 * ```
 */
export class CachePool extends BaseCache {
  /** Always true. */
  override readonly isReadOnly = true;
  /** The caches, first to last. */
  readonly pool: readonly BaseCache[];
  readonly #members: Members<BaseCache>;

  /**
   * Takes the caches, first to last.
   *
   * @throws {TypeError} If there is none.
   */
  constructor(pool: readonly BaseCache[]) {
    super();
    if (pool.length === 0) throw new TypeError("Cannot make a pool of no caches");
    this.#members = new Members(pool, "pool");
    this.pool = this.#members.all;
  }

  /** The longest time that one of the caches may take to save, although none is asked to. */
  override get saveTimeout(): number {
    return Math.max(...this.pool.map(({ saveTimeout }) => saveTimeout));
  }

  /** Without limit: each cache has its own. */
  override get lookupTimeout(): number {
    return Infinity;
  }

  /** Refuses. */
  override prepare(): Promise<PreparedCall> {
    return Promise.reject(refusal("store a call"));
  }

  /** Finds a call in the first cache that has it. */
  override async find(key: string): Promise<LazyCall | undefined> {
    const found = await this.#members.peek(key);
    if (found === undefined) return undefined;
    const { answer, from } = found;
    const read = async (reference: Reference) =>
      await this.#members.tolerant(from, () => answer.values.read(reference)) ??
        // Values that one cache has lost may be in another one.
        await this.read(reference);
    return new LazyCall(answer.detach(), { read });
  }

  /** Reads a value from the first cache that has it. */
  override async read(reference: Reference): Promise<Encoding | undefined> {
    return (await this.#members.firstAnswer((cache) => cache.read(reference)))?.answer;
  }

  /** Reads a value from the first cache that has it. */
  override async readNamed(digest: string): Promise<Encoding | undefined> {
    return (await this.#members.firstAnswer((cache) => cache.readNamed(digest)))?.answer;
  }

  /** Refuses. */
  override accept(): Promise<void> {
    return Promise.reject(refusal("store a call"));
  }

  /** Those of some values that no cache has. */
  override async missing(references: readonly Reference[]): Promise<Reference[]> {
    let missing = [...references];
    for (const cache of this.pool) {
      if (missing.length === 0) break;
      missing = await this.#members.tolerant(cache, () => cache.missing(missing)) ?? missing;
    }
    return missing;
  }

  /** Keys and digests of all caches. */
  override async list(prefix: string, limit?: number): Promise<string[]> {
    return await this.#members.list(prefix, limit);
  }

  /** The records of all caches, each key once. */
  override records(filter?: RecordFilter): AsyncIterable<CallRecord> {
    return this.#members.records(filter);
  }

  /** Whether any of the caches has a call. */
  protected override async containsWhole(key: string): Promise<boolean> {
    return await this.#members.contain(key);
  }

  /** Refuses. */
  protected override evictWhole(): Promise<boolean> {
    return Promise.reject(refusal("evict a call"));
  }

  /** Asks those that failed again, and connects those on other machines anew. */
  override async reconnect(): Promise<void> {
    this.#members.wake();
    await Promise.all(this.pool.map((cache) => cache.reconnect()));
  }

  /** Closes all caches. */
  override async close(): Promise<void> {
    await Promise.all(this.pool.map((cache) => cache.close()));
  }
}

function refusal(operation: string): RejectedError {
  return new RejectedError(`Cannot ${operation}: a pool of caches is read-only`, { operation });
}
