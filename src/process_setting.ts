/** Something that is set for the process, in several places that may end in whatever order. */
export class ProcessSetting<T> {
  readonly #entries = new Set<{ readonly value: T }>();

  /** What is set, in order. */
  get all(): T[] {
    return Array.from(this.#entries, ({ value }) => value);
  }

  /** What was set last of all that is still set. */
  get last(): T | undefined {
    return this.all.at(-1);
  }

  /** Sets a value until what is returned is disposed. */
  set(value: T): Disposable {
    const entry = { value };
    this.#entries.add(entry);
    return { [Symbol.dispose]: () => void this.#entries.delete(entry) };
  }
}
