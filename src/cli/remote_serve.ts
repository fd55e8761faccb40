import type { BaseCache } from "../caches/base_cache.ts";
import { loadCacheConfig } from "../config/load.ts";
import { needsNetwork, needsPrograms } from "../config/needs_network.ts";
import { cacheToConfig } from "../config/write.ts";
import { serve } from "../remote/server.ts";

/** What `fleche remote --serve` serves. */
export interface ServeOptions {
  /** The cache of the configuration; the default one if it is left out. */
  readonly cache?: string;
  /** Whether to refuse to store and to evict, whatever the configuration allows. */
  readonly readOnly?: true;
}

/** Serves a cache of this machine on standard input and output, until the input ends. */
export async function serveCache({ cache: name, readOnly }: ServeOptions): Promise<void> {
  const cache = loadCacheConfig(name);
  const config = describe(cache);
  // From here on nothing but the cache is needed: what is received cannot reach the network or start a
  // program, unless the cache is reached so.
  if (!needsNetwork(config)) await Deno.permissions.revoke({ name: "net" });
  if (!needsPrograms(config)) await Deno.permissions.revoke({ name: "run" });
  await using _ = cache;
  await serve({
    cache,
    cacheName: name ?? null,
    readOnly: readOnly === true,
    config,
  });
}

// A cache of a class of its own can be served without being described.
function describe(cache: BaseCache): unknown {
  try {
    return cacheToConfig(cache);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}
