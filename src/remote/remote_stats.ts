import type { CacheStats, FunctionAmount, StoredAmount } from "../caches/cache_stats.ts";
import type { Params } from "./params.ts";

/** Reads what a server has counted. */
export function readStats(result: Params): CacheStats {
  return {
    values: readAmount(result, "values"),
    calls: readAmount(result, "calls"),
    functions: result.tables("functions").map(readFunction),
  };
}

function readAmount(result: Params, name: string): StoredAmount | null {
  if (result.any(name) === null) return null;
  const amount = result.table(name);
  return { entries: amount.count("entries"), bytes: amount.count("bytes") };
}

function readFunction(amount: Params): FunctionAmount {
  return {
    module: amount.optionalString("module") ?? null,
    name: amount.string("name"),
    calls: amount.count("calls"),
    bytes: amount.optionalCount("bytes") ?? null,
  };
}
