import { type BaseCache, Call, NotFoundError } from "@fleche/core";
import { TemporaryFolder } from "../storage/_temporary_folder.ts";

/** A cache, and one through which calls come to be in it. */
export interface OpenCache {
  readonly cache: BaseCache;
  /** What can be written to; the same cache, unless that refuses. */
  readonly behind: BaseCache;
}

/** What a cache is and can do; it decides which of the tests apply. */
export interface CacheManifest {
  readonly name: string;
  /** Whether calls that are stored can be found. */
  readonly findsCalls: boolean;
  /** Whether values that no record embeds are kept. */
  readonly keepsValues: boolean;
  /** Whether records can be searched; like findsCalls by default. */
  readonly keepsCalls?: boolean;
  /** Whether calls can be stored and evicted; true by default. */
  readonly writable?: boolean;
  /** Whether entries outlive the process. */
  readonly persistent: boolean;
  /** Opens a cache whose entries, if any are persistent, are in a folder. */
  open(folder: string): OpenCache | Promise<OpenCache>;
}

type Run = (open: OpenCache, folder: string) => Promise<void>;

/** Defines a test of a cache. */
export function define({ name, open }: CacheManifest, what: string, run: Run): void {
  Deno.test(`${name} ${what}`, async () => {
    using folder = new TemporaryFolder();
    const opened = await open(folder.path);
    await using _ = opened.cache;
    await run(opened, folder.path);
  });
}

/** A string that no record embeds. */
export const LARGE = "x".repeat(3000);

/** A call f(x) with a result. */
export function simple(x: unknown, result: unknown = x, name = "f"): Call {
  return new Call({ name, version: 1, arguments: { x }, result });
}

/** Tells errors that say that a key was not found. */
export function isNotFound(key: string): (error: unknown) => boolean {
  return (error) => error instanceof NotFoundError && error.data.key === key;
}
