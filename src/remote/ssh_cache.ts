import {
  type AcceptOptions,
  BaseCache,
  type PrepareOptions,
  SAVE_TIMEOUT,
} from "../caches/base_cache.ts";
import { type Call, sealCall } from "../call.ts";
import { CallRecord } from "../call_record.ts";
import type { Awaitable } from "../storage/storage.ts";
import { copied, type Encoding, matches, type Reference } from "../codec/encoding.ts";
import { findReferences } from "../codec/references.ts";
import { ConfigError, NotFoundError, ProtocolError, RejectedError } from "../errors.ts";
import { type DeepSource, type FoundValue, LazyCall, type ValueSource } from "../lazy_call.ts";
import { warn, warnOnce } from "../log.ts";
import { type Outcome, PreparedCall } from "../prepared_call.ts";
import { matchesFilter, type RecordFilter } from "../record_filter.ts";
import { fillSlot } from "../slot.ts";
import { VERSION } from "../version.ts";
import { collect, type Held, heldValue } from "./_held_values.ts";
import { KnownDigests } from "./_known_digests.ts";
import { AsyncQueue } from "./_queue.ts";
import { CarriedValues } from "./carried_values.ts";
import { Connection, type RequestOptions } from "./connection.ts";
import { PROTOCOL_LIMITS } from "./limits.ts";
import type { Params } from "./params.ts";
import { filterParams, readRecord } from "./query_filter.ts";
import { readInfo, type RemoteInfo } from "./remote_info.ts";
import { remoteCommand } from "./ssh_command.ts";
import { SshProcess } from "./ssh_process.ts";
import type { ReceivedValue } from "./value_receiver.ts";

/** Where {@linkcode SshCache} finds its cache. */
export interface SshCacheOptions {
  /** The host as ssh takes it: `host`, `user@host`, or a name from its configuration. */
  host: string;
  /** Which cache of the remote configuration; the default one if it is left out. */
  cacheName?: string;
  /**
   * The remote program: text that the remote shell reads, or a list of words that are passed as
   * they are. `"fleche"` by default.
   */
  command?: string | readonly string[];
  /** Further options for ssh, as `["-p", "2222"]`. */
  sshOptions?: readonly string[];
  /** Commands that the remote shell runs first, as `["module load fleche"]`. */
  setupCommands?: readonly string[];
  /** The remote folder to work in, where the search for a fleche.toml begins. */
  workdir?: string;
  /**
   * Variables to set on the remote side. They are part of the command, which other users of both
   * machines can see while it runs: not for secrets.
   */
  env?: Readonly<Record<string, string>>;
  /**
   * How long the connection may stand still while an answer is due, in seconds, before it is given
   * up: 60 by default. A standstill of five seconds is told of with a warning.
   */
  timeout?: number;
  /**
   * How long it may take until the remote program answers for the first time, in seconds; without
   * limit by default, because ssh may ask for a second factor.
   */
  connectTimeout?: number;
  /** How long storing a call may take before the caller gets the result without it: 60 seconds. */
  saveTimeout?: number;
}

/** How long a connection may stand still by default, in seconds. */
const TIMEOUT = 60;

/** A process whose greeting has been read. */
export interface OpenedProcess {
  readonly process: SshProcess;
  /** Bytes that were read beyond the greeting. */
  readonly rest: Uint8Array;
}

interface Link {
  readonly process: SshProcess;
  readonly connection: Connection;
  readonly info: RemoteInfo;
}

