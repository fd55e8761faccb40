import { type BaseCache, Cache, Call, CallFile, type CallOptions, ValueFile } from "@fleche/core";
import assert from "node:assert/strict";
import { join } from "node:path";
import { CLI } from "../remote/_program.ts";
import { type Run, run, withHome } from "./_run.ts";

/** The configuration in the home directory of a {@linkcode Store}. */
const CONFIGURATION = `
[default]
cache = "local"

[local]
template = "file"
root = "local"

[other]
values = { type = "file", root = "other" }
calls = { type = "sql", url = "other.db" }
`;

/** A home directory with two caches, on which commands are run as processes. */
export class Store {
  /** The first cache, which is the default one. */
  readonly cache: Cache;

  constructor(readonly home: string, readonly program: readonly string[] = CLI) {
    Deno.writeTextFileSync(join(home, "fleche.toml"), CONFIGURATION);
    this.cache = new Cache({
      values: new ValueFile({ root: join(home, "local", "values") }),
      calls: new CallFile({ root: join(home, "local", "calls") }),
    });
  }

  /** Stores a call in the first cache; returns its key. */
  save(options: CallOptions): Promise<string> {
    return this.cache.save(new Call(options));
  }

  /** Runs a command. */
  run(...args: string[]): Promise<Run> {
    return run([...this.program, ...args], { home: this.home });
  }

  /** Runs a command that ends well and says nothing but what it prints. */
  async print(...args: string[]): Promise<string> {
    const { code, text, stderr } = await this.run(...args);
    assert.deepEqual([code, stderr], [0, ""], args.join(" "));
    return text;
  }

  /** What a command prints as lines of JSON. */
  async printJson(...args: string[]): Promise<Record<string, unknown>[]> {
    const text = await this.print(...args, "--json");
    assert(text === "" || text.endsWith("\n"));
    return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  /** Runs a command that fails with a code; returns what it says. */
  async fail(expected: number, ...args: string[]): Promise<string> {
    const { code, text, stderr } = await this.run(...args);
    assert.deepEqual([code, text], [expected, ""], `${args.join(" ")}: ${stderr}`);
    // It tells what is wrong, not where in the program it found out.
    assert.doesNotMatch(stderr, /^\s+at /m);
    return stderr;
  }
}

/** Runs a function with a store of its own. */
export function withStore(
  use: (store: Store) => Promise<void>,
  program?: readonly string[],
): Promise<void> {
  return withHome(async (home) => {
    const store = new Store(home, program);
    await use(store);
    await store.cache.close();
  });
}

/** The keys of all calls in a cache, sorted. */
export async function keysIn(cache: BaseCache): Promise<string[]> {
  return (await Array.fromAsync(cache.query(), ({ key }) => key)).sort();
}

/** An array whose value is stored by itself. */
export function ramp(length: number, start = 0): Float64Array {
  return Float64Array.from({ length }, (_, index) => start + index);
}
