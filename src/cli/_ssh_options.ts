import type { Command } from "commander";

/** Options of the commands that reach another machine. */
export interface SshOptions {
  /** Further options for ssh. */
  readonly sshOption?: readonly string[];
}

/** Adds {@linkcode SshOptions} to a command. */
export function withSshOptions(command: Command): Command {
  return command.option(
    "--ssh-option <option>",
    "a further option for ssh, one word each: --ssh-option -p --ssh-option 2222",
    (option: string, before: readonly string[] = []) => [...before, option],
  );
}
