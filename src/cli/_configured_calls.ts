import { Cache } from "../caches/cache.ts";
import { parseRegistration } from "../caches/registration.ts";
import { configSources, loadCacheConfig } from "../config/load.ts";
import { ConfigError } from "../errors.ts";
import type { CallStorage } from "../storage/storage.ts";
import { members } from "./_members.ts";

/**
 * The further storages in the configuration whose calls need the values of a cache: those that take a
 * password can be opened only as the configuration says.
 */
export async function configuredCalls({ values, calls: own }: Cache): Promise<CallStorage[]> {
  const registered = (await values.registered()).map((text) => parseRegistration(text).identity);
  const found = new Map<string, CallStorage>();
  for (const { name } of configSources().tables) {
    for (const { calls } of cachesNamed(name)) {
      const { identity } = calls;
      const isOther = identity !== undefined && identity !== own.identity;
      if (isOther && registered.includes(identity)) found.set(identity, calls);
    }
  }
  return [...found.values()];
}

function cachesNamed(name: string): Cache[] {
  try {
    return members(loadCacheConfig(name)).filter((each) => each instanceof Cache);
  } catch (error) {
    // The cache in question is there; whether others are is not asked here.
    if (error instanceof ConfigError) return [];
    throw error;
  }
}
