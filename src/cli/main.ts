import { Command, CommanderError } from "commander";
import { VERSION } from "../version.ts";
import { addRemoteCommand } from "./remote.ts";

/** Exit codes: done, the work failed, the command line was not understood. */
const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/**
 * Runs the program.
 *
 * @param args the command line without the program's name
 * @returns the exit code: 0 if all went well, 1 if the work failed, 2 if the command line is wrong
 */
export async function main(args: readonly string[]): Promise<number> {
  const program = new Command("fleche")
    .description("A persistent cache for the results of functions, shared over SSH.")
    .version(VERSION)
    .addHelpText(
      "after",
      "\nExit codes: 0 all went well, 1 the work failed, 2 the command line is wrong.",
    )
    .exitOverride();
  addRemoteCommand(program);
  try {
    await program.parseAsync([...args], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof Error)) throw error;
    console.error(`fleche: ${error.message}`);
    return EXIT.failed;
  }
}
