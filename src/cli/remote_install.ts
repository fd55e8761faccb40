import type { Command } from "commander";
import { stringify } from "smol-toml";
import { configSources } from "../config/load.ts";
import { visible } from "../display_text.ts";
import { ConfigError } from "../errors.ts";
import { DEFAULT_PATH, install } from "../remote/install/install.ts";
import { redactHost } from "../remote/redact.ts";
import type { Installation } from "../remote/install/install_options.ts";
import { LocalProgram } from "../remote/install/local_program.ts";
import { VERSION } from "../version.ts";
import { withJson } from "./_common.ts";
import { print, printJson } from "./_output.ts";
import { ProgressBar } from "./_progress_bar.ts";
import { hostOf } from "./_far_cache.ts";
import { tableName } from "./_table_name.ts";
import { sizeText } from "./_text.ts";

/** How long a login may take that nobody can be asked for, in seconds. */
const UNATTENDED_LOGIN_TIME = 60;

interface InstallCommandOptions {
  readonly path: string;
  readonly binary?: string;
  readonly cache?: string;
  readonly sshOption?: readonly string[];
  readonly json?: true;
}

/** Adds `fleche remote install`. */
export function addRemoteInstallCommand(remote: Command): void {
  const collect = (word: string, words: readonly string[] = []) => [...words, word];
  const command = remote
    .command("install <host>")
    .description(
      "Copy this program to another machine, verify it there, and print the table for the " +
        "configuration. A copy that was broken off is resumed.",
    )
    .option(
      "--path <path>",
      "where it goes; '~/…', in quotes, begins at the home directory there",
      DEFAULT_PATH,
    )
    .option("--binary <file>", "the compiled program to copy (default: this one)")
    .option("--cache <name>", "the cache of the configuration there that the table asks for")
    .option("--ssh-option <word>", "a word for ssh, as -p and 2222; may be repeated", collect);
  withJson(command).action(async (host: string, options: InstallCommandOptions) => {
    const file = options.binary ?? ownProgram();
    if (file === undefined) {
      return command.error(
        "error: this fleche runs from its sources: give a compiled one, as from " +
          "`deno task compile`, with --binary",
      );
    }
    await installOn(host, file, options);
  });
}

// The file that this program is, if it is one file.
function ownProgram(): string | undefined {
  return Deno.build.standalone ? Deno.execPath() : undefined;
}

async function installOn(
  host: string,
  file: string,
  options: InstallCommandOptions,
): Promise<void> {
  const { path, sshOption: sshOptions, binary } = options;
  const program = LocalProgram.open(file);
  const size = sizeText(program.size);
  const note = tableNote(host);
  if (note !== undefined) console.error(visible(note));
  let installation: Installation;
  {
    using bar = new ProgressBar(`fleche: copying ${size} to ${host}`);
    installation = await install(program, {
      ...{ host, path, sshOptions },
      // Another program may be another version.
      ...binary === undefined ? { version: VERSION } : {},
      loginTimeout: Deno.stdin.isTerminal() ? undefined : UNATTENDED_LOGIN_TIME,
      onProgress: (progress) => bar.show(progress),
    });
  }
  report(host, program, installation);
  if (options.json !== true) console.error("fleche: put this into your fleche.toml:");
  const table = cacheTable(host, options);
  if (options.json !== true) return await print(stringify({ [tableName(host)]: table }));
  await printJson({
    host,
    ...installation,
    ...{ size: program.size, sha256: program.digest },
    ...{ name: tableName(host), config: table },
  });
}

// What is to be known where the configuration means something else by this name.
function tableNote(host: string): string | undefined {
  try {
    const table = configSources().tables.find(({ name }) => name === host);
    const named = table === undefined ? undefined : hostOf(table);
    if (named === undefined || named === host) return undefined;
    return `fleche: ${host} is taken as a host; that of the table [${host}] is ` +
      `${redactHost(named)}: name it to install there`;
  } catch (error) {
    // Nothing of it is needed.
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

function report(host: string, { size }: LocalProgram, installation: Installation): void {
  const { path, version, found } = installation;
  const how = found === size
    ? "was there already"
    : found > 0
    ? `is there now; ${sizeText(found)} of it had come before`
    : "is there now";
  console.error(visible(`fleche: version ${version} ${how}: ${path} on ${host}`));
  if (version === VERSION) return;
  console.error(`fleche: this is version ${VERSION}: install the same on both sides`);
}

// As the configuration takes it.
function cacheTable(host: string, { path, cache, sshOption }: InstallCommandOptions) {
  return {
    ...{ type: "ssh", host },
    ...cache === undefined ? {} : { cache_name: cache },
    command: [/^[~/]/.test(path) ? path : `~/${path}`],
    ...sshOption === undefined ? {} : { ssh_options: sshOption },
  };
}
