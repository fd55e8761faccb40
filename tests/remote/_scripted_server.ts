/**
 * A cache on another machine whose server answers what a test tells it to.
 *
 * @module
 */

import { RemoteConnectionError, SshCache } from "@fleche/core";
import { ByteReader } from "../../src/remote/_byte_reader.ts";
import { encodeFrame, FRAME, type Frame } from "../../src/remote/frames.ts";
import { connectThrough } from "../../src/remote/ssh_cache.ts";
import { VERSION } from "../../src/version.ts";
import { concat } from "./_bytes.ts";
import { INFO } from "./_info.ts";
import { KeptFrames } from "./_memory.ts";
import { inTime } from "./_wait.ts";

/** A request, as far as a test looks at it. */
export interface Asked {
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
}

/** What a server sends when it is asked something; nothing if it does not answer. */
export type Script = (asked: Asked) => Uint8Array[];

/** An {@linkcode SshCache} that is connected to a script. */
export class ScriptedServer implements AsyncDisposable {
  /** The near side. */
  readonly cache = new SshCache({ host: "scripted" });
  /** What the client has sent. */
  readonly received: Frame[] = [];
  #controller: ReadableByteStreamController | undefined;
  #hasEnded = false;

  private constructor() {}

  /** Connects a cache to a script. */
  static async start(script: Script): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    const frames = new KeptFrames();
    const readable: ReadableStream<Uint8Array<ArrayBuffer>> = new ReadableStream({
      type: "bytes",
      start: (controller) => {
        server.#controller = controller;
      },
    });
    const output = new WritableStream<Uint8Array>({
      write: (bytes) => {
        for (const frame of frames.push(bytes)) server.#take(frame, script);
      },
      close: () => server.#end(),
    });
    const data = { host: "scripted", stderr: [] };
    const process = {
      input: new ByteReader(readable),
      output,
      isActive: false,
      keepAlive: () => {},
      preamble: () => Promise.resolve({ version: VERSION, rest: new Uint8Array(0) }),
      abort: () => server.#end(),
      failure: (why: string) =>
        Promise.resolve(new RemoteConnectionError(`The connection ${why}`, data)),
      end: () => {
        server.#end();
        return Promise.resolve(0);
      },
    };
    await connectThrough(server.cache, { process, rest: new Uint8Array(0) });
    return server;
  }

  #take(frame: Frame, script: Script): void {
    this.received.push(frame);
    const { kind, id, fields: [method, params] } = frame;
    if (kind !== FRAME.request || typeof method !== "string") return;
    const answers = method === "info"
      ? [encodeFrame(FRAME.answer, id, INFO)]
      : script({ id, method, params });
    if (answers.length > 0) this.send(...answers);
  }

  /** Sends bytes. */
  send(...pieces: Uint8Array[]): void {
    if (!this.#hasEnded) this.#controller?.enqueue(concat(pieces));
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#controller?.close();
  }

  /** Closes the cache. */
  async [Symbol.asyncDispose](): Promise<void> {
    await inTime(this.cache.close(), "the end of the cache");
  }
}
