/** Entries remembered at the most; past that the memory starts anew. */
const MAX_REMEMBERED = 100_000;

/**
 * How many bytes sealed entries take that this process has written, or looked at: what is there can
 * be told from a torn one without sealing it again.
 */
export class KnownLengths {
  readonly #lengths = new Map<string, number>();

  /** The length of an entry, if it is known. */
  get(name: string): number | undefined {
    return this.#lengths.get(name);
  }

  /** Remembers a length. */
  set(name: string, length: number): void {
    if (this.#lengths.size >= MAX_REMEMBERED) this.#lengths.clear();
    this.#lengths.set(name, length);
  }

  /** Forgets an entry. */
  delete(name: string): void {
    this.#lengths.delete(name);
  }

  /** Forgets all entries. */
  clear(): void {
    this.#lengths.clear();
  }
}
