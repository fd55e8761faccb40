/**
 * Uses caches of configuration files: stores and loads through each, writes it back, and loads what
 * was written. Prints as JSON what each of them is.
 *
 * Standard input: a line of JSON, a list of {@linkcode DocumentedFile}.
 */

import {
  type BaseCache,
  cacheFromConfig,
  CachePool,
  CacheStack,
  cacheToConfig,
  Call,
  loadCacheConfig,
  ReadOnlyCache,
  SshCache,
} from "@fleche/core";
import assert from "node:assert/strict";
import type { DocumentedCache, DocumentedFile } from "./documentation_test.ts";

/** The caches that take what is stored in one; none if that is another machine's. */
function writable(cache: BaseCache): BaseCache[] {
  if (cache instanceof SshCache) return [];
  if (cache instanceof ReadOnlyCache) return writable(cache.cache);
  if (cache instanceof CachePool) return cache.pool.flatMap(writable).slice(0, 1);
  if (cache instanceof CacheStack) return cache.stack.slice(0, 1).flatMap(writable);
  return [cache];
}

async function use(name: string): Promise<DocumentedCache> {
  const cache = loadCacheConfig(name);
  const config = cacheToConfig(cache);
  const result = Float64Array.from({ length: 5000 }, (_, index) => index / 7);
  const call = new Call({ name, arguments: { x: [1, "é"] }, result });
  let found: boolean | undefined;
  for (const each of writable(cache)) {
    const key = await each.save(call);
    found = await cache.contains(key);
    if (found) assert.deepEqual(await (await cache.load(key)).result(), result);
  }
  await cache.close();
  await using again = cacheFromConfig(config);
  assert.deepEqual(cacheToConfig(again), config);
  let foundAgain: boolean | undefined;
  if (found !== undefined) {
    const key = call.key;
    foundAgain = await again.contains(key);
    if (foundAgain) assert.deepEqual(await (await again.load(key)).result(), result);
  }
  return { name, class: cache.constructor.name, found, foundAgain };
}

const files: DocumentedFile[] = JSON.parse(await new Response(Deno.stdin.readable).text());
const used: DocumentedCache[] = [];
for (const { folder, names } of files) {
  Deno.chdir(folder);
  for (const name of names) used.push(await use(name));
}
console.log(JSON.stringify(used));
