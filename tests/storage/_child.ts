import { fileURLToPath } from "node:url";

const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** All that the tests of storages, caches and configurations need. */
export const PERMISSIONS = ["--allow-read", "--allow-write", "--allow-env", "--allow-sys"];

/** How a program is run in a process of its own. */
export interface ChildOptions {
  /** Its arguments. */
  readonly args?: readonly string[];
  /** Its working directory. */
  readonly cwd?: string;
  /** Its permissions; {@linkcode PERMISSIONS} by default. */
  readonly permissions?: readonly string[];
  /** Words before the program, which run it: `["sh", "-c", ...]`. */
  readonly runner?: readonly string[];
}

function command(script: string, options: ChildOptions): Deno.Command {
  const { args = [], permissions = PERMISSIONS, runner = [], cwd } = options;
  const run = ["run", "--quiet", "--no-prompt", "--config", CONFIG, ...permissions];
  const [program = "", ...words] = [...runner, Deno.execPath(), ...run, script, ...args];
  return new Deno.Command(program, {
    args: words,
    ...(cwd === undefined ? {} : { cwd }),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
}

/** The path of a program beside a test. */
export function beside(url: string, name: string): string {
  return fileURLToPath(new URL(name, url));
}

/** A running program, spoken to line by line. */
export class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #errors: Promise<string>;
  #ended = false;

  constructor(script: string, options: ChildOptions = {}) {
    this.#process = command(script, options).spawn();
    this.#lines = readLines(this.#process.stdout);
    this.#input = this.#process.stdin.getWriter();
    this.#errors = new Response(this.#process.stderr).text();
  }

  /** The next line that the program prints; undefined once it has ended. */
  async line(): Promise<string | undefined> {
    const next = await this.#lines.next();
    return next.done === true ? undefined : next.value;
  }

  /** Gives the program a line. */
  async tell(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Gives the program a line and returns the one that it answers. */
  async ask(line: string): Promise<string> {
    await this.tell(line);
    const answer = await this.line();
    if (answer === undefined) throw new Error(`No answer, but: ${await this.#errors}`);
    return answer;
  }

  /** Ends the program at once, wherever it is; returns what it had still printed. */
  async kill(): Promise<string[]> {
    this.#process.kill("SIGKILL");
    const rest: string[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) {
      rest.push(line);
    }
    await this.end();
    return rest;
  }

  /** Ends the input. */
  async endInput(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    // A program that was killed takes no end of input.
    await this.#input.close().catch(() => {});
  }

  /** Ends the input and waits for the program; returns what it wrote to standard error. */
  async end(): Promise<{ code: number; errors: string }> {
    await this.endInput();
    while (await this.line() !== undefined);
    const { code } = await this.#process.status;
    return { code, errors: await this.#errors };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  // What has no end of line is half a line.
}

/** Runs a program to its end; what it printed and complained of. */
export async function runProgram(
  script: string,
  options: ChildOptions & { input?: string } = {},
): Promise<{ code: number; lines: string[]; errors: string }> {
  const child = new Child(script, options);
  if (options.input !== undefined) await child.tell(options.input);
  await child.endInput();
  const lines: string[] = [];
  for (let line = await child.line(); line !== undefined; line = await child.line()) {
    lines.push(line);
  }
  return { ...await child.end(), lines };
}
