/**
 * Call records in a SQL database, whichever it is. Longer than other files, since all of it is one
 * class over one driver; statements, drivers and schemas stand apart.
 *
 * @module
 */

import { areEqual } from "../bytes.ts";
import { CallRecord, MAX_RECORD_LENGTH } from "../call_record.ts";
import { type Encoding, joined } from "../codec/encoding.ts";
import {
  ConfigError,
  CorruptValueError,
  SaveError,
  SignatureError,
  UnknownTypeError,
} from "../errors.ts";
import { errorOnce, warnOnce } from "../log.ts";
import { realPath } from "../paths.ts";
import { matchesFilter, type RecordFilter } from "../record_filter.ts";
import type { Claims } from "./claims.ts";
import { fileClaims } from "./_file_claims.ts";
import { MYSQL } from "./_mysql.ts";
import { POSTGRES } from "./_postgres.ts";
import { newestFirst } from "./_newest_first.ts";
import { isToBeSetAside, judgeRecord, openRecord, type RecordReader } from "./_record_open.ts";
import { ServerClaims } from "./_server_claims.ts";
import { ServerDriver } from "./_server_driver.ts";
import { DatabaseId } from "./_sql_id.ts";
import type { Row, SqlDriver, Statement } from "./_sql_driver.ts";
import * as queries from "./_sql_queries.ts";
import { quarantineStatement } from "./_sql_schema.ts";
import { databaseAddress, type ServerAddress } from "./_sql_url.ts";
import { SqliteDriver } from "./_sqlite_driver.ts";
import { checkJournal, IN_MEMORY, type JournalMode } from "./_sqlite_file.ts";
import { CALLS_SCHEMA } from "./_sqlite_schema.ts";
import {
  type Compression,
  makeSeal,
  type Seal,
  type SealOptions,
  warnOfSignature,
} from "./seal.ts";
import type {
  Awaitable,
  CallStorage,
  Durability,
  StorageCapabilities,
  StoredEntry,
} from "./storage.ts";

/** Calls that are soon read and compared, so that nothing rarer has to be looked for. */
const FEW = 10;

/**
 * Where and how {@linkcode CallSql} keeps its records. Compressed and signed is the record itself; the
 * other columns, which are there to search by, stay readable, and say nothing that a record does not
 * confirm.
 */
export interface CallSqlOptions extends SealOptions {
  /**
   * The database: `sqlite:///relative/path`, `sqlite:////absolute/path`, `sqlite:///~/in/home`, a
   * bare path, or `sqlite://` for one in memory (the default);
   * `postgresql://user:password@host:port/database`, or the same with `mysql` or `mariadb`.
   *
   * A server's URL takes `?sslmode=` with `disable` (the default), `prefer` (PostgreSQL), `require` or
   * `verify-full`, and `?host=/folder` (`?unix_socket=/path` for MySQL) for a local socket. The user
   * is by default the present one, the password the environment's PGPASSWORD or MYSQL_PWD.
   */
  url?: string;
  /** Whether to log every statement, in the category `fleche.storage.sql`. */
  echo?: boolean;
  /**
   * The journal mode of a database that is made anew: by default `"wal"`, and `"delete"` on network
   * file systems (told on Linux). Say `"delete"` where users without write access read. A database
   * that exists keeps its own. For SQLite only.
   */
  journal?: JournalMode;
  /**
   * Whether a commit survives a power cut (`"fsync"`), or only a crash of the process (`"rename"`,
   * the default). On servers it is their settings that decide; PostgreSQL is told to with `"fsync"`.
   */
  durability?: Durability;
  /**
   * How long to wait for another process that is writing, and for the connection to a server, in
   * seconds; 30 by default.
   */
  lockTimeout?: number;
}

