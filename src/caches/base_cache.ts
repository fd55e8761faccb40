/**
 * What every cache has in common, and the caches that every cache can be made into: they stand in one
 * file, longer than others, because each needs the others.
 *
 * @module
 */

import { type Call, sealCall } from "../call.ts";
import { CallRecord } from "../call_record.ts";
import type { CallTable } from "../call_table.ts";
import { copied, type Encoding, type Reference } from "../codec/encoding.ts";
import { findReferences } from "../codec/references.ts";
import { Digest, DIGEST_LENGTH, keyText, SHORTEST_PREFIX } from "../digest.ts";
import {
  AmbiguousDigestError,
  CorruptValueError,
  NotFoundError,
  RejectedError,
  UnknownTypeError,
} from "../errors.ts";
import {
  decodeDeep,
  type DeepSource,
  gathered,
  LazyCall,
  type OpenValue,
  type ValueSource,
} from "../lazy_call.ts";
import { errorOnce, warnOnce } from "../log.ts";
import { PreparedCall } from "../prepared_call.ts";
import { QueryIterator } from "../query.ts";
import { QueryCall, type QueryTemplate } from "../query_call.ts";
import { matchesFilter, type RecordFilter } from "../record_filter.ts";
import { fillSlot, slotDigest } from "../slot.ts";
import type { Claims } from "../storage/claims.ts";
import type { Awaitable } from "../storage/storage.ts";
import { mapAhead } from "../map_ahead.ts";
import {
  transferCalls,
  type TransferCounts,
  type TransferOptions,
  type TransferTarget,
} from "../transfer.ts";
import { type Answer, cacheNumber, Members } from "./_members.ts";
import { NotedSource } from "./_noted_source.ts";
import { shortestPrefixes } from "./_prefixes.ts";
import { type CacheStats, countStats } from "./cache_stats.ts";

/** How a call is prepared. */
export interface PrepareOptions {
  /** Whether the arguments are stored, or only their digests; true by default. */
  storeArguments?: boolean;
}

/** How a call that stands elsewhere is stored. */
export interface AcceptOptions {
  /** Whether the values of its arguments are stored too; false by default. */
  arguments?: boolean;
  /**
   * Digests of values that {@linkcode BaseCache.stage} has just stored: those that are still there are
   * not looked at again.
   */
  staged?: ReadonlySet<string>;
}

/** Which calls are copied to another cache, and how. */
export interface CacheTransferOptions extends TransferOptions {
  /**
   * The calls: those that match a template, those of a query, or those of some keys, which may be
   * short. All calls by default.
   */
  calls?: QueryTemplate | Call | QueryCall | QueryIterator | readonly (string | Digest)[];
}

/** Which calls a {@linkcode FilteredCache} shows. */
export type CallPredicate = (call: LazyCall) => boolean | Promise<boolean>;

/** How long storing a call may take where nothing else is said, in seconds. */
export const SAVE_TIMEOUT = 60;

/** Candidates that an ambiguous digest is reported with. */
const SHOWN_CANDIDATES = 5;

/** Most lists of four-digit prefixes that are asked for at a time. */
const MAX_NEIGHBOURHOODS = 256;

/** Values and calls. Keys may be strings, digests, or unambiguous prefixes of at least 4 digits. */
export abstract class BaseCache implements ValueSource, AsyncDisposable {
  /** Whether the cache refuses to store and to evict. */
  abstract readonly isReadOnly: boolean;

  /** How long storing a call may take before the caller gets the result without it, in seconds. */
  abstract readonly saveTimeout: number;

  /** Whether it is on another machine, and so is not mended while it is read. */
  get isRemote(): boolean {
    return false;
  }

  /**
   * How long finding a call may take before it counts as not found, in seconds; without limit where
   * large values may come with it and the cache itself watches that they do.
   */
  get lookupTimeout(): number {
    return this.saveTimeout;
  }

  /**
   * Admits a call before it runs: its arguments are encoded, whatever the body does to them.
   *
   * @throws {IndigestibleError} If an argument has no encoding.
   * @throws {RejectedError} If the cache refuses the call.
   */
  abstract prepare(call: Call, options?: PrepareOptions): Promise<PreparedCall>;

  /** Finds a call by its whole key. */
  abstract find(key: string): Promise<LazyCall | undefined>;

  /** Finds a call by its whole key, without storing anything on the way. */
  peek(key: string): Promise<LazyCall | undefined> {
    return this.find(key);
  }

