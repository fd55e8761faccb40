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
    fixed ??= fixedNotes();
    const cwd = permitted({ name: "read", path: "." }, callersFolder);
    return cwd === null ? { ...fixed } : { ...fixed, cwd };
  }
}

/** What stays the same while the program runs. */
let fixed: Notes | undefined;

function fixedNotes(): Notes {
  const host = permitted({ name: "sys", kind: "hostname" }, hostname);
  const user = USER_KINDS.every((kind) => isGranted({ name: "sys", kind })) ? username() : null;
  return {
    ...host === null ? {} : { hostname: host },
    ...user === null ? {} : { username: user },
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    fleche: VERSION,
    os: Deno.build.os,
    arch: Deno.build.arch,
  };
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
