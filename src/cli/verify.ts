import type { Command } from "commander";
import type { BaseCache } from "../caches/base_cache.ts";
import { Cache } from "../caches/cache.ts";
import type { VerifyReport } from "../caches/verify.ts";
import { type CommonOptions, withCacheOf, withCommon } from "./_common.ts";
import { configuredCalls } from "./_configured_calls.ts";
import { type DamagedDatabase, damagedDatabases, damageLine } from "./_damaged_databases.ts";
import { EXIT, type ExitWith } from "./_exit.ts";
import { configLine, members, ownCaches, shownConfig } from "./_members.ts";
import { printJson, printLines } from "./_output.ts";
import { counted, sizeText } from "./_text.ts";

interface VerifyCommandOptions extends CommonOptions {
  readonly repair?: true;
}

/** What may be wrong, in words. */
const FAULTS = [
  ["damagedRecords", "damaged record"],
  ["unverifiedRecords", "record signed with a key that is not given:"],
  ["newerRecords", "record of a newer version"],
  ["misfiledRecords", "record under another key than its own"],
  ["damagedValues", "damaged value"],
  ["unverifiedValues", "value signed with a key that is not given:"],
  ["withoutResult", "call without its result"],
] as const;

/** What to do about entries that no key verifies. */
const KEY_REMEDY = "give the key that they were signed with, in secret_key or FLECHE_SECRET_KEY, " +
  "and look again: until then they are left alone";

/** Adds `fleche verify`. */
export function addVerifyCommand(program: Command, exitWith: ExitWith): void {
  const command = program
    .command("verify")
    .description(
      "Check every record and value that is stored. Ends with code 3 if anything is wrong, also if " +
        "it was repaired.",
    );
  withCommon(command)
    .option("--repair", "put aside what is damaged, and calls without their results")
    .action((options: VerifyCommandOptions) =>
      withCacheOf(options, async (cache) => {
        const reports: [Cache, VerifyReport][] = [];
        const databases: DamagedDatabase[] = [];
        for (const each of checked(cache, options)) {
          const damaged = await damagedDatabases(each, options.repair === true);
          databases.push(...damaged);
          if (damaged.some(({ movedTo }) => movedTo === null)) continue;
          reports.push([each, await verify(each, options)]);
        }
        if (options.json === true) {
          await printJson({ caches: reports.map(toJson), damagedDatabases: databases });
        } else await printLines([...databases.map(damageLine), ...reports.flatMap(toLines)]);
        const isClean = reports.every(([, report]) => report.isClean);
        if (!isClean || databases.length > 0) exitWith(EXIT.damage);
      })
    );
}

// To look is allowed in read-only caches too.
function checked(cache: BaseCache, { repair }: VerifyCommandOptions): Cache[] {
  const readable = members(cache).filter((each) => each instanceof Cache);
  return repair === true || readable.length === 0 ? ownCaches(cache, "check entries") : readable;
}

async function verify(cache: Cache, { repair }: VerifyCommandOptions): Promise<VerifyReport> {
  const also = await configuredCalls(cache);
  try {
    return await cache.verify({ repair: repair === true, also });
  } finally {
    for (const each of also) await each.close();
  }
}

function toJson([cache, report]: [Cache, VerifyReport]): unknown {
  return { cache: shownConfig(cache), ...report };
}

function toLines([cache, report]: [Cache, VerifyReport]): string[] {
  const { records, values, orphans, unreadable, repair, isClean } = report;
  const lines = [
    configLine(cache),
    `records  ${records.entries}, ${sizeText(records.bytes)}`,
    `values   ${values.entries}, ${sizeText(values.bytes)}`,
    `unneeded ${counted(orphans.entries, "value")}, ${sizeText(orphans.bytes)}`,
  ];
  for (const identity of unreadable) lines.push(`cannot read ${identity}`);
  for (const [field, what] of FAULTS) {
    for (const name of report[field]) lines.push(`${what} ${name}`);
  }
  const found = FAULTS.reduce((sum, [field]) => sum + report[field].length, 0);
  const unverified = report.unverifiedRecords.length + report.unverifiedValues.length;
  const remedies = [
    ...unverified > 0 ? [KEY_REMEDY] : [],
    ...repair || found === unverified ? [] : ["add --repair, and they are computed again"],
  ];
  return [...lines, isClean ? "all is well" : [counted(found, "fault"), ...remedies].join("; ")];
}
