import { copied, type Encoding, encodingLength, type Reference } from "../codec/encoding.ts";
import { MemoryGate } from "./_memory_gate.ts";
import { listPrefixed } from "./_names.ts";
import type { Gate, StorageCapabilities, StoredEntry, ValueStorage } from "./storage.ts";

/**
 * Values in the memory of the process, as bytes: what a caller does to a value never changes what is
 * stored.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, ValueMemory } from "@fleche/core";
 *
 * const cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * await cache.close();
 * ```
 */
export class ValueMemory implements ValueStorage {
  /** Gone with the process. */
  readonly capabilities: StorageCapabilities = { persistent: false, shared: false };
  /** Holds within the process. */
  readonly gate: Gate = new MemoryGate();
  readonly #entries = new Map<string, { encoding: Encoding; modified: number }>();
  readonly #registered = new Set<string>();

  /** Reads an encoding. */
  get(digest: string): Encoding | undefined {
    return this.#entries.get(digest)?.encoding;
  }

  /** Stores a copy of an encoding. */
  put({ digest }: Reference, encoding: Encoding): void {
    const kept = this.#entries.get(digest)?.encoding ?? { ...copied(encoding), owned: false };
    this.#entries.set(digest, { encoding: kept, modified: this.now() });
  }

  /** Whether there is an encoding. */
  has(digest: string): boolean {
    return this.#entries.has(digest);
  }

  /** Removes an encoding; whether there was one. */
  delete(digest: string): boolean {
    return this.#entries.delete(digest);
  }

  /** The digests that begin with a prefix. */
  list(prefix: string, limit?: number): string[] {
    return listPrefixed(this.#entries.keys(), prefix, limit);
  }

  /** What is known of all entries. */
  async *entries(): AsyncIterable<StoredEntry> {
    for (const [name, { encoding, modified }] of [...this.#entries]) {
      yield { name, length: encodingLength(encoding), modified };
    }
  }

  /** Remembers a call storage. */
  register(identity: string): void {
    this.#registered.add(identity);
  }

  /** The call storages that are remembered. */
  registered(): string[] {
    return [...this.#registered];
  }

  /** Forgets a call storage. */
  forget(identity: string): void {
    this.#registered.delete(identity);
  }

  /** The time of the process. */
  now(): number {
    return Date.now();
  }

  /** Does nothing: there is nothing open. */
  close(): void {}

  /** Does nothing: there is nothing open. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
