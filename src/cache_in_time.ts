import type { BaseCache, PrepareOptions } from "./caches/base_cache.ts";
import type { Call } from "./call.ts";
import { inTime } from "./in_time.ts";
import type { LazyCall } from "./lazy_call.ts";
import type { PreparedCall } from "./prepared_call.ts";

/** Microtasks within which a cache in memory, or one that reads at once, has its answer. */
const SHORT_WAIT = 8;

/** Finds a call; a timer is only worth its cost where the answer takes time. */
export async function foundInTime(cache: BaseCache, key: string): Promise<LazyCall | undefined> {
  const found = cache.find(key);
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  found.then(settle, settle);
  for (let passed = 0; passed < SHORT_WAIT && !isSettled; passed++) await null;
  return await (isSettled ? found : inTime(found, cache.lookupTimeout));
}

/**
 * Lets a cache admit a call.
 *
 * @throws {Error} If it takes longer than saving may take, or the cache refuses.
 */
export async function preparedInTime(
  cache: BaseCache,
  call: Call,
  options: PrepareOptions,
): Promise<PreparedCall> {
  const preparing = cache.prepare(call, options);
  try {
    return await inTime(preparing, cache.saveTimeout);
  } catch (error) {
    // One that comes too late is let go of when it comes.
    preparing.then((late) => late.abandon(), () => {});
    throw error;
  }
}
