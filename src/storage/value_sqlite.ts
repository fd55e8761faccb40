/**
 * Values in one SQLite file. Longer than other files: whatever asks the database may have its answer at
 * once, or only when another process lets go of it, and both ways lead through the same few steps.
 *
 * @module
 */

import {
  copied,
  type Encoding,
  encodingLength,
  joined,
  type Reference,
} from "../codec/encoding.ts";
import { startsLeaf } from "../codec/references.ts";
import { LockTimeoutError, SaveError, SignatureError } from "../errors.ts";
import { warnOnce } from "../log.ts";
import { expandPath, realPath } from "../paths.ts";
import { FileGate } from "./_file_gate.ts";
import { KnownLengths } from "./_known_lengths.ts";
import { MemoryGate } from "./_memory_gate.ts";
import type { Row, Script } from "./_sql_driver.ts";
import { SqliteDriver } from "./_sqlite_driver.ts";
import { checkJournal, IN_MEMORY, type JournalMode } from "./_sqlite_file.ts";
import { ValueCheck } from "./_value_check.ts";
import * as queries from "./_value_queries.ts";
import {
  type Compression,
  isCompressed,
  makeSeal,
  OversizeError,
  type Seal,
  type SealOptions,
  SIGNATURE_LENGTH,
  warnOfSignature,
  warnOfSize,
} from "./seal.ts";
import type {
  Awaitable,
  Durability,
  Gate,
  Leftovers,
  StorageCapabilities,
  StoredEntry,
  ValueStorage,
  Verify,
} from "./storage.ts";

/** Where and how {@linkcode ValueSqlite} keeps its values. */
export interface ValueSqliteOptions extends SealOptions {
  /**
   * The database; `~` is the home directory, `:memory:` one that is gone with the process. It is made
   * when something is first put.
   */
  path: string;
  /**
   * How thoroughly what is read is checked: by length and CRC-32 against the reference that led to
   * it (`"crc"`, the default), by SHA-256 (`"sha256"`), or by length alone (`false`). Without a
   * reference it is always by SHA-256.
   */
  verify?: Verify;
  /** Whether a value survives a power cut (`"fsync"`), or only a crash (`"rename"`, the default). */
  durability?: Durability;
  /**
   * The journal mode of a database that is made anew: `"wal"`, which is the default except on
   * network file systems, or `"delete"`, for these and where users without write access read. One
   * that exists keeps its own.
   */
  journal?: JournalMode;
  /**
   * How long to wait for another process that is writing, or for one that removes values that no call
   * needs, in seconds; 30 by default.
   */
  lockTimeout?: number;
}

/** Longest row of SQLite is 1,000,000,000 bytes (SQLITE_MAX_LENGTH); the rest of ours is short. */
const MAX_BLOB_LENGTH = 1_000_000_000 - 1000;

/**
 * Values as rows of one SQLite database: for many small ones, where each file would cost an inode.
 *
 * A row holds the canonical encoding, unless it is compressed or signed. One that fails its check is
 * moved to the table `quarantine`; one whose signature no key verifies stays where it is. Values of
 * more than about 1 GB are refused: such are for files. SQLite uses the room of values that were
 * removed again, but gives it back to the disk only when somebody runs `VACUUM`.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, ValueSqlite } from "@fleche/core";
 *
 * const values = new ValueSqlite({ path: ":memory:" });
 * const cache = new Cache({ values, calls: new CallMemory() });
 * await cache.close();
 * ```
 */
export class ValueSqlite implements ValueStorage {
  /** What this one can do: a database in memory is neither persistent nor shared. */
  readonly capabilities: StorageCapabilities;
  /** The database as it was given. */
  readonly path: string;
  /** How thoroughly what is read is checked. */
  readonly verify: Verify;
  /** Whether a value survives a power cut. */
  readonly durability: Durability;
  /** How entries are compressed; false where they are not. */
  readonly compress: Compression | false;
  /** The journal mode of a database that is made anew; undefined where the file system decides. */
  readonly journal: JournalMode | undefined;
  /** How long to wait for other processes, in seconds. */
  readonly lockTimeout: number;
  /**
   * Holds between all processes that use the database, by a lock on `<path>.gc.lock`, beside the
   * database itself where the path leads to it by links.
   */
  readonly gate: Gate;
  readonly #secretKey: readonly string[] | undefined;
  readonly #path: string;
  readonly #seal: Seal | undefined;
  readonly #check: ValueCheck;
  readonly #lengths = new KnownLengths();
  readonly #driver: SqliteDriver;

