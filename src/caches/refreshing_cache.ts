import type { Call } from "../call.ts";
import type { CallRecord } from "../call_record.ts";
import type { Encoding, Reference } from "../codec/encoding.ts";
import type { DeepSource, LazyCall, OpenValue, ValueSource } from "../lazy_call.ts";
import { PreparedCall } from "../prepared_call.ts";
import type { RecordFilter } from "../record_filter.ts";
import type { Claims } from "../storage/claims.ts";
import type { Awaitable } from "../storage/storage.ts";
import { type AcceptOptions, BaseCache, type PrepareOptions } from "./base_cache.ts";

/** How a {@linkcode RefreshingCache} refreshes. */
export interface RefreshingCacheOptions {
  /** Whether a call that was stored through this cache is found again; false by default. */
  once?: boolean;
}

/**
 * A cache that never finds a call, so that everything runs again and is stored anew.
 *
 * @example Usage
 * ```ts
 * import { Cache, Call, CallMemory, RefreshingCache, ValueMemory } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const key = await cache.save(new Call({ name: "square", arguments: { x: 3 }, result: 9 }));
 * assert.equal(await new RefreshingCache(cache).contains(key), false);
 * ```
 */
export class RefreshingCache extends BaseCache {
  readonly #once: boolean;
  readonly #fresh = new Set<string>();

  /** Takes the cache to store in. */
  constructor(readonly cache: BaseCache, options: RefreshingCacheOptions = {}) {
    super();
    this.#once = options.once ?? false;
  }

  /** Whether the cache underneath is read-only. */
  override get isReadOnly(): boolean {
    return this.cache.isReadOnly;
  }

  /** Whether the cache underneath is on another machine. */
  override get isRemote(): boolean {
    return this.cache.isRemote;
  }

  /** How long the cache underneath may take to save. */
  override get saveTimeout(): number {
    return this.cache.saveTimeout;
  }

  /** How long the cache underneath may take to find a call. */
  override get lookupTimeout(): number {
    return this.cache.lookupTimeout;
  }

  /** Whether the cache underneath keeps a call that was stored through this one. */
  override keeps(key: string): Promise<boolean> {
    return this.cache.keeps(key);
  }

  /** Those of the cache underneath: others wait for what is computed anew. */
  override get claims(): Claims | undefined {
    return this.cache.claims;
  }

  /** False, unless the call was stored through this cache and that is asked for. */
  override isFiled(key: string): Awaitable<boolean> {
    return this.#fresh.has(key) && this.cache.isFiled(key);
  }

  /** Prepares in the cache underneath. */
  override async prepare(call: Call, options?: PrepareOptions): Promise<PreparedCall> {
    const prepared = await this.cache.prepare(call, options);
    if (!this.#once) return prepared;
    return new PreparedCall(prepared.key, {
      commit: async (outcome) => {
        const key = await prepared.commit(outcome);
        this.#fresh.add(key);
        return key;
      },
      abandon: () => prepared.abandon(),
    });
  }

  /** Finds nothing, unless it was stored through this cache and that is asked for. */
  override async find(key: string): Promise<LazyCall | undefined> {
    return this.#fresh.has(key) ? await this.cache.find(key) : undefined;
  }

  /** Reads a value. */
  override read(reference: Reference): Promise<Encoding | undefined> | Encoding | undefined {
    return this.cache.read(reference);
  }

  /** Opens a value. */
  override openLeaf(reference: Reference): Awaitable<OpenValue | undefined> {
    return this.cache.openLeaf(reference);
  }

  /** As the cache underneath reads it. */
  override get deep(): DeepSource | undefined {
    return this.cache.deep;
  }

  /** Reads a value by its digest. */
  override readNamed(digest: string): Promise<Encoding | undefined> {
    return this.cache.readNamed(digest);
  }

  /** Stores a call that stands elsewhere. */
  override accept(
    record: CallRecord,
    source: ValueSource,
    options?: AcceptOptions,
  ): Promise<void> {
    return this.cache.accept(record, source, options);
  }

  /** Those of some values that are not stored. */
  override missing(references: readonly Reference[]): Promise<Reference[]> {
    return this.cache.missing(references);
  }

  /** Keys and digests. */
  override list(prefix: string, limit?: number): Promise<string[]> {
    return this.cache.list(prefix, limit);
  }

  /** The records. */
  override records(filter?: RecordFilter): AsyncIterable<CallRecord> {
    return this.cache.records(filter);
  }

  /** Whether the cache underneath gives what was filed last first. */
  override isOrdered(): boolean | Promise<boolean> {
    return this.cache.isOrdered();
  }

  /** False, unless the call was stored through this cache and that is asked for. */
  protected override async containsWhole(key: string): Promise<boolean> {
    return this.#fresh.has(key) && await this.cache.contains(key);
  }

  /** Removes a call. */
  protected override evictWhole(key: string): Promise<boolean> {
    return this.cache.evict(key);
  }

  /** Connects the cache underneath anew. */
  override reconnect(): Promise<void> {
    return this.cache.reconnect();
  }

  /** Closes the cache underneath. */
  override async close(): Promise<void> {
    await this.cache.close();
  }
}
