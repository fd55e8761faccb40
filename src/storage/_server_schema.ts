import { ConfigError, LockTimeoutError } from "../errors.ts";
import { SCHEMA_VERSION, schemaStatements } from "./_sql_schema.ts";
import type { SqlServer, SqlSession } from "./_sql_session.ts";
import type { ServerAddress } from "./_sql_url.ts";

/** The lock of those who make tables. */
const LOCK = "schema";

/** Pause between two looks at the lock, in milliseconds. */
const PAUSE = 20;

/**
 * Makes the tables where there are none. Several processes may do so at once, and users who may only
 * read get by where they are made.
 *
 * The table `fleche_schema` holds the version: 0 while the others are being made.
 *
 * @throws {ConfigError} If there are tables of another program, or of a newer version.
 */
export async function openTables(
  session: SqlSession,
  server: SqlServer,
  { identity, database }: ServerAddress,
  lockTimeout: number,
): Promise<void> {
  if (await version() === SCHEMA_VERSION) return;
  const end = performance.now() + lockTimeout * 1000;
  while (!await session.tryLock(LOCK)) {
    if (performance.now() > end) {
      const message =
        `Cannot make the tables in the database ${identity}: another process is at it`;
      throw new LockTimeoutError(message, { resource: identity, seconds: lockTimeout });
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  try {
    await makeTables();
  } finally {
    if (session.isOpen) await session.unlock(LOCK);
  }

  async function version(): Promise<number | undefined> {
    const found = await unlessMissing("SELECT version FROM fleche_schema");
    const version = found?.["version"];
    if (Number(version) > SCHEMA_VERSION) {
      throw new ConfigError(
        `Cannot use the database ${identity}: a newer version of fleche made its tables (schema ` +
          `${version}, this one knows ${SCHEMA_VERSION}): upgrade fleche, or name another database`,
      );
    }
    return version === undefined ? undefined : Number(version);
  }

  async function unlessMissing(sql: string): Promise<Record<string, unknown> | undefined> {
    try {
      return (await session.query(sql)).rows[0] ?? {};
    } catch (error) {
      if (server.classify(error) === "no such table") return undefined;
      throw error;
    }
  }

  async function makeTables(): Promise<void> {
    const found = await version();
    if (found === SCHEMA_VERSION) return;
    if (found === undefined && await unlessMissing("SELECT 1 AS one FROM calls") !== undefined) {
      throw new ConfigError(
        `Cannot use the database ${identity}: its table "calls" belongs to another program; make ` +
          `one of its own (CREATE DATABASE ...) in place of "${database}"`,
      );
    }
    const statements = [
      `CREATE TABLE IF NOT EXISTS fleche_schema (version INTEGER NOT NULL) ${server.schema.table}`,
      "DELETE FROM fleche_schema",
      "INSERT INTO fleche_schema (version) VALUES (0)",
      ...schemaStatements(server.schema),
      `UPDATE fleche_schema SET version = ${SCHEMA_VERSION}`,
    ];
    for (const statement of statements) await session.query(statement);
  }
}
