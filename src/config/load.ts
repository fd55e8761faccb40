import { dirname } from "node:path";
import type { BaseCache } from "../caches/base_cache.ts";
import { Cache } from "../caches/cache.ts";
import { ConfigError } from "../errors.ts";
import type { MetaData } from "../metadata/meta_data.ts";
import { Runtime } from "../metadata/runtime.ts";
import { CallMemory } from "../storage/call_memory.ts";
import { CallVoid } from "../storage/call_void.ts";
import { ValueMemory } from "../storage/value_memory.ts";
import { ValueVoid } from "../storage/value_void.ts";
import { nearest } from "../nearest.ts";
import { positionOf } from "./_position.ts";
import { ConfigFault, type ConfigPath, isTable, meant, meantOrAll, Section } from "./_section.ts";
import { buildCache, CACHE_KEYS, NO_CACHE } from "./build.ts";
import { defaultCache } from "./default_cache.ts";
import {
  type ConfigEntry,
  type ConfigFile,
  configPlaces,
  findConfigFiles,
  mergedEntries,
  withFile,
} from "./discovery.ts";
import { metadataNamed } from "./metadata_names.ts";

/** The table that holds settings instead of a cache, and the name of the default cache. */
const DEFAULT = "default";

/** Names that mean a cache without any configuration. */
const BUILT_IN: Readonly<Record<string, () => BaseCache>> = {
  memory: () => new Cache({ values: new ValueMemory(), calls: new CallMemory() }),
  void: () => new Cache({ values: new ValueVoid(), calls: new CallVoid() }),
};

/** Names of caches that no table of a configuration may have. */
export const BUILT_IN_NAMES: readonly string[] = Object.keys(BUILT_IN);

const caches = new Map<string, BaseCache>();

/** The tables of the configuration files in force. */
interface Configuration {
  readonly files: readonly ConfigFile[];
  readonly entries: ReadonlyMap<string, ConfigEntry>;
}

/**
 * The cache of a name, from the configuration files in force. One name is one cache: it is made
 * once, also where a stack or pool names it.
 *
 * @param name the name of a cache; `"memory"`, `"void"` and `"default"` need no configuration
 * @returns The cache. Nothing is opened yet.
 * @throws {ConfigError} If a file cannot be used, or there is no cache of that name.
 */
export function loadCacheConfig(name: string = DEFAULT): BaseCache {
  return interned(name, () => {
    const files = findConfigFiles();
    const entries = mergedEntries(files);
    checkEntries(entries);
    return configuredCache(name, { files, entries, chain: [name] });
  });
}

function interned(name: string, make: () => BaseCache): BaseCache {
  const known = caches.get(name);
  if (known !== undefined) return known;
  const cache = (Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name]?.() : undefined) ?? make();
  caches.set(name, cache);
  return cache;
}

/** What a cache is made from. */
interface Making extends Configuration {
  /** The caches that are being made, from the one that was asked for to this one. */
  readonly chain: readonly string[];
}

function configuredCache(name: string, making: Making): BaseCache {
  if (name === DEFAULT) return configuredDefault(making);
  const entry = making.entries.get(name);
  if (entry === undefined) throw unknownCache(name, making);
  return buildEntry(entry, { config: entry.value, path: [name], making });
}

function configuredDefault(making: Making): BaseCache {
  const entry = making.entries.get(DEFAULT);
  if (entry === undefined) return defaultCache();
  const { cache } = withFile(entry.file, () => readSettings(entry.value));
  const path = [DEFAULT, "cache"];
  if (cache === undefined) return defaultCache();
  if (typeof cache !== "string") return buildEntry(entry, { config: cache, path, making });
  return withFile(entry.file, () => memberNamed(cache, path, making));
}

function buildEntry(
  { file }: ConfigEntry,
  { config, path, making }: { config: unknown; path: ConfigPath; making: Making },
): BaseCache {
  const named = (name: string, place: ConfigPath) => memberNamed(name, place, making);
  return withFile(file, () => buildCache(config, path, { base: dirname(file.path), named }));
}

