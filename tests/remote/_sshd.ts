/**
 * A real OpenSSH server on loopback, with keys and settings of its own, for the account that runs
 * the tests.
 *
 * @module
 */

import { join } from "node:path";
import { userInfo } from "node:os";
import { findProgram, requirement } from "../_require.ts";
import { homeVariables } from "./_program.ts";
import { descendantsOf, isThere, type Process, processes, until } from "./_wait.ts";

/** Where the server program is; it insists on being called by its absolute path. */
const SSHD = findProgram("sshd");

/** Whether a server can be started; for the `ignore` of tests. */
export const HAS_SSHD: boolean = requirement(
  "sshd",
  SSHD !== undefined &&
    ["ssh", "ssh-keygen", "ps"].every((name) => findProgram(name) !== undefined),
  "OpenSSH or ps is not there: install openssh-server, openssh-client and procps",
);

/** How a server differs from the usual. */
export interface SshdOptions {
  /** What runs instead of the command that a client asks for. */
  forceCommand?: string;
  /** Options in front of the key in authorized_keys. */
  keyOptions?: string;
}

/** Times that a port is looked for: another process can take it before sshd does. */
const ATTEMPTS = 5;

/** The name that the server's key is known by, whatever the port. */
const HOST_ALIAS = "fleche-test";

/** A server that runs until it is disposed of. */
export class Sshd implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  private constructor(
    child: Deno.ChildProcess,
    /** A temporary folder; all that the server and the tests write is in it. */
    readonly folder: string,
    /** Where the server listens. */
    readonly port: number,
  ) {
    this.#child = child;
  }

  /** Starts a server and waits until it listens. */
  static async start(options: SshdOptions = {}): Promise<Sshd> {
    const folder = await Deno.makeTempDir({ prefix: "fleche-sshd-" });
    try {
      await makeKeys(folder, options);
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const port = freePort();
        const child = spawn(folder, port, options);
        if (await listens(child, folder, port)) return new Sshd(child, folder, port);
      }
      const log = Deno.readTextFileSync(join(folder, "sshd.log"));
      throw new Error(`sshd does not start:\n${log}`);
    } catch (error) {
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  /** The processes that serve the sessions that are open. */
  get sessions(): number[] {
    return descendantsOf(this.#child.pid);
  }

  /** The host as ssh takes it. */
  get host(): string {
    return `${userInfo().username}@127.0.0.1`;
  }

  /** The home directory of those who log in. */
  get home(): string {
    return join(this.folder, "home");
  }

  /** The options that lead ssh to this server and to no other settings. */
  get sshOptions(): string[] {
    return this.sshOptionsAt(this.port);
  }

  /** The same by way of another port that leads to the server. */
  sshOptionsAt(port: number): string[] {
    const settings = [
      ["HostKeyAlias", HOST_ALIAS],
      ["UserKnownHostsFile", join(this.folder, "known_hosts")],
      ["GlobalKnownHostsFile", "/dev/null"],
      ["StrictHostKeyChecking", "yes"],
      ["IdentitiesOnly", "yes"],
      ["IdentityAgent", "none"],
      ["BatchMode", "yes"],
      ["LogLevel", "ERROR"],
    ];
    return [
      ...["-F", "none", "-p", String(port), "-i", join(this.folder, "key")],
      ...settings.flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    ];
  }

  /** What the server has noted. */
  get log(): string {
    return Deno.readTextFileSync(join(this.folder, "sshd.log"));
  }

  /** Stops the server; sessions that are open go on. */
  async stop(): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
  }

  /** Stops the server and, once the sessions have ended, removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { sessions } = this;
    await this.stop();
    // They still write to the folder.
    const isLeft = ({ pid }: Process) => sessions.includes(pid);
    if (sessions.length > 0) await until(() => !processes().some(isLeft), "the sessions to end");
    await Deno.remove(this.folder, { recursive: true });
  }
}

function spawn(folder: string, port: number, options: SshdOptions): Deno.ChildProcess {
  const variables = Object.entries(homeVariables(join(folder, "home"))).map(([name, value]) =>
    `${name}="${value}"`
  );
  const lines = [
    "ListenAddress 127.0.0.1",
    `Port ${port}`,
    `HostKey ${folder}/host_key`,
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    "PidFile none",
    "StrictModes no",
    "UsePAM no",
    "UseDNS no",
    "PermitRootLogin yes",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PrintMotd no",
    "LogLevel VERBOSE",
    `SetEnv ${variables.join(" ")}`,
    ...options.forceCommand === undefined ? [] : [`ForceCommand ${options.forceCommand}`],
  ];
  const config = join(folder, `config-${port}`);
  Deno.writeTextFileSync(config, lines.join("\n") + "\n");
  // As root the server gives its rights up in this folder, which the packages make at boot.
  if (userInfo().uid === 0) Deno.mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  return new Deno.Command(SSHD ?? "sshd", {
    args: ["-D", "-f", config, "-E", join(folder, "sshd.log")],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function makeKeys(folder: string, { keyOptions }: SshdOptions): Promise<void> {
  Deno.mkdirSync(join(folder, "home"));
  const [hostKey, key] = await Promise.all([
    makeKey(join(folder, "host_key")),
    makeKey(join(folder, "key")),
  ]);
  const prefix = keyOptions === undefined ? "" : `${keyOptions} `;
  Deno.writeTextFileSync(join(folder, "authorized_keys"), `${prefix}${key}`);
  Deno.writeTextFileSync(join(folder, "known_hosts"), `${HOST_ALIAS} ${hostKey}`);
}

/** Makes a pair of keys; the public one, as a line. */
export async function makeKey(path: string): Promise<string> {
  const args = ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path];
  const { success, stderr } = await new Deno.Command("ssh-keygen", { args }).output();
  if (!success) throw new Error(`ssh-keygen: ${new TextDecoder().decode(stderr)}`);
  return Deno.readTextFileSync(`${path}.pub`);
}

/** A port that nobody listens on at the moment. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

// Whether the server has come to listen; false if it has ended, because the port is taken.
async function listens(child: Deno.ChildProcess, folder: string, port: number): Promise<boolean> {
  let hasEnded = false;
  child.status.then(() => hasEnded = true);
  const log = join(folder, "sshd.log");
  const isListening = () => isThere(log) && Deno.readTextFileSync(log).includes(` port ${port}.`);
  await until(() => hasEnded || isListening(), "sshd to listen");
  return !hasEnded;
}
