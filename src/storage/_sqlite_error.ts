import { closeSync, openSync, readSync } from "node:fs";

/**
 * Codes of SQLite (https://sqlite.org/rescode.html), without the upper bits, which say why.
 */
const CODES = { readOnly: 8, corrupt: 11, cannotOpen: 14, noDatabase: 26 } as const;

/** Where the header of a database says which version can read it: 2 is WAL mode (https://sqlite.org/fileformat2.html). */
const READ_VERSION = 19;

/** Whether an error of SQLite says that the file is damaged, or no database at all. */
export function isDamage(error: unknown): boolean {
  const code = codeOf(error);
  return code === CODES.corrupt || code === CODES.noDatabase;
}

/** What went wrong with a database, with its name and, where there is one, the remedy. */
export function databaseError(operation: "open" | "use", path: string, cause: Error): Error {
  const message = `Cannot ${operation} the database ${path}: ${cause.message}`;
  return new Error(`${message}${remedy(path, cause)}`, { cause });
}

function remedy(path: string, cause: Error): string {
  if (cause instanceof Deno.errors.PermissionDenied) {
    return "; get write access to the folder, or name another place";
  }
  const code = codeOf(cause);
  if (code === CODES.corrupt || code === CODES.noDatabase) {
    const what = code === CODES.corrupt ? "" : " (if it is not another program's file)";
    return `; fleche verify --repair, with the cache's name as --cache, moves it aside${what}, and ` +
      "what was in it is computed again";
  }
  if (code !== CODES.readOnly && code !== CODES.cannotOpen) return "";
  return isWal(path)
    ? "; in WAL mode even those who only read need write access to the file and its folder: get " +
      'it, or have the database made anew with journal = "delete"'
    : "; get write access to the file and its folder";
}

function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

function isWal(path: string): boolean {
  const header = new Uint8Array(READ_VERSION + 1);
  try {
    const file = openSync(path, "r");
    try {
      readSync(file, header);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    // It has no file, or one that cannot be read at all.
    if (error instanceof Error) return false;
    throw error;
  }
  return header[READ_VERSION] === 2;
}
