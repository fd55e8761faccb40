import { type Command, InvalidArgumentError } from "commander";
import { CallTable } from "../call_table.ts";
import { type CommonOptions, withCacheOf, withCommon } from "./_common.ts";
import { type FilterOptions, search, withFilters } from "./_filters.ts";
import { print } from "./_output.ts";

interface LsOptions extends CommonOptions, FilterOptions {
  readonly limit?: number;
}

/** Adds `fleche ls`. */
export function addLsCommand(program: Command): void {
  const command = program
    .command("ls")
    .description(
      "List calls, what was stored last first. With --json, one object in a line for each.",
    );
  withCommon(withFilters(command))
    .option("--limit <count>", "so many of them at the most", parseCount)
    .action((options: LsOptions) => list(options));
}

function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError("It takes a whole number.");
}

async function list(options: LsOptions): Promise<void> {
  await withCacheOf(options, async (cache) => {
    const found = search(cache, options);
    const calls = options.limit === undefined ? found : found.take(options.limit);
    if (options.json === true) {
      for await (const call of calls) await print(new CallTable([call]).toJsonLines());
      return;
    }
    const table = await calls.table();
    const width = Deno.stdout.isTerminal() ? Deno.consoleSize().columns : 0;
    await print(`${table.toString(width > 0 ? { width } : {})}\n`);
  });
}
