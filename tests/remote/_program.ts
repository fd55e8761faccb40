import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requirement } from "../_require.ts";

/** The folder of the repository. */
export const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/** What a process needs to serve, or to use, a cache; without a prompt it fails instead of waiting. */
export const RUN_PERMISSIONS = [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  "--allow-run",
  "--allow-net",
];

/** The words that run a program of this repository under the present Deno. */
export function denoRun(script: string): string[] {
  const config = join(REPOSITORY, "deno.json");
  return [Deno.execPath(), "run", "--quiet", "--config", config, ...RUN_PERMISSIONS, script];
}

/**
 * The variables that make a folder the home directory: what is in the real one must make no
 * difference, and nothing is written there.
 */
export function homeVariables(home: string): Record<string, string> {
  const cache = Deno.env.get("XDG_CACHE_HOME") ??
    join(homedir(), Deno.build.os === "darwin" ? "Library/Caches" : ".cache");
  return {
    HOME: home,
    XDG_CONFIG_HOME: join(home, ".config"),
    XDG_CACHE_HOME: join(home, ".cache"),
    // Where Deno keeps packages, for when the program is run from its sources.
    DENO_DIR: Deno.env.get("DENO_DIR") ?? join(cache, "deno"),
    NO_COLOR: "1",
  };
}

/** Where a program of these tests is. */
export function scriptPath(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** The words that run `cli.ts`. */
export const CLI: readonly string[] = denoRun(join(REPOSITORY, "cli.ts"));

/**
 * The compiled program: `FLECHE_BINARY`, or `dist/fleche`, which is compiled first if it is absent or
 * older than the sources and `DENORT_BIN` says that it can be; undefined if it cannot.
 */
export async function compiledProgram(): Promise<string | undefined> {
  const given = Deno.env.get("FLECHE_BINARY");
  if (given !== undefined && given !== "") return given;
  const binary = join(REPOSITORY, "dist", "fleche");
  if (isCurrent(binary)) return binary;
  if (Deno.env.get("DENORT_BIN") === undefined) return undefined;
  Deno.mkdirSync(join(REPOSITORY, "dist"), { recursive: true });
  using lock = Deno.openSync(join(REPOSITORY, "dist", ".lock"), { write: true, create: true });
  await lock.lock(true);
  // Another file of tests may have compiled it meanwhile.
  if (!isCurrent(binary)) await compile(binary);
  return binary;
}

/** {@linkcode compiledProgram}, for tests that cannot do without. */
export async function requiredProgram(): Promise<{ binary: string; isThere: boolean }> {
  const binary = await compiledProgram();
  const reason = "dist/fleche is absent or older than the sources, and DENORT_BIN is not set: " +
    "run deno task compile";
  return { binary: binary ?? "", isThere: requirement("compile", binary !== undefined, reason) };
}

async function compile(binary: string): Promise<void> {
  const temporary = `${binary}.${Deno.pid}`;
  const deno = Deno.env.get("FLECHE_COMPILE_DENO") ?? Deno.execPath();
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(REPOSITORY, "deno.json")));
  const [, ...args] = tasks.compile.command.replace("dist/fleche", temporary).split(" ");
  const { success, stderr } = await new Deno.Command(deno, { args, cwd: REPOSITORY }).output();
  if (!success) throw new Error(`Cannot compile: ${new TextDecoder().decode(stderr)}`);
  Deno.renameSync(temporary, binary);
}

function isCurrent(binary: string): boolean {
  let compiled: number;
  try {
    compiled = modified(binary);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  return sources().every((path) => modified(path) <= compiled);
}

function modified(path: string): number {
  return Deno.statSync(path).mtime?.getTime() ?? 0;
}

function sources(folder = join(REPOSITORY, "src")): string[] {
  const below = [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? sources(join(folder, name)) : [join(folder, name)]
  );
  return folder.endsWith("src")
    ? [...below, join(REPOSITORY, "cli.ts"), join(REPOSITORY, "deno.json")]
    : below;
}