  /** Reads the bytes of a value that a record or another value refers to. */
  abstract read(reference: Reference): Promise<Encoding | undefined> | Encoding | undefined;

  /** Opens a value that has no parts, to be read piece by piece and unchecked, where that is possible. */
  openLeaf(_reference: Reference): Awaitable<OpenValue | undefined> {
    return undefined;
  }

  /** Reads values with all their parts in one go; undefined where that gains nothing. */
  get deep(): DeepSource | undefined {
    return undefined;
  }

  /** Reads the bytes of a value by its whole digest, also where a record embeds it. */
  abstract readNamed(digest: string): Promise<Encoding | undefined>;

  /**
   * Stores a call that stands elsewhere, bytes as they are: its result with all parts and, if that
   * is asked for, those of its arguments that are there.
   *
   * @throws {NotFoundError} If a part of the result is missing there.
   * @throws {RejectedError} If the cache refuses it.
   */
  abstract accept(
    record: CallRecord,
    source: ValueSource,
    options?: AcceptOptions,
  ): Promise<void>;

  /**
   * Stores a value ahead of the call that needs it, so that it need not stay in memory. Until that call
   * is stored nothing but its age keeps it from being removed.
   *
   * @returns false if this cache has no place for it
   */
  stage(_reference: Reference, _encoding: Encoding): Awaitable<boolean> {
    return false;
  }

  /** Those of some values that are not stored. */
  abstract missing(references: readonly Reference[]): Promise<Reference[]>;

  /** Keeps several processes from running one call at the same time; undefined where none can. */
  get claims(): Claims | undefined {
    return undefined;
  }

  /**
   * Whether there is a call with a whole key whose record can be read, or that a newer version has
   * filed: what a transfer leaves alone.
   */
  async isReadable(key: string): Promise<boolean> {
    try {
      return await this.peek(key) !== undefined;
    } catch (error) {
      if (error instanceof UnknownTypeError) return true;
      throw error;
    }
  }

  /** Whether a call that was stored here has stayed. */
  keeps(key: string): Promise<boolean> {
    return this.isReadable(key);
  }

  /** Whether the call of a whole key is stored now, where those store it who claim it. */
  isFiled(key: string): Awaitable<boolean> {
    return this.containsWhole(key);
  }

  /** The whole keys and digests that begin with a prefix, up to a limit. */
  abstract list(prefix: string, limit?: number): Promise<string[]>;

  /** The records that match, newest first. */
  abstract records(filter?: RecordFilter): AsyncIterable<CallRecord>;

  /** Whether there is a call with a whole key. */
  protected abstract containsWhole(key: string): Promise<boolean>;

  /** Removes the call with a whole key; whether there was one. */
  protected abstract evictWhole(key: string): Promise<boolean>;

  /**
   * Connects anew where a connection was lost; nothing to do for what is on this machine.
   *
   * @throws {RemoteConnectionError} If it cannot be made.
   */
  reconnect(): Promise<void> {
    return Promise.resolve();
  }

  /** Frees what is open; a cache that consists of others closes those. It opens again by itself. */
  abstract close(): Promise<void>;

  /** Frees what is open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Files a call that has run.
   *
   * @returns The lookup key, 64 lower-case hexadecimal digits.
   * @throws {TypeError} If the call has no result.
   * @throws {IndigestibleError} If an argument or the result has no encoding.
   * @throws {SaveError} If it cannot be written.
   * @throws {RejectedError} If the cache refuses it.
   */
  async save(call: Call): Promise<string> {
    const { result, metadata, calls } = call;
    if (result === undefined) throw new TypeError("Cannot save a call without a result");
    const prepared = await this.prepare(call);
    return await prepared.commit({ result, metadata, calls });
  }

