import type { Command } from "commander";
import { stringify } from "smol-toml";
import { install, type Installation } from "../remote/install/install.ts";
import { DEFAULT_PATH } from "../remote/install/install.ts";
import { LocalProgram } from "../remote/install/local_program.ts";
import { VERSION } from "../version.ts";
import { withJson } from "./_common.ts";
import { print, printJson } from "./_output.ts";
import { ProgressBar } from "./_progress_bar.ts";
import { type SshOptions, withSshOptions } from "./_ssh_options.ts";
import { tableName } from "./_table_name.ts";
import { sizeText } from "./_text.ts";

interface InstallCommandOptions extends SshOptions {
  readonly path: string;
  readonly binary?: string;
  readonly cache?: string;
  readonly json?: true;
}

/** Adds `fleche remote install`. */
export function addRemoteInstallCommand(remote: Command): void {
  const command = remote
    .command("install <host>")
    .description(
      "Copy this program to another machine, verify it there, and print the table for the " +
        "configuration. A copy that was broken off is resumed.",
    )
    .option("--path <path>", "where it goes; ~/ is the home directory there", DEFAULT_PATH)
    .option("--binary <file>", "the compiled program to copy (default: this one)")
    .option("--cache <name>", "the cache of the configuration there that the table asks for");
  withJson(withSshOptions(command)).action(async (host: string, options: InstallCommandOptions) => {
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
  const isTerminal = Deno.stderr.isTerminal();
  if (!isTerminal) console.error(`fleche: installing ${sizeText(program.size)} on ${host}`);
  using bar = new ProgressBar();
  const installation = await install(program, {
    ...{ host, path, sshOptions },
    // Another program may be another version.
    ...binary === undefined ? { version: VERSION } : {},
    onProgress: (progress) => bar.show(progress),
  });
  bar[Symbol.dispose]();
  report(host, program, installation);
  const table = cacheTable(host, options);
  if (options.json !== true) return await print(stringify({ [tableName(host)]: table }));
  await printJson({
    host,
    ...installation,
    ...{ size: program.size, sha256: program.digest },
    ...{ name: tableName(host), config: table },
  });
}

function report(host: string, { size }: LocalProgram, installation: Installation): void {
  const { path, version, found } = installation;
  const how = found === size
    ? "was there already"
    : found > 0
    ? `is there; ${sizeText(found)} of it had come before`
    : "is there";
  console.error(`fleche: version ${version} ${how}: ${path} on ${host}`);
  if (version !== VERSION) {
    console.error(`fleche: This is version ${VERSION}: better have the same on both sides`);
  }
  console.error("fleche: Put this into your fleche.toml:");
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
