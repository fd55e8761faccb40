import { type Call, sealCall, type SealedCall } from "../call.ts";
import { CallRecord } from "../call_record.ts";
import type { Encoding, Reference } from "../codec/encoding.ts";
import { findReferences } from "../codec/references.ts";
import { NotFoundError, UnknownTypeError } from "../errors.ts";
import { type DeepSource, LazyCall, type OpenValue, type ValueSource } from "../lazy_call.ts";
import { expandPath, realPath } from "../paths.ts";
import { type Outcome, PreparedCall } from "../prepared_call.ts";
import type { RecordFilter } from "../record_filter.ts";
import { fillSlot } from "../slot.ts";
import type { Claims } from "../storage/claims.ts";
import type { Awaitable, CallStorage, Storage, ValueStorage } from "../storage/storage.ts";
import type { TransferTarget } from "../transfer.ts";
import { type CacheStats, countStats } from "./cache_stats.ts";
import { collectGarbage, type GcOptions, type GcReport } from "./gc.ts";
import { type VerifyOptions, type VerifyReport, verifyStorages } from "./verify.ts";
import { type AcceptOptions, BaseCache, type PrepareOptions, SAVE_TIMEOUT } from "./base_cache.ts";

import { HeldValues } from "./_held_values.ts";
import { Writing } from "./_writing.ts";
import { redigestCalls, type RedigestOptions, type RedigestReport } from "./redigest.ts";

/** What a {@linkcode Cache} is made of. */
export interface CacheOptions {
  /** Where values are stored. */
  values: ValueStorage;
  /** Where call records are stored. */
  calls: CallStorage;
  /** How long storing a call may take before the caller gets the result without it: 60 seconds. */
  saveTimeout?: number;
}

