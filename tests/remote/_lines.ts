import assert from "node:assert";
import { inTime } from "./_wait.ts";

/** The lines of JSON that a process prints, as they come. */
export class Lines implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  /** Takes its standard output. */
  constructor(output: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = output.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next one. */
  async next(): Promise<Record<string, unknown>> {
    while (!this.#text.includes("\n")) {
      const { value } = await inTime(this.#reader.read(), "a line");
      assert(value !== undefined, `It ended after "${this.#text}"`);
      this.#text += value;
    }
    const end = this.#text.indexOf("\n");
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    return JSON.parse(line);
  }

  /** Reads no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
  }
}
