import type { CallRecord } from "./call_record.ts";
import { CorruptValueError, NotFoundError } from "./errors.ts";
import type { LazyCall, ValueSource } from "./lazy_call.ts";
import { errorOnce } from "./log.ts";
import { mapAhead } from "./map_ahead.ts";

/** How calls are copied from one cache to another. */
export interface TransferOptions {
  /** Whether calls that were copied are removed where they come from; false by default. */
  pop?: boolean;
  /** Whether calls that are there already are replaced; otherwise, by default, they are left alone. */
  overwrite?: boolean;
}

/** What came of copying calls. */
export interface TransferCounts {
  /** Calls that were copied. */
  moved: number;
  /** Calls that were there already. */
  skipped: number;
  /** Calls that could not be copied, since a value is missing or damaged. */
  failed: number;
}

/** Where calls are copied to: any cache. */
export interface TransferTarget {
  /** Whether there is a call whose record can be read, or that a newer version has filed. */
  isReadable(key: string): Promise<boolean>;
  /** Stores a call that stands elsewhere. */
  accept(
    record: CallRecord,
    source: ValueSource,
    options?: { arguments?: boolean },
  ): Promise<void>;
}

/**
 * Copies calls with their values, bytes as they are, several at a time. A call whose result is not
 * there any more is passed over, with an error in the log.
 *
 * @param calls the calls
 * @param to where they are copied to
 * @param evict removes a call where it comes from
 * @returns How many were copied, were there already, and could not be copied.
 * @throws {RejectedError} If the target refuses them, or the source to remove them.
 */
export async function transferCalls(
  calls: AsyncIterable<LazyCall>,
  to: TransferTarget,
  { pop = false, overwrite = false, evict }: TransferOptions & {
    evict: (key: string) => Promise<boolean>;
  },
): Promise<TransferCounts> {
  const outcomes = mapAhead(calls, async (call): Promise<keyof TransferCounts> => {
    if (!overwrite && await to.isReadable(call.key)) return "skipped";
    try {
      await to.accept(call.detach(), call.values, { arguments: true });
    } catch (error) {
      if (!(error instanceof NotFoundError) && !(error instanceof CorruptValueError)) throw error;
      errorOnce(
        `transfer ${call.key}`,
        ["cache"],
        `Cannot copy call ${call.key}: ${error.message}`,
      );
      return "failed";
    }
    if (pop && await evict(call.key) && !await to.isReadable(call.key)) {
      // The target keeps its calls in the same place, by way of a stack for instance.
      await to.accept(call.detach(), call.values, { arguments: true });
    }
    return "moved";
  });
  const counts = { moved: 0, skipped: 0, failed: 0 };
  for await (const outcome of outcomes) counts[outcome]++;
  return counts;
}
