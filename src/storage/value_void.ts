import { MemoryGate } from "./_memory_gate.ts";
import type { Gate, StorageCapabilities, StoredEntry, ValueStorage } from "./storage.ts";

/** Keeps no values: every write is discarded, every read a miss. */
export class ValueVoid implements ValueStorage {
  /** Keeps nothing. */
  readonly capabilities: StorageCapabilities = { persistent: false, shared: false };
  /** Holds within the process, although there is nothing to keep apart. */
  readonly gate: Gate = new MemoryGate();

  /** Finds nothing. */
  get(): undefined {}

  /** Discards the encoding. */
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

  /** Nothing. */
  async *entries(): AsyncIterable<StoredEntry> {}

  /** Does nothing. */
  register(): void {}

  /** Nothing. */
  registered(): string[] {
    return [];
  }

  /** Does nothing. */
  forget(): void {}

  /** The time of the process. */
  now(): number {
    return Date.now();
  }

  /** Does nothing. */
  close(): void {}

  /** Does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
