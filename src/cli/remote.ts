import type { Command } from "commander";
import type { ExitWith } from "./_exit.ts";
import { addRemoteDoctorCommand } from "./remote_doctor.ts";
import { addRemoteInfoCommand } from "./remote_info.ts";
import { addRemoteInstallCommand } from "./remote_install.ts";
import { serveCache, type ServeOptions } from "./remote_serve.ts";

interface RemoteOptions extends ServeOptions {
  readonly serve?: true;
}

/** Adds `fleche remote`, which serves, and the commands below it. */
export function addRemoteCommand(program: Command, exitWith: ExitWith): void {
  const remote = program
    .command("remote")
    .description(
      "Caches on other machines; with --serve, serve one of this machine to a client that has " +
        "started this over ssh.",
    )
    .option("--serve", "serve on standard input and output, until the input ends")
    .option("--cache <name>", "the cache of the configuration to serve (default: the default one)")
    .option("--read-only", "refuse to store and to evict, whatever the configuration allows");
  remote.action(async ({ serve, ...options }: RemoteOptions) => {
    if (serve !== true) return remote.error("error: say what to do: --serve, or a command");
    await serveCache(options);
  });
  addRemoteInfoCommand(remote);
  addRemoteDoctorCommand(remote, exitWith);
  addRemoteInstallCommand(remote);
}
