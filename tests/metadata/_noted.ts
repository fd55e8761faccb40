import { fleche, type MetaData, type Metadata, withCache } from "@fleche/core";
import { memoryCache } from "../_wrapper.ts";

let count = 0;

/** What is noted of a call that runs a function. */
export async function noted(
  meta: readonly MetaData[],
  body: () => unknown = () => 1,
): Promise<Metadata> {
  await using cache = memoryCache();
  const fn = fleche(() => body(), { name: `noted ${count++}`, meta });
  await withCache(cache, () => fn());
  return (await cache.load(fn.digest())).metadata;
}
