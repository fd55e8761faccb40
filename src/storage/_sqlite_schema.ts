import {
  ARGUMENT_INDEXES,
  CALL_INDEXES,
  createIndex,
  identityStatements,
  SCHEMA_VERSION,
  type SchemaDialect,
  schemaStatements,
} from "./_sql_schema.ts";
import type { SqliteSchema } from "./_sqlite_file.ts";

// What the first version lacks: the age of records, and the function's name with each argument.
const FROM_FIRST = [
  "ALTER TABLE calls ADD COLUMN filed INTEGER NOT NULL DEFAULT 0",
  "ALTER TABLE arguments ADD COLUMN call_name TEXT NOT NULL DEFAULT ''",
  "UPDATE arguments SET call_name = (SELECT name FROM calls WHERE id = call)",
  "DROP INDEX calls_by_result",
  createIndex("calls", "calls_by_result", CALL_INDEXES.calls_by_result),
  "DROP INDEX arguments_by_digest",
  createIndex("arguments", "arguments_by_digest", ARGUMENT_INDEXES.arguments_by_digest),
];

/** How SQLite writes tables. */
export const SQLITE: SchemaDialect = {
  id: "INTEGER PRIMARY KEY",
  integer: "INTEGER",
  digest: "TEXT",
  name: "TEXT",
  text: "TEXT",
  bytes: "BLOB",
  table: "STRICT",
  ordered: "STRICT, WITHOUT ROWID",
  inlineIndexes: false,
};

/** Call records in SQLite. */
export const CALLS_SCHEMA: SqliteSchema = {
  table: "calls",
  version: SCHEMA_VERSION,
  statements: schemaStatements(SQLITE).join(";\n"),
  migrations: { 1: FROM_FIRST.join(";\n"), 2: identityStatements(SQLITE).join(";\n") },
};
