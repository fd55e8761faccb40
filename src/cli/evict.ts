import type { Command } from "commander";
import type { BaseCache } from "../caches/base_cache.ts";
import { type CommonOptions, wholeKey, withCacheOf, withCommon } from "./_common.ts";
import { EXIT, type ExitWith } from "./_exit.ts";
import { type FilterOptions, isFiltered, search, withFilters } from "./_filters.ts";
import { printJson, printLines } from "./_output.ts";
import { counted } from "./_text.ts";

interface EvictOptions extends CommonOptions, FilterOptions {
  readonly yes?: true;
}

/** Adds `fleche evict`. */
export function addEvictCommand(program: Command, exitWith: ExitWith): void {
  const command = program
    .command("evict")
    .argument("[keys...]", "keys of calls, or their first digits")
    .description("Remove calls, by their keys or by what they are. Values stay until fleche gc.");
  withCommon(withFilters(command))
    .option("--yes", "remove all that is found; without this it is only counted")
    .action(async (keys: string[], options: EvictOptions) => {
      if (keys.length > 0 === isFiltered(options)) {
        return command.error("error: give either keys, or options that say which calls are meant");
      }
      await withCacheOf(options, async (cache) => {
        if (keys.length > 0) {
          if (!await evictKeys(cache, keys, options)) exitWith(EXIT.failed);
          return;
        }
        if (options.yes === true) return await evictFound(cache, options);
        const count = await search(cache, options).count();
        command.error(
          `error: this would remove ${
            counted(count, "call")
          }: add --yes, or see them with fleche ls`,
        );
      });
    });
}

// Whether all of them were there.
async function evictKeys(
  cache: BaseCache,
  keys: readonly string[],
  { json }: EvictOptions,
): Promise<boolean> {
  const evicted: string[] = [];
  const missing: string[] = [];
  // All of them are looked up first, so that one that could mean several stops it.
  const wholes: [string, string | undefined][] = [];
  for (const key of keys) wholes.push([key, await wholeKey(cache, key)]);
  for (const [key, whole] of wholes) {
    if (whole !== undefined && await cache.evict(whole)) evicted.push(whole);
    else missing.push(key);
  }
  if (json === true) await printJson({ evicted: evicted.length, missing });
  else await printLines(evicted.map((key) => `evicted ${key}`));
  if (missing.length === 0) return true;
  console.error(`fleche: There is no call ${missing.join(", ")} in the cache`);
  return false;
}

async function evictFound(cache: BaseCache, options: EvictOptions): Promise<void> {
  const evicted = await search(cache, options).evict();
  if (options.json === true) await printJson({ evicted, missing: [] });
  else await printLines([`evicted ${counted(evicted, "call")}`]);
}
