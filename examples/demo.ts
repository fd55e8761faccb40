/**
 * An analysis of real data by cached functions: the first run takes seconds, the second one loads
 * everything, and a changed option computes again only what depends on it.
 *
 *     deno task demo
 *     deno task demo --block 36
 *
 * The cached functions are in demo/earthquakes.ts and demo/carbon_dioxide.ts.
 *
 * @module
 */

import { Cache, CallSql, digest, ValueFile, withCache } from "@fleche/core";
import { join, relative, resolve } from "node:path";
import { analyseCarbonDioxide, readCarbonDioxide } from "./demo/carbon_dioxide.ts";
import { DATA_PACKAGE, readDataFile } from "./demo/data.ts";
import { analyseSeismicity, readEarthquakes } from "./demo/earthquakes.ts";
import { type DemoOptions, HELP, parseOptions, UsageError } from "./demo/options.ts";
import { progressLine } from "./demo/progress.ts";
import { duration, heading, paragraph, printTable } from "./demo/report.ts";
import { printCarbonDioxide, printSeismicity, type RegionalSeismicity } from "./demo/results.ts";
import { Steps } from "./demo/steps.ts";

/** Regions, and the networks that locate earthquakes there. */
const REGIONS = [
  { region: "California and Nevada", networks: ["ci", "nc", "nn"] },
  { region: "Alaska", networks: ["ak"] },
  { region: "the world (NEIC)", networks: ["us"] },
];

/** Runs the analyses in the active cache, and prints what they find. */
async function analyse(
  steps: Steps,
  { minMagnitude, blockMonths, replicates, seed }: DemoOptions,
): Promise<void> {
  heading("Calls");
  const geojson = await readDataFile("earthquakes.json");
  const catalogue = await steps.take("earthquakes.json", readEarthquakes, geojson);
  const regions: RegionalSeismicity[] = [];
  for (const { region, networks } of REGIONS) {
    const progress = progressLine(region);
    const options = { catalogue, networks, minMagnitude, replicates, seed, progress };
    regions.push({ region, ...await steps.take(region, analyseSeismicity, options) });
  }
  const csv = await readDataFile("co2-concentration.csv");
  const record = await steps.take("co2-concentration.csv", readCarbonDioxide, csv);
  const progress = progressLine("Mauna Loa");
  const options = { record, blockMonths, replicates, seed, progress };
  const carbonDioxide = await steps.take("Mauna Loa", analyseCarbonDioxide, options);

  printSeismicity(catalogue, regions);
  printCarbonDioxide(record, carbonDioxide);
  console.log(`\nDigest of all results, to the last digit:\n${digest([regions, carbonDioxide])}`);
}

async function main(options: DemoOptions): Promise<void> {
  const begun = performance.now();
  const values = join(options.folder, "values");
  const calls = join(options.folder, "calls.db");
  makeFolder(options.folder);
  await using cache = new Cache({
    values: new ValueFile({ root: values }),
    calls: new CallSql({ url: calls }),
  });
  paragraph(
    `Earthquakes and carbon dioxide from ${DATA_PACKAGE}, with ${options.replicates} bootstrap ` +
      `replicates from seed ${options.seed}.`,
  );
  const steps = new Steps(cache, options.rerun);
  await withCache(cache, () => analyse(steps, options));

  heading("Stored calls");
  printTable(await cache.query().table());
  console.log(`\nValues are in ${shortest(values)}, calls in ${shortest(calls)}.`);
  const computed = steps.all.filter(({ isComputed }) => isComputed).length;
  const counts = `${computed} calls computed and ${steps.all.length - computed} loaded`;
  const own = duration((performance.now() - begun) / 1000);
  console.log(`${counts} in ${own}, after ${duration(begun / 1000)} to start Deno.`);
  const inside = (await cache.query().count()) - steps.all.length;
  if (computed === 0 && inside > 0) {
    console.log(
      `The other ${inside} calls in the table were made by these, and not even looked up.`,
    );
  }
  if (computed > 0 && !options.rerun) console.log("Run this again, and it loads everything.");
}

function makeFolder(folder: string): void {
  try {
    Deno.mkdirSync(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new UsageError(`Cannot store anything in ${folder}: ${error.message}`, { cause: error });
  }
}

function shortest(path: string): string {
  const below = relative(Deno.cwd(), path);
  return below.startsWith("..") ? resolve(path) : below;
}

if (import.meta.main) {
  try {
    const options = parseOptions(Deno.args);
    if (options.help) console.log(HELP);
    else await main(options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\nSee deno task demo --help`);
    Deno.exitCode = 2;
  }
}
