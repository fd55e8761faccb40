import type { CallRecord } from "./call_record.ts";
import { NotFoundError } from "./errors.ts";
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

/** Where calls are copied to: any cache. */
export interface TransferTarget {
  /** Whether there is a call. */
  contains(key: string): Promise<boolean>;
  /** Stores a call that stands elsewhere. */
  accept(
    record: CallRecord,
    source: ValueSource,
    options?: { arguments?: boolean },
  ): Promise<void>;
}

/**
 * Copies calls with their values, bytes as they are. A call whose result is not there any more is
 * passed over, with an error in the log.
 *
 * @param calls the calls
 * @param to where they are copied to
 * @param evict removes a call where it comes from
 * @returns How many were copied.
 * @throws {RejectedError} If the target refuses them, or the source to remove them.
 */
export async function transferCalls(
  calls: AsyncIterable<LazyCall>,
  to: TransferTarget,
  { pop = false, overwrite = false, evict }: TransferOptions & {
    evict: (key: string) => Promise<boolean>;
  },
): Promise<number> {
  const copied = mapAhead(calls, async (call) => {
    if (!overwrite && await to.contains(call.key)) return false;
    try {
      await to.accept(call.detach(), call.values, { arguments: true });
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      errorOnce(
        `transfer ${call.key}`,
        ["cache"],
        `Cannot copy call ${call.key}: ${error.message}`,
      );
      return false;
    }
    if (pop) await evict(call.key);
    return true;
  });
  let count = 0;
  for await (const isCopied of copied) if (isCopied) count++;
  return count;
}
