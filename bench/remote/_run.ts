import { join } from "node:path";
import { REPOSITORY } from "../../tests/remote/_program.ts";

/** The words that run a program of this folder with all permissions: `/proc` needs them. */
function words(name: string): [program: string, args: string[]] {
  const path = join(REPOSITORY, "bench", "remote", name);
  const config = join(REPOSITORY, "deno.json");
  return [Deno.execPath(), ["run", "--quiet", "--allow-all", "--config", config, path]];
}

/** Runs a program of this folder with a job as JSON on its standard input; what it prints as JSON. */
export async function runProgram<T>(name: string, job: unknown): Promise<T> {
  const [program, args] = words(name);
  const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped" }).spawn();
  await new Response(JSON.stringify(job)).body?.pipeTo(child.stdin);
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`${name} has failed`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** A link with a delay to a port of this machine. */
export class Link implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  private constructor(
    child: Deno.ChildProcess,
    /** The port that leads to the other one. */
    readonly port: number,
  ) {
    this.#child = child;
  }

  /** Starts a link whose round trip takes so many milliseconds. */
  static async start(target: number, roundTrip: number): Promise<Link> {
    const [program, args] = words("_link.ts");
    const child = new Deno.Command(program, {
      args: [...args, String(target), String(roundTrip / 2)],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      return new Link(child, Number(text));
    }
    throw new Error("The link has not started");
  }

  /** Ends the link. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
  }
}
