import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  echoStatement,
  type Row,
  type Script,
  type SqlDriver,
  type SqlValue,
} from "./_sql_driver.ts";
import { LockTimeoutError } from "../errors.ts";
import { SQLITE } from "./_sqlite_schema.ts";
import { databaseError } from "./_sqlite_error.ts";
import { isDatabaseThere, openSqlite, type SqliteFileOptions } from "./_sqlite_file.ts";
import type { Awaitable } from "./storage.ts";

/** How long the process stands still for another one that is writing, in milliseconds. */
const STANDSTILL = 20;

/** How long it does something else in between, at the most. */
const PAUSE = 50;

/** SQLite's code for a database that another connection has locked (https://sqlite.org/rescode.html). */
const BUSY = 5;

/**
 * A SQLite database, which answers at once, unless another process keeps it locked. One whose file is
 * not there is empty.
 */
export class SqliteDriver implements SqlDriver {
  /** SQLite has no clock but that of the machine. */
  readonly now = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";
  readonly schema = SQLITE;
  readonly #options: SqliteFileOptions;
  readonly #echo: boolean;
  #database: DatabaseSync | undefined;
  readonly #statements = new Map<string, StatementSync>();

  /** Takes the file. It is opened when it is first used, and made when something is first put. */
  constructor(options: SqliteFileOptions, echo: boolean) {
    this.#options = options;
    this.#echo = echo;
  }

  #open(): DatabaseSync {
    if (this.#database !== undefined) return this.#database;
    const database = openSqlite(this.#options);
    // Whoever waits longer lets the rest of the process go on.
    database.exec(`PRAGMA busy_timeout = ${STANDSTILL}`);
    return this.#database = database;
  }

  #prepare(sql: string, parameters: readonly SqlValue[]): StatementSync {
    if (this.#echo) echoStatement(sql, parameters);
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#open().prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  // Names the database in errors of SQLite.
  #named(cause: unknown): unknown {
    if (!(cause instanceof Error) || Reflect.get(cause, "code") !== "ERR_SQLITE_ERROR") {
      return cause;
    }
    return databaseError("use", this.#options.path, cause);
  }

  // Nothing is in a database that nobody has made; those who look do not make it.
  #isAbsent(): boolean {
    return this.#database === undefined && !isDatabaseThere(this.#options.path);
  }

  get(sql: string, parameters: readonly SqlValue[]): Awaitable<Row | undefined> {
    if (this.#isAbsent()) return undefined;
    try {
      return this.#prepare(sql, parameters).get(...parameters);
    } catch (error) {
      return this.#later(error, () => this.#prepare(sql, parameters).get(...parameters));
    }
  }

  all(sql: string, parameters: readonly SqlValue[]): Awaitable<Row[]> {
    if (this.#isAbsent()) return [];
    try {
      return this.#prepare(sql, parameters).all(...parameters);
    } catch (error) {
      return this.#later(error, () => this.#prepare(sql, parameters).all(...parameters));
    }
  }

  each(
    sql: string,
    parameters: readonly SqlValue[],
    take: (row: Row) => void,
  ): Awaitable<void> {
    // A lock is met before the first row, so none is given twice.
    const attempt = () => {
      for (const row of this.#prepare(sql, parameters).iterate(...parameters)) take(row);
    };
    try {
      attempt();
    } catch (error) {
      return this.#later(error, attempt);
    }
  }

  run(sql: string, parameters: readonly SqlValue[]): Awaitable<number> {
    // What changes or removes rows finds none.
    if (/^\s*(?:UPDATE|DELETE)\b/.test(sql) && this.#isAbsent()) return 0;
    try {
      return this.#run(sql, parameters);
    } catch (error) {
      return this.#later(error, () => this.#run(sql, parameters));
    }
  }

  #run(sql: string, parameters: readonly SqlValue[]): number {
    const { changes, lastInsertRowid } = this.#prepare(sql, parameters).run(...parameters);
    return Number(sql.startsWith("INSERT") ? lastInsertRowid : changes);
  }

  // What another process was in the way of is tried again; any other error is thrown at once.
  #later<T>(error: unknown, attempt: () => T): Promise<T> {
    if (!isBusy(error)) throw this.#named(error);
    return this.#retry(attempt);
  }

  async #retry<T>(attempt: () => T): Promise<T> {
    const seconds = this.#options.lockTimeout;
    const end = performance.now() + seconds * 1000;
    do {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * PAUSE));
      try {
        return attempt();
      } catch (error) {
        if (!isBusy(error)) throw this.#named(error);
      }
    } while (performance.now() < end);
    const { path } = this.#options;
    throw new LockTimeoutError(
      `Cannot use the database ${path}: another process has kept it locked for ${seconds} seconds`,
      { resource: path, seconds },
    );
  }

  transaction<T>(script: () => Script<T>): Awaitable<T> {
    try {
      return this.#transaction(script);
    } catch (error) {
      return this.#later(error, () => this.#transaction(script));
    }
  }

  #transaction<T>(script: () => Script<T>): T {
    const database = this.#open();
    // Unlike exec(), a prepared statement says by a code that it has met a lock.
    this.#run("BEGIN IMMEDIATE", []);
    try {
      const statements = script();
      let step = statements.next();
      while (step.done !== true) step = statements.next(this.#run(...step.value));
      this.#run("COMMIT", []);
      return step.value;
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#database?.close();
    this.#database = undefined;
  }
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !("errcode" in error)) return false;
  // The upper bits say why.
  return typeof error.errcode === "number" && (error.errcode & 0xff) === BUSY;
}