/**
 * A cache of its own: one storage for values and one for calls.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallSql, fleche, ValueFile, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const root = await Deno.makeTempDir();
 * const cache = new Cache({
 *   values: new ValueFile({ root: `${root}/values` }),
 *   calls: new CallSql({ url: `sqlite:///${root}/calls.db` }),
 * });
 * const ramp = fleche((length: number) => Float64Array.from({ length }, (_, i) => i), {
 *   name: "ramp",
 *   version: 1,
 * });
 * await withCache(cache, async () => {
 *   const first = await ramp(1000);
 *   assert.deepEqual(await ramp(1000), first);
 *   assert.equal(await ramp.contains(1000), true);
 * });
 * await cache.close();
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export class Cache extends BaseCache {
  /** Where values are stored. */
  readonly values: ValueStorage;
  /** Where call records are stored. */
  readonly calls: CallStorage;
  /** Always false. */
  override readonly isReadOnly = false;
  /** How long storing a call may take, in seconds. */
  override readonly saveTimeout: number;

  /**
   * Takes the storages. Nothing is opened yet.
   *
   * @throws {TypeError} If values and calls would be files in one folder, where each would take those of
   *   the other for damaged.
   */
  constructor(options: CacheOptions) {
    super();
    const folder = folderOf(options.values);
    if (folder !== undefined && folder === folderOf(options.calls)) {
      throw new TypeError(
        `Cannot keep values and calls in one folder, ${folder}: give them folders of their own, ` +
          `for instance ${folder}/values and ${folder}/calls`,
      );
    }
    this.values = options.values;
    this.calls = options.calls;
    this.saveTimeout = options.saveTimeout ?? SAVE_TIMEOUT;
  }

  /** Those of the call storage. */
  override get claims(): Claims | undefined {
    return this.calls.claims;
  }

  /** Whether there is a record. */
  override isFiled(key: string): Awaitable<boolean> {
    return this.calls.has(key);
  }

  /** Encodes the arguments of a call and keeps them until it has run. */
  override async prepare(call: Call, options: PrepareOptions = {}): Promise<PreparedCall> {
    const named = await this.readNamedArguments(call);
    const writing = this.#write();
    try {
      const held = new HeldValues(writing);
      const { key, fields } = sealCall(call, { ...options, named, sink: held.take });
      await writing.settled();
      return new PreparedCall(key, {
        commit: async (outcome) => {
          const record = await this.#commit(key, { fields, outcome, held, writing });
          await this.onFiled(record);
          return key;
        },
        abandon: () => writing[Symbol.dispose](),
      });
    } catch (error) {
      writing[Symbol.dispose]();
      throw error;
    }
  }

  #write(): Writing {
    return new Writing(this.values, this.calls, (reference) => this.onPut(reference));
  }

  /** Told of each value before it is stored. */
  protected onPut(_reference: Reference): void {}

  /** Told of each record before it is stored. */
  protected onFiling(_record: CallRecord): Promise<void> | void {}

  /** Told when a call has been stored, and nothing of it is under way any more. */
  protected onFiled(_record: CallRecord): Promise<void> | void {}

  async #commit(
    key: string,
    { fields, outcome, held, writing }: Commitment,
  ): Promise<CallRecord> {
    using _ = writing;
    held.release();
    const { result, metadata = {}, calls = [] } = outcome;
    const { slot } = fillSlot(result, { root: "result", identities: false, sink: writing.put });
    await writing.settled();
    const record = CallRecord.build(key, { ...fields, result: slot, metadata, calls });
    // What is only named may not go before the record is there, either.
    if (record.references.length > 0) await writing.enter();
    await this.onFiling(record);
    await this.calls.put(record);
    return record;
  }

  /** Whether a record can be read, or a newer version has filed it. */
  override async isReadable(key: string): Promise<boolean> {
    try {
      return await this.calls.get(key) !== undefined;
    } catch (error) {
      if (error instanceof UnknownTypeError) return true;
      throw error;
    }
  }

  /** Finds a call. */
  override async find(key: string): Promise<LazyCall | undefined> {
    const record = await this.calls.get(key);
    return record === undefined ? undefined : new LazyCall(record, this);
  }

  /** Reads a value. */
  override read(reference: Reference): Promise<Encoding | undefined> | Encoding | undefined {
    // A reference without a length knows no check sum either.
    if (reference.length === 0) return this.readNamed(reference.digest);
    return this.values.get(reference.digest, reference);
  }

  /** Opens a value, where the storage can. */
  override openLeaf(reference: Reference): Awaitable<OpenValue | undefined> {
    return this.values.openLeaf?.(reference.digest, reference);
  }

  /** Stores a value ahead of the call that needs it. */
  override async stage(reference: Reference, encoding: Encoding): Promise<boolean> {
    using writing = this.#write();
    await writing.enter();
    writing.put(reference, encoding);
    await writing.settled();
    return true;
  }

  /** Reads a value by its digest. */
  override async readNamed(digest: string): Promise<Encoding | undefined> {
    return await this.values.get(digest) ?? await this.calls.getEmbedded(digest);
  }

  /** Stores a call that stands elsewhere. */
  override async accept(
    record: CallRecord,
    source: ValueSource,
    options: AcceptOptions = {},
  ): Promise<void> {
    await this.#accept(record, source, options);
    await this.onFiled(record);
  }

  async #accept(
    record: CallRecord,
    source: ValueSource,
    options: AcceptOptions,
  ): Promise<void> {
    const { deep } = source;
    const { near, staged = new Set<string>() } = deep === undefined
      ? { near: source, staged: options.staged }
      : await this.#fetch(record, { source, deep, options });
    using writing = this.#write();
    // The values of arguments that are there already may not go before the record is there.
    if (record.references.length > 0) await writing.enter();
    const copying = { source: near, staged };
    for (const reference of record.resultReferences) {
      const absent = await this.#copy(reference, copying);
      if (absent === undefined) continue;
      const message = `The value ${absent.digest} is missing where the call comes from`;
      throw new NotFoundError(message, { key: absent.digest });
    }
    if (options.arguments === true) {
      // A call without the values of its arguments is still a call.
      for (const reference of record.references) await this.#copy(reference, copying);
    }
    await this.onFiling(record);
    await this.calls.put(record);
  }

  // Reads all that is not here in one go, before the gate is gone through: it may take long. What has no
  // parts is stored at once.
  async #fetch(
    record: CallRecord,
    { source, deep, options }: { source: ValueSource; deep: DeepSource; options: AcceptOptions },
  ): Promise<{ near: ValueSource; staged: ReadonlySet<string> }> {
    const staged = new Set(options.staged);
    const held = new Map<string, Encoding>();
    const wanted = options.arguments === true ? record.references : record.resultReferences;
    const has = async ({ digest }: Reference) => await this.values.has(digest);
    for await (const { reference, encoding } of deep.readDeep(await this.missing(wanted), has)) {
      const isLeaf = findReferences(encoding).length === 0;
      if (isLeaf && await this.stage(reference, encoding)) staged.add(reference.digest);
      else held.set(reference.digest, { ...encoding, owned: false });
    }
    const read = (reference: Reference) => held.get(reference.digest) ?? source.read(reference);
    return { near: { read }, staged };
  }

  // Parts before what refers to them, so that what is there is whole; the one that is missing, if one is.
  async #copy(reference: Reference, copying: Copying): Promise<Reference | undefined> {
    const { source, staged } = copying;
    if (staged.has(reference.digest) && await this.values.has(reference.digest)) return;
    const present = await this.values.get(reference.digest, reference);
    const encoding = present ?? await source.read(reference);
    if (encoding === undefined) return reference;
    for (const part of findReferences(encoding)) {
      const absent = await this.#copy(part, copying);
      if (absent !== undefined) return absent;
    }
    if (present === undefined) {
      this.onPut(reference);
      await this.values.put(reference, encoding);
    }
  }

  /** Those of some values that are not stored. */
  override async missing(references: readonly Reference[]): Promise<Reference[]> {
    const missing: Reference[] = [];
    for (const reference of references) {
      if (!await this.values.has(reference.digest)) missing.push(reference);
    }
    return missing;
  }

  /** Keys and digests that begin with a prefix. */
  override async list(prefix: string, limit?: number): Promise<string[]> {
    const lists = [
      await this.calls.list(prefix, limit),
      await this.values.list(prefix, limit),
      await this.calls.listEmbedded(prefix, limit),
    ];
    return [...new Set(lists.flat())];
  }

  /** The records. */
  override records(filter?: RecordFilter): AsyncIterable<CallRecord> {
    return this.calls.records(filter);
  }

  /** Always true. */
  override isOrdered(): boolean {
    return true;
  }

  /** Another cache may have its calls in the same storage. */
  protected override checkTarget(target: TransferTarget): void {
    const isSame = target instanceof Cache && sameCalls(this.calls, target.calls);
    super.checkTarget(isSame ? this : target);
  }

  /** Whether there is a call. */
  protected override async containsWhole(key: string): Promise<boolean> {
    const { calls } = this;
    return await (calls.check === undefined ? calls.has(key) : calls.check(key)) === true;
  }

  /** Removes a call. */
  protected override async evictWhole(key: string): Promise<boolean> {
    return await this.calls.delete(key);
  }

  /**
   * Removes the values that no call needs, and what writers that were killed have left.
   *
   * Needed is what a record refers to, with all its parts; records are read from every call storage
   * that has ever filed calls with these values. Others may go on storing: they wait for a few
   * milliseconds now and then, and what they file meanwhile is taken into account. What was stored
   * less than the grace period ago stays in any case. A process that is killed on the way leaves
   * nothing half done.
   *
   * Calls that are evicted leave their values behind; this is what frees their room. Calls in memory
   * ({@linkcode CallMemory}, `sqlite://`) are known to their own cache only: what they alone need of
   * values that others use too goes after the grace period, unless `also` names them.
   *
   * @example Usage
   * ```ts
   * import { Cache, Call, CallMemory, ValueMemory } from "@fleche/core";
   * import assert from "node:assert";
   *
   * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
   * const key = await cache.save(
   *   new Call({ name: "zeros", arguments: {}, result: new Float64Array(1000) }),
   * );
   * await cache.evict(key);
   * assert.equal((await cache.gc()).removed.entries, 0); // not yet: it may just be being filed
   * assert.equal((await cache.gc({ grace: 0 })).removed.entries, 1);
   * ```
   *
   * @throws {RejectedError} If a call storage cannot be read; it says which, and what to do. Also if
   *   locks do not work, unless `offline` says that nobody else stores.
   * @throws {LockTimeoutError} If a call is being stored for too long.
   * @throws {UnknownTypeError} If a newer version has filed calls.
   * @throws {RangeError} If the grace period is negative.
   */
  async gc(options: GcOptions = {}): Promise<GcReport> {
    const { values, calls } = this;
    return await collectGarbage({ values, calls }, options);
  }

  /**
   * Checks all that is stored: that every record can be read and adds up to its key, that the bytes of
   * every value have its digest, that every call has its result with all parts, and how many values no
   * call needs. Nothing is changed, unless it is to be repaired.
   *
   * @example Usage
   * ```ts
   * import { Cache, Call, CallMemory, ValueMemory } from "@fleche/core";
   * import assert from "node:assert";
   *
   * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
   * await cache.save(new Call({ name: "square", arguments: { x: 3 }, result: 9 }));
   * const report = await cache.verify();
   * assert.equal(report.isClean, true);
   * assert.equal(report.records.entries, 1);
   * ```
   *
   * @throws {RejectedError} If a value is there but cannot be read.
   */
  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    const { values, calls } = this;
    return await verifyStorages({ values, calls }, options);
  }

  /**
   * Files every call under the key that it has today, with values as they are encoded today: after a
   * registered type has come to encode its values in another way, or a new version of this library
   * has changed a format. Values that are not stored, or cannot be built, keep their digest.
   *
   * Every call can be found all the time, under its old key until it is there under the new one. If it
   * is broken off, do it once more. Where a call has been stored under the new key meanwhile, that one
   * stays. Former values stay until {@linkcode Cache.gc}.
   *
   * @example Usage
   * ```ts
   * import { Cache, Call, CallMemory, ValueMemory } from "@fleche/core";
   * import assert from "node:assert";
   *
   * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
   * await cache.save(new Call({ name: "square", arguments: { x: 3 }, result: 9 }));
   * assert.equal((await cache.redigest()).unchanged, 1);
   * ```
   */
  async redigest(options: RedigestOptions = {}): Promise<RedigestReport> {
    return await redigestCalls(
      { calls: this.calls, source: this, write: () => this.#write() },
      options,
    );
  }

  /** Counts what is stored, with its bytes. */
  override stats(): Promise<CacheStats> {
    const { values, calls } = this;
    return countStats({ records: this.records(), stored: { values, calls, source: this } });
  }

  /** Closes both storages. */
  override async close(): Promise<void> {
    try {
      await this.calls.close();
    } finally {
      await this.values.close();
    }
  }
}

// The folder of a storage whose entries are files.
function folderOf(storage: Storage): string | undefined {
  if (storage.capabilities.files !== true) return undefined;
  const root: unknown = Reflect.get(storage, "root");
  return typeof root === "string" ? realPath(expandPath(root)) : undefined;
}

function sameCalls(one: CallStorage, other: CallStorage): boolean {
  return one === other || (one.identity !== undefined && one.identity === other.identity);
}

/** How values are copied: from where, and which are known to be right. */
interface Copying {
  readonly source: ValueSource;
  readonly staged: ReadonlySet<string>;
}

/** All that a prepared call is filed from. */
interface Commitment {
  readonly fields: SealedCall["fields"];
  readonly outcome: Outcome;
  readonly held: HeldValues;
  readonly writing: Writing;
}
