import { DatabaseSync } from "node:sqlite";
import { databaseError, isDamage } from "./_sqlite_error.ts";
import { isDatabaseThere } from "./_sqlite_file.ts";

/** How long to wait for others who write to a database, in milliseconds. */
const TIMEOUT = 30_000;

/** What SQLite keeps beside a database, before the database itself. */
const SUFFIXES = ["-journal", "-wal", "-shm", ""];

/**
 * What is wrong with a database of SQLite: with its pages, not with what they hold.
 *
 * @returns the first fault that SQLite finds; undefined if it finds none, or if there is no file
 * @throws {Error} If the file cannot be read.
 */
export function databaseDamage(path: string): string | undefined {
  if (!isDatabaseThere(path)) return undefined;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: TIMEOUT });
    const row = database.prepare("PRAGMA integrity_check(1)").get();
    const found = String(row?.["integrity_check"]);
    return found === "ok" ? undefined : found.replace(/^\*\*\*.*\n/, "").replaceAll("\n", "; ");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (isDamage(error)) return error.message;
    throw databaseError("open", path, error);
  } finally {
    database?.close();
  }
}

/**
 * Moves a database aside, with what belongs to it, so that another one can be made in its place. No
 * program should have it open: it would go on with the one that was moved.
 *
 * @returns where it is now
 */
export function setDatabaseAside(path: string): string {
  const time = new Date().toISOString().replace(/[:.]/g, "-");
  const aside = `${path}.damaged-${time}`;
  // The log of one database beside another one would be taken for its own.
  for (const suffix of SUFFIXES) {
    try {
      Deno.renameSync(path + suffix, aside + suffix);
    } catch (error) {
      if (suffix === "" || !(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return aside;
}
