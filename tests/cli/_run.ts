import { homeVariables } from "../remote/_program.ts";

/** How a program ended. */
export interface Run {
  readonly code: number;
  readonly stdout: Uint8Array;
  /** {@linkcode Run.stdout} as text. */
  readonly text: string;
  readonly stderr: string;
}

/** Where and with what a program is run. */
export interface RunOptions {
  /** The home and working directory. */
  readonly home: string;
  /** What it gets on standard input. */
  readonly input?: Uint8Array;
  /** Further variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end. */
export async function run(
  words: readonly string[],
  { home, input, env }: RunOptions,
): Promise<Run> {
  const [program = "", ...args] = words;
  const child = new Deno.Command(program, {
    args,
    cwd: home,
    env: { ...homeVariables(home), ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  // It may end without having read all.
  if (input !== undefined) await writer.write(input).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  return { code, stdout, text: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs a function with a home directory of its own. */
export async function withHome(use: (home: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir({ prefix: "fleche-cli-" });
  try {
    await use(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}
