import type { Command } from "commander";
import type { BaseCache } from "../caches/base_cache.ts";
import type { CacheStats } from "../caches/cache_stats.ts";
import { displayWidth, visible } from "../display_text.ts";
import { type CommonOptions, withCacheOf, withCommon } from "./_common.ts";
import { EXIT, type ExitWith } from "./_exit.ts";
import { configLine, members, shownConfig } from "./_members.ts";
import { printJson, printLines } from "./_output.ts";
import { counted, sizeText } from "./_text.ts";

/** What one cache of a stack or pool holds. */
interface CacheAmount extends CacheStats {
  readonly cache: BaseCache;
}

/** Adds `fleche stats`. */
export function addStatsCommand(program: Command, exitWith: ExitWith): void {
  const command = program
    .command("stats")
    .description("Count entries and their bytes, in all and by function.");
  withCommon(command).action((options: CommonOptions) =>
    withCacheOf(options, async (cache) => {
      const all = members(cache);
      const amounts: CacheAmount[] = [];
      for (const each of all) {
        try {
          amounts.push({ cache: each, ...await each.stats() });
        } catch (error) {
          // As when they are used, the others do without it.
          if (!(error instanceof Error) || all.length === 1) throw error;
          console.error(`fleche: Passed over the ${configLine(each)}: ${error.message}`);
          exitWith(EXIT.failed);
        }
      }
      if (options.json === true) await printJson({ caches: amounts.map(toJson) });
      else await printLines(amounts.flatMap(toLines));
    })
  );
}

function toJson({ cache, ...amounts }: CacheAmount): unknown {
  return { cache: shownConfig(cache), ...amounts };
}

function toLines({ cache, values, calls, functions }: CacheAmount): string[] {
  const lines = [configLine(cache)];
  for (const [what, amount] of [["values", values], ["calls", calls]] as const) {
    if (amount === null) continue;
    const entries = counted(amount.entries, "entry", "entries");
    lines.push(`${what.padEnd(6)} ${entries}, ${sizeText(amount.bytes)}`);
  }
  const rows = functions.map(({ module, name, calls: count, bytes }) => [
    visible(name),
    String(count),
    bytes === null ? "" : sizeText(bytes),
    visible(module ?? ""),
  ]);
  return [...lines, ...table([["function", "calls", "values", "module"], ...rows])];
}

// Cells in columns, numbers at their right ends.
function table(rows: readonly (readonly string[])[]): string[] {
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map((row) => displayWidth(row[column] ?? "")))) ??
      [];
  return rows.map((row) =>
    row.map((cell, column) => {
      const blanks = " ".repeat((widths[column] ?? 0) - displayWidth(cell));
      return column === 1 || column === 2 ? blanks + cell : cell + blanks;
    }).join("  ").trimEnd()
  );
}
