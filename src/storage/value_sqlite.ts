import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { type Encoding, encodingLength, joined, type Reference } from "../codec/encoding.ts";
import { SaveError, SignatureError } from "../errors.ts";
import { warnOnce } from "../log.ts";
import { expandPath } from "../paths.ts";
import { FileGate } from "./_file_gate.ts";
import { KnownLengths } from "./_known_lengths.ts";
import { MemoryGate } from "./_memory_gate.ts";
import { checkJournal, IN_MEMORY, type JournalMode, openSqlite } from "./_sqlite_file.ts";
import { ValueCheck } from "./_value_check.ts";
import { VALUES_SCHEMA } from "./_values_schema.ts";
import {
  type Compression,
  isCompressed,
  makeSeal,
  type Seal,
  type SealOptions,
  warnOfSignature,
} from "./seal.ts";
import type {
  Durability,
  Gate,
  StorageCapabilities,
  StoredEntry,
  ValueStorage,
  Verify,
} from "./storage.ts";

/** Where and how {@linkcode ValueSqlite} keeps its values. */
export interface ValueSqliteOptions extends SealOptions {
  /**
   * The database; `~` is the home directory, `:memory:` one that is gone with the process. It is made
   * when it is first used.
   */
  path: string;
  /**
   * How thoroughly what is read is checked: by length and CRC-32 against the reference that led to
   * it (`"crc"`, the default), by SHA-256 (`"sha256"`), or not at all (`false`).
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

const SELECT = "SELECT bytes FROM encoded_values WHERE digest = ?";
const LENGTH = "SELECT length(bytes) AS length FROM encoded_values WHERE digest = ?";
const RENEW = "UPDATE encoded_values SET stored = ? WHERE digest = ? RETURNING id";
const PUT = `
  INSERT INTO encoded_values (digest, stored, bytes) VALUES (?, ?, ?)
  ON CONFLICT (digest) DO UPDATE SET stored = excluded.stored, bytes = excluded.bytes`;
const DELETE = "DELETE FROM encoded_values WHERE digest = ? RETURNING id";
const QUARANTINE = "INSERT INTO quarantine (digest, found, bytes) VALUES (?, ?, ?)";
const LIST = "SELECT digest FROM encoded_values WHERE digest >= ? AND digest < ? LIMIT ?";
const ENTRIES = `
  SELECT id, digest, length(bytes) AS length, stored FROM encoded_values
  WHERE id > ? ORDER BY id LIMIT 1000`;
const IS_REGISTERED = "SELECT 1 FROM call_storages WHERE identity = ?";
const REGISTER = "INSERT INTO call_storages (identity) VALUES (?) ON CONFLICT DO NOTHING";
const REGISTERED = "SELECT identity FROM call_storages";
const FORGET = "DELETE FROM call_storages WHERE identity = ?";

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
  /** Holds between all processes that use the database, by a lock on `<path>.gc.lock`. */
  readonly gate: Gate;
  readonly #secretKey: readonly string[] | undefined;
  readonly #path: string;
  readonly #seal: Seal | undefined;
  readonly #check: ValueCheck;
  readonly #lengths = new KnownLengths();
  #database: DatabaseSync | undefined;
  readonly #statements = new Map<string, StatementSync>();

  /**
   * Takes the database. It is opened, and made where there is none, when it is first used.
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
    this.gate = persistent
      ? new FileGate(`${this.#path}.gc.lock`, this.lockTimeout)
      : new MemoryGate();
  }

  /** The keys as they were given: hexadecimal digits, or an empty list for those of the environment. */
  get secretKey(): readonly string[] | undefined {
    return this.#secretKey;
  }

