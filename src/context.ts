import { AsyncLocalStorage } from "node:async_hooks";
import type { BaseCache } from "./caches/base_cache.ts";
import { loadCacheConfig, loadDefaultMetadata } from "./config/load.ts";
import type { Flight } from "./flights.ts";
import type { Isolation } from "./isolation.ts";
import type { CallPosition, MetaData } from "./metadata/meta_data.ts";
import { Tags, type TagSet } from "./metadata/tags.ts";
import { ProcessSetting } from "./process_setting.ts";

/** A cached call whose body is running. */
export interface Frame {
  /** Its key. */
  readonly key: string;
  /** Keys of the cached calls that it has made. */
  readonly calls: Set<string>;
  /** What others who want the same call wait for. */
  readonly flight: Flight | undefined;
  /** The call that it was made by. */
  readonly parent: Frame | undefined;
}

/** What holds for a function and all that it awaits. */
export interface Scope {
  /** The active cache, if it differs from that of the process. */
  readonly cache?: BaseCache | undefined;
  /** The cached call that is running. */
  readonly frame?: Frame | undefined;
  /** The metadata that is noted, if it differs from that of the process. */
  readonly metadata?: readonly MetaData[] | undefined;
  /** The tags, besides those of the process. */
  readonly tags?: Tags["values"] | undefined;
  /** Whether those are all, and the process's own do not count. */
  readonly hasAllTags?: boolean;
  /** The isolated call that is running. */
  readonly isolation?: Isolation | undefined;
}

/** Where a call stands that is made while another one is running. */
export function positionOf(frame: Frame | undefined): CallPosition {
  let depth = 0;
  for (let each = frame; each !== undefined; each = each.parent) depth++;
  return { parent: frame?.key ?? null, depth };
}

/** What others wait for who want the calls that are running. */
export function flightsAbove(frame: Frame | undefined): Flight[] {
  const flights: Flight[] = [];
  for (let each = frame; each !== undefined; each = each.parent) {
    if (each.flight !== undefined) flights.push(each.flight);
  }
  return flights;
}

const scopes = new AsyncLocalStorage<Scope>();
const NO_SCOPE: Scope = {};
const processCache = new ProcessSetting<BaseCache>();
const processMetadata = new ProcessSetting<readonly MetaData[]>();
const processTags = new ProcessSetting<Tags["values"]>();
let configuredMetadata: readonly MetaData[] | undefined;

/** The scope that is in force. */
export function currentScope(): Scope {
  return scopes.getStore() ?? NO_SCOPE;
}

/** Runs a function in a scope of its own. */
export function runInScope<T>(scope: Scope, fn: () => T): T {
  return scopes.run(scope, fn);
}

/** The active cache. */
export function activeCache(): BaseCache {
  return currentScope().cache ?? processCache.last ?? loadCacheConfig();
}

/** The metadata that is noted of each call, but for the tags. */
export function activeMetadata(): readonly MetaData[] {
  return currentScope().metadata ?? processMetadata.last ??
    (configuredMetadata ??= loadDefaultMetadata());
}

/** The tags of each call, by name. */
export function activeTags(): Tags["values"] {
  const { tags = {}, hasAllTags = false } = currentScope();
  if (hasAllTags) return tags;
  const add = (inner: Tags["values"], each: Tags["values"]) => ({ ...each, ...inner });
  return processTags.all.reduceRight(add, tags);
}

/** All that is noted of each call. */
export function notedMetadata(): readonly MetaData[] {
  const tags = activeTags();
  const metadata = activeMetadata();
  return Object.keys(tags).length === 0 ? metadata : [...metadata, new Tags(tags)];
}

/** The scope that is in force, with all that could change for the process fixed as it is now. */
export function frozenScope(): Scope {
  return {
    ...currentScope(),
    cache: activeCache(),
    metadata: activeMetadata(),
    tags: activeTags(),
    hasAllTags: true,
  };
}

function resolveCache(cache: BaseCache | string): BaseCache {
  return typeof cache === "string" ? loadCacheConfig(cache) : cache;
}

/**
 * The active cache: that of the surrounding {@linkcode withCache}, else that of the process, else
 * the default one of the configuration.
 *
 * @throws {ConfigError} If the configuration cannot be used.
 */
export function cache(): BaseCache;
/**
 * Makes a cache the active one of the process, until what is returned is disposed.
 *
 * @example Usage
 * ```ts
 * import { cache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const before = cache();
 * {
 *   using _ = cache("memory");
 *   assert.notEqual(cache(), before);
 * }
 * assert.equal(cache(), before);
 * ```
 *
 * @param next a cache, or the name of one in the configuration
 * @throws {ConfigError} If the configuration cannot be used, or has no cache of that name.
 */
export function cache(next: BaseCache | string): Disposable;
export function cache(next?: BaseCache | string): BaseCache | Disposable {
  if (next === undefined) return activeCache();
  return processCache.set(resolveCache(next));
}

