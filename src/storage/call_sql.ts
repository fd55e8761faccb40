import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { CallRecord } from "../call_record.ts";
import type { Encoding } from "../codec/encoding.ts";
import { CorruptValueError, SaveError, UnknownTypeError } from "../errors.ts";
import { inform, warnOnce } from "../log.ts";
import { matchesFilter, type RecordFilter } from "../record_filter.ts";
import { slotDigest } from "../slot.ts";
import { describeSlot } from "../describe_slot.ts";
import type { Claims } from "./claims.ts";
import { fileClaims } from "./_file_claims.ts";
import { databasePath } from "./_sql_url.ts";
import { checkJournal, IN_MEMORY, type JournalMode, openSqlite } from "./_sqlite_file.ts";
import { CALLS_SCHEMA } from "./_sqlite_schema.ts";
import type { CallStorage, StorageCapabilities, StoredEntry } from "./storage.ts";
import type { Durability } from "./storage.ts";

/** Where and how {@linkcode CallSql} keeps its records. */
export interface CallSqlOptions {
  /**
   * The database: `sqlite:///relative/path`, `sqlite:////absolute/path`, `sqlite:///~/in/home`, a
   * bare path, or `sqlite://` for one in memory (the default).
   */
  url?: string;
  /** Whether to log every statement, in the category `fleche.storage.sql`. */
  echo?: boolean;
  /**
   * The journal mode of a database that is made anew: by default `"wal"`, and `"delete"` on network
   * file systems (told on Linux). Say `"delete"` where users without write access read. A database
   * that exists keeps its own.
   */
  journal?: JournalMode;
  /** Whether a commit survives a power cut (`"fsync"`), or only a crash (`"rename"`, the default). */
  durability?: Durability;
  /** How long to wait for another process that is writing, in seconds; 30 by default. */
  lockTimeout?: number;
}

const SELECT = "SELECT record FROM calls WHERE key = ?";
const EXISTS = "SELECT 1 FROM calls WHERE key = ?";
const INSERT = `
  INSERT INTO calls
    (key, name, module, version, code, deps, source, result, result_text, metadata, record,
      filed)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  RETURNING id`;
const INSERT_ARGUMENT =
  "INSERT INTO arguments (call, position, name, digest, text) VALUES (?, ?, ?, ?, ?)";
const DELETE_ARGUMENTS = `
  DELETE FROM arguments WHERE call = (SELECT id FROM calls WHERE key = ?)`;
const DELETE = "DELETE FROM calls WHERE key = ? RETURNING id";
const LIST = "SELECT key FROM calls WHERE key >= ? AND key < ? LIMIT ?";
const BY_RESULT = "SELECT key, record FROM calls WHERE result = ? AND result_text IS NOT NULL";
const BY_ARGUMENT = `SELECT key, record FROM calls WHERE id IN
  (SELECT call FROM arguments WHERE digest = ? AND text IS NOT NULL)`;
const LIST_DIGESTS = `
  SELECT digest FROM arguments WHERE digest >= ?1 AND digest < ?2 AND text IS NOT NULL
  UNION SELECT result FROM calls
  WHERE result >= ?1 AND result < ?2 AND result_text IS NOT NULL LIMIT ?3`;
const ENTRIES = `
  SELECT id, key, length(record) AS length, filed FROM calls
  WHERE id < ? ORDER BY id DESC LIMIT 1000`;
const TOUCH = "UPDATE calls SET filed = ? WHERE key = ?";
const RECORDS = "SELECT id, key, record FROM calls WHERE id < ? ORDER BY id DESC LIMIT 100";
const RECORDS_BY_NAME =
  "SELECT id, key, record FROM calls WHERE name = ?2 AND id < ?1 ORDER BY id DESC LIMIT 100";