  #open(): DatabaseSync {
    return this.#database ??= openSqlite({
      path: this.#path,
      schema: VALUES_SCHEMA,
      journal: this.journal,
      durability: this.durability,
      lockTimeout: this.lockTimeout,
    });
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#open().prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #get(sql: string, ...parameters: SQLInputValue[]): Record<string, unknown> | undefined {
    try {
      return this.#prepare(sql).get(...parameters);
    } catch (error) {
      throw this.#named(error);
    }
  }

  #all(sql: string, ...parameters: SQLInputValue[]): Record<string, unknown>[] {
    try {
      return this.#prepare(sql).all(...parameters);
    } catch (error) {
      throw this.#named(error);
    }
  }

  #named(cause: unknown): unknown {
    if (!isSqliteError(cause)) return cause;
    return new Error(`Cannot use the database ${this.#path}: ${cause.message}`, { cause });
  }

  /** Reads an encoding and checks it. */
  get(digest: string, expected?: Reference): Encoding | undefined {
    const bytes = this.#bytes(digest);
    if (bytes === undefined) return undefined;
    try {
      return this.#opened(digest, bytes, expected) ?? this.#setAside(digest);
    } catch (error) {
      if (error instanceof SignatureError) return this.#ignore(digest);
      throw error;
    }
  }

  #bytes(digest: string): Uint8Array | undefined {
    return this.#get(SELECT, digest)?.["bytes"] as Uint8Array | undefined;
  }

  #opened(digest: string, bytes: Uint8Array, expected?: Reference): Encoding | undefined {
    if (this.#seal?.signs !== true && !isCompressed(bytes)) {
      const encoding = { head: bytes, owned: true };
      if (this.#check.isRight(digest, encoding, expected)) return encoding;
    }
    return this.#check.open(digest, bytes, expected);
  }

  // It may be another one's, so it is left where it is; the next save replaces it.
  #ignore(digest: string): undefined {
    this.#lengths.delete(digest);
    warnOfSignature(this.#path, `${digest} in ${this.#path}`);
  }

  // Moves a damaged row to the quarantine, unless another writer has just mended it.
  #setAside(digest: string): Encoding | undefined {
    this.#lengths.delete(digest);
    let kept: Encoding | undefined;
    const move = () => {
      const bytes = this.#bytes(digest);
      if (bytes === undefined) return;
      kept = this.#check.openByDigest(digest, bytes);
      if (kept !== undefined) return;
      this.#get(QUARANTINE, digest, this.now(), bytes);
      this.#get(DELETE, digest);
    };
    let outcome = `has been moved to the table quarantine of ${this.#path}`;
    try {
      this.#transaction(move);
    } catch (error) {
      // Where nothing can be written, or not now, it is a miss only.
      if (!(error instanceof Error && isSqliteError(error.cause ?? error))) throw error;
      outcome = `is ignored in ${this.#path}`;
    }
    if (kept !== undefined) return kept;
    warnOnce(
      `damaged ${this.#path} ${digest}`,
      ["storage"],
      `The value ${digest} was damaged and ${outcome}; its result is computed again`,
    );
    return undefined;
  }

  #transaction(work: () => void): void {
    const database = this.#open();
    database.exec("BEGIN IMMEDIATE");
    try {
      work();
      database.exec("COMMIT");
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }

  /**
   * Stores an encoding. One that is there already is left alone, but its age is renewed.
   *
   * @throws {SaveError} If it cannot be written, or has more than about 1 GB.
   */
  put(reference: Reference, encoding: Encoding): void {
    const { digest } = reference;
    try {
      const isThere = this.#isThere(reference);
      if (isThere && this.#get(RENEW, this.now(), digest) !== undefined) return;
      const sealed = this.#seal?.close(digest, encoding) ?? encoding;
      const length = encodingLength(sealed);
      if (length > MAX_BLOB_LENGTH) {
        throw new RangeError(
          `SQLite holds at most ${MAX_BLOB_LENGTH} bytes in one value, not ${length}: keep values ` +
            'of this size as files (type = "file")',
        );
      }
      this.#get(PUT, digest, this.now(), joined(sealed));
      if (this.#seal !== undefined) this.#lengths.set(digest, length);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `Cannot write value ${digest} to the database ${this.#path}: ${reason}`;
      throw new SaveError(message, { key: digest }, { cause });
    }
  }

  // Whether a whole row is there already: one of the right length. How long a sealed one is, is known
  // only of those that were written or looked at before.
  #isThere(reference: Reference): boolean {
    const { digest } = reference;
    const length = this.#get(LENGTH, digest)?.["length"];
    if (length === undefined) return false;
    if (this.#seal === undefined) return length === reference.length;
    if (length === this.#lengths.get(digest)) return true;
    const bytes = this.#bytes(digest);
    if (bytes === undefined || !this.#seal.isCurrent(digest, bytes)) return false;
    const stored = bytes.length;
    if (this.#check.open(digest, bytes, reference) === undefined) return false;
    this.#lengths.set(digest, stored);
    return true;
  }

  /** Whether there is a row for a digest; its content is not looked at. */
  has(digest: string): boolean {
    return this.#get(LENGTH, digest) !== undefined;
  }

  /** Removes a value; whether there was one. */
  delete(digest: string): boolean {
    return this.#get(DELETE, digest) !== undefined;
  }

  /** The digests that begin with a prefix. */
  list(prefix: string, limit?: number): string[] {
    const rows = this.#all(LIST, prefix, `${prefix}g`, limit ?? -1);
    return rows.map((row) => row["digest"] as string);
  }

  /** What is known of all values. */
  async *entries(): AsyncIterable<StoredEntry> {
    let after = 0;
    while (true) {
      const rows = this.#all(ENTRIES, after);
      if (rows.length === 0) return;
      for (const { id, digest, length, stored } of rows) {
        yield { name: digest as string, length: length as number, modified: stored as number };
        after = id as number;
      }
    }
  }

  /**
   * Remembers a call storage.
   *
   * @throws {SaveError} If it cannot be written.
   */
  register(identity: string): void {
    if (this.#get(IS_REGISTERED, identity) !== undefined) return;
    try {
      this.#get(REGISTER, identity);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new SaveError(message, { key: identity }, { cause });
    }
  }

  /** The call storages that are remembered. */
  registered(): string[] {
    return this.#all(REGISTERED).map((row) => row["identity"] as string);
  }

  /** Forgets a call storage. */
  forget(identity: string): void {
    this.#get(FORGET, identity);
  }

  /** The time of the process that stores. */
  now(): number {
    return Date.now();
  }

  /** Closes the database; it is opened again when it is used again. */
  close(): void {
    this.#statements.clear();
    this.#lengths.clear();
    this.#database?.close();
    this.#database = undefined;
  }

  /** Closes the database. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

function isSqliteError(error: unknown): error is Error {
  return error instanceof Error && Reflect.get(error, "code") === "ERR_SQLITE_ERROR";
}
