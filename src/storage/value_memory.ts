import { copied, type Encoding, type Reference } from "../codec/encoding.ts";
import { listPrefixed } from "./_names.ts";
import type { StorageCapabilities, ValueStorage } from "./storage.ts";

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
  readonly #entries = new Map<string, Encoding>();

  /** Reads an encoding. */
  get(digest: string): Encoding | undefined {
    return this.#entries.get(digest);
  }

  /** Stores a copy of an encoding. */
  put({ digest }: Reference, encoding: Encoding): void {
    if (!this.#entries.has(digest)) {
      this.#entries.set(digest, { ...copied(encoding), owned: false });
    }
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

  /** Does nothing: there is nothing open. */
  close(): void {}

  /** Does nothing: there is nothing open. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
