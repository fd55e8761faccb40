/** How many digests are remembered. */
const MOST = 65_536;

/** Digests of values that the other side is likely to have; those that were named last. */
export class KnownDigests {
  readonly #digests = new Set<string>();

  /** Whether one is remembered. */
  has(digest: string): boolean {
    return this.#digests.has(digest);
  }

  /** Remembers one. */
  add(digest: string): void {
    this.#digests.delete(digest);
    this.#digests.add(digest);
    if (this.#digests.size <= MOST) return;
    for (const oldest of this.#digests) {
      this.#digests.delete(oldest);
      return;
    }
  }

  /** Forgets one, or all. */
  forget(digest?: string): void {
    if (digest === undefined) this.#digests.clear();
    else this.#digests.delete(digest);
  }
}