  /**
   * Takes the database. It is opened when it is first used, and made, where there is none, when
   * something is first put.
   *
   * @throws {ConfigError} If the options name no compression, key or journal mode that can be used.
   */
  constructor(options: ValueSqliteOptions) {
    this.path = options.path;
    this.verify = options.verify ?? "crc";
    this.durability = options.durability ?? "rename";
    this.journal = options.journal;
    this.lockTimeout = options.lockTimeout ?? 30;
    checkJournal(this.journal);
    this.#secretKey = options.secretKey;
    this.#seal = makeSeal("value", options);
    this.compress = this.#seal?.compression ?? false;
    this.#check = new ValueCheck(this.verify, this.#seal);
    const persistent = this.path !== IN_MEMORY;
    this.#path = persistent ? expandPath(this.path) : IN_MEMORY;
    this.capabilities = { persistent, shared: persistent };
    const { journal, durability, lockTimeout } = this;
    const how = { schema: queries.VALUES_SCHEMA, journal, durability, lockTimeout };
    this.#driver = new SqliteDriver({ path: this.#path, ...how }, false);
    this.gate = persistent
      ? new FileGate(() => `${realPath(this.#path)}.gc.lock`, this.lockTimeout)
      : new MemoryGate();
  }

  /** The keys as they were given: hexadecimal digits, or an empty list for those of the environment. */
  get secretKey(): readonly string[] | undefined {
    return this.#secretKey;
  }

