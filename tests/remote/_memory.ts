/**
 * Client and server in one process, with streams in memory between them.
 *
 * @module
 */

import assert from "node:assert";
import { Cache, CallMemory, serve, type ServeOptions, ValueMemory } from "@fleche/core";
import {
  type ByteSource,
  Connection,
  type ConnectionOptions,
  type RequestOptions,
} from "../../src/remote/connection.ts";
import { FRAME, type Frame, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS, type ProtocolLimits } from "../../src/remote/limits.ts";
import type { Params } from "../../src/remote/params.ts";
import type { ReceivedValue } from "../../src/remote/value_receiver.ts";
import { concat } from "./_bytes.ts";
import { inTime } from "./_wait.ts";

/** A cache in memory. */
export function memoryCache(): Cache {
  return new Cache({ values: new ValueMemory(), calls: new CallMemory() });
}

/** A stream whose bytes, as those of a process, are there only until the next are read. */
export class FleetingBytes implements ByteSource {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #last: Uint8Array | undefined;

  /** Takes the stream. */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** The next bytes; the last ones are overwritten. */
  async read(): Promise<Uint8Array | undefined> {
    this.#last?.fill(0xc1);
    const { value } = await this.#reader.read();
    return this.#last = value?.slice();
  }
}

/** Frames as a test keeps them: the bytes of a chunk stay, and are one piece. */
export class KeptFrames {
  readonly #reader: FrameReader;

  /** Takes the limits to keep. */
  constructor(limits: ProtocolLimits = PROTOCOL_LIMITS) {
    this.#reader = new FrameReader(limits);
  }

  /** The frames that bytes complete. */
  push(bytes: Uint8Array): Frame[] {
    return [...this.#reader.push(bytes)].map((frame) =>
      frame.kind === FRAME.chunk
        ? { ...frame, fields: [(frame.fields[0] as Uint8Array).slice()] }
        : frame
    );
  }
}

/** What a server is started with. */
export type ServedOptions = Omit<ServeOptions, "input" | "output">;

/** A server to which bytes are sent as they are, and that gets no credit but what is sent. */
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
    const reader = new KeptFrames(limits);
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

  /** Waits for the end of a request, and gives its frames. */
  async answered(id: number): Promise<Frame[]> {
    const isEnd = ({ kind, id: each }: Frame) =>
      each === id && (kind === FRAME.answer || kind === FRAME.error);
    await this.until((frames) => frames.some(isEnd));
    return this.frames.filter((frame) => frame.id === id);
  }

  /** Closes the input and waits for the server's end; what it came to. */
  async end(): Promise<{ error?: unknown }> {
    await this.input.close().catch(() => {});
    await inTime(this.ended, "the end of the output");
    return await inTime(this.served, "the end of the server");
  }
}

/** An answer, and the values that came before it. */
export interface Answered {
  readonly result: Params;
  /** The values by their digests, in the order they came in. */
  readonly values: Map<string, ReceivedValue>;
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
    const reader = new FleetingBytes(output.readable);
    const preamble = await reader.read();
    assert.match(new TextDecoder().decode(preamble), /^\nfleche\/1 \S+\n$/);
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

  /** Sends a request, and waits for its answer and the values before it. */
  async ask(
    method: string,
    params: Record<string, unknown> = {},
    options: RequestOptions = {},
  ): Promise<Answered> {
    const values = new Map<string, ReceivedValue>();
    const onValue = (value: ReceivedValue, used: () => void) => {
      values.set(value.reference.digest, value);
      used();
    };
    const result = await this.connection.request(method, params, { onValue, ...options });
    return { result, values };
  }

  /** Closes the connection and waits for the server's end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.end();
    await inTime(Promise.all([this.read, this.served]), "the end of the server");
  }
}

/** How a {@linkcode LoneClient} differs from others. */
export interface LoneClientOptions extends Partial<ConnectionOptions> {
  /** What comes of everything that is written. */
  readonly fault?: Error;
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
  #news: (() => void) | undefined;

  /** Makes a connection. */
  constructor({ fault, ...options }: LoneClientOptions = {}) {
    const { limits = PROTOCOL_LIMITS } = options;
    const frames = new KeptFrames(limits);
    const output = new WritableStream<Uint8Array>({
      write: (bytes) => {
        if (fault !== undefined) throw fault;
        this.sent.push(...frames.push(bytes));
        this.#news?.();
      },
    });
    const onActive = (active: boolean) => this.activity.push(active);
    this.connection = new Connection(output, { onActive, ...options, limits });
    const input = new TransformStream<Uint8Array, Uint8Array>();
    this.#input = input.writable.getWriter();
    this.#input.closed.catch(() => {});
    const read = this.connection.read(new FleetingBytes(input.readable), new Uint8Array(0));
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

  /** Waits until the connection has sent frames that fulfil something. */
  async until(holds: (frames: readonly Frame[]) => boolean): Promise<void> {
    while (!holds(this.sent)) {
      const news = new Promise<void>((resolve) => this.#news = resolve);
      await inTime(news, "a frame of the connection");
    }
  }

  /** Ends what the connection reads. */
  async end(): Promise<{ error?: unknown }> {
    this.#input.close().catch(() => {});
    return await inTime(this.read, "the end of reading");
  }
}
