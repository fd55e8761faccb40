import type { RemoteConnectionError } from "../../errors.ts";
import { SshProcess } from "../ssh_process.ts";
import { checkPlace } from "./_check_place.ts";
import { platformProblem } from "./_compare_platform.ts";
import { failureText } from "./_failure_text.ts";
import { LineReader } from "./_line_reader.ts";
import { readReport, type Report } from "./_report.ts";
import { installCommand } from "./_script.ts";
import { InstallError, type InstallStep } from "./install_error.ts";
import type { LocalProgram } from "./local_program.ts";

/** Where the program goes by default. */
export const DEFAULT_PATH = "~/.local/bin/fleche";

/** A link that has died is given up after a minute; options that come first count. */
const KEEP_ALIVE = ["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4"];

/** How much of a program has been sent, in bytes. */
export interface InstallProgress {
  /** Where the sending began: what was there already. */
  readonly start: number;
  /** What is there or on its way. */
  readonly done: number;
  /** Length of the program. */
  readonly total: number;
}

/** What is to be installed where. */
export interface InstallOptions {
  /** The host as ssh takes it. */
  readonly host: string;
  /** Where the program goes, from the remote home directory on; a leading `~/` says so. */
  readonly path?: string | undefined;
  /** Further options for ssh. */
  readonly sshOptions?: readonly string[] | undefined;
  /** The version that the program tells; any if it is left out. */
  readonly version?: string | undefined;
  /** Called as the sending goes on. */
  readonly onProgress?: ((progress: InstallProgress) => void) | undefined;
}

/** What was installed. */
export interface Installation {
  /** The absolute path over there. */
  readonly path: string;
  /** What the program says of its version. */
  readonly version: string;
  /** Bytes of it that were there already: all of them if nothing was to be done. */
  readonly found: number;
}

/**
 * Installs a program on another machine, in one session of ssh: it is copied, or what is missing of
 * it, verified there, run once, and then takes its place at once.
 *
 * @throws {RemoteConnectionError} If there is no connection, or it breaks; what has arrived is used
 *   by the next attempt.
 * @throws {InstallError} If the program does not run there, or has no place there.
 */
export async function install(
  program: LocalProgram,
  options: InstallOptions,
): Promise<Installation> {
  const { host, path = DEFAULT_PATH, sshOptions = [], version } = options;
  checkPlace(host, path);
  const { size, digest } = program;
  const command = installCommand({ path, size, digest, version });
  const process = new SshProcess(host, [
    "ssh",
    "-T",
    ...sshOptions,
    ...KEEP_ALIVE,
    "--",
    host,
    command,
  ]);
  try {
    return await new Session(process, program, options).run();
  } finally {
    await process.end();
  }
}

/** One session with the script on the other side. */
class Session {
  readonly #process: SshProcess;
  readonly #program: LocalProgram;
  readonly #options: InstallOptions;
  readonly #lines: LineReader;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #hasEnded = false;

  constructor(process: SshProcess, program: LocalProgram, options: InstallOptions) {
    this.#process = process;
    this.#program = program;
    this.#options = options;
    this.#lines = new LineReader(process.input);
    this.#writer = process.output.getWriter();
  }

  async run(): Promise<Installation> {
    try {
      const report = await readReport(this.#lines);
      if (report === undefined) throw await this.#lost("ended before it was ready");
      this.#check(report);
      const found = await this.#send(report);
      return { path: report.path, version: await this.#result(report), found };
    } finally {
      // The script ends where its input does.
      await this.#end();
    }
  }

  #check(report: Report): void {
    const { path, hasDigests, obstacle } = report;
    const problem = platformProblem(this.#program.platform, report);
    if (problem !== undefined) {
      throw this.#error("platform", `${problem}: give one for it with --binary`);
    }
    if (obstacle !== undefined) {
      const what = obstacle === "directory" ? "a directory" : "there and no file";
      throw this.#error("path", `"${path}" is ${what}: give the path of the program with --path`);
    }
    if (!hasDigests) {
      const message = "there is no sha256sum, shasum or openssl to verify the copy with";
      throw this.#error("digest", `${message}: install one of them`);
    }
  }

  /** Sends what is missing of the program; how much was there. */
  async #send({ target, part }: Report): Promise<number> {
    const { size, digest } = this.#program;
    if (target === digest) {
      await this.#write(new TextEncoder().encode("keep\n"));
      return size;
    }
    const isBeginning = part !== undefined &&
      part.digest === this.#program.digestOfFirst(part.size);
    const start = isBeginning ? part.size : 0;
    let done = start;
    const tell = () => this.#options.onProgress?.({ start, done, total: size });
    tell();
    let goesOn = await this.#write(new TextEncoder().encode(`copy ${start}\n`));
    for (const chunk of this.#program.chunks(start)) {
      // The script says why it has ended.
      if (!goesOn) break;
      goesOn = await this.#write(chunk);
      done += chunk.length;
      tell();
    }
    await this.#end();
    return start;
  }

  /** Whether somebody took it. */
  async #write(bytes: Uint8Array): Promise<boolean> {
    return await isTaken(this.#writer.write(bytes));
  }

  async #end(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    await isTaken(this.#writer.close());
  }

  /** The version that the program has told. */
  async #result(report: Report): Promise<string> {
    const said = new Map<string, string>();
    while (true) {
      const line = await this.#lines.next();
      if (line === undefined) throw await this.#lost("was lost");
      const [name = "", ...words] = line.split(" ");
      const text = words.join(" ").trim();
      if (name === "version") return text;
      if (name === "failed") {
        const { step, message } = failureText(text, { path: report.path, said });
        const { data: { stderr } } = await this.#process.failure("ended");
        const tail = stderr.map((each) => `\n${each}`).join("");
        throw this.#error(step, `${message}${tail}`, stderr);
      }
      said.set(name, text);
    }
  }

  #error(step: InstallStep, message: string, stderr?: string[]): InstallError {
    const { host } = this.#options;
    const data = { step, host, ...stderr === undefined ? {} : { stderr } };
    return new InstallError(`Cannot install on ${host}: ${message}`, data);
  }

  async #lost(what: string): Promise<RemoteConnectionError> {
    const printed = new TextEncoder().encode(this.#lines.seen);
    return await this.#process.failure(what, what === "was lost" ? undefined : printed);
  }
}

// Whether a process was still there to take something.
async function isTaken(done: Promise<void>): Promise<boolean> {
  try {
    await done;
    return true;
  } catch (error) {
    // A stream that has failed before is a TypeError.
    if (error instanceof Deno.errors.BrokenPipe || error instanceof TypeError) return false;
    throw error;
  }
}
