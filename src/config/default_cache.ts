import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Cache } from "../caches/cache.ts";
import type { PrepareOptions } from "../caches/base_cache.ts";
import type { Call } from "../call.ts";
import { warn } from "../log.ts";
import type { PreparedCall } from "../prepared_call.ts";
import { CallMemory } from "../storage/call_memory.ts";
import { CallSql } from "../storage/call_sql.ts";
import { ValueFile } from "../storage/value_file.ts";
import { ValueMemory } from "../storage/value_memory.ts";
import { xdgFolder } from "./discovery.ts";

/** The cache that is used where nothing is configured; it says where it stores, once. */
class DefaultCache extends Cache {
  #said = false;

  constructor(readonly root: string) {
    super({
      values: new ValueFile({ root: join(root, "values") }),
      calls: new CallSql({ url: join(root, "calls.db") }),
    });
  }

  override async prepare(call: Call, options?: PrepareOptions): Promise<PreparedCall> {
    if (!this.#said) {
      this.#said = true;
      warn(
        ["config"],
        `storing results in ${this.root}, since no fleche.toml names a default cache`,
      );
    }
    return await super.prepare(call, options);
  }
}

// The folder itself is made only when something is stored.
function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}

/** Files and SQLite in the user's cache folder; memory, with a warning, if that is not writable. */
export function defaultCache(): Cache {
  const root = join(xdgFolder("XDG_CACHE_HOME", ".cache"), "fleche");
  try {
    const folder = nearestExisting(root);
    if (!statSync(folder).isDirectory()) throw new Error(`${folder} is not a folder`);
    accessSync(folder, constants.W_OK);
    return new DefaultCache(root);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    warn(
      ["config"],
      `results are kept in memory only: no fleche.toml names a default cache, and ${root} cannot ` +
        `be written (${error.message})`,
    );
    return new Cache({ values: new ValueMemory(), calls: new CallMemory() });
  }
}
