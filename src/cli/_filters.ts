import { isDeepStrictEqual } from "node:util";
import { type Command, InvalidArgumentError } from "commander";
import type { BaseCache } from "../caches/base_cache.ts";
import type { LazyCall } from "../lazy_call.ts";
import type { QueryIterator } from "../query.ts";

/** Options that say which calls are meant. */
export interface FilterOptions {
  readonly name?: string;
  readonly module?: string;
  readonly version?: string;
  /** Values of arguments, by name. */
  readonly arg?: Readonly<Record<string, unknown>>;
  /** Tags by name; undefined where any value will do. */
  readonly tag?: Readonly<Record<string, string | undefined>>;
}

/** Adds {@linkcode FilterOptions} to a command. */
export function withFilters(command: Command): Command {
  return command
    .option("--name <name>", "calls of functions of this name only")
    .option("--module <module>", "calls of functions of this module only")
    .option("--version <version>", "calls of this version only, a number or text")
    .option(
      "--arg <name=json>",
      'calls with this value of an argument only, as x=3 or unit="m" (may be repeated)',
      addArgument,
    )
    .option(
      "--tag <name[=value]>",
      "calls with this tag only, text or JSON (may be repeated)",
      addTag,
    );
}

function addArgument(text: string, before: Record<string, unknown> = {}): Record<string, unknown> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("It takes NAME=JSON, as x=3.");
  const [name, json] = [text.slice(0, equals), text.slice(equals + 1)];
  try {
    return { ...before, [name]: JSON.parse(json) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const quoted = `${name}=${JSON.stringify(json)}`;
    throw new InvalidArgumentError(`"${json}" is not JSON; if it is text, write '${quoted}'.`);
  }
}

function addTag(
  text: string,
  before: Record<string, string | undefined> = {},
): Record<string, string | undefined> {
  const equals = text.indexOf("=");
  if (equals === 0 || text === "") throw new InvalidArgumentError("It takes NAME or NAME=VALUE.");
  return equals === -1
    ? { ...before, [text]: undefined }
    : { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}

/** Whether any filter is given. */
export function isFiltered({ name, module, version, arg, tag }: FilterOptions): boolean {
  return [name, module, version, arg, tag].some((each) => each !== undefined);
}

/** The calls of a cache that are meant. */
export function search(cache: BaseCache, options: FilterOptions): QueryIterator {
  const { name, module, version, arg, tag = {} } = options;
  const template = {
    ...(name === undefined ? {} : { name }),
    ...(module === undefined ? {} : { module }),
    ...(arg === undefined ? {} : { arguments: arg }),
  };
  const tags = Object.entries(tag);
  const query = cache.query(template);
  if (version === undefined && tags.length === 0) return query;
  // On a command line text and numbers look the same, so either will do.
  return query.filter((call) =>
    (version === undefined || String(call.version) === version) &&
    tags.every(([each, value]) => hasTag(call, each, value))
  );
}

function hasTag({ metadata }: LazyCall, name: string, value: string | undefined): boolean {
  const tags = metadata["tags"];
  if (tags === undefined || !Object.hasOwn(tags, name)) return false;
  return value === undefined || tags[name] === value ||
    isDeepStrictEqual(tags[name], parsed(value));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
