import type { Encoding } from "../codec/encoding.ts";
import { matchesFilter, type RecordFilter } from "../record_filter.ts";
import { type CallRecord, embeddedDigests } from "../call_record.ts";
import { listPrefixed } from "./_names.ts";
import type { CallStorage, StorageCapabilities, StoredEntry } from "./storage.ts";

/**
 * Call records in the memory of the process.
 *
 * Nobody else knows of them: where values are kept on disk and shared with other caches, `gc` of those
 * removes what only calls in memory need, once it is older than the grace period. Give such a cache
 * values of its own, or pass its calls to `gc` as `also`.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, ValueMemory } from "@fleche/core";
 *
 * const cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * await cache.close();
 * ```
 */
export class CallMemory implements CallStorage {
  /** Gone with the process. */
  readonly capabilities: StorageCapabilities = {
    persistent: false,
    shared: false,
    ordered: true,
  };
  /** None: no other process can see the records. */
  readonly identity: undefined = undefined;
  readonly #records = new Map<string, CallRecord>();
  readonly #modified = new Map<string, number>();
  // Keys of the records that embed an encoding, by its digest.
  readonly #embedded = new Map<string, Set<string>>();

  /** Reads a record. */
  get(key: string): CallRecord | undefined {
    return this.#records.get(key);
  }

  /** Stores a record, in place of any other under the key. */
  put(record: CallRecord): void {
    this.delete(record.key);
    this.#records.set(record.key, record);
    this.#modified.set(record.key, Date.now());
    for (const digest of embeddedDigests(record)) {
      const keys = this.#embedded.get(digest);
      if (keys === undefined) this.#embedded.set(digest, new Set([record.key]));
      else keys.add(record.key);
    }
  }

  /** Whether there is a record. */
  has(key: string): boolean {
    return this.#records.has(key);
  }

  /** Removes a record; whether there was one. */
  delete(key: string): boolean {
    const record = this.#records.get(key);
    if (record === undefined) return false;
    for (const digest of embeddedDigests(record)) {
      const keys = this.#embedded.get(digest);
      keys?.delete(key);
      if (keys?.size === 0) this.#embedded.delete(digest);
    }
    this.#modified.delete(key);
    return this.#records.delete(key);
  }

  /** The keys that begin with a prefix. */
  list(prefix: string, limit?: number): string[] {
    return listPrefixed(this.#records.keys(), prefix, limit);
  }

  /** Finds an encoding that a record holds itself. */
  getEmbedded(digest: string): Encoding | undefined {
    for (const key of this.#embedded.get(digest) ?? []) {
      const encoding = this.#records.get(key)?.embedded(digest);
      if (encoding !== undefined) return encoding;
    }
  }

  /** The digests of embedded encodings that begin with a prefix. */
  listEmbedded(prefix: string, limit?: number): string[] {
    return listPrefixed(this.#embedded.keys(), prefix, limit);
  }

  /** The records that match, newest first. */
  async *records(filter: RecordFilter = {}): AsyncIterable<CallRecord> {
    for (const record of [...this.#records.values()].reverse()) {
      if (matchesFilter(record, filter)) yield record;
    }
  }

  /** What is known of all entries. */
  async *entries(): AsyncIterable<StoredEntry> {
    for (const { key, bytes } of [...this.#records.values()].reverse()) {
      yield { name: key, length: bytes.length, modified: this.#modified.get(key) ?? 0 };
    }
  }

  /** Renews the age of a record, if it is there. */
  touch(key: string): void {
    if (this.#records.has(key)) this.#modified.set(key, Date.now());
  }

  /** Does nothing: there is nothing open. */
  close(): void {}

  /** Does nothing: there is nothing open. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