  /**
   * Loads a call; its arguments and result follow when they are asked for.
   *
   * @throws {NotFoundError} If there is no such call.
   * @throws {AmbiguousDigestError} If a short key could mean several entries.
   */
  async load(key: string | Digest): Promise<LazyCall> {
    const text = keyText(key);
    const call = await this.find(await this.#whole(text));
    if (call === undefined) throw notFound("call", text);
    return call;
  }

  /**
   * Loads a value by its digest.
   *
   * @throws {NotFoundError} If there is no such value.
   * @throws {AmbiguousDigestError} If a short digest could mean several entries.
   * @throws {UnknownTypeError} If it holds a type that is not registered.
   */
  async loadValue(key: string | Digest): Promise<unknown> {
    const text = keyText(key);
    const digest = await this.#whole(text);
    const reference = { digest, crc: 0, length: 0 };
    const near = await gathered(this, [reference]);
    const encoding = await near.read(reference);
    if (encoding === undefined) throw notFound("value", text);
    return await decodeDeep(encoding, near);
  }

  /**
   * Whether there is a call. Its record is looked at where it is a file, or has to be signed; in a
   * database and in memory, where it is stored whole or not at all, only whether there is one. Its
   * result is not looked at.
   *
   * @throws {AmbiguousDigestError} If a short key could mean several entries.
   */
  async contains(key: string | Digest): Promise<boolean> {
    const text = keyText(key);
    if (text.length === DIGEST_LENGTH) return await this.containsWhole(text);
    const found = await this.#resolve(text);
    return found !== undefined && await this.containsWhole(found);
  }

  /**
   * Removes a call; the values it refers to stay.
   *
   * @returns Whether there was one.
   * @throws {RejectedError} If the cache refuses it.
   * @throws {AmbiguousDigestError} If a short key could mean several entries.
   */
  async evict(key: string | Digest): Promise<boolean> {
    const text = keyText(key);
    const whole = text.length === DIGEST_LENGTH ? text : await this.#resolve(text);
    return whole !== undefined && await this.evictWhole(whole);
  }

  /**
   * The whole key or digest that a prefix means.
   *
   * @throws {NotFoundError} If nothing begins with it.
   * @throws {AmbiguousDigestError} If several entries do.
   */
  async expand(key: string | Digest): Promise<string> {
    const text = keyText(key);
    const found = await this.#resolve(text);
    if (found === undefined) throw notFound("call or value", text);
    return found;
  }

  /** The shortest prefix, of at least 4 digits, that means a key or digest among all present. */
  async shrink(key: string | Digest): Promise<string>;
  /** The same for many keys, in one pass. */
  async shrink(...keys: (string | Digest)[]): Promise<string[]>;
  async shrink(...keys: (string | Digest)[]): Promise<string | string[]> {
    const wholes = await Promise.all(keys.map((key) => this.#whole(keyText(key))));
    const prefixes = await this.shorten(wholes);
    const shortened = wholes.map((whole) => {
      const prefix = prefixes.get(whole);
      if (prefix === undefined) throw notFound("call or value", whole);
      return prefix;
    });
    const [first] = shortened;
    return keys.length === 1 && first !== undefined ? first : shortened;
  }

  /**
   * The shortest prefixes of whole keys and digests, as far as those are present.
   *
   * @param keys 64 lower-case hexadecimal digits each
   */
  async shorten(keys: readonly string[]): Promise<Map<string, string>> {
    // Each neighbourhood is listed once; for many keys they are larger, and listed in one go.
    const starts = (digits: number) => new Set(keys.map((key) => key.slice(0, digits)));
    const small = starts(SHORTEST_PREFIX);
    const listed = [...small.size <= MAX_NEIGHBOURHOODS ? small : starts(2)];
    const lists = await Promise.all(listed.map((start) => this.list(start)));
    return shortestPrefixes(keys, lists.flat());
  }

  // A table is worth more than its short keys.
  async #shortenWhereKnown(keys: readonly string[]): Promise<Map<string, string>> {
    try {
      return await this.shorten(keys);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      warnOnce(
        `shorten ${cacheNumber(this)} ${error.name}`,
        ["cache"],
        `Cannot tell how short keys may be: ${error.message}`,
      );
      return new Map();
    }
  }

  /** The encodings of the values that arguments stand for by their digest, as far as present. */
  protected async readNamedArguments(call: Call): Promise<Map<string, Encoding>> {
    const named = new Map<string, Encoding>();
    for (const value of Object.values(call.arguments)) {
      if (!(value instanceof Digest) || value.isShort) continue;
      const encoding = await this.readNamed(value.hex);
      if (encoding !== undefined) named.set(value.hex, encoding);
    }
    return named;
  }

  async #whole(text: string): Promise<string> {
    return text.length === DIGEST_LENGTH ? text : await this.expand(text);
  }

  async #resolve(prefix: string): Promise<string | undefined> {
    const found = new Set(await this.list(prefix, SHOWN_CANDIDATES + 1));
    const [first] = found;
    if (found.size <= 1) return first;
    const candidates = [...found].sort().slice(0, SHOWN_CANDIDATES);
    throw new AmbiguousDigestError(
      `The short digest ${prefix} could mean ${candidates.join(", ")}` +
        `${found.size > SHOWN_CANDIDATES ? " and more" : ""}: give more digits`,
      { prefix, candidates },
    );
  }