/**
 * Call records in a SQL database, one row for each, with its arguments in a second table: SQLite,
 * PostgreSQL, or MySQL and MariaDB. The tables are made where there are none.
 *
 * The libraries for servers are loaded when such a database is first used. A connection that was lost
 * is opened again at the next use; one that is idle does not keep the program from ending.
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
  /** The database as a URL, without user and password; undefined for one in memory. */
  readonly identity: string | undefined;
  /** Whether every statement is logged. */
  readonly echo: boolean;
  /** The journal mode of a database that is made anew; undefined where the file system decides. */
  readonly journal: JournalMode | undefined;
  /** Whether a commit survives a power cut. */
  readonly durability: Durability;
  /** How long to wait for another process that is writing, in seconds. */
  readonly lockTimeout: number;
  /** Keeps processes from running one call twice: lock files beside SQLite, locks of a server. */
  readonly claims: Claims | undefined;
  /** How records are compressed; false where they are not. */
  readonly compress: Compression | false;
  /**
   * Where records are signed: whether there is one that a key verifies. Other records are not looked
   * at, since a database stores them whole or not at all.
   */
  readonly check?: (key: string) => Promise<boolean | "unverified" | undefined>;
  readonly #secretKey: readonly string[] | undefined;
  readonly #seal: Seal | undefined;
  readonly #url: string;
  /** The database, for messages. */
  readonly #name: string;
  readonly #driver: SqlDriver;
  readonly #id: DatabaseId;

  /**
   * Takes the database. It is opened when it is first used; one of SQLite is made, where there is
   * none, when something is first put.
   *
   * @throws {ConfigError} If the URL or the journal mode is not one that is known.
   */
  constructor(options: CallSqlOptions = {}) {
    this.#url = options.url ?? "sqlite://";
    this.echo = options.echo ?? false;
    this.journal = options.journal;
    this.durability = options.durability ?? "rename";
    this.lockTimeout = options.lockTimeout ?? 30;
    checkJournal(this.journal);
    this.#secretKey = options.secretKey;
    this.#seal = makeSeal("call", options);
    this.compress = this.#seal?.compression ?? false;
    if (this.#seal?.signs === true) this.check = (key) => this.#judge(key);
    const address = databaseAddress(this.#url);
    if (address.type === "sqlite") {
      const { path } = address;
      const persistent = path !== IN_MEMORY;
      this.capabilities = { persistent, shared: persistent, ordered: true };
      this.claims = persistent ? fileClaims(`${realPath(path)}.locks`) : undefined;
      this.identity = persistent ? `sqlite:///${realPath(path)}` : undefined;
      this.#name = path;
      this.#driver = this.#fileDriver(path);
    } else {
      // Of transactions at the same time, the one with the lower number may end later.
      this.capabilities = { persistent: true, shared: true };
      this.identity = this.#name = address.identity;
      const driver = this.#serverDriver(address);
      this.#driver = driver;
      this.claims = new ServerClaims(address, driver.locks);
    }
    this.#id = new DatabaseId(this.#driver, this.#name);
  }

  #fileDriver(path: string): SqlDriver {
    const { journal, durability, lockTimeout, echo } = this;
    return new SqliteDriver({ path, schema: CALLS_SCHEMA, journal, durability, lockTimeout }, echo);
  }

  #serverDriver(address: ServerAddress): ServerDriver {
    if (this.journal !== undefined) {
      throw new ConfigError(`Cannot choose the journal mode of ${address.identity}: leave it out`);
    }
    const { lockTimeout, echo } = this;
    const durable = this.durability === "fsync";
    const server = address.type === "postgresql" ? POSTGRES : MYSQL;
    return new ServerDriver(server, address, { lockTimeout, durable, echo });
  }

  /** The database as it was given, with its password. */
  get url(): string {
    // Not a field, which would be printed with the object.
    return this.#url;
  }

  /** The keys as they were given: hexadecimal digits, or an empty list for those of the environment. */
  get secretKey(): readonly string[] | undefined {
    return this.#secretKey;
  }

  /** The number of the database, in its table `fleche_identity`, if there is one yet. */
  findId(): Awaitable<string | undefined> {
    return this.#id.find();
  }

  /** The number of the database, which is drawn if there is none. */
  ensureId(): Awaitable<string> {
    return this.#id.ensure();
  }

  /** Reads a record and checks it. */
  get(key: string): Awaitable<CallRecord | undefined> {
    const row = this.#driver.get(queries.SELECT, [key]);
    return row instanceof Promise
      ? row.then((found) => this.#parseRow(key, found))
      : this.#parseRow(key, row);
  }

  #parseRow(key: string, row: Row | undefined): CallRecord | undefined {
    return row === undefined ? undefined : this.#parse(key, row["record"], warnOnce);
  }

  async #judge(key: string): Promise<boolean | "unverified" | undefined> {
    const row = await this.#driver.get(queries.SELECT, [key]);
    return row && judgeRecord(row["record"] as Uint8Array, this.#reader(key));
  }

  #reader(key: string): RecordReader<CallRecord> {
    return { key, seal: this.#seal, maxLength: MAX_RECORD_LENGTH, read: CallRecord.parse };
  }

  // A damaged record is a miss; the next save replaces it.
  #parse(key: string, bytes: unknown, report: typeof warnOnce): CallRecord | undefined {
    try {
      return openRecord(bytes as Uint8Array, this.#reader(key));
    } catch (error) {
      if (error instanceof SignatureError) {
        warnOfSignature(this.#name, `the record of call ${key} in ${this.#name}`);
        return undefined;
      }
      if (!(error instanceof CorruptValueError)) throw error;
      report(
        `damaged ${this.#name} ${key}`,
        ["storage"],
        `Ignoring the damaged record of call ${key} in ${this.#name}`,
      );
      return undefined;
    }
  }

  // Among many records, one of a newer version is passed over.
  #parseKnown(key: string, bytes: unknown): CallRecord | undefined {
    try {
      return this.#parse(key, bytes, errorOnce);
    } catch (error) {
      if (!(error instanceof UnknownTypeError)) throw error;
      warnOnce(`newer ${this.#name} ${key}`, ["storage"], error.message);
      return undefined;
    }
  }

  /**
   * Stores a record, in place of any other under the key.
   *
   * @throws {SaveError} If it cannot be written.
   */
  put(record: CallRecord): void | Promise<void> {
    try {
      const bytes = this.#sealed(record);
      const done = this.#driver.transaction(() =>
        queries.insertion(record, bytes, this.#driver.now)
      );
      if (done instanceof Promise) return this.#done(record, done);
    } catch (cause) {
      throw this.#saveError(record, cause);
    }
  }

  async #done(record: CallRecord, done: Promise<unknown>): Promise<void> {
    try {
      await done;
    } catch (cause) {
      throw this.#saveError(record, cause);
    }
  }

  #sealed({ key, bytes }: CallRecord): Uint8Array {
    return this.#seal === undefined ? bytes : joined(this.#seal.close(key, { head: bytes }));
  }

  #saveError({ key }: CallRecord, cause: unknown): SaveError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot write call ${key} to the database ${this.#name}: ${reason}`;
    return new SaveError(message, { key }, { cause });
  }

  /** Whether there is a record; its content is not looked at. */
  has(key: string): Awaitable<boolean> {
    const row = this.#driver.get(queries.EXISTS, [key]);
    return row instanceof Promise ? row.then((found) => found !== undefined) : row !== undefined;
  }

  /** Removes a record; whether there was one. */
  async delete(key: string): Promise<boolean> {
    return await this.#driver.transaction(() => queries.deletion(key)) > 0;
  }

  /** The keys that begin with a prefix. */
  list(prefix: string, limit: number = Infinity): Promise<string[]> {
    return this.#texts("key", queries.listing(prefix, limit), limit);
  }

  /** Finds an encoding that a record holds itself. */
  async getEmbedded(digest: string): Promise<Encoding | undefined> {
    const pages = queries.embedding(digest);
    for (let step = pages.next(); step.done !== true;) {
      const rows = await this.#driver.all(...step.value);
      for (const row of rows) {
        const record = this.#parseKnown(row["key"] as string, row["record"]);
        const encoding = record?.embedded(digest);
        if (encoding !== undefined) return encoding;
      }
      step = pages.next(rows.length);
    }
  }

  /** The digests of arguments and results that begin with a prefix. */
  listEmbedded(prefix: string, limit: number = Infinity): Promise<string[]> {
    return this.#texts("digest", queries.listingEmbedded(prefix, limit), limit);
  }

  async #texts(column: string, statement: Statement, limit: number): Promise<string[]> {
    const rows = await this.#driver.all(...statement);
    return rows.slice(0, limit).map((row) => row[column] as string);
  }

  /**
   * The records that match, newest first. Names, versions, digests of arguments and of the result are
   * looked up by the database, metadata too as far as their text goes; what it finds is compared once
   * more here.
   */
  async *records(filter: RecordFilter = {}): AsyncIterable<CallRecord> {
    const listing = queries.records(filter, await this.#rarestArguments(filter));
    for await (const { key, record } of newestFirst(this.#driver, listing)) {
      const parsed = this.#parseKnown(key as string, record);
      if (parsed !== undefined && matchesFilter(parsed, filter)) yield parsed;
    }
  }

  // Those of the arguments that lead to the fewest calls, in this order.
  async #rarestArguments(filter: RecordFilter): Promise<readonly queries.Argument[]> {
    const all = Object.entries(filter.arguments ?? {});
    if (all.length < 2) return all;
    const counted: { argument: queries.Argument; count: number }[] = [];
    for (const argument of queries.countedArguments(all)) {
      const row = await this.#driver.get(...queries.counting(filter, argument));
      const count = Number(row?.["n"] ?? 0);
      counted.push({ argument, count });
      // The others need not be asked for when this one leads to so few.
      if (count <= FEW) break;
    }
    counted.sort((a, b) => a.count - b.count);
    return counted.slice(0, queries.MAX_ARGUMENTS).map(({ argument }) => argument);
  }

  /** What is known of all entries. */
  async *entries(): AsyncIterable<StoredEntry> {
    for await (const { key, length, filed } of newestFirst(this.#driver, queries.ENTRIES)) {
      yield { name: key as string, length: Number(length), modified: Number(filed) };
    }
  }

  /** Renews the age of a record, if it is there. */
  async touch(key: string): Promise<void> {
    await this.#driver.run(...queries.touching(key, this.#driver.now));
  }

  /**
   * Moves a record to the table `quarantined_calls`, which is made for it, if it still is the given
   * one, or damaged. There it stays until somebody removes it.
   */
  async setAside(key: string, record?: CallRecord): Promise<boolean> {
    const row = await this.#driver.get(queries.SELECT, [key]);
    if (row === undefined) return false;
    const bytes = row["record"] as Uint8Array;
    const isThat = record && ((found: CallRecord) => areEqual(found.bytes, record.bytes));
    if (!isToBeSetAside(bytes, this.#reader(key), isThat)) return false;
    await this.#driver.run(quarantineStatement(this.#driver.schema), []);
    const { now } = this.#driver;
    return await this.#driver.transaction(() => queries.settingAside(key, bytes, now)) > 0;
  }

  /** The same database without keys; undefined where records are not signed, or only here. */
  unsigned(): CallSql | undefined {
    if (this.#seal?.signs !== true || !this.capabilities.shared) return undefined;
    return new CallSql({ url: this.#url, echo: this.echo, lockTimeout: this.lockTimeout });
  }

  /** Closes the database; it is opened again when it is used again. */
  close(): void | Promise<void> {
    this.#id.forget();
    const closed = this.claims?.close();
    return closed instanceof Promise
      ? closed.then(() => this.#driver.close())
      : this.#driver.close();
  }

  /** Closes the database. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
