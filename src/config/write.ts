import { type BaseCache, CacheStack, ReadOnlyCache, SAVE_TIMEOUT } from "../caches/base_cache.ts";
import { Cache } from "../caches/cache.ts";
import { SshCache } from "../remote/ssh_cache.ts";
import { CallMemory } from "../storage/call_memory.ts";
import { CallSql } from "../storage/call_sql.ts";
import { CallVoid } from "../storage/call_void.ts";
import type { CallStorage, ValueStorage } from "../storage/storage.ts";
import { ValueFile } from "../storage/value_file.ts";
import { ValueMemory } from "../storage/value_memory.ts";
import { ValueVoid } from "../storage/value_void.ts";
import type { CacheConfig, StorageConfig } from "./build.ts";

/**
 * The configuration of a storage, as `storageFromConfig` takes it. What has its default value is
 * left out.
 *
 * @throws {TypeError} If the storage is of a class that no configuration names.
 */
export function storageToConfig(storage: ValueStorage | CallStorage): StorageConfig {
  if (storage instanceof ValueMemory || storage instanceof CallMemory) return { type: "memory" };
  if (storage instanceof ValueVoid || storage instanceof CallVoid) return { type: "void" };
  if (storage instanceof ValueFile) {
    const { root, verify, durability } = storage;
    return {
      type: "file",
      root,
      ...unless("crc", { verify }),
      ...unless("rename", { durability }),
    };
  }
  if (storage instanceof CallSql) {
    const { url, echo, journal, durability, lockTimeout } = storage;
    return {
      type: "sql",
      ...unless("sqlite://", { url }),
      ...unless(false, { echo }),
      ...unless(undefined, { journal }),
      ...unless("rename", { durability }),
      ...unless(30, { lock_timeout: lockTimeout }),
    };
  }
  throw new TypeError(`Cannot configure a storage of class ${storage.constructor.name}`);
}

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

function singleToConfig(cache: BaseCache): { [key: string]: unknown } {
  if (cache instanceof ReadOnlyCache && !(cache.cache instanceof ReadOnlyCache)) {
    return { ...singleToConfig(cache.cache), read_only: true };
  }
  const timeout = unless(SAVE_TIMEOUT, { save_timeout: cache.saveTimeout });
  if (cache instanceof Cache) {
    const { values, calls } = cache;
    return { values: storageToConfig(values), calls: storageToConfig(calls), ...timeout };
  }
  if (cache instanceof SshCache) {
    const { host, cacheName, command, sshOptions, setupCommands, workdir, env } = cache.options;
    return {
      type: "ssh",
      host,
      ...unless(undefined, { cache_name: cacheName }),
      ...unless(undefined, { command: typeof command === "object" ? [...command] : command }),
      ...unless(undefined, { ssh_options: sshOptions && [...sshOptions] }),
      ...unless(undefined, { setup_commands: setupCommands && [...setupCommands] }),
      ...unless(undefined, { workdir }),
      ...unless(undefined, { env: env && { ...env } }),
      ...timeout,
    };
  }
  throw new TypeError(`Cannot configure a cache of class ${cache.constructor.name}`);
}

// The options, but for those that have a value.
function unless(value: unknown, options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, each]) => each !== value));
}