/**
 * Call records in a SQLite database, one row for each, with its arguments in a second table.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallSql, ValueMemory } from "@fleche/core";
 *
 * const cache = new Cache({ values: new ValueMemory(), calls: new CallSql({ url: "sqlite://" }) });
 * await cache.close();
 * ```
 */
export class CallSql implements CallStorage {
  /** What this one can do: a database in memory is neither persistent nor shared. */
  readonly capabilities: StorageCapabilities;
  /** The database's absolute path as a URL; undefined for one in memory. */
  readonly identity: string | undefined;
  /** The database as it was given. */
  readonly url: string;
  /** Whether every statement is logged. */
  readonly echo: boolean;
  /** The journal mode of a database that is made anew; undefined where the file system decides. */
  readonly journal: JournalMode | undefined;
  /** Whether a commit survives a power cut. */
  readonly durability: Durability;
  /** How long to wait for another process that is writing, in seconds. */
  readonly lockTimeout: number;
  /** Keeps processes from running one call twice: lock files beside the database. */
  readonly claims: Claims | undefined;
  readonly #path: string;
  #database: DatabaseSync | undefined;
  readonly #statements = new Map<string, StatementSync>();

  /**
   * Takes the database. It is opened, and made where there is none, when it is first used.
   *
   * @throws {ConfigError} If the URL or the journal mode is not one that is known.
   */
  constructor(options: CallSqlOptions = {}) {
    this.url = options.url ?? "sqlite://";
    this.echo = options.echo ?? false;
    this.journal = options.journal;
    this.durability = options.durability ?? "rename";
    this.lockTimeout = options.lockTimeout ?? 30;
    this.#path = databasePath(this.url);
    const persistent = this.#path !== IN_MEMORY;
    this.capabilities = { persistent, shared: persistent };
    checkJournal(this.journal);
    this.claims = persistent ? fileClaims(`${this.#path}.locks`) : undefined;
    this.identity = persistent ? `sqlite:///${this.#path}` : undefined;
  }

