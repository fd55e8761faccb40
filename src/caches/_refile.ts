import { areEqual } from "../bytes.ts";
import { CallRecord, type RecordFields } from "../call_record.ts";
import { encodingDigest } from "../codec/encoding.ts";
import { hashedIdentity, KeyPrefix } from "../lookup_key.ts";
import { slotDigest } from "../slot.ts";
import type { Awaitable, CallStorage } from "../storage/storage.ts";
import { breathe } from "./_breath.ts";

/** What came of filing calls anew. */
export interface TransformReport {
  /** Whether nothing was changed, and the rest says what would be. */
  readonly dryRun: boolean;
  /** Calls that were looked at. */
  calls: number;
  /** Calls that stay as they are. */
  unchanged: number;
  /** Calls that keep their key, and were filed with other content. */
  rewritten: number;
  /** Calls that were filed under another key. */
  moved: number;
  /** Calls that were removed. */
  removed: number;
}

/** How calls are filed anew. */
export interface RefileOptions {
  readonly dryRun: boolean;
  /** What a call becomes: the same fields, others, or undefined if it is to go. */
  change(fields: RecordFields, key: string): Awaitable<RecordFields | undefined>;
  /** Whether a call gives way to another one that has come to be under its new key. */
  readonly givesWay: boolean;
  /** Told after each call. */
  readonly onProgress?: ((progress: { done: number; of: number }) => void) | undefined;
}

/** The key that fields add up to. */
export function keyOf(fields: RecordFields): string {
  const prefix = new KeyPrefix(hashedIdentity(fields));
  const names = fields.arguments.map(([name]) => name);
  return prefix.key(names, fields.arguments.map(([, slot]) => slotDigest(slot)));
}

/**
 * Files calls anew, oldest first, so that their order stays.
 *
 * A record is filed under its new key before any is removed, and the old ones go when all new ones are
 * there: whenever this ends, each call is there under one of its keys, and what has not been done is
 * done the next time. So the keys by which calls name others are known until all have been replaced.
 */
export async function refile(calls: CallStorage, options: RefileOptions): Promise<TransformReport> {
  const work = new Refiling(calls, options);
  await work.run();
  return work.report;
}

class Refiling {
  readonly report: TransformReport;
  readonly #calls: CallStorage;
  readonly #options: RefileOptions;
  // New keys by the old ones.
  readonly #keys = new Map<string, string>();
  // Keys of records that name calls which came to have other keys only later.
  readonly #behind = new Set<string>();
  // Digests of the records that go, by their keys.
  readonly #gone = new Map<string, string>();

  constructor(calls: CallStorage, options: RefileOptions) {
    this.#calls = calls;
    this.#options = options;
    const { dryRun } = options;
    this.report = { dryRun, calls: 0, unchanged: 0, rewritten: 0, moved: 0, removed: 0 };
  }

  async run(): Promise<void> {
    const keys = await Array.fromAsync(this.#calls.records(), ({ key }) => key);
    for (const [index, key] of keys.reverse().entries()) {
      await this.#one(key);
      await breathe();
      this.#options.onProgress?.({ done: index + 1, of: keys.length });
    }
    if (this.#options.dryRun) return;
    for (const key of this.#behind) await this.#catchUp(key);
    for (const [key, digest] of this.#gone) {
      if (await this.#isStill(key, digest)) await this.#calls.delete(key);
    }
  }

  async #one(key: string): Promise<void> {
    const record = await this.#calls.get(key);
    if (record === undefined) return;
    const { report } = this;
    report.calls++;
    const fields = await this.#options.change(record.fields, key);
    const digest = digestOf(record);
    // What was stored anew meanwhile is not changed.
    if (!await this.#isStill(key, digest)) {
      report.unchanged++;
      return;
    }
    if (fields === undefined) {
      report.removed++;
      this.#gone.set(key, digest);
      return;
    }
    const changed = this.#build({ ...fields, calls: this.#renamed(fields.calls) });
    if (changed.key === key && areEqual(changed.bytes, record.bytes)) {
      report.unchanged++;
      this.#noteBehind(changed);
      return;
    }
    if (changed.key === key) {
      await this.#put(changed);
      report.rewritten++;
      return;
    }
    await this.#move(key, digest, changed);
  }

  #build(fields: RecordFields): CallRecord {
    return CallRecord.build(keyOf(fields), fields);
  }

  async #isStill(key: string, digest: string): Promise<boolean> {
    const present = await this.#calls.get(key);
    return present !== undefined && digestOf(present) === digest;
  }

  async #move(key: string, digest: string, changed: CallRecord): Promise<void> {
    const there = await this.#calls.get(changed.key);
    const isDone = there !== undefined && areEqual(there.bytes, changed.bytes);
    // Another call of that key is not replaced, so this one has to stay, unless it may go.
    if (there !== undefined && !isDone && !this.#options.givesWay) {
      this.report.unchanged++;
      return;
    }
    if (there === undefined) await this.#put(changed);
    this.#keys.set(key, changed.key);
    this.#gone.set(key, digest);
    this.report.moved++;
  }

  async #put(record: CallRecord): Promise<void> {
    this.#noteBehind(record);
    if (!this.#options.dryRun) await this.#calls.put(record);
  }

  #noteBehind({ key, calls }: CallRecord): void {
    if (calls.length > 0) this.#behind.add(key);
  }

  #renamed(calls: readonly string[]): string[] {
    return calls.map((key) => this.#keys.get(key) ?? key);
  }

  async #catchUp(key: string): Promise<void> {
    const record = await this.#calls.get(key);
    if (record === undefined || !record.calls.some((each) => this.#keys.has(each))) return;
    const { fields } = record;
    await this.#put(CallRecord.build(key, { ...fields, calls: this.#renamed(fields.calls) }));
  }
}

function digestOf({ bytes }: CallRecord): string {
  return encodingDigest({ head: bytes });
}
