import type { StorageCapabilities, ValueStorage } from "./storage.ts";

/** Keeps no values: every write is discarded, every read a miss. */
export class ValueVoid implements ValueStorage {
  /** Keeps nothing. */
  readonly capabilities: StorageCapabilities = { persistent: false, shared: false };

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

  /** Does nothing. */
  close(): void {}

  /** Does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
