import type { CallRecord } from "../call_record.ts";
import type { Reference } from "../codec/encoding.ts";
import { RejectedError } from "../errors.ts";
import type { LazyCall } from "../lazy_call.ts";
import { warnOnce } from "../log.ts";
import type { StoredEntry } from "../storage/storage.ts";
import { CallSources } from "./_call_sources.ts";
import {
  type Candidate,
  candidateOf,
  EVICTION_POLICIES,
  type EvictionPolicy,
  inOrder,
  Owners,
  type Room,
  roomOf,
} from "./_eviction.ts";
import { cacheNumber } from "./_members.ts";
import { Reach, readParts } from "./_reach.ts";
import { parentsFirst, sweep } from "./_sweep.ts";
import { Cache, type CacheOptions } from "./cache.ts";

export type { EvictionPolicy } from "./_eviction.ts";

/** What a {@linkcode SizeLimitedCache} is made of, and how much it keeps. */
export interface SizeLimitedCacheOptions extends CacheOptions {
  /** Most calls; without limit where it is left out. */
  maxSize?: number;
  /** Most bytes of records and values, as they are stored; without limit where it is left out. */
  maxBytes?: number;
  /**
   * Which calls go first: those that were filed first (`"oldest"`, the default), that were not found for
   * the longest time (`"lru"`), any (`"random"`), or that took the least time for the room that they
   * take (`"cost"`; those that did not note it go first).
   */
  policy?: EvictionPolicy;
}

/** Part of a limit that is left full when calls go. */
const LOW_WATER = 0.9;

/** A call that is found again and again is touched once in this time, in milliseconds. */
const TOUCH_INTERVAL = 60_000;

/** Keys of touched calls that are remembered at the most; past that the memory starts anew. */
const MAX_TOUCHED = 10_000;

/** After so many calls of its own, what others have stored is counted too. */
const RECOUNT_CALLS = 1000;

/** After so long it is counted as well, with the next call, in milliseconds. */
const RECOUNT_INTERVAL = 60_000;

/** Seconds to wait for a call that is being stored before values are removed: no save waits for that. */
const LOCK_TIMEOUT = 0.1;

/** How often room is made in one go, where others store meanwhile. */
const ROUNDS = 5;

/** How long a value stays that is not of a call that this one has removed, in milliseconds. */
const GRACE = 3_600_000;

/**
 * A cache that keeps no more than so many calls, or bytes. When storing a call exceeds a limit, calls
 * go until nine tenths of it are left, and with them the values that no other call needs.
 *
 * Room is counted as it is taken: the bytes of records and values as they are stored, each value once,
 * whatever call storage it is for. This process counts what it stores; what others store is counted
 * with every thousandth call, or the first after a minute, so that several processes together may
 * exceed a limit by what they store in that time. Making room reads all records once. While a call with
 * large arguments runs in any process, no values are removed, and the limit may be exceeded by what is
 * stored in that time and a minute.
 *
 * The call that was just stored stays, unless it alone exceeds the limit: then it goes, and no other.
 * Values of calls that were evicted by hand stay until the limit is reached, or {@linkcode Cache.gc}
 * runs. Values that no call is known to need, and that this cache has not left behind, stay for an
 * hour: they may be of a call in another process's memory, or that is being stored.
 *
 * @example Usage
 * ```ts
 * import { Call, CallMemory, SizeLimitedCache, ValueMemory } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const storages = { values: new ValueMemory(), calls: new CallMemory() };
 * await using cache = new SizeLimitedCache({ ...storages, maxSize: 2 });
 * for (const x of [1, 2, 3]) {
 *   await cache.save(new Call({ name: "f", arguments: { x }, result: x }));
 * }
 * assert.deepEqual(await cache.query().results(), [3, 2]);
 * ```
 */
