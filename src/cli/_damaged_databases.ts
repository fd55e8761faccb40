import type { Cache } from "../caches/cache.ts";
import { expandPath, realPath } from "../paths.ts";
import { CallSql } from "../storage/call_sql.ts";
import { databaseDamage, setDatabaseAside } from "../storage/damaged_database.ts";
import { ValueSqlite } from "../storage/value_sqlite.ts";

/** A database of SQLite in which not every page can be read. */
export interface DamagedDatabase {
  readonly path: string;
  /** What SQLite says. */
  readonly reason: string;
  /** Where it was moved; null if it still is in its place. */
  readonly movedTo: string | null;
}

/**
 * The databases of a cache that are damaged as a whole.
 *
 * @param repair whether to move them aside, so that they are made anew
 */
export async function damagedDatabases(
  { values, calls }: Cache,
  repair: boolean,
): Promise<DamagedDatabase[]> {
  const found: DamagedDatabase[] = [];
  for (const storage of [values, calls]) {
    const path = databasePath(storage);
    const reason = path === undefined ? undefined : databaseDamage(path);
    if (path === undefined || reason === undefined) continue;
    await storage.close();
    found.push({ path, reason, movedTo: repair ? setDatabaseAside(path) : null });
  }
  return found;
}

const SQLITE = "sqlite:///";

function databasePath(storage: Cache["values"] | Cache["calls"]): string | undefined {
  if (!storage.capabilities.persistent) return undefined;
  if (storage instanceof ValueSqlite) return realPath(expandPath(storage.path));
  if (!(storage instanceof CallSql) || storage.identity?.startsWith(SQLITE) !== true) {
    return undefined;
  }
  return storage.identity.slice(SQLITE.length);
}

/** A damaged database in a line of text. */
export function damageLine({ path, reason, movedTo }: DamagedDatabase): string {
  const outcome = movedTo === null
    ? "nothing in it was checked; end the programs that use it and add --repair, which moves it " +
      "aside, so that what was in it is computed again"
    : `it was moved to ${movedTo}, and is made anew; what was in it is computed again`;
  return `damaged database ${path} (${reason}): ${outcome}`;
}
