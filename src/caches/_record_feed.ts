import type { CallRecord } from "../call_record.ts";
import type { CallStorage, StoredEntry } from "../storage/storage.ts";
import { breathe } from "./_breath.ts";

/** Entries this much younger than the youngest may have been replaced since, in milliseconds. */
const GRAIN = 100;

/** The same for file systems that count whole seconds. */
const COARSE_GRAIN = 2_000;

/**
 * Reads all records of a storage, and later on those that were filed since.
 *
 * What was seen is known by its age and length. An entry that is about as young as the youngest one
 * was may have been replaced within the grain of the clock, so it is read again.
 */
export class RecordFeed {
  readonly #calls: CallStorage;
  readonly #leavesDamaged: boolean;
  readonly #seen = new Map<string, number>();
  #youngest = -Infinity;

  /**
   * Takes the storage.
   *
   * @param leavesDamaged whether damaged records are left where they are, as reading does not
   */
  constructor(calls: CallStorage, leavesDamaged: boolean) {
    this.#calls = calls;
    this.#leavesDamaged = leavesDamaged;
  }

  /**
   * The records that were filed since this was last asked, and possibly others; at first all of them.
   *
   * @throws {UnknownTypeError} If a newer version wrote one of them.
   */
  async *next(): AsyncIterable<CallRecord> {
    if (this.#seen.size === 0) yield* this.#all();
    else yield* this.#changed();
  }

  async *#all(): AsyncIterable<CallRecord> {
    const unread = new Set<string>();
    for await (const entry of this.#calls.entries()) {
      unread.add(entry.name);
      this.#see(entry);
    }
    if (unread.size === 0) return;
    if (!this.#leavesDamaged) {
      for await (const record of this.#calls.records()) {
        unread.delete(record.key);
        yield record;
        await breathe();
      }
    }
    // Those that went meanwhile, that are damaged, or that this version cannot read.
    for (const key of unread) {
      yield* this.#read(key);
      await breathe();
    }
  }

  async *#changed(): AsyncIterable<CallRecord> {
    const youngest = this.#youngest;
    const isOrdered = this.#calls.capabilities.ordered === true;
    const changed: string[] = [];
    for await (const entry of this.#calls.entries()) {
      const grain = entry.modified % 1000 === 0 ? COARSE_GRAIN : GRAIN;
      if (this.#see(entry) || entry.modified >= youngest - grain) changed.push(entry.name);
      else if (isOrdered) break;
    }
    for (const key of changed) yield* this.#read(key);
  }

  // Whether there was no such entry.
  #see({ name, modified, length }: StoredEntry): boolean {
    // Both in one number, exactly: times take 41 bits, and of the length ten will do.
    const mark = modified * 1024 + length % 1024;
    this.#youngest = Math.max(this.#youngest, modified);
    if (this.#seen.get(name) === mark) return false;
    this.#seen.set(name, mark);
    return true;
  }

  async *#read(key: string): AsyncIterable<CallRecord> {
    if (this.#leavesDamaged && await this.#calls.check?.(key) === false) return;
    const record = await this.#calls.get(key);
    if (record !== undefined) yield record;
  }
}
