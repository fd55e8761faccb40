import { AsyncLocalStorage } from "node:async_hooks";
import type { BaseCache } from "./caches/base_cache.ts";
import { loadCacheConfig, loadDefaultMetadata } from "./config/load.ts";
import type { Flight } from "./flights.ts";
import type { MetaData } from "./metadata.ts";

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
}

const scopes = new AsyncLocalStorage<Scope>();
const NO_SCOPE: Scope = {};
let processCache: BaseCache | undefined;
let metadata: readonly MetaData[] | undefined;

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
  return currentScope().cache ?? processCache ?? loadCacheConfig();
}

/** The metadata that is noted of each call. */
export function activeMetadata(): readonly MetaData[] {
  return metadata ??= loadDefaultMetadata();
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
  const before = processCache;
  processCache = resolveCache(next);
  return {
    [Symbol.dispose]() {
      processCache = before;
    },
  };
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
