import type { DatabaseSync } from "node:sqlite";
import { ConfigError } from "../errors.ts";

/** How SQLite keeps a transaction that is under way. */
export type JournalMode = "wal" | "delete" | "truncate" | "persist";

/** All journal modes, for checking what a configuration says. */
export const JOURNAL_MODES: readonly JournalMode[] = ["wal", "delete", "truncate", "persist"];

/** Version of the schema, as the database's user_version. */
const SCHEMA_VERSION = 1;

// Versions and metadata are JSON text. A record holds all there is to know of a call; the other
// columns are there to search by, and to read.
const SCHEMA = `
  CREATE TABLE calls (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    module TEXT,
    version TEXT,
    code TEXT,
    deps TEXT,
    source TEXT,
    result TEXT NOT NULL,
    result_text TEXT,
    metadata TEXT NOT NULL,
    record BLOB NOT NULL
  ) STRICT;
  CREATE INDEX calls_by_name ON calls (name, module);
  CREATE INDEX calls_by_result ON calls (result);
  CREATE TABLE arguments (
    call INTEGER NOT NULL REFERENCES calls (id),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    text TEXT,
    PRIMARY KEY (call, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX arguments_by_digest ON arguments (digest, name);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Makes the tables where there are none.
 *
 * @param path the database, for messages
 * @param journal the journal mode that a new database gets; one that exists keeps its own
 * @throws {ConfigError} If the database is another program's, or a newer version's.
 */
export function openSchema(database: DatabaseSync, path: string, journal: JournalMode): void {
  if (schemaVersion(database, path) === SCHEMA_VERSION) return;
  // The mode cannot change inside a transaction. Two processes may both get here; the second finds
  // the mode set, and below the tables made.
  database.exec(`PRAGMA journal_mode = ${journal}`);
  database.exec("BEGIN IMMEDIATE");
  try {
    if (schemaVersion(database, path) === 0) database.exec(SCHEMA);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

function schemaVersion(database: DatabaseSync, path: string): number {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > SCHEMA_VERSION) {
    throw new ConfigError(
      `Cannot use the database ${path}: a newer version of fleche made it (schema ${version}, ` +
        `this one knows ${SCHEMA_VERSION}): upgrade fleche, or name another file`,
    );
  }
  const tables = database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.["count"];
  if (version === 0 && tables !== 0) {
    throw new ConfigError(
      `Cannot use the database ${path}: it belongs to another program; name another file`,
    );
  }
  return version;
}