// A cache that stands in the configuration of another one by its name.
function memberNamed(name: string, path: ConfigPath, making: Making): BaseCache {
  const { entries, chain } = making;
  if (chain.includes(name)) {
    const circle = [...chain.slice(chain.indexOf(name)), name].join(" -> ");
    throw new ConfigFault(`the cache "${name}" would contain itself: ${circle}`, path);
  }
  if (name !== DEFAULT && !entries.has(name) && !Object.hasOwn(BUILT_IN, name)) {
    throw new ConfigFault(`there is no cache "${name}"${meant(name, cacheNames(entries))}`, path);
  }
  return interned(name, () => configuredCache(name, { ...making, chain: [...chain, name] }));
}

function cacheNames(entries: ReadonlyMap<string, ConfigEntry>): string[] {
  return [...entries.keys(), ...BUILT_IN_NAMES].filter((name) => name !== DEFAULT);
}

function unknownCache(name: string, { files, entries }: Configuration): ConfigError {
  const hint = meantOrAll(name, cacheNames(entries), "there are");
  const isMeant = hint.endsWith("?");
  if (files.length > 0) {
    const read = files.map(({ path }) => path).join(" or ");
    const remedy = isMeant ? "" : `; use one of these, or add a table [${name}] there`;
    return new ConfigError(`There is no cache "${name}" in ${read}; ${hint}${remedy}`);
  }
  const remedy = isMeant
    ? hint
    : `make one of these files, with a table [${name}] in it, or use memory, void or default`;
  return new ConfigError(
    `There is no cache "${name}", since there is no configuration: neither ` +
      `${configPlaces().join(" nor ")}; ${remedy}`,
  );
}

// A misspelt table would otherwise go unnoticed until results are missing.
function checkEntries(entries: ReadonlyMap<string, ConfigEntry>): void {
  for (const [name, { value, file }] of entries) {
    withFile(file, () => {
      if (Object.hasOwn(BUILT_IN, name)) {
        throw new ConfigFault(`the name "${name}" is reserved; choose another`, [name]);
      }
      if (name === DEFAULT) return readSettings(value);
      const config: unknown = Array.isArray(value) ? value[0] : value;
      if (Array.isArray(value) && typeof config === "string") return;
      if (isTable(config) && CACHE_KEYS.some((key) => Object.hasOwn(config, key))) return;
      const hint = nearest(name, [DEFAULT]) === undefined ? "" : '; did you mean "default"?';
      if (hint === "" && isTable(config)) new Section(config, [name]).suggest(CACHE_KEYS);
      throw new ConfigFault(`${NO_CACHE}${hint}`, [name]);
    });
  }
}

/** One top-level table of the configuration in force. */
export interface ConfigTable {
  readonly name: string;
  readonly file: string;
  /** The line in the file, from 1. */
  readonly line: number;
  readonly value: unknown;
}

/** Where the configuration in force comes from. */
export interface ConfigSource {
  /** The files that were read, closest first. */
  readonly files: string[];
  /** Where files would be read. */
  readonly places: string[];
  /** Their tables, but for those that closer files replace. */
  readonly tables: ConfigTable[];
}

/**
 * The configuration in force as it is written.
 *
 * @throws {ConfigError} If a file cannot be read.
 */
export function configSources(): ConfigSource {
  const files = findConfigFiles();
  const tables = [...mergedEntries(files)].map(([name, { value, file }]) => {
    const { line } = positionOf(file.text, [name]);
    return { name, file: file.path, line, value };
  });
  return { files: files.map(({ path }) => path), places: configPlaces(), tables };
}

interface Settings {
  readonly cache: unknown;
  readonly metadata: MetaData[] | undefined;
}

function readSettings(value: unknown): Settings {
  const section = new Section(value, [DEFAULT]);
  const cache = section.any("cache");
  const metadata = section.strings("metadata")
    ?.map((name, index) => metadataNamed(name, [DEFAULT, "metadata", index]));
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
  return named ?? [new Runtime()];
}
