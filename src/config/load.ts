import { dirname } from "node:path";
import type { BaseCache } from "../caches/base_cache.ts";
import { Cache } from "../caches/cache.ts";
import { ConfigError } from "../errors.ts";
import { type MetaData, Runtime } from "../metadata.ts";
import { CallMemory } from "../storage/call_memory.ts";
import { CallVoid } from "../storage/call_void.ts";
import { ValueMemory } from "../storage/value_memory.ts";
import { ValueVoid } from "../storage/value_void.ts";
import { nearest } from "./_nearest.ts";
import { ConfigFault, isTable, Section } from "./_section.ts";
import { buildCache } from "./build.ts";
import { defaultCache } from "./default_cache.ts";
import { type ConfigEntry, findConfigFiles, mergedEntries, withFile } from "./discovery.ts";

/** The table that holds settings instead of a cache, and the name of the default cache. */
const DEFAULT = "default";

/** Names that mean a cache without any configuration. */
const BUILT_IN: Readonly<Record<string, () => BaseCache>> = {
  memory: () => new Cache({ values: new ValueMemory(), calls: new CallMemory() }),
  void: () => new Cache({ values: new ValueVoid(), calls: new CallVoid() }),
};

const CACHE_KEYS = ["values", "calls", "type"];

/** Metadata that a configuration can name. */
const METADATA: Readonly<Record<string, () => MetaData>> = { Runtime: () => new Runtime() };

const caches = new Map<string, BaseCache>();

/**
 * The cache of a name, from the configuration files in force. One name is one cache: it is made
 * once.
 *
 * @param name the name of a cache; `"memory"`, `"void"` and `"default"` need no configuration
 * @returns The cache. Nothing is opened yet.
 * @throws {ConfigError} If a file cannot be used, or there is no cache of that name.
 */
export function loadCacheConfig(name: string = DEFAULT): BaseCache {
  const known = caches.get(name);
  if (known !== undefined) return known;
  const cache = (Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name]?.() : undefined) ??
    configuredCache(name);
  caches.set(name, cache);
  return cache;
}

function configuredCache(name: string): BaseCache {
  const entries = mergedEntries(findConfigFiles());
  checkEntries(entries);
  if (name === DEFAULT) return configuredDefault(entries);
  const entry = entries.get(name);
  if (entry === undefined) throw unknownCache(name, entries);
  return buildEntry(entry, entry.value, [name]);
}

function configuredDefault(entries: ReadonlyMap<string, ConfigEntry>): BaseCache {
  const entry = entries.get(DEFAULT);
  if (entry === undefined) return defaultCache();
  const settings = withFile(entry.file, () => readSettings(entry.value));
  const { cache } = settings;
  if (cache === undefined) return defaultCache();
  if (typeof cache !== "string") return buildEntry(entry, cache, [DEFAULT, "cache"]);
  if (cache !== DEFAULT && (entries.has(cache) || Object.hasOwn(BUILT_IN, cache))) {
    return loadCacheConfig(cache);
  }
  return withFile(entry.file, () => {
    const near = nearest(cache, cacheNames(entries));
    const hint = near === undefined ? "" : `; did you mean "${near}"?`;
    throw new ConfigFault(`there is no cache "${cache}"${hint}`, [DEFAULT, "cache"]);
  });
}

function buildEntry(entry: ConfigEntry, config: unknown, path: readonly string[]): BaseCache {
  const base = dirname(entry.file.path);
  return withFile(entry.file, () => buildCache(config, path, { base }));
}

function cacheNames(entries: ReadonlyMap<string, ConfigEntry>): string[] {
  return [...entries.keys(), ...Object.keys(BUILT_IN)].filter((name) => name !== DEFAULT);
}

function unknownCache(name: string, entries: ReadonlyMap<string, ConfigEntry>): ConfigError {
  const names = cacheNames(entries);
  const near = nearest(name, names);
  const hint = near === undefined ? `there are ${names.join(", ")}` : `did you mean "${near}"?`;
  return new ConfigError(`There is no cache "${name}" in the configuration; ${hint}`);
}

// A misspelt table would otherwise go unnoticed until results are missing.
function checkEntries(entries: ReadonlyMap<string, ConfigEntry>): void {
  for (const [name, { value, file }] of entries) {
    withFile(file, () => {
      if (Object.hasOwn(BUILT_IN, name)) {
        throw new ConfigFault(`the name "${name}" is reserved; choose another`, [name]);
      }
      if (name === DEFAULT) return readSettings(value);
      const table: unknown = Array.isArray(value) ? value[0] : value;
      if (!isTable(table) || !CACHE_KEYS.some((key) => Object.hasOwn(table, key))) {
        const meant = nearest(name, [DEFAULT]) === undefined ? "" : '; did you mean "default"?';
        throw new ConfigFault(`should have "values" and "calls", or a "type"${meant}`, [name]);
      }
    });
  }
}

interface Settings {
  readonly cache: unknown;
  readonly metadata: string[] | undefined;
}

function readSettings(value: unknown): Settings {
  const section = new Section(value, [DEFAULT]);
  const cache = section.any("cache");
  const metadata = section.strings("metadata");
  metadata?.forEach((name, index) => {
    if (Object.hasOwn(METADATA, name)) return;
    const near = nearest(name, Object.keys(METADATA));
    const hint = near === undefined
      ? `there are ${Object.keys(METADATA).join(", ")}`
      : `did you mean "${near}"?`;
    throw new ConfigFault(`there is no metadata "${name}"; ${hint}`, [DEFAULT, "metadata", index]);
  });
  section.boolean("root");
  section.finish();
  return { cache, metadata };
}

/**
 * The metadata that is noted of each call, from the configuration files in force; `Runtime` if they
 * name none.
 *
 * @throws {ConfigError} If a file cannot be used, or names metadata that does not exist.
 */
export function loadDefaultMetadata(): MetaData[] {
  const entry = mergedEntries(findConfigFiles()).get(DEFAULT);
  const named = entry === undefined
    ? undefined
    : withFile(entry.file, () => readSettings(entry.value)).metadata;
  return (named ?? ["Runtime"]).flatMap((name) => METADATA[name]?.() ?? []);
}
