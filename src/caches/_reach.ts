import type { CallRecord } from "../call_record.ts";
import type { Reference } from "../codec/encoding.ts";
import { findReferences } from "../codec/references.ts";
import { CorruptValueError, RejectedError } from "../errors.ts";
import type { CallStorage, ValueStorage } from "../storage/storage.ts";
import { breathe } from "./_breath.ts";
import type { CallSources } from "./_call_sources.ts";
import { RecordFeed } from "./_record_feed.ts";

/** What parts of values are read from. */
export type PartSource = Pick<ValueStorage, "get" | "has" | "isLeaf">;

/** From this length on it is worth while to look first whether a value has parts at all. */
const LONG = 4096;

/** The values that calls need. */
export class Reach {
  /** How many records were read, those that were filed meanwhile included. */
  records = 0;
  readonly #values: PartSource;
  readonly #sources: CallSources;
  readonly #leavesDamaged: boolean;
  readonly #feeds = new Map<CallStorage, RecordFeed>();
  // By digest the parts of all values that were reached and are there.
  readonly #parts = new Map<string, readonly Reference[]>();
  // Parts of reached values that are not there, or damaged: somebody may store them again.
  readonly #absent = new Map<string, Reference>();

  /**
   * Takes the values, and the calls that need them.
   *
   * @param options whether damaged records are left where they are
   */
  constructor(
    values: PartSource,
    sources: CallSources,
    options: { readonly leavesDamaged?: boolean } = {},
  ) {
    this.#values = values;
    this.#sources = sources;
    this.#leavesDamaged = options.leavesDamaged ?? false;
  }

  /**
   * Reads the records that were filed since this was last called, at first all of them.
   *
   * @param onRecord takes each of them
   * @throws {RejectedError} If a value cannot be read.
   */
  async update(onRecord?: (record: CallRecord) => void): Promise<void> {
    await this.#sources.find();
    for (const calls of this.#sources.all) {
      const feed = this.#feeds.get(calls) ?? new RecordFeed(calls, this.#leavesDamaged);
      this.#feeds.set(calls, feed);
      for await (const record of feed.next()) {
        this.records++;
        onRecord?.(record);
        const { references } = record;
        if (references.length > 0) await this.visit(references);
      }
    }
    await this.visit([...this.#absent.values()]);
  }

  /**
   * Refuses to go on where calls may need values that nobody can tell.
   *
   * @throws {RejectedError} If there are call storages that cannot be read.
   */
  check(): void {
    this.#sources.check();
  }

  /**
   * Reaches some values and all their parts.
   *
   * @param options whether what cannot be read counts as having no parts, where no call needs it
   * @throws {RejectedError} If a value is there but cannot be read, unless that is so.
   */
  async visit(
    references: readonly Reference[],
    options: { readonly tolerant?: boolean } = {},
  ): Promise<void> {
    const waiting = [...references];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (this.#parts.has(next.digest)) continue;
      const parts = options.tolerant === true
        ? await partsOfUnneeded(this.#values, next)
        : await partsOf(this.#values, next);
      // What is not there is not reached: it may come, when its call is filed again.
      if (parts === undefined) continue;
      this.#parts.set(next.digest, parts);
      this.#absent.delete(next.digest);
      // A part is looked for once more each time: nobody passes again through what has been reached.
      for (const part of parts) {
        if (!this.#parts.has(part.digest)) this.#absent.set(part.digest, part);
      }
      waiting.push(...parts);
    }
  }

  /** Whether a value is needed. */
  has(digest: string): boolean {
    return this.#parts.has(digest);
  }

  /** The parts of a value that is needed. */
  parts(digest: string): readonly Reference[] {
    return this.#parts.get(digest) ?? [];
  }
}

/** Parts of values without any. */
const NONE: readonly Reference[] = [];

/**
 * The parts of a value; undefined if it is not there, or damaged.
 *
 * @throws {RejectedError} If it is there but cannot be read.
 */
export async function partsOf(
  values: PartSource,
  reference: Reference,
): Promise<readonly Reference[] | undefined> {
  const { digest, length } = reference;
  const isLong = length === 0 || length >= LONG;
  if (isLong && await values.isLeaf?.(digest) === true) return NONE;
  const encoding = await values.get(digest, length === 0 ? undefined : reference) ??
    await secondLook(values, digest);
  if (encoding === undefined) return undefined;
  try {
    const parts = findReferences(encoding);
    return parts.length === 0 ? NONE : parts;
  } catch (error) {
    // Such a value cannot be loaded either.
    if (error instanceof CorruptValueError) return NONE;
    throw error;
  }
}

// Nobody asks for it, so there is no harm in not knowing what it consists of.
async function partsOfUnneeded(
  values: PartSource,
  reference: Reference,
): Promise<readonly Reference[] | undefined> {
  try {
    return await partsOf(values, reference);
  } catch (error) {
    if (error instanceof RejectedError) return NONE;
    throw error;
  }
}

async function secondLook(values: PartSource, digest: string) {
  if (!await values.has(digest)) return undefined;
  // It may have come just now.
  const encoding = await values.get(digest);
  if (encoding !== undefined || !await values.has(digest)) return encoding;
  throw new RejectedError(
    `Cannot tell what value ${digest} consists of, since it cannot be read: make it readable, or ` +
      "give the key that it was signed with",
    { operation: "remove values" },
  );
}

/** Reads the parts of values that no call needs, one after the other, and lets other work go on. */
export async function readParts(
  values: PartSource,
  digests: readonly string[],
): Promise<Map<string, readonly Reference[]>> {
  const parts = new Map<string, readonly Reference[]>();
  for (const digest of digests) {
    const reference = { digest, crc: 0, length: 0 };
    parts.set(digest, await partsOfUnneeded(values, reference) ?? NONE);
    await breathe();
  }
  return parts;
}
