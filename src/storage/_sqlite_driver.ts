import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  echoStatement,
  type Row,
  type Script,
  type SqlDriver,
  type SqlValue,
} from "./_sql_driver.ts";
import { openSqlite, type SqliteFileOptions } from "./_sqlite_file.ts";

/** A SQLite database, which answers at once. */
export class SqliteDriver implements SqlDriver {
  /** SQLite has no clock but that of the machine. */
  readonly now = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";
  readonly #options: SqliteFileOptions;
  readonly #echo: boolean;
  #database: DatabaseSync | undefined;
  readonly #statements = new Map<string, StatementSync>();

  /** Takes the file. It is opened, and made where there is none, when it is first used. */
  constructor(options: SqliteFileOptions, echo: boolean) {
    this.#options = options;
    this.#echo = echo;
  }

  #open(): DatabaseSync {
    return this.#database ??= openSqlite(this.#options);
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
    return new Error(`Cannot use the database ${this.#options.path}: ${cause.message}`, { cause });
  }

  get(sql: string, parameters: readonly SqlValue[]): Row | undefined {
    try {
      return this.#prepare(sql, parameters).get(...parameters);
    } catch (error) {
      throw this.#named(error);
    }
  }

  all(sql: string, parameters: readonly SqlValue[]): Row[] {
    try {
      return this.#prepare(sql, parameters).all(...parameters);
    } catch (error) {
      throw this.#named(error);
    }
  }

  run(sql: string, parameters: readonly SqlValue[]): number {
    try {
      const { changes, lastInsertRowid } = this.#prepare(sql, parameters).run(...parameters);
      return Number(sql.startsWith("INSERT") ? lastInsertRowid : changes);
    } catch (error) {
      throw this.#named(error);
    }
  }

  transaction<T>(script: () => Script<T>): T {
    const database = this.#open();
    database.exec("BEGIN IMMEDIATE");
    try {
      const statements = script();
      let step = statements.next();
      while (step.done !== true) step = statements.next(this.run(...step.value));
      database.exec("COMMIT");
      return step.value;
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }

  refusal(): undefined {}

  close(): void {
    this.#statements.clear();
    this.#database?.close();
    this.#database = undefined;
  }
}