export class SizeLimitedCache extends Cache {
  /** Most calls. */
  readonly maxSize: number;
  /** Most bytes. */
  readonly maxBytes: number;
  /** Which calls go first. */
  readonly policy: EvictionPolicy;
  readonly #touched = new Map<string, number>();
  // What is taken, as far as this process knows; undefined before it has counted.
  #room: Room | undefined;
  #counted = 0;
  #filed = 0;
  #making: Promise<void> | undefined;
  #rest = -Infinity;
  // Values of calls that were removed here, or replaced.
  readonly #orphaned = new Set<string>();

  /**
   * Takes the storages and the limits. Nothing is opened yet.
   *
   * @throws {RangeError} If a limit is not a positive integer.
   * @throws {TypeError} If neither limit is given, or there is no such policy.
   */
  constructor(options: SizeLimitedCacheOptions) {
    super(options);
    const { maxSize, maxBytes, policy = "oldest" } = options;
    if (maxSize === undefined && maxBytes === undefined) {
      throw new TypeError("Cannot limit the size of a cache without maxSize or maxBytes");
    }
    if (!EVICTION_POLICIES.includes(policy)) {
      throw new TypeError(
        `Cannot evict by "${policy}": it takes ${EVICTION_POLICIES.join(", ")}`,
      );
    }
    this.maxSize = checkedLimit(maxSize);
    this.maxBytes = checkedLimit(maxBytes);
    this.policy = policy;
  }

  /** Finds a call; with policy `"lru"` it is renewed, at most once a minute. */
  override async find(key: string): Promise<LazyCall | undefined> {
    const call = await super.find(key);
    if (call !== undefined && this.policy === "lru") this.#touch(key);
    return call;
  }

