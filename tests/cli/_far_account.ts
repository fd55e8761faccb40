import { join } from "node:path";
import { Sshd, type SshdOptions } from "../remote/_sshd.ts";
import { homeVariables } from "../remote/_program.ts";
import { findProgram } from "../_require.ts";
import type { Run } from "./_run.ts";

/** A machine with an account whose home directory is empty, and this side's settings to reach it. */
export class FarAccount implements AsyncDisposable {
  private constructor(
    /** The ssh server. */
    readonly sshd: Sshd,
  ) {}

  /** Starts the server; `ssh cluster` leads to it. */
  static async start(options: SshdOptions = {}): Promise<FarAccount> {
    const account = new FarAccount(await Sshd.start(options));
    const { folder } = account.sshd;
    for (const name of ["near", "tools"]) Deno.mkdirSync(join(folder, name));
    account.lead("cluster", account.sshd.port);
    return account;
  }

  /** Where the account's files are. */
  path(...names: string[]): string {
    return join(this.sshd.home, ...names);
  }

  /** The home and working directory on this side. */
  get home(): string {
    return join(this.sshd.folder, "near");
  }

  /** Lets `ssh` take a name for the server, by way of a port. */
  lead(name: string, port: number): void {
    const { folder, host } = this.sshd;
    const [user = "", address = ""] = host.split("@");
    const config = join(folder, "ssh_config");
    const lines = [
      `Host ${name}`,
      `  HostName ${address}`,
      `  Port ${port}`,
      `  User ${user}`,
      `  IdentityFile ${join(folder, "key")}`,
      `  HostKeyAlias fleche-test`,
      `  UserKnownHostsFile ${join(folder, "known_hosts")}`,
      "  GlobalKnownHostsFile /dev/null",
      "  IdentitiesOnly yes",
      "  IdentityAgent none",
      "  BatchMode yes",
    ];
    Deno.writeTextFileSync(config, lines.join("\n") + "\n", { append: true });
    const wrapper = `#!/bin/sh\nexec ${findProgram("ssh") ?? "ssh"} -F '${config}' "$@"\n`;
    Deno.writeTextFileSync(join(folder, "tools", "ssh"), wrapper, { mode: 0o755 });
  }

  /** The variables of processes on this side. */
  get variables(): Record<string, string> {
    const tools = join(this.sshd.folder, "tools");
    return { ...homeVariables(this.home), PATH: `${tools}:${Deno.env.get("PATH") ?? ""}` };
  }

  /** Starts a process on this side. */
  start(words: readonly string[], options: Partial<Deno.CommandOptions> = {}): Deno.ChildProcess {
    const [program = "", ...args] = words;
    return new Deno.Command(program, {
      args,
      cwd: this.home,
      env: this.variables,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...options,
    }).spawn();
  }

  /** Runs a process on this side, to its end. */
  async run(words: readonly string[], options: Partial<Deno.CommandOptions> = {}): Promise<Run> {
    const { code, stdout, stderr } = await this.start(words, options).output();
    const decoder = new TextDecoder();
    return { code, stdout, text: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Stops the server and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.sshd[Symbol.asyncDispose]();
  }
}
