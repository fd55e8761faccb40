import { Buffer } from "node:buffer";
import { concatenated } from "../../bytes.ts";
import type { RemoteConnectionError } from "../../errors.ts";
import { PROTOCOL_LIMITS } from "../limits.ts";
import { findPreamble, PREAMBLE, SshProcess } from "../ssh_process.ts";
import { GO_AHEAD } from "./_probe_script.ts";

/** A greeting that was read. */
export interface Greeting {
  readonly protocol: string;
  readonly version: string;
  /** Bytes that were read beyond it. */
  readonly rest: Uint8Array;
}

/** An ssh process that runs a probe, and may come to serve then. */
export class ProbeSession {
  readonly #mark: string;
  #seen = new Uint8Array(0);
  #isGreeting = false;
  /** The process. */
  readonly process: SshProcess;

  /** Starts ssh. */
  constructor(host: string, { argv, mark }: { argv: readonly string[]; mark: string }) {
    this.process = new SshProcess(host, argv);
    this.#mark = mark;
  }

  // Latin-1 has one character for each byte, so positions agree.
  get #text(): string {
    return Buffer.from(this.#seen).toString("latin1");
  }

  /** What the far end has printed so far, but for what it reports. */
  get noise(): string {
    const text = this.#text;
    const end = this.isForced ? text.search(PREAMBLE) : text.indexOf(`\n${this.#mark} `);
    return decoded(end === -1 ? text : text.slice(0, end));
  }

  /** Whether the far end serves without having been asked to. */
  get isForced(): boolean {
    const text = this.#text;
    return PREAMBLE.test(text) && !text.includes(`\n${this.#mark} `);
  }

  /** Whether more has come than may come before the greeting. */
  get printsTooMuch(): boolean {
    return this.#seen.length > PROTOCOL_LIMITS.banner;
  }

  /** Waits until the far end begins to report, or serves; false if it does neither. */
  async login(): Promise<boolean> {
    while (true) {
      if (this.isForced || this.#report("login") !== undefined) return true;
      if (!await this.#readMore()) return false;
    }
  }

  /** What the far end reports under a name; undefined if it ends without having done so. */
  async report(name: string): Promise<string | undefined> {
    while (true) {
      const report = this.#report(name);
      if (report !== undefined) return report;
      if (!await this.#readMore()) return undefined;
    }
  }

  #report(name: string): string | undefined {
    const text = this.#text;
    const head = `\n${this.#mark} ${name}`;
    const start = text.indexOf(head);
    const end = text.indexOf(`\n${this.#mark}.`, start + head.length);
    if (start === -1 || end === -1) return undefined;
    return decoded(text.slice(start + head.length, end)).trim();
  }

  async #readMore(): Promise<boolean> {
    if (this.printsTooMuch) this.process.abort("printed too much");
    const value = await this.process.input.read();
    if (value === undefined) return false;
    this.#seen = concatenated([this.#seen, value]);
    return true;
  }

  /**
   * Lets the far end serve, if it does not yet, and waits for its greeting.
   *
   * @returns Nothing if it does not come.
   */
  async greet(): Promise<Greeting | undefined> {
    if (!this.isForced) {
      this.#seen = new Uint8Array(0);
      this.#isGreeting = true;
      const writer = this.process.output.getWriter();
      // If the far end is gone, reading says so.
      await writer.write(new TextEncoder().encode(GO_AHEAD)).catch(() => {});
      writer.releaseLock();
    }
    while (true) {
      const found = findPreamble(this.#text);
      if (found !== undefined) {
        const { protocol, version, end } = found;
        return { protocol, version, rest: this.#seen.slice(end) };
      }
      if (!await this.#readMore()) return undefined;
    }
  }

  /** Does something that reads; if it takes too long, the process is ended. */
  async inTime<T>(seconds: number | undefined, read: () => Promise<T>): Promise<T> {
    if (seconds === undefined) return await read();
    const late = () => this.process.abort(`did not answer for ${seconds} seconds`);
    const timer = setTimeout(late, seconds * 1000);
    try {
      return await read();
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Ends the process.
   *
   * @returns What is known of why it has ended, with what it has printed in place of a greeting.
   */
  async end(): Promise<RemoteConnectionError> {
    // If it has ended already, so has its input.
    await this.process.output.close().catch(() => {});
    return await this.process.failure("ended", this.#isGreeting ? this.#seen : undefined);
  }
}

function decoded(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString();
}
