import type { Command } from "commander";
import type { BaseCache } from "../caches/base_cache.ts";
import { loadCacheConfig } from "../config/load.ts";
import { needsNetwork } from "../config/needs_network.ts";
import { cacheToConfig } from "../config/write.ts";
import { serve } from "../remote/server.ts";

interface RemoteOptions {
  readonly serve?: true;
  readonly cache?: string;
  readonly readOnly?: true;
}

/** Adds `fleche remote`. */
export function addRemoteCommand(program: Command): void {
  const command = program
    .command("remote")
    .description("Serve a cache of this machine to a client that has started this over ssh.")
    .option("--serve", "serve on standard input and output, until the input ends")
    .option("--cache <name>", "the cache of the configuration to serve (default: the default one)")
    .option("--read-only", "refuse to store and to evict, whatever the configuration allows")
    .action(async (options: RemoteOptions) => {
      if (options.serve !== true) return command.error("error: say what to do: --serve");
      await serveCache(options);
    });
}

async function serveCache({ cache: name, readOnly }: RemoteOptions): Promise<void> {
  const cache = loadCacheConfig(name);
  const config = describe(cache);
  // From here on nothing but the cache is needed: what is received cannot reach the network, unless
  // the cache is there.
  if (!needsNetwork(config)) await Deno.permissions.revoke({ name: "net" });
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
