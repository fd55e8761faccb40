import type { FlecheOptions } from "./fleche_options.ts";
import { nearest } from "./nearest.ts";

/** What an option takes, in words, and whether a value is that. */
type Check = readonly [what: string, is: (value: unknown) => boolean];

const BOOLEAN: Check = ["true or false", (value) => typeof value === "boolean"];
const NAMES: Check = [
  "a list of parameter names",
  (value) => Array.isArray(value) && value.every((each) => typeof each === "string"),
];

const CHECKS: Readonly<Record<keyof FlecheOptions, Check>> = {
  name: ["a string that is not empty", (value) => typeof value === "string" && value !== ""],
  module: ["a string or null", (value) => value === null || typeof value === "string"],
  version: [
    "a number or a string",
    (value) => typeof value === "string" || (typeof value === "number" && !Number.isNaN(value)),
  ],
  params: NAMES,
  require: NAMES,
  ignore: NAMES,
  hashVersion: BOOLEAN,
  hashModule: BOOLEAN,
  hashCode: [
    'true, false or "module"',
    (value) => typeof value === "boolean" || value === "module",
  ],
  deps: [
    "a list, or a function that returns one",
    (value) => Array.isArray(value) || typeof value === "function",
  ],
  meta: [
    "a list of metadata, as [new Git()]",
    (value) => Array.isArray(value) && value.every(isNoter),
  ],
  isolate: BOOLEAN,
  storeArguments: BOOLEAN,
  onStale: [
    '"warn", "recompute" or "ignore"',
    (value) => value === "warn" || value === "recompute" || value === "ignore",
  ],
  singleFlight: BOOLEAN,
};

function isNoter(value: unknown): boolean {
  return typeof value === "object" && value !== null && "name" in value &&
    typeof value.name === "string";
}

/**
 * Refuses what the types of the options do not allow: programs run without being checked, and a
 * misspelt option would change keys, or not, without a word.
 *
 * @param name what the function is called, for the message
 * @throws {TypeError} If an option is unknown or takes something else.
 */
export function checkOptions(name: string, options: FlecheOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot cache ${name} with these options: they should be an object`);
  }
  // Where the name is what is wrong, the function's own one is shown.
  const of = [options.name, name].find((each) => typeof each === "string" && each !== "") ??
    "a function";
  for (const [option, value] of Object.entries(options)) {
    if (!isOption(option)) {
      const near = nearest(option, Object.keys(CHECKS));
      const hint = near === undefined
        ? `there are ${Object.keys(CHECKS).join(", ")}`
        : `did you mean ${near}?`;
      throw new TypeError(`Cannot use the unknown option ${option} of ${of}; ${hint}`);
    }
    const [what, is] = CHECKS[option];
    if (value === undefined || is(value)) continue;
    throw new TypeError(`Cannot use the option ${option} of ${of}: it takes ${what}`);
  }
  const both = options.require?.find((each) => options.ignore?.includes(each));
  if (both !== undefined) {
    throw new TypeError(`Cannot both require and ignore the argument ${both} of ${of}`);
  }
}

function isOption(name: string): name is keyof FlecheOptions {
  return Object.hasOwn(CHECKS, name);
}