  /** Whether {@linkcode BaseCache.records} gives what was filed last first. */
  isOrdered(): boolean | Promise<boolean> {
    return false;
  }

  /**
   * The calls that match a template, or agree with a call; all of them without one. Short digests
   * among what is searched for are expanded when the search starts.
   *
   * @throws {TypeError} If the template has a field that no call has, or of another type.
   * @throws {IndigestibleError} If a value to search for has no encoding.
   */
  query(template: QueryTemplate | Call | QueryCall = {}): QueryIterator {
    const wanted = template instanceof QueryCall ? template : new QueryCall(template);
    return new QueryIterator({
      search: () => this.#search(wanted),
      isOrdered: () => this.isOrdered(),
      peek: (key) => this.peek(key),
      evict: (key) => this.evict(key),
      checkTarget: (target) => this.checkTarget(target),
      shorten: (keys) => this.#shortenWhereKnown(keys),
    });
  }

  async *#search(wanted: QueryCall): AsyncIterable<LazyCall> {
    const filter = await wanted.toFilter((prefix) => this.expand(prefix));
    const records = wanted.key === undefined
      ? this.records(filter)
      : this.#recordsUnder(wanted.key, filter);
    for await (const record of records) {
      if (wanted.matches(record)) yield new LazyCall(record, this.valuesOf(record));
    }
  }

  async *#recordsUnder(prefix: string, filter: RecordFilter): AsyncIterable<CallRecord> {
    const keys = prefix.length === DIGEST_LENGTH ? [prefix] : await this.list(prefix);
    for (const key of keys) {
      const record = await this.#readableRecord(key);
      if (record !== undefined && matchesFilter(record, filter)) yield record;
    }
  }

  async #readableRecord(key: string): Promise<CallRecord | undefined> {
    try {
      return (await this.peek(key))?.detach();
    } catch (error) {
      if (!(error instanceof UnknownTypeError) && !(error instanceof CorruptValueError)) {
        throw error;
      }
      errorOnce(`unreadable ${key}`, ["cache"], `Passing over a call: ${error.message}`);
      return undefined;
    }
  }

  /** Where the values of a record are read from. */
  protected valuesOf(_record: CallRecord): ValueSource {
    return this;
  }

  /** A table of all calls, what was filed last first. */
  async table(): Promise<CallTable> {
    return await this.query().table();
  }

  /** Counts what is stored. Bytes are only told by caches that have storages of their own. */
  stats(): Promise<CacheStats> {
    return countStats({ records: this.records() });
  }

  /**
   * Copies calls to another cache with their results, and with the values of their arguments that are
   * there. The bytes stay as they are, so no type has to be registered.
   *
   * What was filed first is filed first there too. With `pop`, calls are removed here once all have been
   * copied, those that the other cache has kept; what is there already is not filed again, and
   * stays. A call whose result is missing or damaged fails, with an error in the log, and the others
   * go on; one that the other cache did not keep, being too small, has failed as well.
   *
   * @example Usage
   * ```ts
   * import { Cache, Call, CallMemory, ValueMemory } from "@fleche/core";
   * import assert from "node:assert";
   *
   * await using near = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
   * await using far = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
   * for (const x of [1, 2]) await near.save(new Call({ name: "f", arguments: { x }, result: x }));
   * const { moved } = await near.transfer(far, { calls: { arguments: { x: 2 } } });
   * assert.equal(moved, 1);
   * assert.deepEqual(await near.transfer(far), { moved: 1, skipped: 1, failed: 0 });
   * ```
   *
   * @returns How many were copied, were there already, and could not be copied.
   * @throws {TypeError} If the other cache is this one.
   * @throws {NotFoundError} If a key means no call.
   * @throws {RejectedError} If the other cache refuses them, or this one to remove them.
   */
  async transfer(target: BaseCache, options: CacheTransferOptions = {}): Promise<TransferCounts> {
    this.checkTarget(target);
    const { calls, ...rest } = options;
    const selected = isList(calls)
      ? mapAhead(calls, (key) => this.#peekAt(key))
      : calls instanceof QueryIterator
      ? calls
      : this.query(calls);
    return await transferCalls(selected, this, target, rest);
  }

  /**
   * Makes sure that calls are not transferred to where they come from.
   *
   * @throws {TypeError} If they would be.
   */
  protected checkTarget(target: TransferTarget): void {
    if (target === this) throw new TypeError("Cannot transfer calls from a cache to itself");
  }

  async #peekAt(key: string | Digest): Promise<LazyCall> {
    const text = keyText(key);
    const call = await this.peek(await this.#whole(text));
    if (call === undefined) throw notFound("call", text);
    return call;
  }

  /**
   * A view of this cache in which there are only the calls for which a function returns true.
   *
   * @param predicate the function, which may be asynchronous
   */
  filter(predicate: CallPredicate): FilteredCache {
    return new FilteredCache(this, predicate);
  }

  /** A view of this cache that stores and evicts nothing. */
  readonly(): ReadOnlyCache {
    return new ReadOnlyCache(this);
  }

  /** A stack with another cache in front of this one. */
  push(cache: BaseCache): CacheStack {
    return new CacheStack([cache, this]);
  }
}

