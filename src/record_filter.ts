import { isDeepStrictEqual } from "node:util";
import type { CallRecord } from "./call_record.ts";
import type { Json } from "./json.ts";
import { slotDigest } from "./slot.ts";

/** What records are searched for; what is left out matches everything. */
export interface RecordFilter {
  /** The function's name. */
  readonly name?: string;
  /** Where the function is defined. */
  readonly module?: string | null;
  /** The function's version. */
  readonly version?: string | number | null;
  /** Digest of the code that joined the key. */
  readonly code?: string | null;
  /** Whole digests of arguments, by name. */
  readonly arguments?: Readonly<Record<string, string>>;
  /** Whole digest of the result. */
  readonly result?: string;
  /** Notes that have to be there, by namespace and name. */
  readonly metadata?: Readonly<Record<string, Readonly<Record<string, Json>>>>;
}

const FIELDS = ["name", "module", "version", "code"] as const;

/** Whether a record is one of those that are searched for. */
export function matchesFilter(record: CallRecord, filter: RecordFilter): boolean {
  for (const field of FIELDS) {
    if (filter[field] !== undefined && filter[field] !== record[field]) return false;
  }
  if (filter.result !== undefined && filter.result !== slotDigest(record.result)) return false;
  return hasArguments(record, Object.entries(filter.arguments ?? {})) &&
    hasNotes(record, Object.entries(filter.metadata ?? {}));
}

function hasArguments(record: CallRecord, wanted: readonly [string, string][]): boolean {
  if (wanted.length === 0) return true;
  const slots = new Map(record.arguments);
  return wanted.every(([name, digest]) => {
    const slot = slots.get(name);
    return slot !== undefined && slotDigest(slot) === digest;
  });
}

function hasNotes(
  record: CallRecord,
  wanted: readonly [string, Readonly<Record<string, Json>>][],
): boolean {
  if (wanted.length === 0) return true;
  const { metadata } = record;
  return wanted.every(([namespace, notes]) => {
    const found = Object.hasOwn(metadata, namespace) ? metadata[namespace] : undefined;
    return found !== undefined &&
      Object.entries(notes).every(([name, value]) =>
        Object.hasOwn(found, name) && isDeepStrictEqual(found[name], value)
      );
  });
}
