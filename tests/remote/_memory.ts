/**
 * Client and server in one process, with streams in memory between them.
 *
 * @module
 */

import assert from "node:assert";
import { Cache, CallMemory, serve, type ServeOptions, ValueMemory } from "@fleche/core";
import { Connection } from "../../src/remote/connection.ts";
import { type Frame, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS, type ProtocolLimits } from "../../src/remote/limits.ts";
import { concat } from "./_bytes.ts";
import { inTime } from "./_wait.ts";

/** A cache in memory. */
export function memoryCache(): Cache {
  return new Cache({ values: new ValueMemory(), calls: new CallMemory() });
}

/** What a server is started with. */
export type ServedOptions = Omit<ServeOptions, "input" | "output">;

/** A server to which bytes are sent as they are. */
export class RawServer {
  /** Where the server's input is written to. */
  readonly input: WritableStreamDefaultWriter<Uint8Array>;
  /** What {@linkcode serve} comes to; never rejected unnoticed. */
  readonly served: Promise<{ error?: unknown }>;
  /** What the server has sent so far. */
  readonly frames: Frame[] = [];
  /** Settled when the server has closed its output. */
  readonly ended: Promise<void>;
  /** The line that came before all frames. */
  preamble = "";
  #news: (() => void) | undefined;

  /** Starts a server. */
  constructor(options: ServedOptions) {
    const input = new TransformStream<Uint8Array, Uint8Array>();
    const output = new TransformStream<Uint8Array, Uint8Array>();
    this.input = input.writable.getWriter();
    // What is written after the server has ended gets nowhere.
    this.input.closed.catch(() => {});
    const served = serve({ ...options, input: input.readable, output: output.writable });
    this.served = served.then(() => ({}), (error) => ({ error }));
    this.ended = this.#read(output.readable, options.limits ?? PROTOCOL_LIMITS);
  }

  async #read(output: ReadableStream<Uint8Array>, limits: ProtocolLimits): Promise<void> {
    const reader = new FrameReader(limits);
    for await (let bytes of output) {
      if (this.preamble === "") {
        const end = bytes.indexOf(10, 1) + 1;
        this.preamble = new TextDecoder().decode(bytes.subarray(0, end));
        bytes = bytes.subarray(end);
      }
      this.frames.push(...reader.push(bytes));
      this.#news?.();
    }
  }

  /** Sends bytes. */
  async send(...pieces: Uint8Array[]): Promise<void> {
    await this.input.write(concat(pieces)).catch(() => {});
  }

  /** Waits until the server has sent frames that fulfil something. */
  async until(holds: (frames: readonly Frame[]) => boolean): Promise<void> {
    while (!holds(this.frames)) {
      const news = new Promise<void>((resolve) => this.#news = resolve);
      await inTime(news, "a frame of the server");
    }
  }

  /** Closes the input and waits for the server's end; what it came to. */
  async end(): Promise<{ error?: unknown }> {
    await this.input.close().catch(() => {});
    await inTime(this.ended, "the end of the output");
    return await inTime(this.served, "the end of the server");
  }
}

/** A {@linkcode Connection} to a server. */
export class Client implements AsyncDisposable {
  private constructor(
    /** The connection. */
    readonly connection: Connection,
    /** Settled when the connection has nothing more to read. */
    readonly read: Promise<void>,
    /** Settled when the server has ended. */
    readonly served: Promise<void>,
  ) {}

  /** Starts a server and connects to it. */
  static async start(options: ServedOptions): Promise<Client> {
    const input = new TransformStream<Uint8Array, Uint8Array>();
    const output = new TransformStream<Uint8Array, Uint8Array>();
    const served = serve({ ...options, input: input.readable, output: output.writable });
    const reader = output.readable.getReader();
    const { value } = await reader.read();
    assert.match(new TextDecoder().decode(value), /^\nfleche\/1 \S+\n$/);
    const limits = options.limits ?? PROTOCOL_LIMITS;
    const connection = new Connection(input.writable, { limits });
    const read = connection.read(reader, new Uint8Array(0)).catch((error) => {
      connection.fail(error);
      throw error;
    });
    // Whoever disposes of the client hears of a failure; until then it is not unhandled.
    Promise.all([read, served]).catch(() => {});
    return new Client(connection, read, served);
  }

  /** Closes the connection and waits for the server's end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.end();
    await inTime(Promise.all([this.read, this.served]), "the end of the server");
  }
}

/** A {@linkcode Connection} to nobody: what it sends is kept, what it gets is written by the test. */
export class LoneClient {
  /** The connection. */
  readonly connection: Connection;
  /** What the connection's reading comes to. */
  readonly read: Promise<{ error?: unknown }>;
  /** Frames that the connection has sent. */
  readonly sent: Frame[] = [];
  /** Changes of {@linkcode ConnectionOptions.onActive}. */
  readonly activity: boolean[] = [];
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  /** Makes a connection; one of whose writes a fault comes if one is given. */
  constructor(limits: ProtocolLimits = PROTOCOL_LIMITS, fault?: Error) {
    const frames = new FrameReader(limits);
    const output = new WritableStream<Uint8Array>({
      write: (bytes) => {
        if (fault !== undefined) throw fault;
        this.sent.push(...frames.push(bytes));
      },
    });
    const onActive = (active: boolean) => this.activity.push(active);
    this.connection = new Connection(output, { limits, onActive });
    const input = new TransformStream<Uint8Array, Uint8Array>();
    this.#input = input.writable.getWriter();
    this.#input.closed.catch(() => {});
    const read = this.connection.read(input.readable.getReader(), new Uint8Array(0));
    // As whoever owns a connection does.
    this.read = read.then(() => ({}), (error) => {
      this.connection.fail(error);
      return { error };
    });
  }

  /** Gives the connection bytes to read. */
  receive(...pieces: Uint8Array[]): void {
    this.#input.write(concat(pieces)).catch(() => {});
  }

  /** Ends what the connection reads. */
  async end(): Promise<{ error?: unknown }> {
    this.#input.close().catch(() => {});
    return await inTime(this.read, "the end of reading");
  }
}