function isList(calls: CacheTransferOptions["calls"]): calls is readonly (string | Digest)[] {
  return Array.isArray(calls);
}

function notFound(what: string, key: string): NotFoundError {
  return new NotFoundError(`There is no ${what} ${key} in the cache`, { key });
}

/**
 * A cache that can only be read.
 *
 * @example Usage
 * ```ts
 * import { Cache, Call, CallMemory, RejectedError, ValueMemory } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const call = new Call({ name: "square", arguments: { x: 3 }, result: 9 });
 * await assert.rejects(cache.readonly().save(call), RejectedError);
 * ```
 */
export class ReadOnlyCache extends BaseCache {
  /** Always true. */
  override readonly isReadOnly = true;

  /** Takes the cache to read from. */
  constructor(readonly cache: BaseCache) {
    super();
  }

  /** How long the cache underneath may take to save. */
  override get saveTimeout(): number {
    return this.cache.saveTimeout;
  }

  /** How long the cache underneath may take to find a call. */
  override get lookupTimeout(): number {
    return this.cache.lookupTimeout;
  }

  /** Whether the cache underneath is on another machine. */
  override get isRemote(): boolean {
    return this.cache.isRemote;
  }

  /** Refuses. */
  override prepare(): Promise<PreparedCall> {
    return Promise.reject(refusal("store a call"));
  }

