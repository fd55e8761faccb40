import { inform } from "../log.ts";
import type { SchemaDialect } from "./_sql_schema.ts";
import type { Awaitable } from "./storage.ts";

/** What a statement takes and a row holds. */
export type SqlValue = string | number | Uint8Array | null;

/** A row by the names of its columns. */
export type Row = Record<string, unknown>;

/** A statement and what its question marks stand for. */
export type Statement = readonly [sql: string, parameters: readonly SqlValue[]];

/** Statements that belong together; each is given the number that `run` gives. */
export type Script<T> = Generator<Statement, T, number>;

/**
 * A database as {@linkcode CallSql} needs it. SQLite answers at once, servers later.
 *
 * Statements are written in what SQLite, PostgreSQL and MySQL have in common: identifiers in double
 * quotes where one of them has a word of that name, `?` for parameters.
 */
export interface SqlDriver {
  /** The present time in milliseconds since 1970 by the database's clock, as an expression. */
  readonly now: string;
  /** How it writes what tables are made of. */
  readonly schema: SchemaDialect;
  /** The first row. */
  get(sql: string, parameters: readonly SqlValue[]): Awaitable<Row | undefined>;
  /** All rows. */
  all(sql: string, parameters: readonly SqlValue[]): Awaitable<Row[]>;
  /** Gives every row to a function, which keeps what it needs of it. */
  each(sql: string, parameters: readonly SqlValue[], take: (row: Row) => void): Awaitable<void>;
  /** Runs a statement; the id of the row that it inserted, or else how many rows it changed. */
  run(sql: string, parameters: readonly SqlValue[]): Awaitable<number>;
  /** Runs a script so that all of it happens or nothing. It may be run more than once. */
  transaction<T>(script: () => Script<T>): Awaitable<T>;
  /** Locks between processes, where there is a server that keeps them. */
  readonly locks?: SqlLocks;
  /** Ends the connection, if there is one; the next use makes another one. */
  close(): Awaitable<void>;
}

/** Locks by name that a server keeps as long as the connection lasts, which is one of their own. */
export interface SqlLocks extends AsyncDisposable {
  /**
   * Takes a lock if nobody else has it.
   *
   * The same process gets a lock once more that it has already.
   */
  tryLock(name: string): Promise<boolean>;
  /** Gives a lock back. */
  unlock(name: string): Promise<void>;
  /** Runs a statement on the connection of the locks. */
  query(sql: string, parameters: readonly SqlValue[]): Promise<{ readonly rows: Row[] }>;
  /** What the process that has a lock calls itself: `fleche <host> <pid>`; as far as that is known. */
  holder(name: string): Promise<string | undefined>;
}

/** Writes a statement to the log. */
export function echoStatement(sql: string, parameters: readonly SqlValue[]): void {
  inform(["storage", "sql"], sql, { parameters });
}
