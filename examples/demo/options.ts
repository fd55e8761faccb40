/**
 * The options of the demo.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { join } from "node:path";

/** What can be chosen on the command line. */
export interface DemoOptions {
  /** Bootstrap replicates of each analysis. */
  readonly replicates: number;
  /** Seed of the random numbers. */
  readonly seed: number;
  /** Magnitude from which on b-values are fitted; estimated if undefined. */
  readonly minMagnitude: number | undefined;
  /** Months in a row that the bootstrap of the carbon dioxide draws together. */
  readonly blockMonths: number;
  /** The folder where values and calls are stored. */
  readonly folder: string;
  /** Whether everything is computed again. */
  readonly rerun: boolean;
  /** Whether only the help is wanted. */
  readonly help: boolean;
}

/** What is wrong with the command line, for the one who typed it. */
export class UsageError extends Error {}

/** A folder of the demo's own, in the root of the repository. */
const DEFAULT_FOLDER = join(import.meta.dirname ?? ".", "..", "..", ".fleche-demo");

/** What --help prints. */
export const HELP = `An analysis of real data by cached functions; run it twice.

Usage: deno task demo [options]

  --bootstrap N       bootstrap replicates of each analysis, 100 to 100000 (default 4000)
  --seed N            where the random numbers begin, from 0 (default 1)
  --min-magnitude M   fit b-values from this magnitude on, -1 to 9 in steps of 0.1
                      (default: estimated for each network)
  --block N           months in a row that the bootstrap of the carbon dioxide draws
                      together, 1 to 240 (default 60)
  --cache FOLDER      where results are stored (default: .fleche-demo in the repository)
  --rerun             compute everything again, although it is stored
  --help              print this

Change one of them, and only what depends on it is computed again.`;

/**
 * Reads the options.
 *
 * @throws {UsageError} If an option is unknown, lacks its value, or has one that is out of range.
 */
export function parseOptions(args: readonly string[]): DemoOptions {
  const values = parse(args);
  const magnitude = values["min-magnitude"];
  if (values.cache === "") throw new UsageError("--cache takes the name of a folder");
  return {
    replicates: integer("--bootstrap", values.bootstrap, 100, 100_000),
    seed: integer("--seed", values.seed, 0, Number.MAX_SAFE_INTEGER),
    minMagnitude: magnitude === undefined ? undefined : tenths("--min-magnitude", magnitude, -1, 9),
    blockMonths: integer("--block", values.block, 1, 240),
    folder: values.cache,
    rerun: values.rerun,
    help: values.help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: withJoinedNegatives(args),
      options: {
        bootstrap: { type: "string", default: "4000" },
        seed: { type: "string", default: "1" },
        "min-magnitude": { type: "string" },
        block: { type: "string", default: "60" },
        cache: { type: "string", default: DEFAULT_FOLDER },
        rerun: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    // parseArgs throws a TypeError for whatever it does not understand.
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

// "--min-magnitude -0.5" is clear to people, but parseArgs wants "--min-magnitude=-0.5".
function withJoinedNegatives(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1) ?? "";
    if (/^-[\d.]/.test(arg) && /^--[^=]+$/.test(before)) joined.splice(-1, 1, `${before}=${arg}`);
    else joined.push(arg);
  }
  return joined;
}

function integer(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    const range = most === Number.MAX_SAFE_INTEGER
      ? `from ${least} on`
      : `from ${least} to ${most}`;
    throw new UsageError(`${name} takes a whole number ${range}, not "${text}"`);
  }
  return value;
}

function tenths(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^-?\d+(\.\d)?$/.test(text) || value < least || value > most) {
    throw new UsageError(
      `${name} takes a number from ${least} to ${most} in steps of 0.1, not "${text}"`,
    );
  }
  return value;
}