/**
 * Connects a cache that is not connected yet through a process that was started elsewhere, so that
 * what comes before the greeting can be looked at without a second login.
 */
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
  readonly #argv: readonly string[];
  #link: Promise<Link> | undefined;
  #process: SshProcess | undefined;
  #isReadOnly = false;
  readonly #known = new KnownDigests();

  static {
    connectThrough = async (cache, opened) => {
      await (cache.#link ??= cache.#connect(opened));
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
    if (options.host === "" || options.host.startsWith("-")) {
      throw new TypeError(`Cannot use "${options.host}" as a host: ssh would take it as an option`);
    }
    const { timeout = TIMEOUT, connectTimeout = Infinity } = options;
    for (const seconds of [timeout, connectTimeout]) {
      if (!(seconds > 0)) {
        throw new RangeError(`Cannot wait for ${seconds} seconds: should be a number above zero`);
      }
    }
    this.options = { ...options };
    this.saveTimeout = options.saveTimeout ?? SAVE_TIMEOUT;
    const command = remoteCommand({
      command: options.command ?? "fleche",
      cacheName: options.cacheName,
      workdir: options.workdir,
      setupCommands: options.setupCommands ?? [],
      env: options.env ?? {},
    });
    this.#argv = ["ssh", ...options.sshOptions ?? [], "--", options.host, command];
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
    return this.#isReadOnly;
  }

  #connected(): Promise<Link> {
    return this.#link ??= this.#connect();
  }

  async #connect(opened?: OpenedProcess): Promise<Link> {
    const { host, timeout = TIMEOUT, connectTimeout } = this.options;
    const process = opened?.process ?? new SshProcess(host, this.#argv);
    this.#process = process;
    const onWait = (what: string) => (seconds: number) =>
      warn(["remote", host], `Waiting for ${host} for ${Math.floor(seconds)} seconds: ${what}`);
    let connection: Connection | undefined;
    try {
      const { rest } = opened ?? await process.preamble(PROTOCOL_LIMITS, {
        timeout: connectTimeout,
        onWait: onWait("it has not answered yet, or ssh asks for something"),
      });
      connection = new Connection(process.output, {
        limits: PROTOCOL_LIMITS,
        reuse: true,
        onActive: (active) => process.keepAlive(active),
        onBroken: async () => connection?.fail(await process.failure("was lost")),
        patience: timeout,
        onWait: onWait(`nothing comes from it; it is given up after ${timeout} seconds`),
        // The end of ssh ends what is under way.
        onStall: () => process.abort(`has not moved for ${timeout} seconds and was given up`),
      });
      this.#read(process, connection, rest);
      const info = readInfo(await connection.request("info", {}));
      this.#checkInfo(info);
      this.#isReadOnly = info.readOnly;
      return { process, connection, info };
    } catch (error) {
      process.abort("has failed");
      await connection?.end();
      await process.end();
      throw error;
    }
  }

  // In the background: whatever ends the connection fails what is under way.
  #read(process: SshProcess, connection: Connection, rest: Uint8Array): void {
    connection.read(process.input, rest).then(
      async () => connection.fail(await process.failure("was lost")),
      async (error) => {
        connection.fail(error);
        await connection.end();
        await process.end();
      },
    );
  }

  #checkInfo({ cacheName, version }: RemoteInfo): void {
    const { host, cacheName: wanted } = this.options;
    if (wanted !== undefined && cacheName !== wanted) {
      const serves = cacheName === null ? "its default cache" : `the cache "${cacheName}"`;
      throw new ConfigError(
        `Cannot use the cache "${wanted}" on ${host}: it serves ${serves} only`,
      );
    }
    if (version !== VERSION) {
      warnOnce(
        `version ${host} ${version}`,
        ["remote", host],
        `fleche is version ${version} on ${host} and ${VERSION} here: install the same on both sides`,
      );
    }
  }

  async #request(
    method: string,
    params: Record<string, unknown>,
    options?: RequestOptions,
  ): Promise<Params> {
    const { connection } = await this.#connected();
    return await connection.request(method, params, options);
  }

  /**
   * What the remote side tells of itself.
   *
   * @throws {RemoteConnectionError} If it cannot be reached.
   */
  async info(): Promise<RemoteInfo> {
    return (await this.#connected()).info;
  }

  /**
   * Drops the connection, if there is one, and makes a new one.
   *
   * @throws {RemoteConnectionError} If it cannot be made.
   */
  override async reconnect(): Promise<void> {
    await this.close();
    await this.#connected();
  }

  /** Encodes the arguments of a call and keeps them until it has run. */
  override async prepare(call: Call, options: PrepareOptions = {}): Promise<PreparedCall> {
    if (this.#isReadOnly) throw this.#refusal("store a call");
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
        await this.#save(record, values);
        return key;
      },
      abandon: () => values.clear(),
    });
  }

  // Of values that are all at hand.
  async #save(record: CallRecord, values: ReadonlyMap<string, Held>): Promise<void> {
    if ((await this.#connected()).info.readOnly) throw this.#refusal("store a call");
    const references = [...values.values()].map(({ reference }) => reference);
    const isWhole = references.length <= PROTOCOL_LIMITS.references;
    const unknown = references.filter(({ digest }) => !this.#known.has(digest));
    const first = isSmall(unknown) ? unknown : [];
    await this.#file(record, {
      named: isWhole ? references : record.references,
      first: first.map(({ digest }) => heldValue(values, digest)),
      all: () => values,
    });
  }

  // What the other side says is missing is sent with a second request, and a third where something has
  // been deleted there meanwhile.
  async #file(record: CallRecord, { named, first, all }: Filing): Promise<void> {
    const params = { key: record.key, record: record.bytes, values: named.map(plain) };
    const sent = new Set<string>();
    const save = async (values: AsyncIterable<Held> | Iterable<Held>) => {
      const result = await this.#request("save", params, { values: noted(values, sent) });
      return result.digests("missing", PROTOCOL_LIMITS.references);
    };
    let missing = await save(first);
    for (let attempt = 1; missing.length > 0 && attempt < SAVE_ATTEMPTS; attempt++) {
      const values = await all();
      for (const digest of missing) sent.add(digest);
      missing = await save([...sent].map((digest) => heldValue(values, digest)));
    }
    if (missing.length > 0) {
      for (const digest of missing) this.#known.forget(digest);
      throw new ProtocolError(`${this.options.host} keeps losing the values that are sent to it`);
    }
    for (const { digest } of named) this.#known.add(digest);
    for (const digest of sent) this.#known.add(digest);
  }

  #refusal(operation: string): RejectedError {
    const message = `Cannot ${operation}: the cache on ${this.options.host} is read-only`;
    return new RejectedError(message, { operation });
  }

  /** Finds a call, with its result if that is small. */
  override async find(key: string): Promise<LazyCall | undefined> {
    const values = new Map<string, Encoding>();
    const onValue = ({ reference, encoding }: ReceivedValue, used: () => void) => {
      this.#known.add(reference.digest);
      values.set(reference.digest, { ...encoding, owned: false });
      used();
    };
    const result = await this.#request("load", { key }, { onValue });
    const bytes = result.optionalBytes("record");
    if (bytes === undefined) return undefined;
    const readDeep = this.#readDeep.bind(this);
    const source = { read: (reference: Reference) => this.read(reference), readDeep };
    return new LazyCall(CallRecord.receive(key, bytes), new CarriedValues(values, source));
  }

  /** Reads a value. */
  override async read(reference: Reference): Promise<Encoding | undefined> {
    const encoding = await this.#fetch(reference);
    if (encoding === undefined || reference.length === 0) return encoding;
    return matches(encoding, reference) ? encoding : undefined;
  }

  /** Reads a value by its digest. */
  override async readNamed(digest: string): Promise<Encoding | undefined> {
    return await this.#fetch({ digest, crc: 0, length: 0 });
  }

  async #fetch(reference: Reference): Promise<Encoding | undefined> {
    let found: Encoding | undefined;
    const onValue = ({ encoding }: ReceivedValue, used: () => void) => {
      found = encoding;
      used();
    };
    await this.#request("value", { values: [plain(reference)], parts: false }, { onValue });
    return found;
  }

  /** Reads values with all their parts in one go. */
  override get deep(): DeepSource {
    return { readDeep: this.#readDeep.bind(this) };
  }

  async *#readDeep(
    references: readonly Reference[],
    has: (reference: Reference) => Awaitable<boolean> = () => false,
  ): AsyncIterable<FoundValue> {
    const wanted: Reference[] = [];
    for (const reference of references) if (!await has(reference)) wanted.push(reference);
    const { references: most } = PROTOCOL_LIMITS;
    for (let at = 0; at < wanted.length; at += most) {
      yield* this.#stream(wanted.slice(at, at + most), has);
    }
  }

  // The other side is told of parts that are here before it gets to them.
  async *#stream(
    references: readonly Reference[],
    has: (reference: Reference) => Awaitable<boolean>,
  ): AsyncIterable<FoundValue> {
    const queue = new AsyncQueue<{ value: ReceivedValue; used: () => void }>();
    const left = new AbortController();
    const { connection } = await this.#connected();
    const params = { values: references.map(plain), parts: true };
    const onValue = (value: ReceivedValue, used: () => void) => queue.push({ value, used });
    const { signal } = left;
    const { answer, skip } = await connection.begin("value", params, { onValue, signal });
    answer.then(() => queue.end(), (error) => queue.end(error));
    try {
      for await (const { value, used } of queue) {
        for (const part of findReferences(value.encoding)) {
          if (await has(part)) skip(part.digest);
        }
        this.#known.add(value.reference.digest);
        yield value;
        used();
      }
    } finally {
      left.abort();
    }
  }

  /** Stores a call that stands elsewhere. Of its values only those that are missing there are read. */
  override async accept(
    record: CallRecord,
    source: ValueSource,
    options: AcceptOptions = {},
  ): Promise<void> {
    const named = record.resultReferences;
    const others = options.arguments === true ? record.references : [];
    await this.#file(record, {
      named,
      first: this.#absent([...named, ...others], {
        source,
        needed: new Set(named.map(({ digest }) => digest)),
        seen: new Set(),
      }),
      all: async () => {
        const values = new Map<string, Held>();
        for (const reference of [...named, ...others]) await collect(reference, source, values);
        return values;
      },
    });
  }

  // What the other side does not have of some values, parts first.
  async *#absent(references: readonly Reference[], walk: AbsentWalk): AsyncIterable<Held> {
    const { source, needed, seen } = walk;
    const fresh = references.filter(({ digest }) => !seen.has(digest) && seen.add(digest));
    const unknown = fresh.filter(({ digest }) => !this.#known.has(digest));
    for (const reference of isSmall(unknown) ? unknown : await this.missing(unknown)) {
      const encoding = await source.read(reference);
      if (encoding !== undefined) {
        const parts = findReferences(encoding);
        if (needed.has(reference.digest)) { for (const { digest } of parts) needed.add(digest); }
        yield* this.#absent(parts, walk);
        yield { reference, encoding };
      } else if (needed.has(reference.digest)) {
        const message = `The value ${reference.digest} is missing where the call comes from`;
        throw new NotFoundError(message, { key: reference.digest });
      }
    }
  }

  /** Those of some values that are not stored. */
  override async missing(references: readonly Reference[]): Promise<Reference[]> {
    const { references: most } = PROTOCOL_LIMITS;
    const asked: Promise<string[]>[] = [];
    for (let at = 0; at < references.length; at += most) {
      const values = references.slice(at, at + most).map(plain);
      asked.push(
        this.#request("has", { values }).then((result) => result.digests("missing", most)),
      );
    }
    const missing = new Set((await Promise.all(asked)).flat());
    return references.filter(({ digest }) => missing.has(digest));
  }

  /** Keys and digests that begin with a prefix. */
  override async list(prefix: string, limit?: number): Promise<string[]> {
    const keys: string[] = [];
    const onItem = (item: Params, used: () => void) => {
      keys.push(...item.strings("keys"));
      used();
    };
    await this.#request("list", { prefix, limit: limit ?? null }, { onItem });
    return keys;
  }

  /** The shortest prefixes of keys and digests; the other side looks for them. */
  override async shorten(keys: readonly string[]): Promise<Map<string, string>> {
    const { references: most } = PROTOCOL_LIMITS;
    const found = new Map<string, string>();
    for (let at = 0; at < keys.length; at += most) {
      const some = keys.slice(at, at + most);
      const prefixes = (await this.#request("shrink", { keys: some })).optionalStrings("prefixes");
      for (const [index, key] of some.entries()) {
        const prefix = prefixes[index];
        if (prefix !== undefined) found.set(key, prefix);
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
      queue.push({ record: readRecord(item, this.options.host), used });
    const params = filterParams(filter, PROTOCOL_LIMITS);
    this.#request("query", params, { onItem, signal: left.signal })
      .then(() => queue.end(), (error) => queue.end(error));
    try {
      for await (const { record, used } of queue) {
        used();
        // Not all conditions need be known there.
        if (record !== undefined && matchesFilter(record, filter)) yield record;
      }
    } finally {
      left.abort();
    }
  }

  /** Whether the other side gives what was filed last first. */
  override async isOrdered(): Promise<boolean> {
    return (await this.#connected()).info.ordered;
  }

  /** Whether there is a call whose record can be read: the other side looks at it. */
  override isReadable(key: string): Promise<boolean> {
    return this.containsWhole(key);
  }

  /** Whether there is a call. */
  protected override async containsWhole(key: string): Promise<boolean> {
    return (await this.#request("contains", { key })).boolean("found");
  }

  /** Removes a call. */
  protected override async evictWhole(key: string): Promise<boolean> {
    if ((await this.#connected()).info.readOnly) throw this.#refusal("evict a call");
    return (await this.#request("evict", { key })).boolean("found");
  }

  /** Ends the connection, and with it what is under way; the next use makes a new one. */
  override async close(): Promise<void> {
    const link = this.#link;
    this.#link = undefined;
    this.#known.forget();
    if (link === undefined) return;
    if (this.#process?.isActive) this.#process.abort("was closed");
    const open = await link.catch(() => undefined);
    if (open === undefined) return;
    const ended = open.connection.end();
    await open.process.end();
    await ended;
  }
}

/** How often a save is tried while values get lost on the other side. */
const SAVE_ATTEMPTS = 4;

/** How a call is stored on the other side. */
interface Filing {
  /** The values that it has to have there. */
  readonly named: readonly Reference[];
  /** Those that are sent unasked. */
  readonly first: AsyncIterable<Held> | Iterable<Held>;
  /** All values, for what turns out to be missing. */
  readonly all: () => Awaitable<ReadonlyMap<string, Held>>;
}

/** How the values of a call are looked through. */
interface AbsentWalk {
  readonly source: ValueSource;
  /** Digests of those without which the call cannot be stored. */
  readonly needed: Set<string>;
  readonly seen: Set<string>;
}

// Whether to ask which are missing would take longer than to send them.
function isSmall(references: readonly Reference[]): boolean {
  return references.reduce((sum, { length }) => sum + length, 0) <= PROTOCOL_LIMITS.unasked;
}

// A reference as it is sent.
function plain({ digest, crc, length }: Reference): Record<string, unknown> {
  return { digest, crc, length };
}

async function* noted(
  values: AsyncIterable<Held> | Iterable<Held>,
  sent: Set<string>,
): AsyncIterable<Held> {
  for await (const held of values) {
    sent.add(held.reference.digest);
    yield held;
  }
}
