/**
 * A cache that is reached over a link whose time is counted instead of measured: what either side
 * sends arrives when neither has anything more to do, and that takes half a round trip. A round trip
 * has no length, and any number of bytes fits into it.
 *
 * @module
 */

import assert from "node:assert";
import { type BaseCache, RemoteConnectionError, serve, SshCache } from "@fleche/core";
import { ByteReader } from "../../src/remote/_byte_reader.ts";
import { FRAME, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { connectThrough } from "../../src/remote/ssh_cache.ts";
import type { RemoteProcess } from "../../src/remote/ssh_process.ts";
import { inTime } from "./_wait.ts";

/** Turns of the event loop in a row in which nobody sends anything: nobody has anything to do then. */
const QUIET_TURNS = 10;

/** What work has cost. */
export interface Cost {
  /** Round trips from its beginning to its end. */
  readonly trips: number;
  /** Bytes that the client has sent meanwhile, and those that it has got. */
  readonly up: number;
  readonly down: number;
  /** Digests of the values that the client has sent, in order. */
  readonly sent: readonly string[];
  /** Digests of the values that it has got. */
  readonly got: readonly string[];
}

/** One direction. */
class Lane {
  readonly #onNews: () => void;
  readonly #waiting: Uint8Array[] = [];
  readonly #frames = new FrameReader(PROTOCOL_LIMITS);
  #hasEnded = false;
  #controller: ReadableByteStreamController | undefined;
  /** Bytes that were sent. */
  bytes = 0;
  /** Writes and the like; that it stays the same says that nothing has happened. */
  events = 0;
  /** Digests of the values that were announced. */
  readonly values: string[] = [];
  /** What arrives. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Where is sent to. */
  readonly writable: WritableStream<Uint8Array>;

  /** Takes what is called when something is sent. */
  constructor(onNews: () => void) {
    this.#onNews = onNews;
    this.readable = new ReadableStream({
      type: "bytes",
      start: (controller) => {
        this.#controller = controller;
      },
    });
    this.writable = new WritableStream({
      write: (bytes) => this.#add(bytes),
      close: () => {
        this.#hasEnded = true;
        this.#happened();
      },
    });
  }

  #add(bytes: Uint8Array): void {
    // The memory is used again once the write is done.
    this.#waiting.push(bytes.slice());
    this.bytes += bytes.length;
    this.#happened();
  }

  #happened(): void {
    this.events++;
    this.#onNews();
  }

  /** Whether something is on its way. */
  get isBusy(): boolean {
    return this.#waiting.length > 0 || this.#hasEnded;
  }

  /** Lets arrive what is on its way. */
  arrive(): void {
    for (const bytes of this.#waiting.splice(0)) {
      this.#note(bytes);
      this.#controller?.enqueue(bytes.slice());
    }
    if (!this.#hasEnded) return;
    this.#hasEnded = false;
    this.#controller?.close();
  }

  #note(bytes: Uint8Array): void {
    // The line that comes before all frames.
    const start = this.bytes === bytes.length && bytes[0] === 10 ? bytes.indexOf(10, 1) + 1 : 0;
    for (const { kind, fields: [item] } of this.#frames.push(bytes.subarray(start))) {
      if (kind !== FRAME.item || typeof item !== "object" || item === null) continue;
      const digest: unknown = Reflect.get(item, "digest");
      if (typeof digest === "string") this.values.push(digest);
    }
  }
}

/** An {@linkcode SshCache} and a server in this process. */
export class SteppedLink implements AsyncDisposable {
  /** The near side. */
  readonly cache = new SshCache({ host: "counted" });
  readonly #up = new Lane(() => this.#wake());
  readonly #down = new Lane(() => this.#wake());
  readonly #served: Promise<void>;
  readonly #stepped: Promise<void>;
  #wake = () => {};
  #halves = 0;
  #isClosed = false;

  private constructor(far: BaseCache) {
    const { readable: input } = this.#up;
    this.#served = serve({ cache: far, input, output: this.#down.writable });
    this.#stepped = this.#step();
  }

  /** Serves a cache, and connects. */
  static async start(far: BaseCache): Promise<SteppedLink> {
    const link = new SteppedLink(far);
    const input = new ByteReader(link.#down.readable);
    const greeting = await inTime(input.read(), "the greeting");
    assert(greeting !== undefined);
    const rest = greeting.slice(greeting.indexOf(10, 1) + 1);
    await connectThrough(link.cache, { process: link.#process(input, rest), rest });
    return link;
  }

  #process(input: ByteReader, rest: Uint8Array): RemoteProcess {
    const data = { host: "counted", stderr: [] };
    return {
      input,
      output: this.#up.writable,
      isActive: false,
      keepAlive: () => {},
      preamble: () => Promise.resolve({ version: "", rest }),
      abort: () => {},
      failure: (why) => Promise.resolve(new RemoteConnectionError(`The connection ${why}`, data)),
      end: () => Promise.resolve(0),
    };
  }

  async #step(): Promise<void> {
    const lanes = [this.#up, this.#down];
    while (!this.#isClosed) {
      if (!lanes.some(({ isBusy }) => isBusy)) {
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
      const events = () => lanes.reduce((sum, lane) => sum + lane.events, 0);
      for (let quiet = 0, seen = events(); quiet < QUIET_TURNS; quiet++) {
        await new Promise((resolve) => setTimeout(resolve));
        if (events() !== seen) [quiet, seen] = [0, events()];
      }
      this.#halves++;
      for (const lane of lanes) lane.arrive();
    }
  }

  /** What some work costs; nothing else may be under way. */
  async cost(work: () => Promise<unknown>): Promise<Cost> {
    const marks = () => [this.#halves, this.#up.bytes, this.#down.bytes] as const;
    const [halves, up, down] = marks();
    const [sent, got] = [this.#up.values.length, this.#down.values.length];
    await inTime(work(), "the work");
    const [lastHalves, lastUp, lastDown] = marks();
    return {
      trips: (lastHalves - halves) / 2,
      up: lastUp - up,
      down: lastDown - down,
      sent: this.#up.values.slice(sent),
      got: this.#down.values.slice(got),
    };
  }

  /** Closes the cache and waits for the server's end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.cache.close();
    await inTime(this.#served, "the end of the server");
    this.#isClosed = true;
    this.#wake();
    await this.#stepped;
  }
}
