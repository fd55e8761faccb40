import type { SqliteSchema } from "./_sqlite_file.ts";

/** Times are in milliseconds since 1970. */
export const VALUES_SCHEMA: SqliteSchema = {
  table: "encoded_values",
  version: 1,
  statements: `
    CREATE TABLE encoded_values (
      id INTEGER PRIMARY KEY,
      digest TEXT NOT NULL UNIQUE,
      stored INTEGER NOT NULL,
      bytes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE quarantine (
      id INTEGER PRIMARY KEY,
      digest TEXT NOT NULL,
      found INTEGER NOT NULL,
      bytes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE call_storages (identity TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;`,
};
