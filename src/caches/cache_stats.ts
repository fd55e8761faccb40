import { breathe } from "./_breath.ts";
import type { CallRecord } from "../call_record.ts";
import type { Reference } from "../codec/encoding.ts";
import { findReferences } from "../codec/references.ts";
import type { ValueSource } from "../lazy_call.ts";
import type { Storage } from "../storage/storage.ts";

/** How many entries there are, and how many bytes they take as they are stored. */
export interface StoredAmount {
  /** How many. */
  readonly entries: number;
  /** How many bytes. */
  readonly bytes: number;
}

/** The calls of one function. */
export interface FunctionAmount {
  /** Where the function is defined. */
  readonly module: string | null;
  /** Its name. */
  readonly name: string;
  /** How many calls there are. */
  readonly calls: number;
  /** Bytes of the values of its calls, each counted once; null where that is not known. */
  readonly bytes: number | null;
}

/** What a cache holds. */
export interface CacheStats {
  /** The values; null where that is not known. */
  readonly values: StoredAmount | null;
  /** The call records; null where that is not known. */
  readonly calls: StoredAmount | null;
  /** The calls by function, those whose values take most bytes first. */
  readonly functions: readonly FunctionAmount[];
}

/** Longest value that is read to find the parts of it that are stored by themselves. */
const MAX_FOLLOWED_LENGTH = 1 << 20;

/** What is counted from. */
export interface StatsSource {
  /** All records. */
  readonly records: AsyncIterable<CallRecord>;
  /** The storages, and where values are read from; left out where only the records are known. */
  readonly stored?: {
    readonly values: Storage;
    readonly calls: Storage;
    readonly source: ValueSource;
  };
}

/** Counts what there is. */
export async function countStats({ records, stored }: StatsSource): Promise<CacheStats> {
  if (stored === undefined) {
    return { values: null, calls: null, functions: await functionsOf(records) };
  }
  const lengths = await lengthsOf(stored.values);
  return {
    values: total(lengths),
    calls: total(await lengthsOf(stored.calls)),
    functions: await functionsOf(records, { source: stored.source, lengths }),
  };
}

/** How many bytes values take, and where they are read from. */
interface Measured {
  readonly source: ValueSource;
  readonly lengths: ReadonlyMap<string, number>;
}

async function lengthsOf(storage: Storage): Promise<Map<string, number>> {
  const lengths = new Map<string, number>();
  for await (const { name, length } of storage.entries()) {
    await breathe();
    lengths.set(name, length);
  }
  return lengths;
}

function total(lengths: ReadonlyMap<string, number>): StoredAmount {
  return { entries: lengths.size, bytes: lengths.values().reduce((sum, each) => sum + each, 0) };
}

async function functionsOf(
  records: AsyncIterable<CallRecord>,
  measured?: Measured,
): Promise<FunctionAmount[]> {
  const functions = new Map<
    string,
    { module: string | null; name: string; calls: number; values: Map<string, Reference> }
  >();
  for await (const { module, name, references } of records) {
    await breathe();
    const id = JSON.stringify([module, name]);
    const known = functions.get(id) ??
      { module, name, calls: 0, values: new Map<string, Reference>() };
    functions.set(id, known);
    known.calls++;
    for (const each of references) known.values.set(each.digest, each);
  }
  const amounts: FunctionAmount[] = [];
  for (const { values, ...amount } of functions.values()) {
    const bytes = measured === undefined ? null : await bytesOf(values, measured);
    amounts.push({ ...amount, bytes });
  }
  return amounts.sort((one, other) =>
    (other.bytes ?? 0) - (one.bytes ?? 0) || other.calls - one.calls
  );
}

// The stored bytes of values with all their parts.
async function bytesOf(
  values: ReadonlyMap<string, Reference>,
  { source, lengths }: Measured,
): Promise<number> {
  const seen = new Set(values.keys());
  const waiting = [...values.values()];
  let bytes = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    await breathe();
    const stored = lengths.get(next.digest);
    if (stored === undefined) continue;
    bytes += stored;
    const encoding = next.length > MAX_FOLLOWED_LENGTH ? undefined : await source.read(next);
    for (const part of encoding === undefined ? [] : findReferences(encoding)) {
      if (seen.has(part.digest)) continue;
      seen.add(part.digest);
      waiting.push(part);
    }
  }
  return bytes;
}
