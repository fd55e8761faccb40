import type { Command } from "commander";
import type { BaseCache } from "../caches/base_cache.ts";
import { loadCacheConfig } from "../config/load.ts";
import { Digest } from "../digest.ts";
import { AmbiguousDigestError } from "../errors.ts";

/** Options that all commands have. */
export interface CommonOptions {
  /** The cache to work on; the default one if it is left out. */
  readonly cache?: string;
  /** Whether to print JSON. */
  readonly json?: true;
}

/** Adds {@linkcode CommonOptions} to a command. */
export function withCommon(command: Command): Command {
  return withJson(
    command.option("--cache <name>", "the cache of the configuration (default: the default one)"),
  );
}

/** Adds `--json` to a command. */
export function withJson(command: Command): Command {
  return command.option("--json", "print JSON, for programs");
}

/** Runs a function with the cache of the configuration, which is closed afterwards. */
export async function withCacheOf<T>(
  { cache: name }: CommonOptions,
  use: (cache: BaseCache) => Promise<T>,
): Promise<T> {
  await using cache = loadCacheConfig(name);
  return await use(cache);
}

/** Calls that are named where one key could mean several. */
const SHOWN_CANDIDATES = 5;

/**
 * The whole key that the first digits of one mean, among calls only; undefined if there is no such
 * call. Whole keys are taken as they are.
 *
 * @throws {TypeError} If these are no digits of a key.
 * @throws {AmbiguousDigestError} If they could mean several calls.
 */
export async function wholeKey(cache: BaseCache, key: string): Promise<string | undefined> {
  if (!new Digest(key).isShort) return key;
  const found = await Array.fromAsync(cache.query({ key }).take(SHOWN_CANDIDATES + 1));
  if (found.length <= 1) return found[0]?.key;
  const candidates = found.map((call) => call.key).slice(0, SHOWN_CANDIDATES);
  throw new AmbiguousDigestError(
    `The short key ${key} could mean ${candidates.join(", ")}` +
      `${found.length > SHOWN_CANDIDATES ? " and more" : ""}: give more digits`,
    { prefix: key, candidates },
  );
}
