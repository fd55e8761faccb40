/**
 * What every cache has in common, and the two caches that every cache can be made into: they stand
 * in one file because each needs the others.
 *
 * @module
 */

import type { Call } from "../call.ts";
import type { CallRecord } from "../call_record.ts";
import type { Encoding, Reference } from "../codec/encoding.ts";
import { Digest, DIGEST_LENGTH, keyText, SHORTEST_PREFIX } from "../digest.ts";
import {
  AmbiguousDigestError,
  CorruptValueError,
  NotFoundError,
  RejectedError,
  UnknownTypeError,
} from "../errors.ts";
import { inTime } from "../in_time.ts";
import { decodeDeep, LazyCall, type ValueSource } from "../lazy_call.ts";
import { errorOnce, warnOnce } from "../log.ts";
import type { PreparedCall } from "../prepared_call.ts";
import { QueryIterator } from "../query.ts";
import { QueryCall, type QueryTemplate } from "../query_call.ts";
import { matchesFilter, type RecordFilter } from "../record_filter.ts";
import type { Claims } from "../storage/claims.ts";
import type { Awaitable } from "../storage/storage.ts";
import { shortestPrefixes } from "./_prefixes.ts";

/** How a call is prepared. */
export interface PrepareOptions {
  /** Whether the arguments are stored, or only their digests; true by default. */
  storeArguments?: boolean;
}

