import { type BaseCache, CacheStack, ReadOnlyCache } from "../caches/base_cache.ts";
import { Cache } from "../caches/cache.ts";
import { CachePool } from "../caches/cache_pool.ts";
import { SizeLimitedCache } from "../caches/size_limited_cache.ts";
import { SshCache, type SshCacheOptions } from "../remote/ssh_cache.ts";
import type { CallStorage, ValueStorage } from "../storage/storage.ts";
import { ConfigFault, type ConfigPath, Section, withoutFile } from "./_section.ts";
import {
  buildCalls,
  buildTemplate,
  buildValues,
  given,
  type StorageBuildOptions,
} from "./build_storage.ts";

/** One cache, or the caches of a stack, as a configuration describes them. */
export type CacheConfig = CacheTable | (CacheTable | string)[];

/** One cache as a configuration describes it. */
export type CacheTable = { [key: string]: unknown };

/** What a configuration does not say by itself. */
export interface BuildOptions {
  /** The folder where relative paths begin; the working directory by default. */
  base?: string;
  /** The cache of a name in a stack or pool; by default none has one. */
  named?: (name: string) => BaseCache;
}

/** Keys by which a table is known to be a cache. */
export const CACHE_KEYS = ["values", "calls", "type", "template", "pool"];

const POLICIES = ["oldest", "lru", "random", "cost"] as const;

/** What is wrong with a table that has none of them. */
export const NO_CACHE =
  'should have the tables "values" and "calls", or a "template", a "pool", or a "type"';

/**
 * Makes a cache from its configuration: a table gives a cache, a list of tables a stack.
 *
 * @example Usage
 * ```ts
 * import { Cache, cacheFromConfig, CacheStack, loadCacheConfig } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const memory = { values: { type: "memory" }, calls: { type: "memory" } };
 * assert(cacheFromConfig(memory) instanceof Cache);
 * const stack = cacheFromConfig([memory, "memory"], { named: loadCacheConfig });
 * assert(stack instanceof CacheStack && stack.stack[1] === loadCacheConfig("memory"));
 * ```
 *
 * @throws {ConfigError} If it is not one that can be made.
 */
export function cacheFromConfig(config: CacheConfig, options: BuildOptions = {}): BaseCache {
  return withoutFile(() => buildCache(config, [], options));
}

/** {@linkcode BuildOptions} of a configuration that stands in a file. */
export interface PlacedBuildOptions extends StorageBuildOptions {
  /** The cache of a name; where there is none, the fault is at the path. */
  named?: ((name: string, path: ConfigPath) => BaseCache) | undefined;
}

/** {@linkcode cacheFromConfig}, with faults that name their place below a path. */
export function buildCache(
  config: unknown,
  path: ConfigPath,
  options: PlacedBuildOptions,
): BaseCache {
  if (!Array.isArray(config)) return buildSingle(new Section(config, path), options);
  return new CacheStack(flat(buildMembers(config, path, options)));
}

function buildMembers(list: unknown, path: ConfigPath, options: PlacedBuildOptions): BaseCache[] {
  if (!Array.isArray(list)) throw new ConfigFault("should be a list of caches", path);
  if (list.length === 0) throw new ConfigFault("should list at least one cache", path);
  return list.map((each, index) => buildMember(each, [...path, index], options));
}

function buildMember(member: unknown, path: ConfigPath, options: PlacedBuildOptions): BaseCache {
  if (typeof member !== "string") return buildSingle(new Section(member, path), options);
  if (options.named === undefined) {
    throw new ConfigFault(`no cache is named "${member}" here; write it out as a table`, path);
  }
  return options.named(member, path);
}

// A stack that is named in a stack or pool stands for its caches, of which each is asked once.
function flat(caches: readonly BaseCache[]): BaseCache[] {
  return [
    ...new Set(caches.flatMap((cache) => cache instanceof CacheStack ? cache.stack : [cache])),
  ];
}

function buildSingle(section: Section, options: PlacedBuildOptions): BaseCache {
  const cache = buildOne(section, options);
  const readOnly = section.boolean("read_only");
  section.finish();
  return readOnly === true ? new ReadOnlyCache(cache) : cache;
}

function buildOne(section: Section, options: PlacedBuildOptions): BaseCache {
  if (section.has("type")) return buildTyped(section);
  if (section.has("template")) return buildPair(section, buildTemplate(section, options));
  if (section.has("values") || section.has("calls")) {
    const values = buildValues(section.section("values"), options);
    const calls = buildCalls(section.section("calls"), options);
    return buildPair(section, { values, calls });
  }
  if (section.has("pool")) {
    return new CachePool(
      flat(buildMembers(section.any("pool"), [...section.path, "pool"], options)),
    );
  }
  section.suggest(CACHE_KEYS);
  throw new ConfigFault(NO_CACHE, section.path);
}

function buildPair(
  section: Section,
  storages: { values: ValueStorage; calls: CallStorage },
): BaseCache {
  const saveTimeout = section.positive("save_timeout");
  const options = { ...storages, ...given({ saveTimeout }) };
  const limits = given({
    maxSize: section.count("max_size"),
    maxBytes: section.bytes("max_bytes"),
  });
  const policy = section.choice("policy", POLICIES);
  if (Object.keys(limits).length > 0) {
    return made(
      section,
      () => new SizeLimitedCache({ ...options, ...limits, ...given({ policy }) }),
    );
  }
  if (policy === undefined) return made(section, () => new Cache(options));
  return section.fault("policy", 'is of no use without "max_size" or "max_bytes"');
}

// What a cache cannot be made of is a fault of the configuration.
function made(section: Section, make: () => Cache): Cache {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ConfigFault(error.message, section.path);
  }
}

function buildTyped(section: Section): BaseCache {
  section.choice("type", ["ssh"]);
  const command = Array.isArray(section.any("command"))
    ? section.strings("command")
    : section.string("command");
  if (Array.isArray(command) && command.length === 0) section.fault("command", "names no program");
  const host = section.requiredString("host");
  const options: SshCacheOptions = {
    host,
    ...given({
      cacheName: section.string("cache_name"),
      command,
      sshOptions: section.strings("ssh_options"),
      setupCommands: section.strings("setup_commands"),
      workdir: section.string("workdir"),
      env: section.stringTable("env"),
      timeout: section.positive("timeout"),
      connectTimeout: section.positive("connect_timeout"),
      saveTimeout: section.positive("save_timeout"),
    }),
  };
  try {
    return new SshCache(options);
  } catch (error) {
    if (error instanceof TypeError) {
      const key = host === "" || host.startsWith("-") ? "host" : "env";
      throw new ConfigFault(error.message, [...section.path, key]);
    }
    throw error;
  }
}
