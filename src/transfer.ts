import type { CallRecord } from "./call_record.ts";
import { encodingDigest } from "./codec/encoding.ts";
import { CorruptValueError, NotFoundError } from "./errors.ts";
import type { LazyCall, ValueSource } from "./lazy_call.ts";
import { errorOnce } from "./log.ts";
import { mapAhead } from "./map_ahead.ts";
import { Places } from "./places.ts";

/** How calls are copied from one cache to another. */
export interface TransferOptions {
  /** Whether calls that were copied are removed where they come from; false by default. */
  pop?: boolean;
  /** Whether calls that are there already are replaced; otherwise, by default, they are left alone. */
  overwrite?: boolean;
  /** Called after each call with how many of them have been looked at, and how many there are. */
  onProgress?: (done: number, total: number) => void;
}

/** What came of copying calls. */
export interface TransferCounts {
  /** Calls that were copied. */
  moved: number;
  /** Calls that were there already. */
  skipped: number;
  /** Calls that could not be copied, since a value is missing or damaged, or that were not kept. */
  failed: number;
}

/** Where calls are copied to: any cache. */
export interface TransferTarget {
  /** Whether it is on another machine. */
  readonly isRemote?: boolean;
  /** Whether there is a call whose record can be read, or that a newer version has filed. */
  isReadable(key: string): Promise<boolean>;
  /** Whether a call that was stored there has stayed. */
  keeps(key: string): Promise<boolean>;
  /** Stores a call that stands elsewhere. */
  accept(
    record: CallRecord,
    source: ValueSource,
    options?: { arguments?: boolean },
  ): Promise<void>;
}

/** Where calls are copied from. */
export interface TransferSource {
  /** Finds a call by its whole key, without storing anything on the way. */
  peek(key: string): Promise<LazyCall | undefined>;
  /** Removes a call; whether there was one. */
  evict(key: string): Promise<boolean>;
}

/**
 * Copies calls with their values, bytes as they are. A call whose result is not there any more is
 * passed over, with an error in the log. The last of them is filed first, so that searching the target,
 * which begins with what was filed last, gives them in their order; one on another machine is sent
 * several at a time, which may change places.
 *
 * Nothing is removed before all have been copied, and then only what the target still has.
 *
 * @param calls the calls
 * @param from where they come from
 * @param to where they are copied to
 * @returns How many were copied, were there already, and could not be copied.
 * @throws {RejectedError} If the target refuses them, or the source to remove them.
 */
export async function transferCalls(
  calls: AsyncIterable<LazyCall>,
  from: TransferSource,
  to: TransferTarget,
  options: TransferOptions,
): Promise<TransferCounts> {
  const transfer = new Transfer(from, to, options);
  await transfer.copy(await Array.fromAsync(calls, ({ key }) => key));
  await transfer.confirm();
  return transfer.counts;
}

/** Questions about keys that are under way at the same time. */
const ASKED_AHEAD = 256;

/** Calls, with results that are small, that are looked for at the same time. */
const FOUND_AHEAD = 64;

/** Bytes of calls that are sent at the same time; one may be longer. */
const SENT_TOGETHER = 64 << 20;

/** What a call counts for besides its values, in bytes. */
const CALL_LENGTH = 256 << 10;

// Does something with each call, with several under way as far as there is memory for them.
async function together(
  calls: AsyncIterable<LazyCall | undefined>,
  work: (call: LazyCall | undefined) => Promise<void>,
): Promise<void> {
  const places = new Places(SENT_TOGETHER);
  const underWay = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  for await (const call of calls) {
    const references = call?.detach().references ?? [];
    const place = await places.take(
      references.reduce((sum, { length }) => sum + length, CALL_LENGTH),
    );
    if (failure !== undefined) break;
    const done = work(call)
      .catch((error) => void (failure ??= { error }))
      .finally(() => {
        underWay.delete(done);
        place[Symbol.dispose]();
      });
    underWay.add(done);
  }
  await Promise.all(underWay);
  if (failure !== undefined) throw failure.error;
}

class Transfer {
  readonly counts: TransferCounts = { moved: 0, skipped: 0, failed: 0 };
  readonly #from: TransferSource;
  readonly #to: TransferTarget;
  readonly #options: TransferOptions;
  // Digests of the records that were copied, by their keys.
  readonly #copied = new Map<string, string>();

  constructor(from: TransferSource, to: TransferTarget, options: TransferOptions) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
  }

  async copy(keys: readonly string[]): Promise<void> {
    const { onProgress } = this.#options;
    let done = 0;
    const accept = async (call: LazyCall | undefined) => {
      await this.#accept(call);
      onProgress?.(++done, keys.length);
    };
    const wanted = mapAhead(keys.toReversed(), (key) => this.#isWanted(key), ASKED_AHEAD);
    const find = ([key, isWanted]: [string, boolean]) =>
      isWanted ? this.#from.peek(key) : Promise.resolve(undefined);
    const found = mapAhead(wanted, find, FOUND_AHEAD);
    // Those that are under way at the same time end in any order.
    if (this.#to.isRemote === true) await together(found, accept);
    else for await (const call of found) await accept(call);
  }

  async #isWanted(key: string): Promise<[string, boolean]> {
    const isThere = this.#options.overwrite !== true && await this.#to.isReadable(key);
    if (isThere) this.counts.skipped++;
    return [key, !isThere];
  }

  async #accept(call: LazyCall | undefined): Promise<void> {
    if (call === undefined) return;
    const record = call.detach();
    try {
      await this.#to.accept(record, call.values, { arguments: true });
      this.#copied.set(call.key, digestOf(record));
    } catch (error) {
      if (!(error instanceof NotFoundError) && !(error instanceof CorruptValueError)) throw error;
      this.counts.failed++;
      errorOnce(
        `transfer ${call.key}`,
        ["cache"],
        `Cannot copy call ${call.key}: ${error.message}`,
      );
    }
  }

  /** Looks which calls the target has kept; those are removed where they come from, if that is wanted. */
  async confirm(): Promise<void> {
    const outcomes = mapAhead(this.#copied, async ([key, digest]) => {
      if (!await this.#to.keeps(key)) return "failed";
      if (this.#options.pop === true) await this.#pop(key, digest);
      return "moved";
    }, ASKED_AHEAD);
    let lost = 0;
    for await (const outcome of outcomes) {
      this.counts[outcome]++;
      if (outcome === "failed") lost++;
    }
    if (lost === 0) return;
    const text = `${lost} of ${this.#copied.size} calls were copied, but the target did not keep ` +
      "them: it is too small, or keeps nothing";
    errorOnce(text, ["cache"], text);
  }

  // One that was stored anew meanwhile stays.
  async #pop(key: string, digest: string): Promise<void> {
    const call = await this.#from.peek(key);
    if (call === undefined || digestOf(call.detach()) !== digest) return;
    if (!await this.#from.evict(key) || await this.#to.keeps(key)) return;
    // The target keeps its calls in the same place, by way of a stack for instance.
    await this.#to.accept(call.detach(), call.values, { arguments: true });
  }
}

function digestOf({ bytes }: CallRecord): string {
  return encodingDigest({ head: bytes });
}
