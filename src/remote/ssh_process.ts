import { concatenated } from "../bytes.ts";
import { ProtocolError, RemoteConnectionError } from "../errors.ts";
import { inform } from "../log.ts";
import { ByteReader } from "./_byte_reader.ts";
import type { ProtocolLimits } from "./limits.ts";
import { inSeconds, WAIT_NOTICE } from "./_stall_watch.ts";
import { redactCommands } from "./redact.ts";

/** Lines of the remote standard error that an error reports. */
const STDERR_LINES = 50;

/** Longest line of standard error that is kept, in characters. */
const STDERR_LINE_LENGTH = 2000;

/** How long a process that ends may take to do so, in milliseconds. */
const END_TIME = 2000;

/** Longest time that a timer takes, in seconds. */
const MAX_TIMEOUT = (2 ** 31 - 1) / 1000;

/** The line with which the far end announces itself. */
export const PREAMBLE = /(?:^|\n)fleche\/(\d+) ([^\n]*)\n/;

/** What {@linkcode PREAMBLE} says of the far end, and where it ends; undefined if it is not there. */
export function findPreamble(
  text: string,
): { protocol: string; version: string; end: number } | undefined {
  const found = PREAMBLE.exec(text);
  if (found === null) return undefined;
  const [line, protocol = "", version = ""] = found;
  return { protocol, version, end: found.index + line.length };
}

/** How ssh ends where it fails by itself. */
const SSH_FAILED = 255;

/** How a shell ends that may not run a program. */
const NOT_EXECUTABLE = 126;

/** How a shell ends that does not find a program. */
const NOT_FOUND = 127;

/** The version of the protocol that is spoken here. */
export const PROTOCOL_VERSION = "1";

/** What came before the first frame. */
export interface Preamble {
  /** The version of fleche on the other side. */
  readonly version: string;
  /** Bytes that were read beyond it. */
  readonly rest: Uint8Array;
}

/** How long the far end may take to announce itself. */
export interface PreambleOptions {
  /** Seconds until it must have done so; without limit by default. */
  readonly timeout?: number | undefined;
  /** Called once if it takes long, with the seconds it has taken. */
  readonly onWait?: (seconds: number) => void;
}

/** What a connection needs of an {@linkcode SshProcess}. */
export type RemoteProcess = Pick<SshProcess, keyof SshProcess>;

/** An ssh process whose far end speaks the protocol. */
export class SshProcess {
  readonly #host: string;
  readonly #child: Deno.ChildProcess;
  readonly #stderr: string[] = [];
  readonly #stderrRead: Promise<void>;
  #ended: Promise<number | undefined> | undefined;
  #abortion: string | undefined;
  #isActive = true;
  #isReady = false;
  #isLate = false;
  /** Standard output of the far end. */
  readonly input: ByteReader;

