import assert from "node:assert/strict";
import { beside, Child, PERMISSIONS } from "../storage/_child.ts";
import { filesBelow, TemporaryFolder } from "../storage/_temporary_folder.ts";

const PROGRAM = beside(import.meta.url, "_process_child.ts");

/** How long a line may take to come, in milliseconds. */
const PATIENCE = 20_000;

/** A process that calls cached functions: see `_process_child.ts`. */
export class Caller implements AsyncDisposable {
  readonly #child: Child;
  readonly lines: string[] = [];
  #pid = 0;

  private constructor(child: Child) {
    this.#child = child;
  }

  static async start(args: readonly string[], permissions: readonly string[]): Promise<Caller> {
    const caller = new Caller(new Child(PROGRAM, { args, permissions }));
    const ready = await caller.until("ready");
    caller.#pid = Number(ready.split(" ")[1]);
    return caller;
  }

  get pid(): number {
    return this.#pid;
  }

  async tell(line: string): Promise<void> {
    await this.#child.tell(line);
  }

  /** The next line that begins with a text. */
  async until(beginning: string): Promise<string> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const message = `No "${beginning}", only:\n${this.lines.join("\n")}`;
      timer = setTimeout(() => reject(new assert.AssertionError({ message })), PATIENCE);
    });
    try {
      while (true) {
        const line = await Promise.race([this.#child.line(), late]);
        if (line === undefined) {
          const { errors } = await this.#child.end();
          throw new Error(`It ended before "${beginning}":\n${this.lines.join("\n")}\n${errors}`);
        }
        this.lines.push(line);
        if (line.startsWith(beginning)) return line;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** What a call returns, the next one that does. */
  async result(call: string): Promise<string> {
    return (await this.until(`${call} = `)).slice(call.length + 3);
  }

  async kill(): Promise<void> {
    await this.#child.kill();
  }

  /** Waits until it ends of itself; all that it printed. */
  async end(): Promise<string[]> {
    await this.#child.endInput();
    for (let line = await this.#child.line(); line !== undefined; line = await this.#child.line()) {
      this.lines.push(line);
    }
    const { code, errors } = await this.#child.end();
    assert.equal(code, 0, errors);
    return this.lines;
  }

  /** Waits until it ends, however it does; its exit code. */
  async endAnyhow(): Promise<number> {
    return (await this.#child.end()).code;
  }

  /** The warnings so far. */
  get warnings(): string[] {
    return this.lines.filter((line) => line.startsWith("warning: "));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.kill().catch(() => {});
  }
}

/** A folder and a database of calls, which processes share. */
export class Shared implements Disposable {
  readonly #folder = new TemporaryFolder();
  readonly url: string;
  #permissions: readonly string[];
  #calls: string;

  constructor(options: { url?: string; permissions?: readonly string[] } = {}) {
    this.url = options.url ?? this.#folder.join("calls.db");
    this.#permissions = options.permissions ?? PERMISSIONS;
    this.#calls = this.url;
  }

  get path(): string {
    return this.#folder.path;
  }

  /** Lets those that are started from now on keep their calls elsewhere. */
  at(calls: string): this {
    this.#calls = calls;
    return this;
  }

  /** Gives those that are started from now on other permissions. */
  with(permissions: readonly string[]): this {
    this.#permissions = permissions;
    return this;
  }

  /** Starts processes; the words take something away from each. */
  async start(count: number, ...absent: string[]): Promise<Caller[]> {
    const args = [this.path, this.#calls, ...absent];
    return await Promise.all(
      Array.from({ length: count }, () => Caller.start(args, this.#permissions)),
    );
  }

  /** The bodies that ran, as `name number`, sorted. */
  runs(): string[] {
    const lines = Deno.readTextFileSync(this.#folder.join("runs")).trimEnd().split("\n");
    return lines.map((line) => line.slice(0, line.lastIndexOf(" "))).sort();
  }

  /** The lock files there are. */
  locks(): string[] {
    return filesBelow(this.#folder.join("calls.db.locks"));
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** Starts walks, each in a process; none goes on before all are under way. */
export async function walk(
  walks: readonly (readonly [caller: Caller | undefined, path: string])[],
): Promise<void> {
  for (const [caller, path] of walks) {
    await caller?.tell(`walk ${path}`);
    await caller?.until(`running walk ${path.split(",")[0]}`);
  }
  const callers = [...new Set(walks.map(([caller]) => caller))];
  // Whoever finds the circle runs what he would have waited for, which has to be let go on too.
  const release = setInterval(() => callers.forEach((caller) => void caller?.tell("go")), 50);
  try {
    for (const caller of callers) {
      for (const [each] of walks) if (each === caller) await caller?.until("walk");
    }
  } finally {
    clearInterval(release);
  }
  for (const caller of callers) {
    await caller?.end();
    assert.deepEqual(caller?.warnings, []);
    const results = caller?.lines.filter((line) => line.startsWith("walk"));
    assert.deepEqual(results?.filter((line) => !line.endsWith(" = done")), []);
  }
}
