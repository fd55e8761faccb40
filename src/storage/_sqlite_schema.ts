import type { DatabaseSync } from "node:sqlite";
import { ConfigError } from "../errors.ts";

/** How SQLite keeps a transaction that is under way. */
export type JournalMode = "wal" | "delete" | "truncate" | "persist";

/** All journal modes, for checking what a configuration says. */
export const JOURNAL_MODES: readonly JournalMode[] = ["wal", "delete", "truncate", "persist"];

/** Version of the schema, as the database's user_version. */
const SCHEMA_VERSION = 1;

// A record holds all there is to know of a call; the other columns are there to search by, and to
// read. Versions and metadata are JSON. A value has a text where the record embeds it, and null where
// it only refers to it.
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
  CREATE INDEX calls_by_name ON calls (name);
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

const STATE = `
  SELECT user_version AS version, (SELECT count(*) FROM sqlite_schema) AS tables,
    (SELECT count(*) FROM sqlite_schema WHERE name = 'calls') AS calls
  FROM pragma_user_version`;

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
  // In one statement, so that it is one state of the database that is looked at.
  const found = database.prepare(STATE).get();
  const version = Number(found?.["version"]);
  if (version > SCHEMA_VERSION) {
    throw new ConfigError(
      `Cannot use the database ${path}: a newer version of fleche made it (schema ${version}, ` +
        `this one knows ${SCHEMA_VERSION}): upgrade fleche, or name another file`,
    );
  }
  if (version === 0 ? found?.["tables"] !== 0 : found?.["calls"] !== 1) {
    throw new ConfigError(
      `Cannot use the database ${path}: it belongs to another program; name another file`,
    );
  }
  return version;
}
