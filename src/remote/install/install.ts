import { SshProcess } from "../ssh_process.ts";
import { checkPlace } from "./_check_place.ts";
import { InstallSession } from "./_install_session.ts";
import { installCommand } from "./_script.ts";
import type { Installation, InstallOptions } from "./install_options.ts";
import type { LocalProgram } from "./local_program.ts";

/** Where the program goes by default. */
export const DEFAULT_PATH = "~/.local/bin/fleche";

/** A link that has died is given up after a minute; options that come first count. */
const KEEP_ALIVE = ["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"];

/**
 * Installs a program on another machine, in one session of ssh: it is copied, or what is missing of
 * it, verified there, run once, and then takes its place at once.
 *
 * @throws {RemoteConnectionError} If there is no connection, or it breaks; what has arrived is used
 *   by the next attempt.
 * @throws {InstallError} If the program does not run there, or has no place there.
 */
export async function install(
  program: LocalProgram,
  options: InstallOptions,
): Promise<Installation> {
  const { host, path = DEFAULT_PATH, sshOptions = [], version } = options;
  checkPlace(host, path);
  const { size, digest } = program;
  const command = installCommand({ path, size, digest, version });
  const process = new SshProcess(host, [
    "ssh",
    "-T",
    ...sshOptions,
    ...KEEP_ALIVE,
    "--",
    host,
    command,
  ]);
  try {
    return await new InstallSession(process, program, options).run();
  } finally {
    await process.end();
  }
}
