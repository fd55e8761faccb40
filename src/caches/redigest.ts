import type { RecordFields } from "../call_record.ts";
import type { Encoding, Reference } from "../codec/encoding.ts";
import {
  CorruptValueError,
  IndigestibleError,
  NotFoundError,
  UnknownTypeError,
} from "../errors.ts";
import { decodeDeep, type ValueSource } from "../lazy_call.ts";
import { errorOnce } from "../log.ts";
import { fillSlot, referenceSlot, type Slot, slotDigest, slotReference } from "../slot.ts";
import type { CallStorage } from "../storage/storage.ts";
import { refile, type TransformReport } from "./_refile.ts";
import type { Writing } from "./_writing.ts";

/** How calls are filed under the keys that they have today. */
export interface RedigestOptions {
  /** Whether to count only, and change nothing; false by default. */
  dryRun?: boolean;
  /** Told after each call how many there were of how many. */
  onProgress?: (progress: { done: number; of: number }) => void;
}

/** What came of it. */
export interface RedigestReport extends TransformReport {
  /** Values that have another encoding today, embedded ones included. */
  readonly values: number;
  /** Values that were left as they are, since they cannot be built, or are not there. */
  readonly kept: number;
}

/** What is needed to file calls anew. */
export interface RedigestSource {
  readonly calls: CallStorage;
  /** Where values are read from. */
  readonly source: ValueSource;
  /** Begins to write: from then on until it is disposed, nobody removes values. */
  write(): Writing;
}

/** Files all calls under the keys that they have today; what {@linkcode Cache.redigest} does. */
export async function redigestCalls(
  { calls, source, write }: RedigestSource,
  { dryRun = false, onProgress }: RedigestOptions,
): Promise<RedigestReport> {
  const values = new Values(source);
  let writing: Writing | undefined;
  try {
    const report = await refile(calls, {
      dryRun,
      onProgress,
      givesWay: true,
      change: async (fields) => {
        // What is written for one call is held until its record is filed.
        writing?.[Symbol.dispose]();
        writing = dryRun ? undefined : write();
        const changed = await values.changed(fields, writing);
        await writing?.settled();
        return changed;
      },
    });
    return { ...report, values: values.changes, kept: values.kept };
  } finally {
    writing?.[Symbol.dispose]();
  }
}

/** What values are encoded as today. */
class Values {
  readonly #source: ValueSource;
  // By digest: the slot of a value that has another encoding today; undefined for the same one.
  readonly #slots = new Map<string, Slot | undefined>();
  changes = 0;
  kept = 0;

  constructor(source: ValueSource) {
    this.#source = source;
  }

  async changed(fields: RecordFields, writing: Writing | undefined): Promise<RecordFields> {
    const result = await this.#slot(fields.result, { writing, identities: false });
    const pairs: [string, Slot][] = [];
    for (const [name, slot] of fields.arguments) {
      pairs.push([name, await this.#slot(slot, { writing, identities: true })]);
    }
    return { ...fields, result, arguments: pairs };
  }

  async #slot(slot: Slot, options: Options): Promise<Slot> {
    const digest = slotDigest(slot);
    if (!this.#slots.has(digest)) {
      const made = await this.#made(slot, digest, options);
      if (made !== undefined) this.changes++;
      this.#slots.set(digest, made);
      return this.#fitting(slot, made);
    }
    const known = this.#slots.get(digest);
    // Stored before for another call; once more, so that it is as young as this one.
    if (
      known !== undefined && slotReference(known) !== undefined && options.writing !== undefined
    ) {
      await this.#made(slot, digest, options);
    }
    return this.#fitting(slot, known);
  }

  // An argument that is not stored stays so, by its new digest.
  #fitting(slot: Slot, made: Slot | undefined): Slot {
    if (made === undefined) return slot;
    const isByDigest = slotReference(slot)?.length === 0;
    return isByDigest ? referenceSlot({ digest: slotDigest(made), crc: 0, length: 0 }) : made;
  }

  // The slot of a value as it is encoded today, if that differs.
  async #made(slot: Slot, digest: string, { writing, identities }: Options) {
    try {
      const encoding = await this.#read(slot);
      if (encoding === undefined) return void this.kept++;
      // Nothing is stored unless it differs: most values are as they were.
      const value = await decodeDeep({ ...encoding, owned: false }, this.#source);
      const filled = fillSlot(value, { identities });
      if (filled.digest === digest) return undefined;
      if (writing !== undefined) fillSlot(value, { identities, sink: writing.put });
      return filled.slot;
    } catch (error) {
      const isOfValue = error instanceof UnknownTypeError || error instanceof NotFoundError ||
        error instanceof CorruptValueError || error instanceof IndigestibleError;
      if (!isOfValue) throw error;
      this.kept++;
      errorOnce(
        `redigest ${digest}`,
        ["cache"],
        `Cannot build the value ${digest}, which keeps its digest: ${error.message}`,
      );
    }
  }

  async #read(slot: Slot): Promise<Encoding | undefined> {
    const reference: Reference | undefined = slotReference(slot);
    return reference === undefined ? { head: slot } : await this.#source.read(reference);
  }
}

interface Options {
  readonly writing: Writing | undefined;
  readonly identities: boolean;
}