/**
 * Runs a function with an active cache of its own, which holds for all that the function awaits.
 *
 * @example Usage
 * ```ts
 * import { fleche, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * let runs = 0;
 * const next = fleche((x: number) => (runs++, x + 1), { name: "next", version: 1 });
 * await withCache("memory", async () => {
 *   assert.equal(await next(1), 2);
 *   assert.equal(await next(1), 2);
 * });
 * assert.equal(runs, 1);
 * ```
 *
 * @param next a cache, or the name of one in the configuration
 * @param fn what to run
 * @returns What the function returns.
 * @throws {ConfigError} If the configuration cannot be used, or has no cache of that name.
 */
export function withCache<T>(next: BaseCache | string, fn: () => T): T {
  return runInScope({ ...currentScope(), cache: resolveCache(next) }, fn);
}

/**
 * Notes other metadata of the calls of this process, until what is returned is disposed. The list
 * takes the place of the one before, that of the configuration too; an empty one notes nothing. Tags
 * and what a function's own `meta` option lists are noted besides.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, fleche, Git, meta, Runtime, ValueMemory, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const half = fleche((x: number) => x / 2, { name: "half", version: 1 });
 * {
 *   using _ = meta([new Runtime(), new Git()]);
 *   await withCache(cache, () => half(3));
 * }
 * const { metadata } = await cache.load(half.digest(3));
 * assert.deepEqual(Object.keys(metadata), ["git", "runtime"]);
 * ```
 *
 * @param list the metadata
 */
export function meta(list: readonly MetaData[]): Disposable {
  return processMetadata.set([...list]);
}

/**
 * {@linkcode meta} for a function and all that it awaits.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, fleche, ValueMemory, withCache, withMeta } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const half = fleche((x: number) => x / 2, { name: "half", version: 1 });
 * await withCache(cache, () => withMeta([], () => half(3)));
 * assert.deepEqual((await cache.load(half.digest(3))).metadata, {});
 * ```
 *
 * @param list the metadata
 * @param fn what to run
 * @returns What the function returns.
 */
export function withMeta<T>(list: readonly MetaData[], fn: () => T): T {
  return runInScope({ ...currentScope(), metadata: [...list] }, fn);
}

/**
 * Tags the calls of this process, until what is returned is disposed. Tags add up: the innermost
 * one of a name counts, first those of a function's `meta` option, then those of
 * {@linkcode withTags}, then those of the process.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, fleche, tags, ValueMemory, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const half = fleche((x: number) => x / 2, { name: "half", version: 1 });
 * {
 *   using _ = tags({ sample: "B12" });
 *   await withCache(cache, () => half(3));
 * }
 * assert.deepEqual((await cache.load(half.digest(3))).metadata.tags, { sample: "B12" });
 * ```
 *
 * @param tags values by name, or names alone
 * @throws {TypeError} If a name is none that can be stored, as `__proto__`, or a value is nothing
 *   that JSON can hold.
 */
export function tags(tags: TagSet): Disposable {
  return processTags.set(new Tags(tags).values);
}

/**
 * {@linkcode tags} for a function and all that it awaits.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, fleche, ValueMemory, withCache, withTags } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const half = fleche((x: number) => x / 2, { name: "half", version: 1 });
 * await withTags({ sample: "B12" }, () =>
 *   withTags(["final"], () => withCache(cache, () => half(3))));
 * const { metadata } = await cache.load(half.digest(3));
 * assert.deepEqual(metadata.tags, { final: true, sample: "B12" });
 * ```
 *
 * @param tags values by name, or names alone
 * @param fn what to run
 * @returns What the function returns.
 * @throws {TypeError} If a name is none that can be stored, as `__proto__`, or a value is nothing
 *   that JSON can hold.
 */
export function withTags<T>(tags: TagSet, fn: () => T): T {
  const scope = currentScope();
  return runInScope({ ...scope, tags: { ...scope.tags, ...new Tags(tags).values } }, fn);
}

/**
 * Tags the calls of this process with the name of a project, as the tag `project`, until what is
 * returned is disposed.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, fleche, project, ValueMemory, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const half = fleche((x: number) => x / 2, { name: "half", version: 1 });
 * {
 *   using _ = project("halves");
 *   await withCache(cache, () => half(3));
 * }
 * const found = cache.query({ metadata: { tags: { project: "halves" } } });
 * assert.equal(await found.count(), 1);
 * ```
 *
 * @param name the name of the project
 */
export function project(name: string): Disposable {
  return tags({ project: name });
}

/**
 * {@linkcode project} for a function and all that it awaits.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, fleche, ValueMemory, withCache, withProject } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const half = fleche((x: number) => x / 2, { name: "half", version: 1 });
 * await withProject("halves", () => withCache(cache, () => half(3)));
 * assert.deepEqual((await cache.load(half.digest(3))).metadata.tags, { project: "halves" });
 * ```
 *
 * @param name the name of the project
 * @param fn what to run
 * @returns What the function returns.
 */
export function withProject<T>(name: string, fn: () => T): T {
  return withTags({ project: name }, fn);
}
