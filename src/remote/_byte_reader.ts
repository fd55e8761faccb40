import type { ByteSource } from "./connection.ts";

/** Bytes that are read at a time, at most: what a pipe holds. */
const BUFFER = 64 << 10;

/** Reads a stream into one and the same buffer: what was read is only there until the next is. */
export class ByteReader implements ByteSource {
  readonly #reader: ReadableStreamBYOBReader;
  #buffer: ArrayBuffer | undefined = new ArrayBuffer(BUFFER);

  /** Takes the stream, which has to give bytes. */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader({ mode: "byob" });
  }

  /** The next bytes; undefined if there are no more. */
  async read(): Promise<Uint8Array | undefined> {
    const view = new Uint8Array(this.#buffer ?? new ArrayBuffer(BUFFER));
    this.#buffer = undefined;
    const { value, done } = await this.#reader.read(view);
    if (value !== undefined) this.#buffer = value.buffer;
    return done ? undefined : value;
  }

  /** Wants no more. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}
