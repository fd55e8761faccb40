import { type BaseCache, CacheStack, ReadOnlyCache } from "../caches/base_cache.ts";
import { Cache } from "../caches/cache.ts";
import { CachePool } from "../caches/cache_pool.ts";
import { RefreshingCache } from "../caches/refreshing_cache.ts";
import { cacheToConfig } from "../config/write.ts";
import { visible } from "../display_text.ts";
import { RejectedError } from "../errors.ts";
import { redact } from "../remote/redact.ts";

/** The caches that a stack, pool or view of a cache is made of, or the one that there is. */
export function members(cache: BaseCache): BaseCache[] {
  if (cache instanceof ReadOnlyCache) return members(cache.cache);
  if (cache instanceof CacheStack) return cache.stack.flatMap(members);
  if (cache instanceof CachePool) return cache.pool.flatMap(members);
  return [cache];
}

/**
 * The caches of two storages that can be written to: the cache itself, or those of a stack.
 *
 * @param operation what is to be done with them, for the message
 * @throws {RejectedError} If there are none.
 */
export function ownCaches(cache: BaseCache, operation: string): Cache[] {
  const found = (cache instanceof CacheStack ? cache.stack : [cache])
    .filter((each) => each instanceof Cache);
  if (found.length > 0) return found;
  const reason = cache.isReadOnly ? "it is read-only" : "it is on another machine: do it there";
  throw new RejectedError(`Cannot ${operation} in this cache: ${reason}`, { operation });
}

/** Whether what is stored in a cache is there when the program has ended. */
export function persists(cache: BaseCache): boolean {
  if (cache instanceof CacheStack) return cache.stack.slice(0, 1).every(persists);
  if (cache instanceof RefreshingCache) return persists(cache.cache);
  return !(cache instanceof Cache) ||
    [cache.values, cache.calls].every(({ capabilities }) => capabilities.persistent);
}

/** What a cache is, as people and programs may read it: without secrets. */
export function shownConfig(cache: BaseCache): unknown {
  return redact(cacheToConfig(cache));
}

/** {@linkcode shownConfig} in a line of text. */
export function configLine(cache: BaseCache): string {
  return `cache ${visible(JSON.stringify(shownConfig(cache)))}`;
}
