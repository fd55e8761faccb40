import { createHash } from "node:crypto";
import { join } from "node:path";
import { LineReader } from "../../../src/remote/install/_line_reader.ts";
import { readReport, type Report } from "../../../src/remote/install/_report.ts";
import { installCommand, type ScriptOptions } from "../../../src/remote/install/_script.ts";
import { concat } from "../_bytes.ts";

/** What is installed: a program that tells a version. */
export const PROGRAM: Uint8Array = new TextEncoder().encode("#!/bin/sh\necho 1.2.3\n");

/** SHA-256 in hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** How the script is run. */
export interface ScriptRunOptions extends Partial<ScriptOptions> {
  readonly home: string;
  /** What is installed. */
  readonly program?: Uint8Array;
  /** The shell of the account. */
  readonly shell?: string;
  /** Where programs are found. */
  readonly searchPath?: string;
}

/** How the script ended. */
export interface ScriptEnd {
  readonly code: number;
  readonly report: Report | undefined;
  /** The lines after the report. */
  readonly said: string[];
  readonly stderr: string;
}

/** Starts the script as sshd does: by the shell of the account. */
export function startScript(options: ScriptRunOptions): Deno.ChildProcess {
  const { home, program = PROGRAM, shell = "sh", searchPath, path = "bin/fleche" } = options;
  const command = installCommand({
    ...{ path, size: program.length, digest: sha256(program) },
    ...options,
  });
  return new Deno.Command(shell, {
    args: ["-c", command],
    cwd: "/",
    env: { HOME: home, ...searchPath === undefined ? {} : { PATH: searchPath } },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** The end of a script that was started. */
export async function endOf(child: Deno.ChildProcess): Promise<ScriptEnd> {
  const { code, stdout, stderr } = await child.output();
  const chunks: Uint8Array[] = [stdout];
  const lines = new LineReader({ read: () => Promise.resolve(chunks.shift()) });
  const report = await readReport(lines);
  if (report === "serves") throw new Error("That was a server");
  const said: string[] = [];
  for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
    said.push(line);
  }
  return { code, report, said, stderr: new TextDecoder().decode(stderr) };
}

/** Runs the script with an order and what follows it. */
export async function runScript(
  order: string,
  { input = new Uint8Array(0), ...options }: ScriptRunOptions & { readonly input?: Uint8Array },
): Promise<ScriptEnd> {
  const child = startScript(options);
  const end = endOf(child);
  const writer = child.stdin.getWriter();
  // It may end without having read all.
  await writer.write(concat([new TextEncoder().encode(order), input])).catch(() => {});
  await writer.close().catch(() => {});
  return await end;
}

/** Runs a function with a home directory whose name is not easy to write. */
export async function withHome(use: (home: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "fleche home's $x-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The files below a folder, by their paths, in order. */
export function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(join(folder, name)).map((each) => join(name, each)) : [name]
  ).sort();
}