/** How a call that stands elsewhere is stored. */
export interface AcceptOptions {
  /** Whether the values of its arguments are stored too; false by default. */
  arguments?: boolean;
}

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

  /** Those of some values that are not stored. */
  abstract missing(references: readonly Reference[]): Promise<Reference[]>;

  /** Keeps several processes from running one call at the same time; undefined where none can. */
  get claims(): Claims | undefined {
    return undefined;
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

  /** Frees what is open. */
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
    const encoding = await this.readNamed(await this.#whole(text));
    if (encoding === undefined) throw notFound("value", text);
    return await decodeDeep(encoding, this);
  }

  /**
   * Whether there is a call.
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
    const prefixes = await this.#shorten(wholes);
    const shortened = wholes.map((whole) => {
      const prefix = prefixes.get(whole);
      if (prefix === undefined) throw notFound("call or value", whole);
      return prefix;
    });
    const [first] = shortened;
    return keys.length === 1 && first !== undefined ? first : shortened;
  }

  // Lists each neighbourhood once; for many keys they are larger, and storages list them in one go.
  async #shorten(keys: readonly string[]): Promise<Map<string, string>> {
    const starts = (digits: number) => new Set(keys.map((key) => key.slice(0, digits)));
    const small = starts(SHORTEST_PREFIX);
    const listed = [...small.size <= MAX_NEIGHBOURHOODS ? small : starts(2)];
    const lists = await Promise.all(listed.map((start) => this.list(start)));
    return shortestPrefixes(keys, lists.flat());
  }

  // A table is worth more than its short keys.
  async #shortenWhereKnown(keys: readonly string[]): Promise<Map<string, string>> {
    try {
      return await this.#shorten(keys);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      warnOnce(
        `shorten ${layerNumber(this)} ${error.name}`,
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
      evict: (key) => this.evict(key),
      shorten: (keys) => this.#shortenWhereKnown(keys),
    });
  }

  async *#search(wanted: QueryCall): AsyncIterable<LazyCall> {
    const filter = await wanted.toFilter((prefix) => this.expand(prefix));
    const records = wanted.key === undefined
      ? this.records(filter)
      : this.#recordsUnder(wanted.key, filter);
    for await (const record of records) {
      if (wanted.matches(record)) yield new LazyCall(record, this);
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

  /** A view of this cache that stores and evicts nothing. */
  readonly(): ReadOnlyCache {
    return new ReadOnlyCache(this);
  }

  /** A stack with another cache in front of this one. */
  push(cache: BaseCache): CacheStack {
    return new CacheStack([cache, this]);
  }
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

  /** Reads a value by its digest. */
  override readNamed(digest: string): Promise<Encoding | undefined> {
    return this.cache.readNamed(digest);
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

  /** Closes the cache underneath. */
  override async close(): Promise<void> {
    await this.cache.close();
  }
}

function refusal(operation: string): RejectedError {
  return new RejectedError(`Cannot ${operation}: the cache is read-only`, { operation });
}

const layers = new WeakMap<BaseCache, number>();
let layerCount = 0;

// A number for each cache: the message of a failure differs from call to call, the cache does not.
function layerNumber(cache: BaseCache): number {
  const number = layers.get(cache) ?? layerCount++;
  layers.set(cache, number);
  return number;
}

/**
 * Several caches, one behind the other: loads ask them in turn and copy what they find into the
 * first; saves go to the first.
 *
 * A cache that fails, a remote one whose connection is gone for instance, costs a warning and is
 * passed over.
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
    this.stack = [...stack];
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

  // What the first cache answers that has an answer; one that fails is passed over.
  async #firstAnswer<T>(
    ask: (cache: BaseCache) => Promise<T | undefined> | T | undefined,
  ): Promise<{ answer: T; from: BaseCache } | undefined> {
    for (const cache of this.stack) {
      const answer = await this.#tolerant(cache, () => ask(cache));
      if (answer !== undefined) return { answer, from: cache };
    }
  }

  async #tolerant<T>(cache: BaseCache, ask: () => Promise<T> | T): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const layer = `${cache.constructor.name} number ${this.stack.indexOf(cache) + 1}`;
      warnOnce(
        `stack ${layerNumber(cache)} ${error.name}`,
        ["cache"],
        `Passing over a cache of a stack (${layer}), which fails: ${error.message}`,
      );
      return undefined;
    }
  }

  /** Prepares in the first cache. */
  override prepare(call: Call, options?: PrepareOptions): Promise<PreparedCall> {
    return this.#first.prepare(call, options);
  }

  /** Finds a call in the first cache that has it, and copies it into the first of all. */
  override async find(key: string): Promise<LazyCall | undefined> {
    const ask = (cache: BaseCache) => inTime(cache.find(key), cache.lookupTimeout);
    const found = await this.#firstAnswer(ask);
    if (found === undefined) return undefined;
    const record = found.answer.detach();
    if (found.from !== this.#first) await this.#copyToFirst(record, found.answer.values);
    return new LazyCall(record, { read: (reference) => this.#readForCall(record, reference) });
  }

  /** Finds a call and copies nothing. */
  override async peek(key: string): Promise<LazyCall | undefined> {
    const ask = (cache: BaseCache) => inTime(cache.find(key), cache.lookupTimeout);
    const found = await this.#firstAnswer(ask);
    return found === undefined ? undefined : new LazyCall(found.answer.detach(), this);
  }

  async #copyToFirst(record: CallRecord, source: ValueSource): Promise<void> {
    if (this.#first.isReadOnly) return;
    await this.#tolerant(this.#first, () => this.#first.accept(record, source));
  }

  // A result that the first cache has lost, or found damaged, is copied there once more.
  async #readForCall(record: CallRecord, reference: Reference): Promise<Encoding | undefined> {
    const found = await this.#firstAnswer((cache) => cache.read(reference));
    if (found === undefined) return undefined;
    const ofResult = record.resultReferences.some(({ digest }) => digest === reference.digest);
    if (found.from !== this.#first && ofResult) await this.#copyToFirst(record, this);
    return found.answer;
  }

  /** Reads a value from the first cache that has it. */
  override async read(reference: Reference): Promise<Encoding | undefined> {
    return (await this.#firstAnswer((cache) => cache.read(reference)))?.answer;
  }

  /** Reads a value from the first cache that has it. */
  override async readNamed(digest: string): Promise<Encoding | undefined> {
    return (await this.#firstAnswer((cache) => cache.readNamed(digest)))?.answer;
  }

  /** Stores a call in the first cache. */
  override accept(
    record: CallRecord,
    source: ValueSource,
    options?: AcceptOptions,
  ): Promise<void> {
    return this.#first.accept(record, source, options);
  }

  /** Those of some values that the first cache does not have. */
  override missing(references: readonly Reference[]): Promise<Reference[]> {
    return this.#first.missing(references);
  }

  /** Keys and digests of all caches. */
  override async list(prefix: string, limit?: number): Promise<string[]> {
    const lists = await Promise.all(
      this.stack.map((cache) => this.#tolerant(cache, () => cache.list(prefix, limit))),
    );
    return [...new Set(lists.flatMap((list) => list ?? []))];
  }

  /** The records of all caches, each key once. */
  override async *records(filter?: RecordFilter): AsyncIterable<CallRecord> {
    const seen = new Set<string>();
    for (const cache of this.stack) {
      const records = cache.records(filter)[Symbol.asyncIterator]();
      try {
        while (true) {
          const next = await this.#tolerant(cache, () => records.next());
          if (next === undefined || next.done === true) break;
          if (seen.has(next.value.key)) continue;
          seen.add(next.value.key);
          yield next.value;
        }
      } finally {
        await records.return?.();
      }
    }
  }

  /** Whether any of the caches has a call. */
  protected override async containsWhole(key: string): Promise<boolean> {
    const ask = async (cache: BaseCache) => (await cache.contains(key)) || undefined;
    return await this.#firstAnswer(ask) !== undefined;
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

  /** Closes all caches. */
  override async close(): Promise<void> {
    await Promise.all(this.stack.map((cache) => cache.close()));
  }
}
