import { hostname, userInfo } from "node:os";
import { callersFolder } from "../isolation.ts";
import { VERSION } from "../version.ts";
import { isGranted, permitted } from "./_permitted.ts";
import type { MetaData, Notes } from "./meta_data.ts";

/**
 * Where a call ran: `hostname`, `username`, `cwd`, and the versions of what it ran on: `deno`, `v8`,
 * `fleche`, `os` and `arch`. What the program has no permission to see is left out. The working
 * directory is that of the caller, also where the call is isolated in one of its own.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, Environment, fleche, ValueMemory, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const meta = [new Environment()];
 * const half = fleche((x: number) => x / 2, { name: "half", version: 1, meta });
 * await withCache(cache, () => half(3));
 * const { environment } = (await cache.load(half.digest(3))).metadata;
 * assert.equal(environment?.deno, Deno.version.deno);
 * ```
 */
export class Environment implements MetaData {
  /** The name under which the notes are stored. */
  readonly name = "environment";

  /** Notes where the call runs. */
  before(): Notes {
    const found: Record<string, string | null> = {
      hostname: permitted({ name: "sys", kind: "hostname" }, hostname),
      username: USER_KINDS.every((kind) => isGranted({ name: "sys", kind })) ? username() : null,
      cwd: permitted({ name: "read", path: "." }, callersFolder),
      deno: Deno.version.deno,
      v8: Deno.version.v8,
      fleche: VERSION,
      os: Deno.build.os,
      arch: Deno.build.arch,
    };
    const notes: Notes = {};
    for (const [name, value] of Object.entries(found)) if (value !== null) notes[name] = value;
    return notes;
  }
}

/** What the runtime asks for before it tells the user's name. */
const USER_KINDS = ["uid", "gid", "username"] as const;

// In a container the user may have a number and no name.
function username(): string | null {
  try {
    return userInfo().username;
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}
