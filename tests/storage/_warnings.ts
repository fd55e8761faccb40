/** Collects the warnings that are given while it exists. */
export class Warnings implements Disposable {
  readonly texts: string[] = [];
  readonly #warn = console.warn;

  constructor() {
    console.warn = (...words: unknown[]) => void this.texts.push(words.join(" "));
  }

  /** How many warnings were given that hold a text. */
  about(text: string): number {
    return this.texts.filter((each) => each.includes(text)).length;
  }

  [Symbol.dispose](): void {
    console.warn = this.#warn;
  }
}
