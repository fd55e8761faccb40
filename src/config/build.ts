import { isAbsolute, resolve } from "node:path";
import { type BaseCache, CacheStack, ReadOnlyCache } from "../caches/base_cache.ts";
import { Cache } from "../caches/cache.ts";
import { ConfigError } from "../errors.ts";
import { warnOnce } from "../log.ts";
import { SshCache, type SshCacheOptions } from "../remote/ssh_cache.ts";
import { CallMemory } from "../storage/call_memory.ts";
import { CallSql, type CallSqlOptions } from "../storage/call_sql.ts";
import { CallVoid } from "../storage/call_void.ts";
import type { CallStorage, ValueStorage } from "../storage/storage.ts";
import { ValueFile, type ValueFileOptions } from "../storage/value_file.ts";
import { ValueMemory } from "../storage/value_memory.ts";
import { ValueVoid } from "../storage/value_void.ts";
import { ConfigFault, type ConfigPath, Section, withoutFile } from "./_section.ts";

/** One storage as a configuration describes it. */
export type StorageConfig = { type: string; [key: string]: unknown };

/** One cache, or the caches of a stack, as a configuration describes them. */
export type CacheConfig = { [key: string]: unknown } | { [key: string]: unknown }[];

/** Where relative paths of a configuration begin. */
export interface BuildOptions {
  /** The folder; the working directory by default. */
  base?: string;
}

const VALUE_TYPES = ["file", "memory", "void"] as const;
const CALL_TYPES = ["sql", "memory", "void"] as const;
const PYTHON_TYPES = ["pickle", "cloudpickle", "dill"];

/**
 * Makes a value storage from its configuration.
 *
 * @param config the table, with its `type`
 * @param kind what it stores
 * @throws {ConfigError} If it is not one that can be made.
 */
export function storageFromConfig(config: StorageConfig, kind: "value"): ValueStorage;
/**
 * Makes a call storage from its configuration.
 *
 * @param config the table, with its `type`
 * @param kind what it stores
 * @throws {ConfigError} If it is not one that can be made.
 */
export function storageFromConfig(config: StorageConfig, kind: "call"): CallStorage;
export function storageFromConfig(
  config: StorageConfig,
  kind: "value" | "call",
): ValueStorage | CallStorage {
  return withoutFile(() => {
    const section = new Section(config, []);
    return kind === "value" ? buildValues(section, {}) : buildCalls(section, {});
  });
}

/**
 * Makes a cache from its configuration: a table gives a cache, a list of tables a stack.
 *
 * @example Usage
 * ```ts
 * import { Cache, cacheFromConfig, CacheStack } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const memory = { values: { type: "memory" }, calls: { type: "memory" } };
 * assert(cacheFromConfig(memory) instanceof Cache);
 * assert(cacheFromConfig([memory, memory]) instanceof CacheStack);
 * ```
 *
 * @throws {ConfigError} If it is not one that can be made.
 */
export function cacheFromConfig(config: CacheConfig, options: BuildOptions = {}): BaseCache {
  return withoutFile(() => buildCache(config, [], options));
}

/** {@linkcode cacheFromConfig}, with faults that name their place below a path. */
export function buildCache(config: unknown, path: ConfigPath, options: BuildOptions): BaseCache {
  if (!Array.isArray(config)) return buildSingle(new Section(config, path), options);
  if (config.length === 0) throw new ConfigFault("should list at least one cache", path);
  return new CacheStack(
    config.map((each, index) => buildSingle(new Section(each, [...path, index]), options)),
  );
}

function buildSingle(section: Section, options: BuildOptions): BaseCache {
  const cache = section.has("type") ? buildTyped(section) : buildPair(section, options);
  const readOnly = section.boolean("read_only");
  section.finish();
  return readOnly === true ? new ReadOnlyCache(cache) : cache;
}

function buildPair(section: Section, options: BuildOptions): BaseCache {
  if (!section.has("values") && !section.has("calls")) {
    throw new ConfigFault('should have the tables "values" and "calls", or a type', section.path);
  }
  const saveTimeout = section.positive("save_timeout");
  return new Cache({
    values: buildValues(section.section("values"), options),
    calls: buildCalls(section.section("calls"), options),
    ...given({ saveTimeout }),
  });
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

function buildValues(section: Section, options: BuildOptions): ValueStorage {
  refusePythonTypes(section);
  ignorePythonKeys(section);
  switch (requiredType(section, VALUE_TYPES)) {
    case "memory":
      section.finish();
      return new ValueMemory();
    case "void":
      section.finish();
      return new ValueVoid();
    case "file": {
      const file: ValueFileOptions = {
        root: rebased(section.requiredString("root"), options),
        ...given({
          verify: section.any("verify") === false
            ? false as const
            : section.choice("verify", ["crc", "sha256"]),
          durability: section.choice("durability", ["rename", "fsync"]),
        }),
      };
      section.finish();
      return new ValueFile(file);
    }
  }
}

function buildCalls(section: Section, options: BuildOptions): CallStorage {
  refusePythonTypes(section);
  ignorePythonKeys(section);
  switch (requiredType(section, CALL_TYPES)) {
    case "memory":
      section.finish();
      return new CallMemory();
    case "void":
      section.finish();
      return new CallVoid();
    case "sql": {
      const url = section.string("url");
      const sql: CallSqlOptions = given({
        url: url === undefined ? undefined : rebasedUrl(url, options),
        echo: section.boolean("echo"),
        journal: section.choice("journal", ["wal", "delete", "truncate", "persist"]),
        durability: section.choice("durability", ["rename", "fsync"]),
        lockTimeout: section.positive("lock_timeout"),
      });
      section.finish();
      try {
        return new CallSql(sql);
      } catch (error) {
        if (error instanceof ConfigError) return section.fault("url", error.message);
        throw error;
      }
    }
  }
}

// Options of the Python package whose work the encoding does here.
const IGNORED_KEYS = ["remaining_depth", "version_validator"];

function ignorePythonKeys(section: Section): void {
  for (const key of IGNORED_KEYS) {
    if (!section.hides(key)) continue;
    warnOnce(
      `ignored ${key}`,
      ["config"],
      `the configuration key ${key} is ignored: values are divided by their size, and formats are ` +
        "numbered",
    );
  }
}

function requiredType<T extends string>(section: Section, types: readonly T[]): T {
  const type = section.choice("type", types);
  if (type === undefined) throw new ConfigFault('lacks the key "type"', section.path);
  return type;
}

function refusePythonTypes(section: Section): void {
  const type = section.any("type");
  if (typeof type === "string" && PYTHON_TYPES.includes(type)) {
    section.fault("type", `"${type}" holds Python objects, which cannot be read here; use "file"`);
  }
}

function rebased(path: string, { base }: BuildOptions): string {
  return base === undefined || path === "~" || path.startsWith("~/") || isAbsolute(path)
    ? path
    : resolve(base, path);
}

function rebasedUrl(url: string, options: BuildOptions): string {
  if (!url.includes("://")) return url === ":memory:" ? url : rebased(url, options);
  const [, path] = /^sqlite:\/\/\/(.+)$/s.exec(url) ?? [];
  if (path === undefined || path === ":memory:") return url;
  return `sqlite:///${rebased(path, options)}`;
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

// Only the options that are there.
function given<T extends Record<string, unknown>>(options: T): Given<T> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Given<T>;
}