  /**
   * Starts ssh.
   *
   * @param argv the program and its arguments
   * @throws {RemoteConnectionError} If there is no such program.
   */
  constructor(host: string, argv: readonly string[]) {
    const [program = "ssh", ...args] = argv;
    this.#host = host;
    try {
      this.#child = new Deno.Command(program, {
        args,
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      const message =
        `Cannot reach ${host}: there is no program "${program}" here: install OpenSSH`;
      throw new RemoteConnectionError(message, { host, stderr: [] }, { cause });
    }
    this.input = new ByteReader(this.#child.stdout);
    this.#stderrRead = this.#readStderr();
  }

  /** Standard input of the far end. */
  get output(): WritableStream<Uint8Array> {
    return this.#child.stdin;
  }

  /** Whether somebody waits for the far end: for it to be ready, or for an answer. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** Lets the program exit although the process still runs, or not. */
  keepAlive(active: boolean): void {
    this.#isActive = active;
    if (active) this.#child.ref();
    else this.#child.unref();
  }

  async #readStderr(): Promise<void> {
    let line = "";
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      const lines = (line + text).split("\n");
      line = (lines.pop() ?? "").slice(0, STDERR_LINE_LENGTH);
      for (const each of lines) this.#keepLine(each);
    }
    if (line !== "") this.#keepLine(line);
  }

  #keepLine(line: string): void {
    const text = withoutSecrets(line.replace(/\r$/, "").slice(0, STDERR_LINE_LENGTH));
    this.#stderr.push(text);
    if (this.#stderr.length > STDERR_LINES) this.#stderr.shift();
    inform(["remote", this.#host], text);
  }

  /**
   * Reads up to the line with which the far end announces itself, past whatever a login script
   * prints.
   *
   * @throws {RemoteConnectionError} If it does not come.
   * @throws {ProtocolError} If the far end speaks another version of the protocol.
   */
  async preamble(limits: ProtocolLimits, options: PreambleOptions = {}): Promise<Preamble> {
    const { timeout = Infinity, onWait = () => {} } = options;
    const late = () => {
      this.#isLate = true;
      this.abort(`was given up: it was not ready after ${inSeconds(timeout)}`);
    };
    const giveUp = timeout > MAX_TIMEOUT ? undefined : setTimeout(late, timeout * 1000);
    const tell = setTimeout(() => onWait(WAIT_NOTICE), WAIT_NOTICE * 1000);
    try {
      const preamble = await this.#preamble(limits);
      this.#isReady = true;
      return preamble;
    } finally {
      clearTimeout(giveUp);
      clearTimeout(tell);
    }
  }

  async #preamble(limits: ProtocolLimits): Promise<Preamble> {
    let seen = new Uint8Array(0);
    while (true) {
      const value = await this.input.read();
      if (value === undefined) throw await this.failure("ended before it was ready", seen);
      seen = concatenated([seen, value]);
      // Latin-1 has one character for each byte, so positions agree.
      const text = new TextDecoder("latin1").decode(seen.subarray(0, limits.banner + 256));
      const found = findPreamble(text);
      if (found !== undefined) {
        const { protocol, version, end } = found;
        if (protocol !== PROTOCOL_VERSION) {
          throw new ProtocolError(
            `Cannot talk to fleche ${version} on ${this.#host}: it speaks protocol ${protocol}, ` +
              `this one ${PROTOCOL_VERSION}: install the same version on both sides`,
          );
        }
        return { version, rest: seen.slice(end) };
      }
      if (seen.length > limits.banner) {
        this.abort("printed too much");
        throw await this.failure("was lost", seen);
      }
    }
  }

  /**
   * Ends the connection from this side, whatever is under way: ssh is told to go, which mends the
   * terminal if it was asking for something.
   *
   * @param why what {@linkcode SshProcess.failure} says then, as `was closed`
   */
  abort(why: string): void {
    this.#abortion ??= why;
    this.#signal("SIGTERM");
    // Others can hold it open, as the master of a shared connection. If it has failed, it has ended.
    this.input.cancel().catch(() => {});
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It has ended in this very moment.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** The error to report when the connection has ended, with all that is known of why. */
  async failure(why: string, printed?: Uint8Array): Promise<RemoteConnectionError> {
    const exitCode = await this.end();
    const what = this.#abortion ?? why;
    const stderr = [...this.#stderr];
    const code = exitCode === undefined ? "" : ` (exit code ${exitCode})`;
    const tail = stderr.length === 0 ? "" : `\n${stderr.join("\n")}`;
    const stdout = printed === undefined || printed.length === 0
      ? ""
      : `\nIt printed: ${JSON.stringify(new TextDecoder().decode(printed.subarray(0, 500)))}`;
    const remedy = this.#isLate
      ? `"fleche remote doctor ${this.#host}" tells which step takes longer than connect_timeout`
      : this.#isReady
      ? undefined
      : remedyFor(this.#host, exitCode);
    const advice = remedy === undefined ? "" : `\n${remedy}`;
    const message = `The connection to ${this.#host} ${what}${code}${tail}${stdout}${advice}`;
    return new RemoteConnectionError(message, {
      host: this.#host,
      ...exitCode === undefined ? {} : { exitCode },
      stderr,
    });
  }

  /** Ends the process, by force if it does not go; its exit code, if it went by itself. */
  end(): Promise<number | undefined> {
    return this.#ended ??= this.#finish();
  }

  async #finish(): Promise<number | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), END_TIME);
    });
    const status = await Promise.race([this.#child.status, late]);
    clearTimeout(timer);
    if (status === undefined) {
      this.#signal("SIGKILL");
      await this.#child.status;
    }
    let last: ReturnType<typeof setTimeout> | undefined;
    const enough = new Promise<void>((resolve) => {
      last = setTimeout(resolve, END_TIME);
    });
    await Promise.race([this.#stderrRead, enough]);
    clearTimeout(last);
    // What it says after it was told to go is not its own.
    return this.#abortion === undefined ? status?.code : undefined;
  }
}

// bash repeats a setup command that it cannot read.
function withoutSecrets(line: string): string {
  const [, start = "", command = ""] = /^(.*: eval: line \d+: `)(.*)$/s.exec(line) ?? [];
  return start === "" ? line : `${start}${redactCommands(command)}`;
}

// What to do about an exit code that does not come from the program there.
function remedyFor(host: string, exitCode: number | undefined): string | undefined {
  const doctor = `"fleche remote doctor ${host}" tells which step fails`;
  switch (exitCode) {
    case SSH_FAILED:
      return `That is of ssh itself: ${doctor}`;
    case NOT_EXECUTABLE:
      return `A program there cannot be run: ${doctor}`;
    case NOT_FOUND:
      return `A program is not there: "fleche remote install ${host}" puts fleche there, ${doctor}`;
  }
}
