import type { Command } from "commander";
import { nearest } from "../nearest.ts";
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
    .option("--read-only", "refuse to store and to evict, whatever the configuration allows")
    // The action says what is wrong with them.
    .allowExcessArguments();
  remote.action(async ({ serve, ...options }: RemoteOptions) => {
    const [word] = remote.args;
    if (word !== undefined && serve === true) {
      return remote.error("error: too many arguments: --serve takes none");
    }
    if (word !== undefined) return remote.error(unknownCommand(remote, word));
    if (serve !== true) return remote.error("error: say what to do: --serve, or a command");
    await serveCache(options);
  });
  remote.hook("preSubcommand", (_, command) => {
    if (Object.keys(remote.opts()).length === 0) return;
    const rule = "options in front of a command are those of --serve";
    remote.error(`error: ${rule}: put them behind "${command.name()}"`);
  });
  addRemoteInfoCommand(remote);
  addRemoteDoctorCommand(remote, exitWith);
  addRemoteInstallCommand(remote);
}

// As it is said of the commands above.
function unknownCommand({ commands }: Command, word: string): string {
  const meant = nearest(word, commands.map((each) => each.name()));
  const hint = meant === undefined ? "" : `\n(Did you mean ${meant}?)`;
  return `error: unknown command '${word}'${hint}`;
}
