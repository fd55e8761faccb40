/**
 * Loads caches from configuration files and prints as JSON what comes of it.
 *
 * Standard input: a line of JSON, a list of {@linkcode LoadStep}.
 */

import {
  type BaseCache,
  CachePool,
  cacheToConfig,
  ConfigError,
  loadCacheConfig,
  loadDefaultMetadata,
} from "@fleche/core";
import type { LoadOutcome, LoadStep } from "./_load.ts";

function outcome({ cwd, env, name, metadata, members }: LoadStep): LoadOutcome {
  if (cwd !== undefined) Deno.chdir(cwd);
  for (const [variable, value] of Object.entries(env ?? {})) {
    if (value === null) Deno.env.delete(variable);
    else Deno.env.set(variable, value);
  }
  try {
    if (metadata === true) return { metadata: loadDefaultMetadata().map((each) => each.name) };
    const cache = loadCacheConfig(name);
    return {
      config: cacheToConfig(cache),
      class: cache.constructor.name,
      same: loadCacheConfig(name) === cache,
      ...(members === undefined ? {} : { areMembers: areMembers(cache, members) }),
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { name, message } = error;
    const data = error instanceof ConfigError ? error.data : {};
    return { error: { name, message, hasCause: error.cause !== undefined, data } };
  }
}

function areMembers(cache: BaseCache, names: readonly string[]): boolean[] {
  return names.map((name, index) =>
    cache instanceof CachePool && cache.pool[index] === loadCacheConfig(name)
  );
}

const steps: LoadStep[] = JSON.parse(await new Response(Deno.stdin.readable).text());
console.log(JSON.stringify(steps.map(outcome)));
