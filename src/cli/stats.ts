import type { Command } from "commander";
import type { BaseCache } from "../caches/base_cache.ts";
import { Cache } from "../caches/cache.ts";
import type { Reference } from "../codec/encoding.ts";
import { findReferences } from "../codec/references.ts";
import { displayWidth, visible } from "../display_text.ts";
import type { Storage } from "../storage/storage.ts";
import { type CommonOptions, withCacheOf, withCommon } from "./_common.ts";
import { EXIT, type ExitWith } from "./_exit.ts";
import { configLine, members, shownConfig } from "./_members.ts";
import { printJson, printLines } from "./_output.ts";
import { counted, sizeText } from "./_text.ts";

/** How many entries there are, and how many bytes they take as they are stored. */
interface Amount {
  entries: number;
  bytes: number;
}

/** The calls of one function. */
interface FunctionAmount {
  readonly module: string | null;
  readonly name: string;
  calls: number;
  /** Bytes of the values of its calls, each counted once; null where only the cache knows them. */
  bytes: number | null;
}

/** What one cache of a stack or pool holds. */
interface CacheAmount {
  readonly cache: BaseCache;
  readonly values: Amount | null;
  readonly calls: Amount | null;
  readonly functions: FunctionAmount[];
}

/** Longest value that is read to find the parts of it that are stored by themselves. */
const MAX_FOLLOWED_LENGTH = 1 << 20;

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
          amounts.push(await amountOf(each));
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

async function amountOf(cache: BaseCache): Promise<CacheAmount> {
  if (!(cache instanceof Cache)) {
    return { cache, values: null, calls: null, functions: await functionsOf(cache) };
  }
  const lengths = await lengthsOf(cache.values);
  const records = await lengthsOf(cache.calls);
  return {
    cache,
    values: total(lengths),
    calls: total(records),
    functions: await functionsOf(cache, lengths),
  };
}

async function lengthsOf(storage: Storage): Promise<Map<string, number>> {
  const lengths = new Map<string, number>();
  for await (const { name, length } of storage.entries()) lengths.set(name, length);
  return lengths;
}

function total(lengths: ReadonlyMap<string, number>): Amount {
  return { entries: lengths.size, bytes: lengths.values().reduce((sum, each) => sum + each, 0) };
}

async function functionsOf(
  cache: BaseCache,
  lengths?: ReadonlyMap<string, number>,
): Promise<FunctionAmount[]> {
  const functions = new Map<string, FunctionAmount & { values: Map<string, Reference> }>();
  for await (const { module, name, references } of cache.records()) {
    const id = JSON.stringify([module, name]);
    const known = functions.get(id) ??
      { module, name, calls: 0, bytes: null, values: new Map<string, Reference>() };
    functions.set(id, known);
    known.calls++;
    for (const each of references) known.values.set(each.digest, each);
  }
  const amounts: FunctionAmount[] = [];
  for (const { values, ...amount } of functions.values()) {
    const bytes = lengths === undefined ? null : await bytesOf(values, { cache, lengths });
    amounts.push({ ...amount, bytes });
  }
  return amounts.sort((one, other) =>
    (other.bytes ?? 0) - (one.bytes ?? 0) || other.calls - one.calls
  );
}

// The stored bytes of values with all their parts.
async function bytesOf(
  values: ReadonlyMap<string, Reference>,
  { cache, lengths }: { cache: BaseCache; lengths: ReadonlyMap<string, number> },
): Promise<number> {
  const seen = new Set(values.keys());
  const waiting = [...values.values()];
  let bytes = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const stored = lengths.get(next.digest);
    if (stored === undefined) continue;
    bytes += stored;
    const encoding = next.length > MAX_FOLLOWED_LENGTH ? undefined : await cache.read(next);
    for (const part of encoding === undefined ? [] : findReferences(encoding)) {
      if (seen.has(part.digest)) continue;
      seen.add(part.digest);
      waiting.push(part);
    }
  }
  return bytes;
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
