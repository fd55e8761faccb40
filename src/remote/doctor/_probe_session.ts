import { Buffer } from "node:buffer";
import type { RemoteConnectionError } from "../../errors.ts";
import { PROTOCOL_LIMITS } from "../limits.ts";
import { PREAMBLE, SshProcess } from "../ssh_process.ts";
import { GO } from "./_probe_script.ts";

/** What the far end told before it serves. */
export interface Probe {
  /** What was printed before the first report. */
  readonly noise: string;
  /** The reports by name, in their order. */
  readonly reports: ReadonlyMap<string, string>;
  /** Whether all reports are there, or the far end serves already. */
  readonly isWhole: boolean;
  /** Whether the far end serves without having been asked to. */
  readonly isForced: boolean;
  /** When the clock was told, in milliseconds of the local one. */
  readonly clockRead: number;
}

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
  #clockRead = 0;
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

  /** What the far end has printed so far. */
  get printed(): string {
    return decoded(this.#text);
  }

  /** Waits until the far end begins to report, or serves; false if it does neither. */
  async login(): Promise<boolean> {
    while (!this.#isLoggedIn) {
      if (this.printsTooMuch) this.process.abort("printed too much");
      if (!await this.#readMore()) return false;
    }
    return true;
  }

  /** Whether more has come than may come before the greeting. */
  get printsTooMuch(): boolean {
    return this.#seen.length > PROTOCOL_LIMITS.banner;
  }

  get #isLoggedIn(): boolean {
    return this.#text.includes(`\n${this.#mark} login\n`) || PREAMBLE.test(this.#text);
  }

  /** Reads the reports, as far as they come. */
  async probe(): Promise<Probe> {
    while (true) {
      const probe = this.#probe();
      if (probe.isWhole) return probe;
      if (this.printsTooMuch) this.process.abort("printed too much");
      if (!await this.#readMore()) return probe;
    }
  }

  #probe(): Probe {
    const [noise = "", ...parts] = this.#text.split(`\n${this.#mark} `);
    const reports = new Map(parts.map((part) => {
      const [, name = "", value = ""] = /^(\w+)[ \n]?(.*)$/s.exec(part) ?? [];
      return [name === "setup" ? `setup ${value.trim()}` : name, decoded(value).trim()];
    }));
    if (reports.has("clock") && this.#clockRead === 0) this.#clockRead = Date.now();
    const isForced = parts.length === 0 && PREAMBLE.test(noise);
    return {
      noise: decoded(isForced ? noise.slice(0, noise.search(PREAMBLE)) : noise),
      reports,
      isWhole: isForced || reports.has("ready"),
      isForced,
      clockRead: this.#clockRead,
    };
  }

  async #readMore(): Promise<boolean> {
    const value = await this.process.input.read();
    if (value === undefined) return false;
    const longer = new Uint8Array(this.#seen.length + value.length);
    longer.set(this.#seen);
    longer.set(value, this.#seen.length);
    this.#seen = longer;
    return true;
  }

  /**
   * Lets the far end serve, if it does not yet, and waits for its greeting.
   *
   * @returns Nothing if it does not come.
   */
  async greet({ isForced }: Probe): Promise<Greeting | undefined> {
    if (!isForced) {
      this.#seen = new Uint8Array(0);
      const writer = this.process.output.getWriter();
      // If the far end is gone, reading says so.
      await writer.write(new TextEncoder().encode(`${GO}\n`)).catch(() => {});
      writer.releaseLock();
    }
    while (true) {
      const found = PREAMBLE.exec(this.#text);
      if (found !== null) {
        const [line, protocol = "", version = ""] = found;
        return { protocol, version, rest: this.#seen.slice(found.index + line.length) };
      }
      if (this.printsTooMuch) this.process.abort("printed too much");
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

  /** Ends the process; what is known of why it has ended. */
  async end(): Promise<RemoteConnectionError> {
    // If it has ended already, so has its input.
    await this.process.output.close().catch(() => {});
    return await this.process.failure("ended");
  }
}

function decoded(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString();
}