  /** Finds a call. */
  override find(key: string): Promise<LazyCall | undefined> {
    return this.cache.peek(key);
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

  /** Counts what is stored underneath. */
  override stats(): Promise<CacheStats> {
    return this.cache.stats();
  }

  /** Refuses. */
  override accept(): Promise<void> {
    return Promise.reject(refusal("store a call"));
  }

  /** Those of some values that are not stored. */
  override missing(references: readonly Reference[]): Promise<Reference[]> {
    return this.cache.missing(references);
  }

  /** Keys and digests. */
  override list(prefix: string, limit?: number): Promise<string[]> {
    return this.cache.list(prefix, limit);
  }

  /** The shortest prefixes of keys and digests. */
  override shorten(keys: readonly string[]): Promise<Map<string, string>> {
    return this.cache.shorten(keys);
  }

  /** The records. */
  override records(filter?: RecordFilter): AsyncIterable<CallRecord> {
    return this.cache.records(filter);
  }

  /** Whether the cache underneath gives what was filed last first. */
  override isOrdered(): boolean | Promise<boolean> {
    return this.cache.isOrdered();
  }

  /** Whether there is a call. */
  protected override containsWhole(key: string): Promise<boolean> {
    return this.cache.contains(key);
  }

  /** Refuses. */
  protected override evictWhole(): Promise<boolean> {
    return Promise.reject(refusal("evict a call"));
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

function refusal(operation: string): RejectedError {
  return new RejectedError(`Cannot ${operation}: the cache is read-only`, { operation });
}

/**
 * A cache of which only some calls are seen: those for which a function returns true. One for which it
 * fails is hidden, with a warning.
 *
 * The others are not found, listed, searched or evicted, and what would not be found is not stored
 * either: storing it is refused, so that the caller gets the result uncached. Values are what they
 * are, and can be read by their digest whichever call they come from.
 *
 * @example Usage
 * ```ts
 * import { Cache, Call, CallMemory, RejectedError, ValueMemory } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const slow = cache.filter((call) => Number(call.metadata["runtime"]?.["walltime"]) > 1);
 * const call = (walltime: number) =>
 *   new Call({ name: "f", arguments: {}, result: 1, metadata: { runtime: { walltime } } });
 * await assert.rejects(slow.save(call(0.5)), RejectedError);
 * const key = await slow.save(call(2));
 * assert.equal(await slow.contains(key), true);
 * ```
 */
export class FilteredCache extends BaseCache {
  /** Takes the cache, and what its calls are told apart by. */
  constructor(readonly cache: BaseCache, readonly predicate: CallPredicate) {
    super();
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

  /** Those of the cache underneath. */
  override get claims(): Claims | undefined {
    return this.cache.claims;
  }

  /** Keeps all of a call in memory until it has run, and it is known whether it is one of those. */
  override async prepare(call: Call, options: PrepareOptions = {}): Promise<PreparedCall> {
    // It says why not.
    if (this.cache.isReadOnly) return await this.cache.prepare(call, options);
    const named = await this.readNamedArguments(call);
    const held = new Map<string, Encoding>();
    const sink = ({ digest }: Reference, encoding: Encoding) => {
      held.set(digest, { ...copied(encoding), owned: false });
    };
    const source = {
      read: (reference: Reference) => held.get(reference.digest) ?? this.cache.read(reference),
    };
    const { key, fields } = sealCall(call, { ...options, named, sink });
    return new PreparedCall(key, {
      commit: async ({ result, metadata = {}, calls = [] }) => {
        const { slot } = fillSlot(result, { root: "result", identities: false, sink });
        const record = CallRecord.build(key, { ...fields, result: slot, metadata, calls });
        await this.accept(record, source, { arguments: true });
        return key;
      },
      abandon: () => held.clear(),
    });
  }

  async #seen(call: LazyCall | undefined): Promise<LazyCall | undefined> {
    return call !== undefined && await this.#shows(call) ? call : undefined;
  }

  // A call that the function fails for is hidden, and no other.
  async #shows(call: LazyCall): Promise<boolean> {
    try {
      return await this.predicate(call);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      warnOnce(
        `filter ${cacheNumber(this)}`,
        ["cache"],
        `Hiding call ${call.key}, for which the filter of the cache fails, and others like it: ` +
          error.message,
      );
      return false;
    }
  }

  /** Finds a call, if it is one of those. */
  override async find(key: string): Promise<LazyCall | undefined> {
    // What is copied on the way should be one of those too.
    const seen = await this.peek(key);
    return seen === undefined ? undefined : await this.cache.find(key) ?? seen;
  }

  /** Finds a call, if it is one of those, and stores nothing on the way. */
  override async peek(key: string): Promise<LazyCall | undefined> {
    return await this.#seen(await this.cache.peek(key));
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

  /** Stores a call that stands elsewhere, if it is one of those. */
  override async accept(
    record: CallRecord,
    source: ValueSource,
    options?: AcceptOptions,
  ): Promise<void> {
    if (!await this.predicate(new LazyCall(record, source))) {
      throw new RejectedError(
        `Cannot store call ${record.key}: the filter of the cache would hide it`,
        { operation: "store a call" },
      );
    }
    await this.cache.accept(record, source, options);
  }

  /** Those of some values that are not stored. */
  override missing(references: readonly Reference[]): Promise<Reference[]> {
    return this.cache.missing(references);
  }

  /** Keys of those calls, and digests. */
  override async list(prefix: string, limit: number = Infinity): Promise<string[]> {
    const found: string[] = [];
    for (const name of await this.cache.list(prefix)) {
      if (found.length >= limit) break;
      const call = await this.cache.peek(name);
      if (call === undefined || await this.#shows(call)) found.push(name);
    }
    return found;
  }

  /** The records of those calls. */
  override async *records(filter?: RecordFilter): AsyncIterable<CallRecord> {
    for await (const record of this.cache.records(filter)) {
      if (await this.#seen(new LazyCall(record, this.cache)) !== undefined) yield record;
    }
  }

  /** Whether the cache underneath gives what was filed last first. */
  override isOrdered(): boolean | Promise<boolean> {
    return this.cache.isOrdered();
  }

  /** Whether there is a call, and it is one of those. */
  protected override async containsWhole(key: string): Promise<boolean> {
    return await this.peek(key) !== undefined;
  }

  /** Removes a call, if it is one of those. */
  protected override async evictWhole(key: string): Promise<boolean> {
    return await this.peek(key) !== undefined && await this.cache.evict(key);
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

/**
 * Several caches, one behind the other: loads ask them in turn and copy what they find into the
 * first; saves go to the first.
 *
 * A value that is damaged or missing in a cache that has its call is stored there once more when it
 * is found in a later one, unless that cache is read-only or on another machine.
 *
 * A cache that fails costs a warning and is passed over, for a minute or until
 * {@linkcode CacheStack.reconnect}; one on another machine whose connection is gone until it is
 * connected again.
 *
 * @example Usage
 * ```ts
 * import { Cache, CacheStack, Call, CallMemory, ValueMemory } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const near = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const far = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * await using stack = new CacheStack([near, far]);
 * const key = await far.save(new Call({ name: "square", arguments: { x: 3 }, result: 9 }));
 * assert.equal(await (await stack.load(key)).result(), 9);
 * assert.equal(await near.contains(key), true);
 * ```
 */
export class CacheStack extends BaseCache {
  /** The caches, first to last. */
  readonly stack: readonly BaseCache[];
  readonly #first: BaseCache;
  readonly #members: Members<BaseCache>;

  /**
   * Takes the caches, first to last.
   *
   * @throws {TypeError} If there is none, or one of them is a stack itself.
   */
  constructor(stack: readonly BaseCache[]) {
    super();
    const [first] = stack;
    if (first === undefined) throw new TypeError("Cannot make a stack of no caches");
    if (stack.some((cache) => cache instanceof CacheStack)) {
      throw new TypeError("Cannot put a stack into a stack: list its caches instead");
    }
    this.#members = new Members(stack, "stack");
    this.stack = this.#members.all;
    this.#first = first;
  }

  /** Whether the first cache is read-only. */
  override get isReadOnly(): boolean {
    return this.#first.isReadOnly;
  }

  /** How long the first cache may take to save. */
  override get saveTimeout(): number {
    return this.#first.saveTimeout;
  }

  /** Without limit: each cache has its own, and what is copied may be large. */
  override get lookupTimeout(): number {
    return Infinity;
  }

  /** Those of the first cache. */
  override get claims(): Claims | undefined {
    return this.#first.claims;
  }

  /** Whether the call is stored in the first cache. */
  override isFiled(key: string): Awaitable<boolean> {
    return this.#first.isFiled(key);
  }

  /** Prepares in the first cache. */
  override prepare(call: Call, options?: PrepareOptions): Promise<PreparedCall> {
    return this.#first.prepare(call, options);
  }

  /** Finds a call in the first cache that has it, and copies it into the first of all. */
  override async find(key: string): Promise<LazyCall | undefined> {
    const found = await this.#members.find(key);
    if (found === undefined) return undefined;
    const record = found.answer.detach();
    const values = this.valuesOf(record);
    if (found.from !== this.#first && !this.#first.isReadOnly) {
      await this.#fillBack(record, found);
    } else if (found.from.isRemote) {
      // What came with the call is not asked for again.
      return new LazyCall(record, this.#carried(found, values));
    }
    return new LazyCall(record, values);
  }

  /** Finds a call and copies nothing. */
  override async peek(key: string): Promise<LazyCall | undefined> {
    const found = await this.#members.peek(key);
    return found === undefined ? undefined : new LazyCall(found.answer.detach(), this);
  }

  // The values that came with a call; where they end, those of all caches.
  #carried({ answer, from }: Answer<BaseCache, LazyCall>, others: ValueSource): ValueSource {
    const { values } = answer;
    const read = async (reference: Reference) =>
      await this.#members.tolerant(from, () => values.read(reference)) ??
        await others.read(reference);
    const { deep } = values;
    if (deep === undefined) return { read };
    const readDeep: DeepSource["readDeep"] = (...wanted) =>
      this.#members.asFarAsItGoes(from, deep.readDeep(...wanted));
    return { read, deep: { readDeep } };
  }

  // The first cache may have the call all the same, and not have answered in time.
  async #fillBack(record: CallRecord, found: Answer<BaseCache, LazyCall>): Promise<void> {
    const first = this.#first;
    const isThere = await this.#members.tolerant(first, () => first.isReadable(record.key));
    if (isThere !== false) return;
    const source = new NotedSource(found.answer.values);
    await this.#members.tolerant(first, async () => {
      try {
        await first.accept(record, source);
      } catch (error) {
        // The cache that it was copied to is not left alone because the other one failed.
        if (!source.failedWith(error)) throw error;
        await this.#members.tolerant(found.from, () => Promise.reject(error));
      }
    });
  }

  async #copy(to: BaseCache, record: CallRecord, source: ValueSource): Promise<void> {
    await this.#members.tolerant(to, () => to.accept(record, source));
  }

  /** Where the values of a record are; parts of its result are healed on the way. */
  protected override valuesOf(record: CallRecord): ValueSource {
    const ofResult = new Set(record.resultReferences.map(({ digest }) => digest));
    // Once each, however many parts it lacks.
    const healed = new Map<BaseCache, Promise<void>>();
    return {
      read: async (reference: Reference) => {
        const found = await this.#read(reference);
        if (found === undefined || !ofResult.has(reference.digest)) return found?.answer;
        for (const { digest } of findReferences(found.answer)) ofResult.add(digest);
        for (const cache of this.stack.slice(0, found.index)) {
          const healing = healed.get(cache) ?? this.#heal(cache, record);
          healed.set(cache, healing);
          await healing;
        }
        return found.answer;
      },
    };
  }

  // A cache that has a call should have its result; one that has another result may be newer.
  async #heal(cache: BaseCache, record: CallRecord): Promise<void> {
    if (cache.isReadOnly || cache.isRemote) return;
    const found = await this.#members.tolerant(cache, () => cache.peek(record.key));
    const own = found?.detach();
    if (own !== undefined && slotDigest(own.result) === slotDigest(record.result)) {
      await this.#copy(cache, own, this);
    }
  }

  #read(reference: Reference): Promise<Answer<BaseCache, Encoding> | undefined> {
    return this.#members.firstAnswer((cache) => cache.read(reference));
  }

  /** Reads a value from the first cache that has it. */
  override async read(reference: Reference): Promise<Encoding | undefined> {
    return (await this.#read(reference))?.answer;
  }

  /** Reads a value from the first cache that has it. */
  override async readNamed(digest: string): Promise<Encoding | undefined> {
    return (await this.#members.firstAnswer((cache) => cache.readNamed(digest)))?.answer;
  }

  /** Stores a call in the first cache. */
  override accept(
    record: CallRecord,
    source: ValueSource,
    options?: AcceptOptions,
  ): Promise<void> {
    return this.#first.accept(record, source, options);
  }

  /** Opens a value of the first cache that has it as a file of its own. */
  override async openLeaf(reference: Reference): Promise<OpenValue | undefined> {
    return (await this.#members.firstAnswer((cache) => cache.openLeaf(reference)))?.answer;
  }

  /** Stores a value in the first cache. */
  override stage(reference: Reference, encoding: Encoding): Awaitable<boolean> {
    return this.#first.stage(reference, encoding);
  }

  /** Those of some values that the first cache does not have. */
  override missing(references: readonly Reference[]): Promise<Reference[]> {
    return this.#first.missing(references);
  }

  /** Keys and digests of all caches. */
  override async list(prefix: string, limit?: number): Promise<string[]> {
    return await this.#members.list(prefix, limit);
  }

  /** The records of all caches, each key once. */
  override records(filter?: RecordFilter): AsyncIterable<CallRecord> {
    return this.#members.records(filter);
  }

  /** Whether any of the caches has a call whose record can be read. */
  override isReadable(key: string): Promise<boolean> {
    return this.#members.haveReadable(key);
  }

  /** Whether any of the caches has a call. */
  protected override async containsWhole(key: string): Promise<boolean> {
    return await this.#members.contain(key);
  }

  /**
   * Removes a call from every cache that can be written to. One that fails keeps it, so that it may
   * come back: that is an error, but only after all others have been asked.
   */
  protected override async evictWhole(key: string): Promise<boolean> {
    let found = false;
    let failure: unknown;
    for (const cache of this.stack) {
      if (cache.isReadOnly) continue;
      try {
        if (await cache.evict(key)) found = true;
      } catch (error) {
        // A remote cache may turn out to be read-only only when it is asked.
        if (!(error instanceof RejectedError)) failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return found;
  }

  /** A stack with another cache in front. */
  override push(cache: BaseCache): CacheStack {
    return new CacheStack([cache, ...this.stack]);
  }

  /** Asks those that failed again, and connects those on other machines anew. */
  override async reconnect(): Promise<void> {
    this.#members.wake();
    await Promise.all(this.stack.map((cache) => cache.reconnect()));
  }

  /** Closes all caches. */
  override async close(): Promise<void> {
    await Promise.all(this.stack.map((cache) => cache.close()));
  }
}