  /** Reads an encoding and checks it. */
  get(digest: string, expected?: Reference): Awaitable<Encoding | undefined> {
    return after(this.#driver.get(queries.SELECT, [digest]), (row) => {
      return row === undefined ? undefined : this.#checked(digest, bytesOf(row), expected);
    });
  }

  #checked(
    digest: string,
    bytes: Uint8Array,
    expected?: Reference,
  ): Awaitable<Encoding | undefined> {
    try {
      return this.#opened(digest, bytes, expected) ??
        this.#check.openByDigest(digest, bytes, expected) ?? this.#setAside(digest, bytes);
    } catch (error) {
      const isLong = error instanceof OversizeError && expected === undefined;
      return isLong ? this.#openedLong(digest, bytes) : this.#ignore(digest, error);
    }
  }

  async #openedLong(digest: string, bytes: Uint8Array): Promise<Encoding | undefined> {
    return await this.#check.openLong(digest, bytes) ?? await this.#setAside(digest, bytes);
  }

  // What no key verifies may be another one's, and what holds too much may be right, and the reference
  // wrong. So it is left where it is; the next save replaces it.
  #ignore(digest: string, error: unknown): undefined {
    this.#lengths.delete(digest);
    const entry = `${digest} in ${this.#path}`;
    if (error instanceof SignatureError) warnOfSignature(this.#path, entry);
    else if (error instanceof OversizeError) warnOfSize(entry, error);
    else throw error;
  }

  #opened(digest: string, bytes: Uint8Array, expected?: Reference): Encoding | undefined {
    if (this.#seal?.signs !== true && !isCompressed(bytes)) {
      const encoding = { head: bytes, owned: true };
      if (this.#check.isRight(digest, encoding, expected)) return encoding;
    }
    return this.#check.open(digest, bytes, expected);
  }

  // Moves a damaged row to the quarantine, unless another writer has just mended it.
  #setAside(digest: string, bytes: Uint8Array): Awaitable<Encoding | undefined> {
    this.#lengths.delete(digest);
    const found = this.now();
    const move = function* (): Script<number> {
      yield [queries.QUARANTINE, [found, digest, bytes]];
      return yield [queries.DELETE_DAMAGED, [digest, bytes]];
    };
    try {
      const moved = this.#driver.transaction(move);
      if (!(moved instanceof Promise)) return this.#moved(digest, moved);
      return moved.then(
        (count) => this.#moved(digest, count),
        (error) => this.#left(digest, error),
      );
    } catch (error) {
      return this.#left(digest, error);
    }
  }

  #moved(digest: string, count: number): Awaitable<Encoding | undefined> {
    if (count === 0) return this.#mended(digest);
    this.#report(digest, `has been moved to the table quarantine of ${this.#path}`);
  }

  #mended(digest: string): Awaitable<Encoding | undefined> {
    return after(
      this.#driver.get(queries.SELECT, [digest]),
      (row) => row && this.#openedByDigest(digest, bytesOf(row)),
    );
  }

  #openedByDigest(digest: string, bytes: Uint8Array): Awaitable<Encoding | undefined> {
    try {
      return this.#check.openByDigest(digest, bytes);
    } catch (error) {
      const isLong = error instanceof OversizeError;
      return isLong ? this.#check.openLong(digest, bytes) : this.#ignore(digest, error);
    }
  }

  // Where nothing can be written, or not now, it is a miss only.
  #left(digest: string, error: unknown): undefined {
    const isRefused = error instanceof LockTimeoutError ||
      error instanceof Error && isSqliteError(error.cause);
    if (!isRefused) throw error;
    this.#report(digest, `is ignored in ${this.#path}`);
  }

  #report(digest: string, outcome: string): void {
    warnOnce(
      `damaged ${this.#path} ${digest}`,
      ["storage"],
      `The value ${digest} was damaged and ${outcome}; its result is computed again`,
    );
  }

  /**
   * Stores an encoding. One that is there already is left alone, but its age is renewed.
   *
   * @throws {SaveError} If it cannot be written, or has more than about 1 GB.
   */
  put(reference: Reference, encoding: Encoding): Awaitable<void> {
    try {
      const waiting = this.#attempt(reference, encoding);
      // The caller may use the memory again when this returns.
      if (waiting !== undefined) return this.#putLater(reference, copied(encoding), waiting);
    } catch (cause) {
      throw this.#saveError(reference, cause);
    }
  }

  async #putLater(
    reference: Reference,
    encoding: Encoding,
    waiting: Promise<unknown> | undefined,
  ): Promise<void> {
    try {
      for (let next = waiting; next !== undefined; next = this.#attempt(reference, encoding)) {
        await next;
      }
    } catch (cause) {
      throw this.#saveError(reference, cause);
    }
  }

  // Whatever has to wait for another process ends the attempt; once it is done, there is another one.
  #attempt(reference: Reference, encoding: Encoding): Promise<unknown> | undefined {
    const { digest } = reference;
    const isThere = this.#isThere(reference);
    if (isThere instanceof Promise) return isThere;
    if (isThere) {
      const renewed = this.#driver.run(queries.RENEW, [this.now(), digest]);
      if (renewed instanceof Promise) return renewed;
      if (renewed > 0) return;
    }
    const sealed = this.#seal?.close(digest, encoding) ?? encoding;
    const length = encodingLength(sealed);
    if (length > MAX_BLOB_LENGTH) {
      throw new RangeError(
        `SQLite holds at most ${MAX_BLOB_LENGTH} bytes in one value, not ${length}: keep values ` +
          'of this size as files (type = "file")',
      );
    }
    const bytes = joined(sealed);
    const parameters = [digest, this.now(), bytes];
    const done = this.#driver.run(queries.PUT, parameters);
    if (this.#seal !== undefined) this.#lengths.set(digest, length);
    if (!(done instanceof Promise)) return;
    // The driver takes the parameters at each attempt; by then the memory may be in use again.
    parameters[2] = bytes.slice();
    return done;
  }

  // Whether a whole row is there already: one of the right length, if it is not sealed. How long a
  // sealed one is, which another storage may have written, is known only of those that were written
  // or looked at before.
  #isThere(reference: Reference): Awaitable<boolean> {
    const { digest } = reference;
    return after(this.#driver.get(queries.LENGTH, [digest]), (row) => {
      if (row === undefined) return false;
      const length = Number(row["length"]);
      if (this.#seal === undefined && length === reference.length) return true;
      if (length === this.#lengths.get(digest)) return true;
      if (length > reference.length + SIGNATURE_LENGTH) return false;
      return after(
        this.#driver.get(queries.SELECT, [digest]),
        (found) => this.#isWhole(reference, found),
      );
    });
  }

  #isWhole(reference: Reference, row: Row | undefined): boolean {
    const { digest } = reference;
    if (row === undefined) return false;
    const bytes = bytesOf(row);
    const { length } = bytes;
    const isCurrent = this.#seal?.isCurrent(digest, bytes) ?? true;
    const isWhole = isCurrent && this.#check.holds(bytes, reference);
    if (isWhole) this.#lengths.set(digest, length);
    return isWhole;
  }

  #saveError({ digest }: Reference, cause: unknown): SaveError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot write value ${digest} to the database ${this.#path}: ${reason}`;
    return new SaveError(message, { key: digest }, { cause });
  }

  /** Whether there is a row for a digest; its content is not looked at. */
  has(digest: string): Awaitable<boolean> {
    return after(this.#driver.get(queries.LENGTH, [digest]), (row) => row !== undefined);
  }

  /** Removes a value; whether there was one. */
  delete(digest: string): Awaitable<boolean> {
    return after(this.#driver.run(queries.DELETE, [digest]), (count) => count > 0);
  }

  /** The digests that begin with a prefix. */
  async list(prefix: string, limit: number = Infinity): Promise<string[]> {
    const most = Number.isFinite(limit) ? limit : -1;
    const rows = await this.#driver.all(queries.LIST, [prefix, `${prefix}g`, most]);
    return rows.map((row) => row["digest"] as string);
  }

  /** Whether a value is known by its first bytes to have no parts. */
  isLeaf(digest: string): Awaitable<boolean | undefined> {
    return after(this.#driver.get(queries.START, [digest]), (row) => {
      const start = row?.["start"];
      return start instanceof Uint8Array ? startsLeaf(start) : undefined;
    });
  }

  /** Whether a row holds the value of its digest; it stays where it is. */
  async check(digest: string): Promise<boolean | "unverified" | undefined> {
    const row = await this.#driver.get(queries.SELECT, [digest]);
    return row && await this.#check.judge(digest, bytesOf(row));
  }

  /** Removes rows that were put aside before a time. */
  async sweepLeftovers(before: number, dryRun: boolean): Promise<Leftovers> {
    const row = await this.#driver.get(queries.OLD_DAMAGED, [before]);
    if (!dryRun) await this.#driver.run(queries.SWEEP, [before]);
    return { count: Number(row?.["count"] ?? 0), bytes: Number(row?.["bytes"] ?? 0) };
  }

  /** What is known of all values. */
  async *entries(): AsyncIterable<StoredEntry> {
    let last = 0;
    while (true) {
      const rows = await this.#driver.all(queries.ENTRIES, [last]);
      if (rows.length === 0) return;
      for (const { id, digest, length, stored } of rows) {
        yield { name: digest as string, length: length as number, modified: stored as number };
        last = id as number;
      }
    }
  }

  /**
   * Remembers a call storage.
   *
   * @throws {Error} If it cannot be written.
   */
  register(identity: string): Awaitable<void> {
    return after(this.#driver.get(queries.IS_REGISTERED, [identity]), (row) => {
      if (row === undefined) return after(this.#driver.run(queries.REGISTER, [identity]), () => {});
    });
  }

  /** The call storages that are remembered. */
  async registered(): Promise<string[]> {
    const rows = await this.#driver.all(queries.REGISTERED, []);
    return rows.map((row) => row["identity"] as string);
  }

  /** Forgets a call storage. */
  async forget(identity: string): Promise<void> {
    await this.#driver.run(queries.FORGET, [identity]);
  }

  /** The time of the process that stores. */
  now(): number {
    return Date.now();
  }

  /** Closes the database; it is opened again when it is used again. */
  close(): void {
    this.#lengths.clear();
    this.#driver.close();
  }

  /** Closes the database. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

// What follows a step that may have to wait for another process.
function after<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

function bytesOf(row: Row): Uint8Array {
  return row["bytes"] as Uint8Array;
}

function isSqliteError(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, "code") === "ERR_SQLITE_ERROR";
}
