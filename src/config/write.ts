import { type BaseCache, CacheStack, ReadOnlyCache, SAVE_TIMEOUT } from "../caches/base_cache.ts";
import { Cache } from "../caches/cache.ts";
import { CachePool } from "../caches/cache_pool.ts";
import { SizeLimitedCache } from "../caches/size_limited_cache.ts";
import { SshCache } from "../remote/ssh_cache.ts";
import type { CacheConfig, CacheTable } from "./build.ts";
import { storageToConfig, unless } from "./write_storage.ts";

/**
 * The configuration of a cache, as `cacheFromConfig` takes it. What has its default value is left
 * out.
 *
 * @example Usage
 * ```ts
 * import { cacheFromConfig, cacheToConfig } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const config = { values: { type: "memory" }, calls: { type: "memory" }, read_only: true };
 * assert.deepEqual(cacheToConfig(cacheFromConfig(config)), config);
 * ```
 *
 * @throws {TypeError} If the cache is of a class, or a combination, that no configuration names.
 */
export function cacheToConfig(cache: BaseCache): CacheConfig {
  return cache instanceof CacheStack ? cache.stack.map(singleToConfig) : singleToConfig(cache);
}

function singleToConfig(cache: BaseCache): CacheTable {
  if (cache instanceof ReadOnlyCache && !(cache.cache instanceof ReadOnlyCache)) {
    return { ...singleToConfig(cache.cache), read_only: true };
  }
  if (cache instanceof CachePool) return { pool: cache.pool.map(singleToConfig) };
  const saveTimeout = unless(SAVE_TIMEOUT, { save_timeout: cache.saveTimeout });
  if (cache instanceof Cache) {
    const { values, calls } = cache;
    return {
      ...{ values: storageToConfig(values), calls: storageToConfig(calls) },
      ...(cache instanceof SizeLimitedCache ? limitsOf(cache) : {}),
      ...saveTimeout,
    };
  }
  if (cache instanceof SshCache) {
    const { host, cacheName, command, sshOptions, setupCommands, workdir, env } = cache.options;
    const { timeout, connectTimeout } = cache.options;
    return {
      type: "ssh",
      host,
      ...unless(undefined, { cache_name: cacheName }),
      ...unless(undefined, { command: typeof command === "object" ? [...command] : command }),
      ...unless(undefined, { ssh_options: sshOptions && [...sshOptions] }),
      ...unless(undefined, { setup_commands: setupCommands && [...setupCommands] }),
      ...unless(undefined, { workdir }),
      ...unless(undefined, { env: env && { ...env } }),
      ...unless(undefined, { timeout, connect_timeout: connectTimeout }),
      ...saveTimeout,
    };
  }
  throw new TypeError(`Cannot configure a cache of class ${cache.constructor.name}`);
}

function limitsOf({ maxSize, maxBytes, policy }: SizeLimitedCache): Record<string, unknown> {
  return {
    ...unless(Infinity, { max_size: maxSize, max_bytes: maxBytes }),
    ...unless("oldest", { policy }),
  };
}
