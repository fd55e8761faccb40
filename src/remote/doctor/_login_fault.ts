/**
 * Finds out how far ssh came that could not log in. It has one exit code for whatever goes wrong, so
 * it is run again, without a chance to log in, with an agent for its keys that only notes whether it is
 * asked: ssh asks it once the host's key is accepted, never before.
 *
 * @module
 */

import { join } from "node:path";
import { expandPath } from "../../paths.ts";
import type { SshCacheOptions } from "../ssh_cache.ts";
import { runSsh } from "./_run_ssh.ts";
import type { SshTarget } from "./_target.ts";

/** What keeps ssh from logging in. */
export type LoginFault = "unknown host key" | "changed host key" | "no key exchange" | "refused";

/** Longest wait for one connection, in seconds. */
const CONNECT_TIME = 15;

/**
 * Options that keep ssh from asking anything, and from changing what the user has. No key is offered to
 * a host that may be the wrong one.
 */
const QUIET = [
  ...["BatchMode=yes", "PreferredAuthentications=none", "UpdateHostKeys=no"],
  ...["ControlMaster=no", "ControlPath=none", "PermitLocalCommand=no"],
  ...["RequestTTY=no", "ClearAllForwardings=yes", `ConnectTimeout=${CONNECT_TIME}`],
];

/**
 * Finds out why ssh could not log in to a host that can be reached.
 *
 * @returns Nothing if this program may not listen, or not write temporary files.
 */
export async function loginFault(
  { host, sshOptions = [] }: SshCacheOptions,
  { knownHosts }: SshTarget,
): Promise<LoginFault | undefined> {
  let folder: string | undefined;
  try {
    folder = await Deno.makeTempDir({ prefix: "fleche-doctor-" });
    const place = folder;
    let count = 0;
    const accepts = async (settings: readonly string[]) => {
      const socket = join(place, `agent-${count++}`);
      using agent = new DeafAgent(socket);
      const options = [...QUIET, `IdentityAgent="${socket}"`, ...settings];
      // The first of several settings of one name counts.
      const args = options.flatMap((each) => ["-o", each]);
      await runSsh([...args, ...sshOptions, "--", host, "true"]);
      return agent.isAsked;
    };
    if (await accepts(["StrictHostKeyChecking=yes"])) return "refused";
    // New keys are added to this file.
    const copy = join(place, "known_hosts");
    Deno.writeTextFileSync(copy, knownHosts.map(readText).join("\n"));
    const keys = `UserKnownHostsFile="${copy}"`;
    if (await accepts(["StrictHostKeyChecking=accept-new", keys])) return "unknown host key";
    if (await accepts(["StrictHostKeyChecking=no", keys])) return "changed host key";
    return "no key exchange";
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  } finally {
    if (folder !== undefined) await Deno.remove(folder, { recursive: true });
  }
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(expandPath(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    if (error instanceof Deno.errors.PermissionDenied) return "";
    throw error;
  }
}

/** An agent for keys that says nothing. */
class DeafAgent implements Disposable {
  readonly #listener: Deno.UnixListener;
  #isAsked = false;

  constructor(path: string) {
    this.#listener = Deno.listen({ transport: "unix", path });
    this.#listen();
  }

  /** Whether ssh has come this far. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  async #listen(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#isAsked = true;
      connection.close();
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}
