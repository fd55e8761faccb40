import assert from "node:assert";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The address of the package, for programs that are run by tests. */
export const PACKAGE = import.meta.resolve("../mod.ts");

const CONFIG = fileURLToPath(import.meta.resolve("../deno.json"));
const PERMISSIONS = ["--no-prompt", "--allow-read", "--allow-env", "--allow-sys"];

/** What a program printed. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** A temporary folder with files in it; it is removed when it is disposed. */
export class Folder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  /** Makes a folder; the names may have folders of their own. */
  static async make(files: Record<string, string>): Promise<Folder> {
    const folder = new Folder(await Deno.realPath(await Deno.makeTempDir()));
    for (const [name, text] of Object.entries(files)) await folder.write(name, text);
    return folder;
  }

  /** Writes a file. */
  async write(name: string, text: string): Promise<void> {
    const path = `${this.path}/${name}`;
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(path, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Runs a program to its end, which has to be a success within ten seconds, or what is given. */
export async function run(
  program: string,
  args: readonly string[],
  options: { cwd: string; seconds?: number; env?: Record<string, string> },
): Promise<Printed> {
  const { cwd, seconds = 10, env = {} } = options;
  const command = new Deno.Command(program, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    signal: AbortSignal.timeout(seconds * 1000),
  });
  const { success, code, stdout, stderr } = await command.output();
  const printed = {
    stdout: new TextDecoder().decode(stdout),
    stderr: new TextDecoder().decode(stderr),
  };
  assert(success, `It ended with ${code}:\n${printed.stdout}\n${printed.stderr}`);
  return printed;
}

/** Runs a file with `deno run`, with the package's dependencies. */
export async function runFile(path: string): Promise<Printed> {
  const args = ["run", "--quiet", "--no-check", "--no-lock", "--config", CONFIG, ...PERMISSIONS];
  return await run(Deno.execPath(), [...args, path], { cwd: dirname(path) });
}

/** Runs code with `deno eval`, which is as if it was typed at a prompt. */
export async function evaluate(code: string, cwd: string): Promise<Printed> {
  return await run(Deno.execPath(), ["eval", "--quiet", "--config", CONFIG, code], { cwd });
}
