import type { CacheConfig } from "@fleche/core";
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { beside, runProgram } from "../storage/_child.ts";
import { TemporaryFolder } from "../storage/_temporary_folder.ts";

/** One thing to load, in a process that has a working directory and variables of its own. */
export interface LoadStep {
  readonly cwd?: string;
  /** Variables to set, or with null to remove, from here on. */
  readonly env?: Readonly<Record<string, string | null>>;
  /** Which cache; the default one if it is left out. */
  readonly name?: string;
  /** Whether to load the default metadata instead. */
  readonly metadata?: boolean;
  /** Names of caches that the one that is loaded may have as members, each at its place. */
  readonly members?: readonly string[];
}

/** What came of it. */
export interface LoadOutcome {
  readonly config?: CacheConfig;
  readonly class?: string;
  /** Whether a second look finds the same cache. */
  readonly same?: boolean;
  /** Whether the members of a pool are the caches of {@linkcode LoadStep.members}. */
  readonly areMembers?: boolean[];
  readonly metadata?: string[];
  readonly error?: {
    readonly name: string;
    readonly message: string;
    readonly hasCause: boolean;
    readonly data: { readonly file?: string; readonly line?: number; readonly column?: number };
  };
}

/** Loads in a new process, one after the other; what that process warned of comes last. */
export async function load(steps: LoadStep[]): Promise<[...LoadOutcome[], string]> {
  const child = await runProgram(beside(import.meta.url, "_load_child.ts"), {
    input: JSON.stringify(steps),
  });
  assert.equal(child.code, 0, child.errors);
  return [...JSON.parse(child.lines[0] ?? "[]"), child.errors];
}

/** A folder with a home directory and the folders that XDG variables name, all empty. */
export class ConfigFolder extends TemporaryFolder {
  readonly home = this.join("home");
  readonly project = this.join("home", "project");
  readonly env = {
    HOME: this.home,
    XDG_CONFIG_HOME: this.join("config"),
    XDG_CACHE_HOME: this.join("cache"),
  };

  constructor(files: Readonly<Record<string, string>> = {}) {
    super();
    Deno.mkdirSync(this.project, { recursive: true });
    for (const [path, text] of Object.entries(files)) this.write(path, text);
  }

  /** Writes a file and the folders above it. */
  write(path: string, text: string): void {
    Deno.mkdirSync(dirname(this.join(path)), { recursive: true });
    Deno.writeTextFileSync(this.join(path), text);
  }
}

/** The configuration of a cache whose values have a root of their own. */
export function rooted(root: string): string {
  return `values = { type = "file", root = "${root}" }\ncalls = { type = "void" }\n`;
}

/** The root of the values of what was loaded. */
export function rootOf(outcome: LoadOutcome | string | undefined): unknown {
  assert(typeof outcome === "object");
  assert.equal(outcome.error, undefined, outcome.error?.message);
  const { config } = outcome;
  assert(config !== undefined && !Array.isArray(config));
  const values = config["values"];
  return typeof values === "object" && values !== null ? Reflect.get(values, "root") : undefined;
}
