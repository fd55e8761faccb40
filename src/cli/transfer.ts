import type { Command } from "commander";
import type { BaseCache, CacheTransferOptions } from "../caches/base_cache.ts";
import { loadCacheConfig } from "../config/load.ts";
import { type CommonOptions, withJson } from "./_common.ts";
import { EXIT, type ExitWith } from "./_exit.ts";
import { type FilterOptions, search, withFilters } from "./_filters.ts";
import { persists } from "./_members.ts";
import { printJson, printLines } from "./_output.ts";
import { ProgressBar } from "./_progress_bar.ts";
import type { TransferCounts } from "../transfer.ts";
import { counted } from "./_text.ts";

interface TransferCommandOptions extends Pick<CommonOptions, "json">, FilterOptions {
  readonly pop?: true;
  readonly overwrite?: true;
}

// On a terminal a bar shows how far it is.
async function copied(
  from: BaseCache,
  to: BaseCache,
  options: CacheTransferOptions,
): Promise<TransferCounts> {
  if (!Deno.stderr.isTerminal()) return await from.transfer(to, options);
  using bar = new ProgressBar("");
  const inWords = (amount: number) => String(Math.round(amount));
  const onProgress = (done: number, total: number) => bar.show({ start: 0, done, total, inWords });
  return await from.transfer(to, { ...options, onProgress });
}

/** Adds `fleche transfer`. */
export function addTransferCommand(program: Command, exitWith: ExitWith): void {
  const command = program
    .command("transfer")
    .argument("<source>", "the cache to copy from")
    .argument("<target>", "the cache to copy to")
    .description("Copy calls with their values from one cache of the configuration to another.");
  withJson(withFilters(command))
    .option("--pop", "remove what was copied from the source")
    .option("--overwrite", "replace calls that the target has already")
    .action(async (source: string, target: string, options: TransferCommandOptions) => {
      await using from = loadCacheConfig(source);
      await using to = loadCacheConfig(target);
      if (from === to) {
        return command.error(`error: ${source} and ${target} are the same cache`);
      }
      if (!persists(to)) {
        return command.error(
          `error: ${target} keeps its calls in memory, or not at all, so they would be gone with this ` +
            "command; name a cache that keeps them",
        );
      }
      const { pop = false, overwrite = false } = options;
      const calls = search(from, options);
      const { moved, skipped, failed } = await copied(from, to, { calls, pop, overwrite });
      if (options.json === true) await printJson({ copied: moved, skipped, failed });
      else {
        await printLines([
          `copied ${counted(moved, "call")} from ${source} to ${target}` +
          (skipped > 0 ? `; ${skipped} were there already` : "") +
          (failed > 0 ? `; ${failed} could not be copied` : ""),
        ]);
      }
      if (failed > 0) exitWith(EXIT.failed);
    });
}
