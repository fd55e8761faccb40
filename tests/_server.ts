import { userInfo } from "node:os";
import { join } from "node:path";
import { findProgram } from "./_require.ts";

/** The account of the databases that the tests start. */
export const USER = "fleche";

/** Its password, with characters that a URL has to write otherwise. */
export const PASSWORD = "p@ss:w/rd?é%";

/** A server that tests make databases on. */
export interface TestServer extends AsyncDisposable {
  /** The port on 127.0.0.1. */
  readonly port: number;
  /** The URL of a database, there or not. */
  url(database: string): string;
  /** Makes an empty database; its name. */
  create(): Promise<string>;
  /** Runs a statement without fleche; the rows that it gives. */
  query(database: string, statement: string): Promise<Record<string, unknown>[]>;
  /** The statement that makes a user whose password is the name. */
  userStatement(name: string): string;
  /** The statement that leaves a user one connection at a time. */
  limitStatement(name: string): string;
  /** How a user is written in a statement. */
  userName(name: string): string;
  /** How bytes are written in a statement. */
  bytes(bytes: Uint8Array): string;
  /** Ends the server at once, as a crash does. */
  kill(): Promise<void>;
  /** Starts the server again. */
  restart(): Promise<void>;
}

/** How a database server is started and stopped. */
export interface ServerKind {
  /** What it is called, in folders and messages. */
  readonly name: string;
  /** The account of the system that it runs as where the tests run as root, as its package makes it. */
  readonly account: string;
  /** Makes the files of a database below a folder. */
  readonly initialize: (folder: string, run: Run) => Promise<void>;
  /** The program and its arguments. */
  readonly command: (folder: string, port: number) => readonly string[];
  /** What it writes once it can be used. */
  readonly ready: string;
  /** What ends it in an orderly way without waiting for clients, and what ends it at once. */
  readonly signals: { readonly stop: Deno.Signal; readonly kill: Deno.Signal };
}

/** Runs a program as the account of the server, to its end. */
export type Run = (words: readonly string[]) => Promise<void>;

/** Longest time that a server takes to start, in milliseconds. */
const START_TIMEOUT = 30_000;

/** A database server of its own on loopback, that runs until it is disposed of. */
export class DatabaseServer implements AsyncDisposable {
  readonly #kind: ServerKind;
  readonly #folder: string;
  #child: Deno.ChildProcess | undefined;
  // A server outlives the process that started it.
  readonly #end = () => this.#child?.kill(this.#kind.signals.kill);

  private constructor(
    kind: ServerKind,
    folder: string,
    /** Where it listens. */
    readonly port: number,
  ) {
    this.#kind = kind;
    this.#folder = folder;
    globalThis.addEventListener("unload", this.#end);
  }

  /** Makes a server in a temporary folder and waits until it can be used. */
  static async start(kind: ServerKind): Promise<DatabaseServer> {
    const folder = await Deno.makeTempDir({ prefix: `fleche-${kind.name}-` });
    try {
      const owner = await accountOf(kind);
      if (owner !== undefined) await Deno.chown(folder, owner.uid, owner.gid);
      await kind.initialize(folder, (words) => run(asAccount(kind, words)));
      const server = new DatabaseServer(kind, folder, freePort());
      await server.start();
      return server;
    } catch (error) {
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  /** Starts the server again, on the port that it had. */
  async start(): Promise<void> {
    const [program = "", ...args] = asAccount(
      this.#kind,
      this.#kind.command(this.#folder, this.port),
    );
    const log = join(this.#folder, "log");
    const before = lengthOf(log);
    const child = new Deno.Command("sh", {
      args: ["-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", log, program, ...args],
      cwd: this.#folder,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#child = child;
    let hasEnded = false;
    child.status.then(() => hasEnded = true);
    const end = Date.now() + START_TIMEOUT;
    while (!readFrom(log, before).includes(this.#kind.ready)) {
      if (hasEnded || Date.now() > end) {
        throw new Error(`${this.#kind.name} does not start:\n${Deno.readTextFileSync(log)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends the server at once, whatever is under way. */
  async kill(): Promise<void> {
    await this.#signal(this.#kind.signals.kill);
  }

  async #signal(signal: Deno.Signal): Promise<void> {
    try {
      this.#child?.kill(signal);
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child?.status;
    this.#child = undefined;
  }

  /** Stops the server and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    globalThis.removeEventListener("unload", this.#end);
    await this.#signal(this.#kind.signals.stop);
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Whether a server of a kind can be started: its programs are there, and so is its account. */
export function canStart(account: string, programs: readonly (string | undefined)[]): boolean {
  if (programs.some((program) => program === undefined)) return false;
  if (userInfo().uid !== 0) return true;
  return findProgram("setpriv") !== undefined &&
    new Deno.Command("id", { args: [account] }).outputSync().success;
}

// Servers refuse to run as root.
function asAccount({ account }: ServerKind, words: readonly string[]): readonly string[] {
  if (userInfo().uid !== 0) return words;
  return ["setpriv", `--reuid=${account}`, `--regid=${account}`, "--clear-groups", "--", ...words];
}

async function accountOf({ account }: ServerKind) {
  if (userInfo().uid !== 0) return undefined;
  const [uid, gid] = await Promise.all(["-u", "-g"].map(async (flag) => {
    const { stdout } = await new Deno.Command("id", { args: [flag, account] }).output();
    return Number(new TextDecoder().decode(stdout));
  }));
  return { uid: uid ?? null, gid: gid ?? null };
}

async function run([program = "", ...args]: readonly string[]): Promise<void> {
  const { success, stderr, stdout } = await new Deno.Command(program, { args, stdin: "null" })
    .output();
  if (success) return;
  const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  throw new Error(`${program} failed:\n${out}${errors}`);
}

/** A port that nobody listens on at the moment. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function lengthOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

function readFrom(path: string, start: number): string {
  if (lengthOf(path) === 0) return "";
  return new TextDecoder().decode(Deno.readFileSync(path).subarray(start));
}
