import {
  type AcceptOptions,
  BaseCache,
  type PrepareOptions,
  SAVE_TIMEOUT,
} from "../caches/base_cache.ts";
import type { CacheStats } from "../caches/cache_stats.ts";
import { type Call, sealCall } from "../call.ts";
import { CallRecord } from "../call_record.ts";
import { copied, type Encoding, type Reference } from "../codec/encoding.ts";
import { ProtocolError, RejectedError } from "../errors.ts";
import { type DeepSource, LazyCall, type ValueSource } from "../lazy_call.ts";
import { type Outcome, PreparedCall } from "../prepared_call.ts";
import { matchesFilter, type RecordFilter } from "../record_filter.ts";
import { fillSlot } from "../slot.ts";
import { batches } from "./_batches.ts";
import type { Held } from "./_held_values.ts";
import { KnownDigests } from "./_known_digests.ts";
import { AsyncQueue } from "./_queue.ts";
import { CarriedValues } from "./carried_values.ts";
import { PROTOCOL_LIMITS } from "./limits.ts";
import type { Params } from "./params.ts";
import { filterParams, readRecord } from "./query_filter.ts";
import { RemoteFiling } from "./remote_filing.ts";
import type { RemoteInfo } from "./remote_info.ts";
import { type OpenedProcess, RemoteLink } from "./remote_link.ts";
import { readStats } from "./remote_stats.ts";
import { RemoteValues } from "./remote_values.ts";
import type { SshCacheOptions } from "./ssh_cache_options.ts";
import type { ReceivedValue } from "./value_receiver.ts";

export type { SshCacheOptions } from "./ssh_cache_options.ts";

/** Connects a cache that is not connected yet through a process that was started elsewhere. */
export let connectThrough: (cache: SshCache, opened: OpenedProcess) => Promise<void>;

/**
 * A cache on another machine, reached over ssh.
 *
 * The connection is made when it is first needed, and kept. When it is lost, everything fails with a
 * RemoteConnectionError until {@linkcode SshCache.reconnect}.
 *
 * @example Results from near, and from the cluster what is not here
 * ```ts
 * import { Cache, CacheStack, CallSql, SshCache, ValueFile } from "@fleche/core";
 *
 * const near = new Cache({
 *   values: new ValueFile({ root: "~/.cache/fleche/values" }),
 *   calls: new CallSql({ url: "sqlite:///~/.cache/fleche/calls.db" }),
 * });
 * const far = new SshCache({ host: "user@cluster", command: "~/bin/fleche" });
 * const stack = new CacheStack([near, far]);
 * await stack.close();
 * ```
 */
export class SshCache extends BaseCache {
  /** What the cache was made from. */
  readonly options: Readonly<SshCacheOptions>;
  /** How long storing a call may take, in seconds. */
  override readonly saveTimeout: number;
  readonly #link: RemoteLink;
  readonly #known = new KnownDigests();
  readonly #values: RemoteValues;
  readonly #filing: RemoteFiling;

  static {
    connectThrough = async (cache, opened) => {
      await cache.#link.connect(opened);
    };
  }

  /**
   * Takes the host and what to run there. Nothing is connected yet.
   *
   * @throws {TypeError} If the host begins with a dash, or a variable's name is not one.
   * @throws {RangeError} If a timeout is not above zero.
   */
  constructor(options: SshCacheOptions) {
    super();
    this.options = { ...options };
    this.saveTimeout = options.saveTimeout ?? SAVE_TIMEOUT;
    this.#link = new RemoteLink(this.options);
    this.#values = new RemoteValues(this.#link, this.#known);
    this.#filing = new RemoteFiling(this.#link, this.#known);
  }

  /** Always true. */
  override get isRemote(): boolean {
    return true;
  }

  /** Without limit: a large value may take its time, but a connection that stalls is given up. */
  override get lookupTimeout(): number {
    return Infinity;
  }

  /** Whether the remote side refuses to store; false until it is connected. */
  override get isReadOnly(): boolean {
    return this.#link.isReadOnly;
  }

  /**
   * What the remote side tells of itself.
   *
   * @throws {RemoteConnectionError} If it cannot be reached.
   */
  async info(): Promise<RemoteInfo> {
    return await this.#link.connect();
  }

  /**
   * Drops the connection, if there is one, and makes a new one.
   *
   * @throws {RemoteConnectionError} If it cannot be made.
   */
  override async reconnect(): Promise<void> {
    await this.close();
    await this.#link.connect();
  }

  /** Encodes the arguments of a call and keeps them until it has run. */
  override async prepare(call: Call, options: PrepareOptions = {}): Promise<PreparedCall> {
    if (this.isReadOnly) throw this.#refusal("store a call");
    const named = await this.readNamedArguments(call);
    const values = new Map<string, Held>();
    const sink = (reference: Reference, encoding: Encoding) => {
      values.set(reference.digest, { reference, encoding: copied(encoding) });
    };
    const { key, fields } = sealCall(call, { ...options, named, sink });
    return new PreparedCall(key, {
      commit: async ({ result, metadata = {}, calls = [] }: Outcome) => {
        const { slot } = fillSlot(result, { root: "result", identities: false, sink });
        const record = CallRecord.build(key, { ...fields, result: slot, metadata, calls });
        await this.#checkWritable("store a call");
        await this.#filing.save(record, values);
        return key;
      },
      abandon: () => values.clear(),
    });
  }

