import { callersFolder } from "../isolation.ts";
import { isGranted, permitted } from "./_permitted.ts";
import type { MetaData, Notes } from "./meta_data.ts";

/** How long what was found for a folder is taken to hold, in milliseconds. */
const FRESH_MS = 2000;

/** How long git may take, in milliseconds; in a large repository on a slow disk it may take long. */
const PATIENCE_MS = 3000;

/** What tells git of another repository than that of its folder; see `git rev-parse --local-env-vars`. */
const REPOSITORY_VARIABLES = [
  "GIT_DIR",
  "GIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_COMMON_DIR",
  "GIT_OBJECT_DIRECTORY",
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_NAMESPACE",
  "GIT_PREFIX",
];

interface Known {
  readonly at: number;
  readonly notes: Promise<Notes>;
}

const known = new Map<string, Known>();

/**
 * The state of the Git repository that the working directory is in: `root`, `commit`, `branch`
 * (null where none is checked out) and `dirty`, whether files that Git tracks differ from the commit.
 *
 * Git is asked at most once in two seconds for each working directory. Nothing is noted where there
 * is no repository or no `git`, where the program may not run it (`--allow-run=git`; there is never
 * a prompt), or where it does not answer in three seconds. Variables as `GIT_DIR` do not count, as far
 * as the program may see them.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, fleche, Git, ValueMemory, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const half = fleche((x: number) => x / 2, { name: "half", version: 1, meta: [new Git()] });
 * await withCache(cache, () => half(3));
 * const { git } = (await cache.load(half.digest(3))).metadata;
 * assert.match(String(git?.commit ?? "0".repeat(40)), /^[0-9a-f]{40,64}$/);
 * ```
 */
export class Git implements MetaData {
  /** The name under which the notes are stored. */
  readonly name = "git";

  /** Asks Git, unless it was asked just now. */
  async before(): Promise<Notes> {
    const folder = permitted({ name: "read", path: "." }, callersFolder);
    if (folder === null) return {};
    const now = performance.now();
    for (const [each, { at }] of known) if (now - at >= FRESH_MS) known.delete(each);
    let found = known.get(folder);
    if (found === undefined) {
      found = { at: now, notes: stateOf(folder) };
      known.set(folder, found);
    }
    return { ...await found.notes };
  }
}

async function stateOf(folder: string): Promise<Notes> {
  if (!isGranted({ name: "run", command: "git" })) return {};
  const [root, status] = await Promise.all([
    ask(folder, ["rev-parse", "--show-toplevel"]),
    ask(folder, ["status", "--porcelain=v2", "--branch", "--untracked-files=no"]),
  ]);
  if (root === undefined || status === undefined) return {};
  return { root: root.replace(/\r?\n$/, ""), ...readStatus(status) };
}

// https://git-scm.com/docs/git-status#_porcelain_format_version_2
function readStatus(status: string): Notes {
  const lines = status.split("\n").filter((line) => line !== "");
  const header = (name: string) =>
    lines.find((line) => line.startsWith(`# ${name} `))?.slice(name.length + 3);
  const commit = header("branch.oid");
  const branch = header("branch.head");
  return {
    commit: commit === undefined || commit === "(initial)" ? null : commit,
    branch: branch === undefined || branch === "(detached)" ? null : branch,
    dirty: lines.some((line) => !line.startsWith("#")),
  };
}

/** What git prints; undefined if it fails, is not there or takes too long. */
async function ask(folder: string, args: readonly string[]): Promise<string | undefined> {
  const environment = environmentOfGit();
  if (environment === undefined) return undefined;
  let git: Deno.ChildProcess;
  try {
    git = new Deno.Command("git", {
      args: ["-C", folder, ...args],
      ...environment,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied;
    if (isAbsent) return undefined;
    throw error;
  }
  return await answerInTime(git);
}

/**
 * What git is started with; undefined if that cannot be had. Where a hook of Git runs the program,
 * these variables point to the repository of the hook, which need not be that of the folder.
 */
function environmentOfGit(): { clearEnv?: boolean; env: Record<string, string> } | undefined {
  // It must not take the lock of the index from somebody who commits.
  const own = { GIT_OPTIONAL_LOCKS: "0" };
  const isSet = (variable: string) =>
    permitted({ name: "env", variable }, () => Deno.env.has(variable)) === true;
  if (!REPOSITORY_VARIABLES.some(isSet)) return { env: own };
  if (!isGranted({ name: "env" })) return undefined;
  const env = { ...Deno.env.toObject(), ...own };
  for (const name of REPOSITORY_VARIABLES) Reflect.deleteProperty(env, name);
  return { clearEnv: true, env };
}

// What git has started may live on after it has been ended, and hold its output open.
async function answerInTime(git: Deno.ChildProcess): Promise<string | undefined> {
  const reader = git.stdout.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PATIENCE_MS);
  });
  const answer = (async () => {
    const text = await textOf(reader);
    return { text, isRight: (await git.status).success };
  })();
  try {
    const outcome = await Promise.race([answer, late]);
    if (outcome === undefined) end(git);
    return outcome?.isRight === true ? outcome.text : undefined;
  } finally {
    clearTimeout(timer);
    await reader.cancel();
  }
}

async function textOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    text += decoder.decode(chunk.value, { stream: true });
  }
  return text + decoder.decode();
}

function end(git: Deno.ChildProcess): void {
  try {
    git.kill();
  } catch (error) {
    // It has ended just now, and only its output is still open.
    if (!(error instanceof TypeError)) throw error;
  }
  git.unref();
}
