import { Command, CommanderError } from "commander";
import { VERSION } from "../version.ts";
import { EXIT } from "./_exit.ts";
import { OutputClosed } from "./_output.ts";
import { addConfigCommand } from "./config.ts";
import { addEvictCommand } from "./evict.ts";
import { addGcCommand } from "./gc.ts";
import { addLsCommand } from "./ls.ts";
import { addRemoteCommand } from "./remote.ts";
import { addShowCommand } from "./show.ts";
import { addStatsCommand } from "./stats.ts";
import { addTransferCommand } from "./transfer.ts";
import { addVerifyCommand } from "./verify.ts";

const EXIT_CODES =
  "\nExit codes: 0 all went well, 1 the work failed, 2 the command line is wrong, " +
  "3 verify found damage.";

/**
 * Runs the program.
 *
 * @param args the command line without the program's name
 * @returns the exit code: 0 if all went well, 1 if the work failed, 2 if the command line is wrong,
 *   3 if damage was found
 */
export async function main(args: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const exitWith = (other: number) => {
    code = other;
  };
  const program = new Command("fleche")
    .description("A persistent cache for the results of functions, shared over SSH.")
    .version(VERSION)
    .addHelpText("afterAll", EXIT_CODES)
    .enablePositionalOptions()
    .exitOverride();
  addLsCommand(program);
  addShowCommand(program);
  addStatsCommand(program, exitWith);
  addEvictCommand(program, exitWith);
  addGcCommand(program);
  addVerifyCommand(program, exitWith);
  addTransferCommand(program, exitWith);
  addConfigCommand(program, exitWith);
  addRemoteCommand(program, exitWith);
  try {
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    // Whoever stops reading has what they wanted.
    if (error instanceof OutputClosed) return EXIT.ok;
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof Error)) throw error;
    console.error(`fleche: ${error.message}`);
    return EXIT.failed;
  }
}
