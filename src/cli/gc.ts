import { type Command, InvalidArgumentError } from "commander";
import type { Cache } from "../caches/cache.ts";
import type { GcReport } from "../caches/gc.ts";
import { RejectedError } from "../errors.ts";
import { type CommonOptions, withCacheOf, withCommon } from "./_common.ts";
import { configLine, ownCaches, shownConfig } from "./_members.ts";
import { configuredCalls } from "./_configured_calls.ts";
import { printJson, printLines } from "./_output.ts";
import { counted, sizeText } from "./_text.ts";

interface GcCommandOptions extends CommonOptions {
  readonly dryRun?: true;
  readonly grace?: number;
  readonly offline?: true;
  readonly forget?: string[];
}

/** Adds `fleche gc`. */
export function addGcCommand(program: Command): void {
  const command = program
    .command("gc")
    .description("Remove values that no call needs, while others may go on storing.");
  withCommon(command)
    .option("--dry-run", "count only, and remove nothing")
    .option(
      "--grace <seconds>",
      "keep what was stored so short a time ago, for calls that still run (default: 3600)",
      parseSeconds,
    )
    .option("--offline", "nobody else stores meanwhile: for file systems where locks do not work")
    .option(
      "--forget <identity>",
      "do not keep values for a database of calls that is gone for good (may be repeated)",
      (identity: string, before: string[] = []) => [...before, identity],
    )
    .action(async (options: GcCommandOptions) => {
      if (options.dryRun === true && options.forget !== undefined) {
        return command.error("error: --forget cannot be tried out with --dry-run");
      }
      await withCacheOf(options, async (cache) => {
        const reports: [Cache, GcReport][] = [];
        for (const each of ownCaches(cache, "remove values")) {
          reports.push([each, await collect(each, options)]);
        }
        if (options.json === true) await printJson({ caches: reports.map(toJson) });
        else await printLines(reports.flatMap(toLines));
      });
    });
}

function parseSeconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It takes a number of seconds.");
}

async function collect(cache: Cache, options: GcCommandOptions): Promise<GcReport> {
  const { values } = cache;
  const registered = await values.registered();
  for (const identity of options.forget ?? []) {
    if (registered.includes(identity)) await values.forget(identity);
    else throw unknownIdentity(identity, registered);
  }
  const also = await configuredCalls(cache);
  try {
    return await cache.gc({
      ...{ dryRun: options.dryRun === true, offline: options.offline === true, also },
      ...(options.grace === undefined ? {} : { grace: options.grace }),
    });
  } catch (error) {
    throw error instanceof RejectedError ? withHint(error) : error;
  } finally {
    for (const each of also) await each.close();
  }
}

// What the message says to programs, in options of the command.
function withHint(error: RejectedError): RejectedError {
  const { unreadable = [], locks } = error.data;
  const options = [
    ...unreadable.map((identity) => `--forget ${identity}`),
    ...(locks === undefined ? [] : ["--offline"]),
  ].join(" ");
  if (options === "") return error;
  return new RejectedError(`${error.message} (on the command line: ${options})`, error.data, {
    cause: error,
  });
}

function unknownIdentity(identity: string, registered: readonly string[]): RejectedError {
  const known = registered.length === 0 ? "there are none" : `there are ${registered.join(", ")}`;
  return new RejectedError(
    `Cannot forget ${identity}: no values are kept for calls there; ${known}`,
    { operation: "forget" },
  );
}

function toJson([cache, report]: [Cache, GcReport]): unknown {
  return { cache: shownConfig(cache), ...report };
}

function toLines([cache, report]: [Cache, GcReport]): string[] {
  const { dryRun, storages, calls, kept, young, removed, leftovers, files } = report;
  const amount = ({ entries, bytes }: GcReport["kept"]) =>
    `${counted(entries, "value")}, ${sizeText(bytes)}`;
  return [
    configLine(cache),
    `read     ${counted(calls, "call")} in ${counted(storages, "place")}`,
    `needed   ${amount(kept)}`,
    `young    ${amount(young)}`,
    `${dryRun ? "garbage " : "removed "} ${amount(removed)}`,
    `leftover ${counted(leftovers.entries, "file")}, ${sizeText(leftovers.bytes)}`,
    `${dryRun ? "to free " : "freed   "} ${counted(files, "file")}, ` +
    sizeText(removed.bytes + leftovers.bytes),
  ];
}
