import type { SqliteSchema } from "./_sqlite_file.ts";

/**
 * Call records in SQLite.
 *
 * A record holds all there is to know of a call; the other columns are there to search by, and to
 * read. Versions and metadata are JSON; filed is in milliseconds since 1970. A value has a text where
 * the record embeds it, and null where it only refers to it.
 */
export const CALLS_SCHEMA: SqliteSchema = {
  table: "calls",
  version: 2,
  statements: `
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
      record BLOB NOT NULL,
      filed INTEGER NOT NULL DEFAULT 0
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
    CREATE INDEX arguments_by_digest ON arguments (digest, name);`,
  migrations: { 1: "ALTER TABLE calls ADD COLUMN filed INTEGER NOT NULL DEFAULT 0" },
};
