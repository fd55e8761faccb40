/**
 * A client that sends what it is told to, be it against the protocol.
 *
 * @module
 */

import assert from "node:assert";
import { encodeFrame, FRAME, type Frame, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { remoteCommand } from "../../src/remote/ssh_command.ts";
import { SshProcess } from "../../src/remote/ssh_process.ts";
import type { Site, SiteOptions } from "./_site.ts";
import { inTime } from "./_wait.ts";

/** The beginning of a frame that is as long as it says. */
export function frameHead(length: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
}

/** A connection to a server over ssh. */
export class RawClient implements AsyncDisposable {
  readonly #process: SshProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #frames = new FrameReader(PROTOCOL_LIMITS);
  readonly #received: Frame[] = [];

  private constructor(process: SshProcess) {
    this.#process = process;
    this.#writer = process.output.getWriter();
  }

  /** Connects, and reads the greeting. */
  static async connect(site: Site, given: SiteOptions = {}): Promise<RawClient> {
    const { host, sshOptions = [], command = "", ...options } = site.options(given);
    const word = remoteCommand({ command, setupCommands: [], env: {}, ...options });
    const process = new SshProcess(host, ["ssh", ...sshOptions, "--", host, word]);
    const { rest } = await inTime(process.preamble(PROTOCOL_LIMITS), "the greeting");
    const client = new RawClient(process);
    client.#received.push(...client.#frames.push(rest));
    return client;
  }

  /** Sends bytes; they may not arrive. */
  async send(...pieces: readonly Uint8Array[]): Promise<void> {
    for (const bytes of pieces) await this.#writer.write(bytes).catch(() => {});
  }

  /** Sends a request without values. */
  async request(id: number, method: string, params: Record<string, unknown> = {}): Promise<void> {
    await this.send(encodeFrame(FRAME.request, id, method, params, false));
  }

  /** The next frame but for credit; undefined at the end. */
  async next(): Promise<Frame | undefined> {
    while (true) {
      const frame = this.#received.shift();
      if (frame !== undefined && frame.kind !== FRAME.credit) return frame;
      if (frame !== undefined) continue;
      const bytes = await inTime(this.#process.input.read(), "a frame");
      if (bytes === undefined) return undefined;
      this.#received.push(...this.#frames.push(bytes));
    }
  }

  /** Whether the server answers. */
  async answers(): Promise<boolean> {
    const id = 2 ** 40;
    await this.request(id, "ping");
    const frame = await this.next();
    return frame?.kind === FRAME.answer && frame.id === id;
  }

  /** Sends no more; what the process ended with and said, once all has been read. */
  async end(): Promise<{ exitCode: number | undefined; stderr: string }> {
    await this.#writer.close().catch(() => {});
    for (let frame = await this.next(); frame !== undefined; frame = await this.next()) {
      assert(frame.kind !== FRAME.request);
    }
    const { data } = await this.#process.failure("ended");
    return { exitCode: data.exitCode, stderr: data.stderr.join("\n") };
  }

  /** Ends the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.abort("was closed");
    await this.#writer.close().catch(() => {});
    await this.#process.end();
  }
}
