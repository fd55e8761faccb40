import type { SqliteSchema } from "./_sqlite_file.ts";

/** Values in SQLite. Times are in milliseconds since 1970. */
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

/** What is stored of a value. */
export const SELECT = "SELECT bytes FROM encoded_values WHERE digest = ?";

/** How many bytes are stored of a value. */
export const LENGTH = "SELECT length(bytes) AS length FROM encoded_values WHERE digest = ?";

/** The first bytes that are stored of a value. */
export const START = "SELECT substr(bytes, 1, 16) AS start FROM encoded_values WHERE digest = ?";

/** What is known of the values that were put aside before a time. */
export const OLD_DAMAGED = `
  SELECT count(*) AS count, sum(length(bytes)) AS bytes FROM quarantine WHERE found < ?`;

/** Removes the values that were put aside before a time. */
export const SWEEP = "DELETE FROM quarantine WHERE found < ?";

/** Renews the age of a value. */
export const RENEW = "UPDATE encoded_values SET stored = ? WHERE digest = ?";

/** Stores a value, in place of any other of the digest. */
export const PUT = `
  INSERT INTO encoded_values (digest, stored, bytes) VALUES (?, ?, ?)
  ON CONFLICT (digest) DO UPDATE SET stored = excluded.stored, bytes = excluded.bytes`;

/** Removes a value. */
export const DELETE = "DELETE FROM encoded_values WHERE digest = ?";

/** Copies a value to the quarantine, if its bytes are still the same. */
export const QUARANTINE = `
  INSERT INTO quarantine (digest, found, bytes)
  SELECT digest, ?, bytes FROM encoded_values WHERE digest = ? AND bytes = ?`;

/** Removes a value, if its bytes are still the same. */
export const DELETE_DAMAGED = "DELETE FROM encoded_values WHERE digest = ? AND bytes = ?";

/** Digests from one text to another. */
export const LIST = "SELECT digest FROM encoded_values WHERE digest >= ? AND digest < ? LIMIT ?";

/** What is known of values, of those after an id. */
export const ENTRIES = `
  SELECT id, digest, length(bytes) AS length, stored FROM encoded_values
  WHERE id > ? ORDER BY id LIMIT 1000`;

/** Whether a call storage is remembered. */
export const IS_REGISTERED = "SELECT 1 FROM call_storages WHERE identity = ?";

/** Remembers a call storage. */
export const REGISTER = "INSERT INTO call_storages (identity) VALUES (?) ON CONFLICT DO NOTHING";

/** The call storages that are remembered. */
export const REGISTERED = "SELECT identity FROM call_storages";

/** Forgets a call storage. */
export const FORGET = "DELETE FROM call_storages WHERE identity = ?";
