import { RemoteConnectionError } from "../../errors.ts";
import type { SshProcess } from "../ssh_process.ts";
import { platformProblem } from "./_compare_platform.ts";
import { failureText } from "./_failure_text.ts";
import { LineReader } from "./_line_reader.ts";
import { readReport, type Report } from "./_report.ts";
import { InstallError, type InstallStep } from "./install_error.ts";
import type { Installation, InstallOptions } from "./install_options.ts";
import type { LocalProgram } from "./local_program.ts";

/** What to say of an account with a forced command. */
const SERVES = "the account only serves a cache, whatever it is asked for: log in with another key";

const KEPT = "What has arrived is kept there, and the next attempt goes on from it";

/** One session with the script on the other side. */
export class InstallSession {
  readonly #process: SshProcess;
  readonly #program: LocalProgram;
  readonly #options: InstallOptions;
  readonly #lines: LineReader;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #hasEnded = false;

  /** Takes the process that the script runs behind. */
  constructor(process: SshProcess, program: LocalProgram, options: InstallOptions) {
    this.#process = process;
    this.#program = program;
    this.#options = options;
    this.#lines = new LineReader(process.input);
    this.#writer = process.output.getWriter();
  }

  /** Goes through all steps. */
  async run(): Promise<Installation> {
    try {
      const report = await this.#report();
      this.#check(report);
      const found = await this.#send(report);
      return { path: report.path, version: await this.#result(report), found };
    } finally {
      // The script ends where its input does.
      await this.#end();
    }
  }

  async #report(): Promise<Report> {
    const { loginTimeout: seconds } = this.#options;
    const late = () =>
      this.#process.abort(
        `was given up: it was not ready after ${seconds} seconds; where ssh has to ask for ` +
          "something, run this on a terminal",
      );
    const timer = seconds === undefined ? undefined : setTimeout(late, seconds * 1000);
    try {
      const report = await readReport(this.#lines);
      if (report === "serves") throw this.#error("login", SERVES);
      if (report !== undefined) return report;
      const printed = new TextEncoder().encode(this.#lines.seen);
      throw await this.#process.failure("ended before it was ready", printed);
    } finally {
      clearTimeout(timer);
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
      if (line === undefined) throw await this.#lost();
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

  async #lost(): Promise<RemoteConnectionError> {
    const { message, data } = await this.#process.failure("was lost");
    return new RemoteConnectionError(`${message}\n${KEPT}`, data);
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
