import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ConfigError } from "../errors.ts";
import { warnOnce } from "../log.ts";
import { uniqueName } from "../paths.ts";
import { isOnNetwork } from "./_network_file_system.ts";
import { databaseError } from "./_sqlite_error.ts";
import type { Durability } from "./storage.ts";

/** How SQLite keeps a transaction that is under way. */
export type JournalMode = "wal" | "delete" | "truncate" | "persist";

/** All journal modes, for checking what a configuration says. */
export const JOURNAL_MODES: readonly JournalMode[] = ["wal", "delete", "truncate", "persist"];

/** The path that SQLite takes for a database in memory. */
export const IN_MEMORY = ":memory:";

/** Longest time that SQLite waits, in milliseconds. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/** What is in a database. */
export interface SqliteSchema {
  /** A table that no other program's database has, nor another kind of ours. */
  readonly table: string;
  /** The version, which `user_version` holds; from 1. */
  readonly version: number;
  /** Statements that make the tables of this version. */
  readonly statements: string;
  /** Statements that lead from an older version to the next one, by the older one's number. */
  readonly migrations?: Readonly<Record<number, string>>;
}

/** Which database is opened, and how. */
export interface SqliteFileOptions {
  /** An absolute path, or `:memory:`. */
  readonly path: string;
  /** What is in it. */
  readonly schema: SqliteSchema;
  /**
   * The journal mode of a database that is made; undefined means `"wal"`, or `"delete"` on a network
   * file system, where the memory that WAL shares between processes does not work.
   */
  readonly journal: JournalMode | undefined;
  /** Whether a commit survives a power cut. */
  readonly durability: Durability;
  /** How long to wait for another process that is writing, in seconds. */
  readonly lockTimeout: number;
}

/**
 * Refuses what is no journal mode.
 *
 * @throws {ConfigError} If it is none.
 */
export function checkJournal(journal: JournalMode | undefined): void {
  if (journal === undefined || JOURNAL_MODES.includes(journal)) return;
  throw new ConfigError(
    `Cannot use "${journal}" as journal mode: it takes ${JOURNAL_MODES.join(", ")}`,
  );
}

/** Whether there is a database, of whatever kind, so that those who only look need not make one. */
export function isDatabaseThere(path: string): boolean {
  if (path === IN_MEMORY) return true;
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    const isBarred = error instanceof Deno.errors.PermissionDenied ||
      error instanceof Deno.errors.NotADirectory;
    throw isBarred ? databaseError("open", path, error) : error;
  }
}

/**
 * Opens a database. Where there is none, it is made, and its folders with it; one of an older version
 * is brought up to date.
 *
 * @throws {ConfigError} If the database is another program's, or a newer version's.
 * @throws {Error} If it cannot be opened; the message names it.
 */
export function openSqlite(options: SqliteFileOptions): DatabaseSync {
  const { path, schema, durability } = options;
  const folder = dirname(path);
  let database: DatabaseSync | undefined;
  try {
    if (path !== IN_MEMORY) Deno.mkdirSync(folder, { recursive: true });
    const isNew = path === IN_MEMORY || !existsSync(path);
    const journal = isNew && path !== IN_MEMORY
      ? journalFor(folder, options)
      : options.journal ?? "wal";
    if (isNew && path !== IN_MEMORY) make(path, schema, journal);
    const timeout = Math.min(Math.ceil(options.lockTimeout * 1000), MAX_TIMEOUT);
    database = new DatabaseSync(path, { timeout });
    makeTables(database, { path, schema, journal });
    database.exec(`PRAGMA synchronous = ${durability === "fsync" ? "FULL" : "NORMAL"}`);
    return database;
  } catch (cause) {
    database?.close();
    if (cause instanceof ConfigError || !(cause instanceof Error)) throw cause;
    throw databaseError("open", path, cause);
  }
}

function journalFor(folder: string, { journal, path }: SqliteFileOptions): JournalMode {
  if (journal !== undefined && journal !== "wal") return journal;
  if (!isOnNetwork(folder)) return "wal";
  if (journal === undefined) return "delete";
  warnOnce(
    `wal ${path}`,
    ["storage"],
    `The database ${path} is made with journal = "wal" on a network file system, where several ` +
      'machines that write to it may damage it: say journal = "delete"',
  );
  return journal;
}

// A new database appears under its name all at once: while several processes set the journal mode
// and make tables in one file, SQLite does not wait for locks.
function make(path: string, schema: SqliteSchema, journal: JournalMode): void {
  const temporary = `${path}.${uniqueName()}`;
  const database = new DatabaseSync(temporary);
  try {
    makeTables(database, { path: temporary, schema, journal });
  } finally {
    database.close();
  }
  try {
    Deno.linkSync(temporary, path);
  } catch (error) {
    // Another process was faster; or the file system has no links, and the tables are made in
    // place.
    if (!(error instanceof Error)) throw error;
  } finally {
    Deno.removeSync(temporary);
  }
}

function makeTables(
  database: DatabaseSync,
  { path, schema, journal }: { path: string; schema: SqliteSchema; journal: JournalMode },
): void {
  const found = versionOf(database, path, schema);
  if (found === schema.version) return;
  // The mode cannot change inside a transaction. Two processes may both get here; the second finds
  // the mode set, and below the tables made.
  if (found === 0) database.exec(`PRAGMA journal_mode = ${journal}`);
  database.exec("BEGIN IMMEDIATE");
  try {
    const version = versionOf(database, path, schema);
    if (version === 0) database.exec(schema.statements);
    else for (let at = version; at < schema.version; at++) migrate(database, schema, at);
    database.exec(`PRAGMA user_version = ${schema.version}`);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

function migrate(database: DatabaseSync, schema: SqliteSchema, from: number): void {
  const statements = schema.migrations?.[from];
  if (statements === undefined) throw new Error(`no way leads on from schema ${from}`);
  database.exec(statements);
}

const STATE = `
  SELECT user_version AS version, (SELECT count(*) FROM sqlite_schema) AS tables,
    (SELECT count(*) FROM sqlite_schema WHERE name = ?) AS own
  FROM pragma_user_version`;

function versionOf(database: DatabaseSync, path: string, schema: SqliteSchema): number {
  // In one statement, so that it is one state of the database that is looked at.
  const found = database.prepare(STATE).get(schema.table);
  const version = Number(found?.["version"]);
  if (version === 0 ? found?.["tables"] !== 0 : found?.["own"] !== 1) {
    throw new ConfigError(
      `Cannot use the database ${path}: it belongs to another program, or has other entries than ` +
        `${schema.table}; name another file`,
    );
  }
  if (version > schema.version) {
    throw new ConfigError(
      `Cannot use the database ${path}: a newer version of fleche made it (schema ${version}, ` +
        `this one knows ${schema.version}): upgrade fleche, or name another file`,
    );
  }
  return version;
}