  #open(): DatabaseSync {
    return this.#database ??= openSqlite({
      path: this.#path,
      schema: CALLS_SCHEMA,
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
    if (this.echo) inform(["storage", "sql"], sql, { parameters });
    try {
      return this.#prepare(sql).get(...parameters);
    } catch (error) {
      throw this.#named(error);
    }
  }

  #all(sql: string, ...parameters: SQLInputValue[]): Record<string, unknown>[] {
    if (this.echo) inform(["storage", "sql"], sql, { parameters });
    try {
      return this.#prepare(sql).all(...parameters);
    } catch (error) {
      throw this.#named(error);
    }
  }

  #named(cause: unknown): unknown {
    if (!(cause instanceof Error) || Reflect.get(cause, "code") !== "ERR_SQLITE_ERROR") {
      return cause;
    }
    return new Error(`Cannot use the database ${this.#path}: ${cause.message}`, { cause });
  }

  /** Reads a record and checks it. */
  get(key: string): CallRecord | undefined {
    const row = this.#get(SELECT, key);
    return row === undefined ? undefined : this.#parse(key, row["record"]);
  }

  // A damaged record is a miss; the next save replaces it.
  #parse(key: string, bytes: unknown): CallRecord | undefined {
    try {
      return CallRecord.parse(key, bytes as Uint8Array);
    } catch (error) {
      if (!(error instanceof CorruptValueError)) throw error;
      warnOnce(
        `damaged ${this.#path} ${key}`,
        ["storage"],
        `Ignoring the damaged record of call ${key} in ${this.#path}`,
      );
      return undefined;
    }
  }

  // Among many records, one of a newer version is passed over.
  #parseKnown(key: string, bytes: unknown): CallRecord | undefined {
    try {
      return this.#parse(key, bytes);
    } catch (error) {
      if (!(error instanceof UnknownTypeError)) throw error;
      warnOnce(`newer ${this.#path} ${key}`, ["storage"], error.message);
      return undefined;
    }
  }

  /**
   * Stores a record, in place of any other under the key.
   *
   * @throws {SaveError} If it cannot be written.
   */
  put(record: CallRecord): void {
    try {
      this.#transaction(() => this.#insert(record));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `Cannot write call ${record.key} to the database ${this.#path}: ${reason}`;
      throw new SaveError(message, { key: record.key }, { cause });
    }
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

  #insert(record: CallRecord): void {
    const { result } = record;
    const { version } = record;
    // A record that is replaced counts as new, and takes its place in front.
    this.#get(DELETE_ARGUMENTS, record.key);
    this.#get(DELETE, record.key);
    const row = this.#get(
      INSERT,
      record.key,
      record.name,
      record.module,
      version === null ? null : JSON.stringify(version),
      record.code,
      record.deps,
      record.source,
      slotDigest(result),
      describeSlot(result) ?? null,
      JSON.stringify(record.metadata),
      record.bytes,
      Date.now(),
    );
    const id = row?.["id"] as number;
    record.arguments.forEach(([name, slot], position) => {
      const text = describeSlot(slot) ?? null;
      this.#get(INSERT_ARGUMENT, id, position, name, slotDigest(slot), text);
    });
  }

  /** Whether there is a record; its content is not looked at. */
  has(key: string): boolean {
    return this.#get(EXISTS, key) !== undefined;
  }

  /** Removes a record; whether there was one. */
  delete(key: string): boolean {
    let found = false;
    this.#transaction(() => {
      this.#get(DELETE_ARGUMENTS, key);
      found = this.#get(DELETE, key) !== undefined;
    });
    return found;
  }

  /** The keys that begin with a prefix. */
  list(prefix: string, limit?: number): string[] {
    const rows = this.#all(LIST, prefix, `${prefix}g`, limit ?? -1);
    return rows.map((row) => row["key"] as string);
  }

  /** Finds an encoding that a record holds itself. */
  getEmbedded(digest: string): Encoding | undefined {
    for (const sql of [BY_RESULT, BY_ARGUMENT]) {
      // One row will do, unless it holds only a reference to the value.
      for (const row of this.#prepare(sql).iterate(digest)) {
        const encoding = this.#parse(row["key"] as string, row["record"])?.embedded(digest);
        if (encoding !== undefined) return encoding;
      }
    }
  }

  /** The digests of arguments and results that begin with a prefix. */
  listEmbedded(prefix: string, limit?: number): string[] {
    const rows = this.#all(LIST_DIGESTS, prefix, `${prefix}g`, limit ?? -1);
    return rows.map((row) => row["digest"] as string);
  }

  /** The records that match, newest first. */
  async *records(filter: RecordFilter = {}): AsyncIterable<CallRecord> {
    const { name } = filter;
    let before = Number.MAX_SAFE_INTEGER;
    while (true) {
      const rows = name === undefined
        ? this.#all(RECORDS, before)
        : this.#all(RECORDS_BY_NAME, before, name);
      if (rows.length === 0) return;
      for (const row of rows) {
        const record = this.#parseKnown(row["key"] as string, row["record"]);
        if (record !== undefined && matchesFilter(record, filter)) yield record;
        before = row["id"] as number;
      }
    }
  }

  /** What is known of all entries. */
  async *entries(): AsyncIterable<StoredEntry> {
    let before = Number.MAX_SAFE_INTEGER;
    while (true) {
      const rows = this.#all(ENTRIES, before);
      if (rows.length === 0) return;
      for (const { id, key, length, filed } of rows) {
        yield { name: key as string, length: length as number, modified: filed as number };
        before = id as number;
      }
    }
  }

  /** Renews the age of a record, if it is there. */
  touch(key: string): void {
    this.#get(TOUCH, Date.now(), key);
  }

  /** Closes the database; it is opened again when it is used again. */
  close(): void {
    this.#statements.clear();
    this.#database?.close();
    this.#database = undefined;
    this.claims?.close();
  }

  /** Closes the database. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}
