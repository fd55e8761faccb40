import type { CallRecord } from "../call_record.ts";
import type { CallStorage, StorageCapabilities, StoredEntry } from "./storage.ts";

/** Keeps no records: every write is discarded, every read a miss. */
export class CallVoid implements CallStorage {
  /** Keeps nothing. */
  readonly capabilities: StorageCapabilities = { persistent: false, shared: false };
  /** None: there is nothing to open. */
  readonly identity: undefined = undefined;

  /** Finds nothing. */
  get(): undefined {}

  /** Discards the record. */
  put(): void {}

  /** False. */
  has(): boolean {
    return false;
  }

  /** False: there is nothing to remove. */
  delete(): boolean {
    return false;
  }

  /** Nothing. */
  list(): string[] {
    return [];
  }

  /** Finds nothing. */
  getEmbedded(): undefined {}

  /** Nothing. */
  listEmbedded(): string[] {
    return [];
  }

  /** Nothing. */
  async *records(): AsyncIterable<CallRecord> {}

  /** Nothing. */
  async *entries(): AsyncIterable<StoredEntry> {}

  /** Does nothing. */
  touch(): void {}

  /** Does nothing. */
  close(): void {}

  /** Does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
