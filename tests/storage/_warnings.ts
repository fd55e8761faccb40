/** Collects the warnings, or the errors, that are said while it exists. */
export class Warnings implements Disposable {
  readonly texts: string[] = [];
  readonly #level: "warn" | "error";
  readonly #write: typeof console.warn;

  constructor(level: "warn" | "error" = "warn") {
    this.#level = level;
    this.#write = console[level];
    console[level] = (...words: unknown[]) => void this.texts.push(words.join(" "));
  }

  /** How many warnings were given that hold a text. */
  about(text: string): number {
    return this.texts.filter((each) => each.includes(text)).length;
  }

  [Symbol.dispose](): void {
    console[this.#level] = this.#write;
  }
}
