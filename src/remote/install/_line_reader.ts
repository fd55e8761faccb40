import type { ByteSource } from "../connection.ts";

/** Longest line that is taken, in bytes. */
const LONGEST = 2 ** 16;

/** Lines of text from a stream that may hold anything. */
export class LineReader {
  readonly #input: ByteSource;
  readonly #decoder = new TextDecoder();
  #rest = "";
  /** The first of what was read, for messages. */
  seen = "";

  /** Takes the stream. */
  constructor(input: ByteSource) {
    this.#input = input;
  }

  /** The next line without its end; undefined if there is no further whole one. */
  async next(): Promise<string | undefined> {
    while (true) {
      const end = this.#rest.indexOf("\n");
      if (end !== -1) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return line;
      }
      if (this.#rest.length > LONGEST) return undefined;
      const value = await this.#input.read();
      if (value === undefined) return undefined;
      const text = this.#decoder.decode(value, { stream: true });
      if (this.seen.length < LONGEST) this.seen += text;
      this.#rest += text;
    }
  }
}
