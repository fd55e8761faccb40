import { existsSync } from "node:fs";
import { CallFile } from "../storage/call_file.ts";
import { CallHdf5 } from "../storage/call_hdf5.ts";
import { CallSql } from "../storage/call_sql.ts";
import type { CallStorage } from "../storage/storage.ts";

/**
 * Opens a call storage by its identity, without keys: so records are read whoever signed them.
 *
 * @throws {Error} If it is not there, or takes a password.
 */
export function openCalls(identity: string): CallStorage {
  const [, scheme = "", path = ""] = /^([a-z0-9]+):\/\/(.*)$/s.exec(identity) ?? [];
  switch (scheme) {
    case "sqlite":
      // A database that is not there would be made.
      return existing(path.slice(1), (found) => new CallSql({ url: found }));
    case "file":
      return existing(path, (root) => new CallFile({ root }));
    case "hdf5":
      return existing(path, (root) => new CallHdf5({ root }));
    default:
      throw new Error("it is not one that can be opened without a password");
  }
}

function existing(path: string, open: (path: string) => CallStorage): CallStorage {
  if (!existsSync(path)) throw new Error("it does not exist");
  return open(path);
}
