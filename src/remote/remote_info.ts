import type { Params } from "./params.ts";

/** What a server tells of itself. */
export interface RemoteInfo {
  /** The configuration of the cache, without its secrets. */
  readonly cache: unknown;
  /** The name of the cache; null for the default one. */
  readonly cacheName: string | null;
  /** Whether it refuses to store and to evict. */
  readonly readOnly: boolean;
  /** The version of fleche. */
  readonly version: string;
  /** The working directory. */
  readonly cwd: string;
  /** The host's own name. */
  readonly hostname: string;
  /** The program that serves. */
  readonly executable: string;
  /** Its process id. */
  readonly pid: number;
  /** Whether its queries give what was filed last first. */
  readonly ordered: boolean;
}

/** Reads the answer to the request for it. */
export function readInfo(result: Params): RemoteInfo {
  return {
    cache: result.any("cache"),
    cacheName: result.optionalString("cache_name") ?? null,
    readOnly: result.boolean("read_only"),
    version: result.string("version"),
    cwd: result.string("cwd"),
    hostname: result.string("hostname"),
    executable: result.string("executable"),
    pid: result.count("pid"),
    ordered: result.boolean("ordered"),
  };
}
