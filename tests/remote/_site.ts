/**
 * The far side of the tests over ssh: an OpenSSH server, a cache for it to serve, and a program that
 * serves.
 *
 * @module
 */

import assert from "node:assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  Cache,
  type CacheConfig,
  CallSql,
  SshCache,
  type SshCacheOptions,
  ValueFile,
} from "@fleche/core";
import { CLI, compiledProgram, denoRun } from "./_program.ts";
import { Sshd, type SshdOptions } from "./_sshd.ts";
import { inTime } from "./_wait.ts";

/** The words that serve: the compiled program where it is there, else the sources. */
export const PROGRAM: readonly string[] = await compiledProgram().then((binary) =>
  binary === undefined ? CLI : [binary]
);

const SESSION = fileURLToPath(new URL("./_session.ts", import.meta.url));

/** How a process ended that ran `_session.ts`. */
export interface SessionEnd {
  readonly code: number;
  /** What it printed, if that is JSON. */
  readonly printed: Record<string, unknown>;
  readonly stderr: string;
}

/** Options of a cache that is reached through a {@linkcode Site}. */
export interface SiteOptions extends Partial<SshCacheOptions> {
  /** A port that leads to the server, as that of a LinkProxy. */
  port?: number;
}

/** A server whose account has a configuration with a default cache, and another named `shared`. */
export class Site implements AsyncDisposable {
  private constructor(
    /** The ssh server. */
    readonly sshd: Sshd,
  ) {}

  /** Starts the server. */
  static async start(options: SshdOptions = {}): Promise<Site> {
    const site = new Site(await Sshd.start(options));
    const folder = join(site.sshd.home, ".config", "fleche");
    Deno.mkdirSync(folder, { recursive: true });
    const cache = (name: string) =>
      `[${name}.values]\ntype = "file"\nroot = "~/${name}/values"\n` +
      `[${name}.calls]\ntype = "sql"\nurl = "sqlite:///~/${name}/calls.db"\n`;
    const text = `[default]\ncache = "own"\n${cache("own")}${cache("shared")}`;
    Deno.writeTextFileSync(join(folder, "cache.toml"), text);
    return site;
  }

  /** A path on the far side, in the home directory. */
  path(...names: string[]): string {
    return join(this.sshd.home, ...names);
  }

  /** Writes a program on the far side that the shell runs; its path. */
  script(name: string, text: string): string {
    const path = this.path(name);
    Deno.writeTextFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return path;
  }

  /** The options of a cache that is reached through the server. */
  options({ port = this.sshd.port, ...options }: SiteOptions = {}): SshCacheOptions {
    return {
      host: this.sshd.host,
      command: PROGRAM,
      ...options,
      sshOptions: [...this.sshd.sshOptionsAt(port), ...options.sshOptions ?? []],
    };
  }

  /** A cache that is reached through the server. */
  cache(options: SiteOptions = {}): SshCache {
    return new SshCache(this.options(options));
  }

  /** The configuration of such a cache. */
  config(options: Record<string, unknown> = {}): { [key: string]: unknown } {
    const { host, sshOptions } = this.sshd;
    return { type: "ssh", host, command: PROGRAM, ssh_options: sshOptions, ...options };
  }

  /** A cache of the far side, opened where it stands. */
  inPlace(name = "own"): Cache {
    return new Cache({
      values: new ValueFile({ root: this.path(name, "values") }),
      calls: new CallSql({ url: this.path(name, "calls.db") }),
    });
  }

  /** The configuration of a cache on this side, in a folder that goes with the server. */
  local(name = "local"): { [key: string]: unknown } {
    const root = join(this.sshd.folder, name);
    return {
      values: { type: "file", root: join(root, "values") },
      calls: { type: "sql", url: `sqlite:///${join(root, "calls.db")}` },
    };
  }

  /** Starts a process that uses a cache, as `_session.ts` says. */
  start(
    action: string,
    config: CacheConfig,
    options: Partial<Deno.CommandOptions> = {},
  ): Deno.ChildProcess {
    const [program = "", ...args] = [...denoRun(SESSION), action, JSON.stringify(config)];
    return new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...options,
    }).spawn();
  }

  /** Runs a process that uses a cache, to its end. */
  async session(
    action: string,
    config: CacheConfig,
    options: Partial<Deno.CommandOptions> = {},
  ): Promise<SessionEnd> {
    const output = this.start(action, config, options).output();
    const { code, stdout, stderr } = await inTime(output, `the end of "${action}"`);
    const [printed, diagnosed] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert(printed !== undefined && diagnosed !== undefined);
    assert.notEqual(printed, "", diagnosed);
    return { code, printed: JSON.parse(printed), stderr: diagnosed };
  }

  /** Stops the server and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.sshd[Symbol.asyncDispose]();
  }
}