  // Nobody waits for it.
  #touch(key: string): void {
    const now = performance.now();
    if (now - (this.#touched.get(key) ?? -Infinity) < TOUCH_INTERVAL) return;
    if (this.#touched.size >= MAX_TOUCHED) this.#touched.clear();
    this.#touched.set(key, now);
    const fail = (error: unknown) => this.#warn("note when calls were found", error);
    try {
      const touched = this.calls.touch(key);
      if (touched instanceof Promise) touched.catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  #warn(what: string, error: unknown): void {
    if (!(error instanceof Error)) throw error;
    warnOnce(
      `limit ${cacheNumber(this)} ${what} ${error.name}`,
      ["cache"],
      `A cache of limited size cannot ${what}: ${error.message}`,
    );
  }

  /** False: what no call needs yet would have to go as soon as room is made. */
  override stage(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** Counts a value that is new. */
  protected override onPut({ digest, length }: Reference): void {
    const room = this.#room;
    if (room === undefined) return;
    const isThere = this.values.has(digest);
    // Where it takes time to find out, it is counted in any case, until all is counted again.
    if (isThere !== true) room.bytes += length;
  }

  /** Counts a record, and no longer the one that it replaces. */
  protected override async onFiling(record: CallRecord): Promise<void> {
    if (this.#room === undefined) return;
    const before = await this.calls.get(record.key);
    this.#noteOrphans(before);
    const room = this.#room;
    if (before === undefined) room.size++;
    room.bytes += record.bytes.length - (before?.bytes.length ?? 0);
  }

  /** Makes room if a limit is exceeded. */
  protected override async onFiled(record: CallRecord): Promise<void> {
    this.#filed++;
    try {
      if (await this.#isExceeded()) await this.#makeRoom(record.key);
    } catch (error) {
      // The call is stored, whatever else fails.
      this.#warn("make room", error);
    }
  }

  async #isExceeded(): Promise<boolean> {
    const isOld = this.#filed >= RECOUNT_CALLS ||
      performance.now() - this.#counted > RECOUNT_INTERVAL;
    if (this.#room === undefined || isOld) await this.#count();
    // Just counted.
    const { size, bytes } = this.#room!;
    return size > this.maxSize || bytes > this.maxBytes;
  }

  async #count(): Promise<{ calls: StoredEntry[]; values: StoredEntry[] }> {
    const calls = await Array.fromAsync(this.calls.entries());
    const values = await Array.fromAsync(this.values.entries());
    this.#room = roomOf(calls, values);
    this.#counted = performance.now();
    this.#filed = 0;
    return { calls, values };
  }

  /** Removes a call. */
  protected override async evictWhole(key: string): Promise<boolean> {
    const record = await this.calls.get(key);
    const isFound = await super.evictWhole(key);
    if (isFound) this.#noteOrphans(record);
    if (isFound && this.#room !== undefined) {
      this.#room.size--;
      this.#room.bytes -= record?.bytes.length ?? 0;
    }
    return isFound;
  }

  // That they are not needed otherwise is found out before they are removed.
  #noteOrphans(record: CallRecord | undefined): void {
    for (const { digest } of record?.references ?? []) this.#orphaned.add(digest);
  }

  // One at a time in this process; whoever comes meanwhile waits for it, and looks again.
  async #makeRoom(key: string): Promise<void> {
    do {
      while (this.#making !== undefined) await this.#making;
      if (performance.now() < this.#rest || !await this.#isExceeded()) return;
      // While that was found out, somebody else may have begun.
    } while (this.#making !== undefined);
    const making = this.#evictUntilEnough(key);
    this.#making = making.catch(() => {}).finally(() => this.#making = undefined);
    await making;
  }

  // What cannot be removed now, since other calls need it for instance, is not tried every time.
  async #evictUntilEnough(latest: string): Promise<void> {
    let isStuck = true;
    try {
      for (let round = 0; round < ROUNDS; round++) {
        isStuck = await this.#evictMany(latest) === 0;
        if (isStuck || !await this.#isExceeded()) break;
      }
      if (!await this.#isExceeded()) isStuck = false;
    } catch (error) {
      isStuck = true;
      throw error;
    } finally {
      if (isStuck) this.#rest = performance.now() + RECOUNT_INTERVAL;
    }
  }

  // How many calls and values have been removed.
  async #evictMany(latest: string): Promise<number> {
    // As it is now, others counted.
    const { calls, values } = await this.#count();
    if (!await this.#isExceeded()) return 0;
    await using sources = new CallSources({ values: this.values, calls: this.calls });
    await sources.find();
    const reach = new Reach(this.values, sources);
    await reach.update();
    const victims = await this.#victims(latest, { calls, values, reach });
    for (const key of victims.keys) await this.calls.delete(key);
    const freed = new Set(victims.values);
    for (const name of freed) this.#orphaned.add(name);
    try {
      const swept = await this.#sweep(values.filter(({ name }) => freed.has(name)), sources);
      return victims.keys.length + swept;
    } finally {
      const { values: left } = await this.#count();
      const present = new Set(left.map(({ name }) => name));
      for (const name of this.#orphaned) if (!present.has(name)) this.#orphaned.delete(name);
    }
  }

  // Which calls and values go.
  async #victims(
    latest: string,
    { calls, values, reach }: { calls: StoredEntry[]; values: StoredEntry[]; reach: Reach },
  ): Promise<{ keys: string[]; values: string[] }> {
    const lengths = new Map(values.map(({ name, length }) => [name, length]));
    const owners = new Owners(lengths, reach);
    const own = new Map(calls.map((entry) => [entry.name, entry]));
    const candidates = [];
    for await (const record of this.calls.records()) {
      const entry = own.get(record.key);
      owners.add(record.references);
      if (entry !== undefined) candidates.push(candidateOf(record, entry));
    }
    // Given the newest first; of those that are of one age, the oldest goes first.
    const ordered = inOrder(candidates.reverse(), this.policy, owners);
    const latestLast = [
      ...ordered.filter(({ key }) => key !== latest),
      ...ordered.filter(({ key }) => key === latest),
    ];
    const size = ({ length, references }: Candidate) => length + owners.total(references);
    const isBounded = this.maxBytes < Infinity;
    const tooLarge = latestLast.filter((each) => isBounded && size(each) > this.maxBytes);
    if (tooLarge.length > 0) this.#warnOfSize();
    const others = latestLast.filter((each) => tooLarge.length === 0 || !tooLarge.includes(each));
    const unneeded = await this.#unneeded(values, reach);
    // Not what is taken by now: of what has come since the count, nothing can be chosen.
    const room = roomOf(calls, values);
    return this.#chosen({ tooLarge, others }, { owners, unneeded, room });
  }

  #warnOfSize(): void {
    warnOnce(
      `limit ${cacheNumber(this)} too large`,
      ["cache"],
      `A call takes more than the ${this.maxBytes} bytes of its cache, and is not kept: raise ` +
        "maxBytes, or do not cache that function",
    );
  }

  // What is left of calls that have been removed, and of others after a time.
  async #unneeded(values: readonly StoredEntry[], reach: Reach): Promise<StoredEntry[]> {
    const unneeded = values.filter(({ name }) => !reach.has(name));
    if (unneeded.length === 0) return unneeded;
    const before = await this.values.now() - GRACE;
    const waiting = unneeded.map(({ name }) => name).filter((name) => this.#orphaned.has(name));
    const parts = await readParts(this.values, waiting);
    for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
      for (const part of parts.get(digest) ?? []) {
        if (this.#orphaned.has(part.digest)) continue;
        this.#orphaned.add(part.digest);
        waiting.push(part.digest);
        for (const [name, more] of await readParts(this.values, [part.digest])) {
          parts.set(name, more);
        }
      }
    }
    return unneeded.filter(({ name, modified }) => modified < before || this.#orphaned.has(name));
  }

  #chosen(
    { tooLarge, others }: { tooLarge: readonly Candidate[]; others: readonly Candidate[] },
    { owners, unneeded, room }: { owners: Owners; unneeded: readonly StoredEntry[]; room: Room },
  ): { keys: string[]; values: string[] } {
    const target = { size: lowWater(this.maxSize), bytes: lowWater(this.maxBytes) };
    const chosen = { keys: [] as string[], values: [] as string[] };
    const isEnough = () => room.size <= target.size && room.bytes <= target.bytes;
    // First what is left of calls that have been evicted: for that, no call has to go.
    for (const { name, length } of unneeded) {
      chosen.values.push(name);
      room.bytes -= length;
    }
    const choose = ({ key, length, references }: Candidate) => {
      chosen.keys.push(key);
      room.size--;
      room.bytes -= length;
      for (const digest of owners.remove(references)) {
        chosen.values.push(digest);
        room.bytes -= owners.length(digest);
      }
    };
    const isWithin = () => room.size <= this.maxSize && room.bytes <= this.maxBytes;
    // For what does not fit by itself, no other call goes.
    for (const each of tooLarge) choose(each);
    if (tooLarge.length > 0 && isWithin()) return chosen;
    for (const [index, each] of others.entries()) {
      const isLast = index === others.length - 1;
      // The latest one stays if it fits by itself, though it may be above the mark.
      if (isEnough() || isLast && isWithin()) break;
      choose(each);
    }
    return chosen;
  }

  async #sweep(garbage: readonly StoredEntry[], sources: CallSources): Promise<number> {
    if (garbage.length === 0) return 0;
    try {
      sources.check();
      const { values } = this;
      const reach = new Reach(values, sources);
      const parts = await readParts(values, garbage.map(({ name }) => name));
      const ordered = parentsFirst(garbage, parts);
      const options = { values, reach, lockTimeout: LOCK_TIMEOUT, offline: false };
      return (await sweep(ordered, options)).entries;
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
      this.#warn("remove values", error);
      return 0;
    }
  }
}

function lowWater(limit: number): number {
  return Math.ceil(limit * LOW_WATER);
}

function checkedLimit(limit = Infinity): number {
  if (limit === Infinity || (Number.isSafeInteger(limit) && limit > 0)) return limit;
  throw new RangeError(`Cannot limit a cache to ${limit}: it takes a positive integer`);
}