  async #checkWritable(operation: string): Promise<void> {
    if ((await this.#link.connect()).readOnly) throw this.#refusal(operation);
  }

  #refusal(operation: string): RejectedError {
    const message = `Cannot ${operation}: the cache on ${this.options.host} is read-only`;
    return new RejectedError(message, { operation });
  }

  /** Finds a call, with its result if that is small. */
  override async find(key: string): Promise<LazyCall | undefined> {
    const values = new Map<string, Encoding>();
    let room = PROTOCOL_LIMITS.inline;
    const onValue = ({ reference, encoding }: ReceivedValue, used: () => void) => {
      room -= reference.length;
      if (room < 0) throw new ProtocolError(`${this.#link.host} sent more with a call than it may`);
      this.#known.add(reference.digest);
      values.set(reference.digest, { ...encoding, owned: false });
      used();
    };
    const result = await this.#link.request("load", { key }, { onValue });
    const bytes = result.optionalBytes("record");
    if (bytes === undefined) return undefined;
    return new LazyCall(CallRecord.receive(key, bytes), new CarriedValues(values, this.#values));
  }

  /** Reads a value. */
  override read(reference: Reference): Promise<Encoding | undefined> {
    return this.#values.read(reference);
  }

  /** Reads a value by its digest. */
  override readNamed(digest: string): Promise<Encoding | undefined> {
    return this.#values.read({ digest, crc: 0, length: 0 });
  }

  /** Reads values with all their parts in one go. */
  override get deep(): DeepSource {
    return this.#values;
  }

  /** Stores a call that stands elsewhere. Of its values only those that are missing there are read. */
  override async accept(
    record: CallRecord,
    source: ValueSource,
    options: AcceptOptions = {},
  ): Promise<void> {
    await this.#checkWritable("store a call");
    await this.#filing.accept(record, source, options);
  }

  /** Those of some values that are not stored. */
  override missing(references: readonly Reference[]): Promise<Reference[]> {
    return this.#filing.missing(references);
  }

  /** Keys and digests that begin with a prefix. */
  override async list(prefix: string, limit?: number): Promise<string[]> {
    const keys: string[] = [];
    const onItem = (item: Params, used: () => void) => {
      const some = item.digests("keys", Infinity);
      if (!some.every((key) => key.startsWith(prefix))) {
        throw new ProtocolError(`${this.#link.host} listed what does not begin with "${prefix}"`);
      }
      keys.push(...some);
      used();
    };
    await this.#link.request("list", { prefix, limit: limit ?? null }, { onItem });
    return keys;
  }

  /** The shortest prefixes of keys and digests; the other side looks for them. */
  override async shorten(keys: readonly string[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const some of batches(keys, PROTOCOL_LIMITS.references)) {
      const prefixes = (await this.#link.request("shrink", { keys: some })).optionalStrings(
        "prefixes",
      );
      for (const [index, key] of some.entries()) {
        const prefix = prefixes[index];
        if (prefix !== undefined && key.startsWith(prefix)) found.set(key, prefix);
      }
    }
    return found;
  }

  /**
   * The records that match. Those that are damaged, or that a newer version wrote, are passed over
   * with an error in the log. The other side waits while they are not taken, and stops when they are
   * left.
   */
  override async *records(filter: RecordFilter = {}): AsyncIterable<CallRecord> {
    const queue = new AsyncQueue<{ record: CallRecord | undefined; used: () => void }>();
    const left = new AbortController();
    const onItem = (item: Params, used: () => void) =>
      queue.push({ record: readRecord(item, this.#link.host), used });
    const params = filterParams(filter, PROTOCOL_LIMITS);
    this.#link.request("query", params, { onItem, signal: left.signal })
      .then(() => queue.end(), (error) => queue.end(error));
    try {
      for await (const { record, used } of queue) {
        // Not all conditions need be known there.
        if (record !== undefined && matchesFilter(record, filter)) yield record;
        used();
      }
    } finally {
      left.abort();
    }
  }

  /** What the other side counts. */
  override async stats(): Promise<CacheStats> {
    return readStats(await this.#link.request("stats", {}));
  }

  /** Whether the other side gives what was filed last first. */
  override async isOrdered(): Promise<boolean> {
    return (await this.#link.connect()).ordered;
  }

  /** Whether there is a call whose record can be read: the other side looks at it. */
  override isReadable(key: string): Promise<boolean> {
    return this.containsWhole(key);
  }

  /** Whether there is a call. */
  protected override async containsWhole(key: string): Promise<boolean> {
    return (await this.#link.request("contains", { key })).boolean("found");
  }

  /** Removes a call. */
  protected override async evictWhole(key: string): Promise<boolean> {
    await this.#checkWritable("evict a call");
    return (await this.#link.request("evict", { key })).boolean("found");
  }

  /** Ends the connection, and with it what is under way; the next use makes a new one. */
  override async close(): Promise<void> {
    this.#known.forget();
    await this.#link.close();
  }
}
