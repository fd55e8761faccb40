import type { Command } from "commander";
import { configSources, type ConfigTable, loadCacheConfig } from "../config/load.ts";
import { ConfigError } from "../errors.ts";
import { SshCache, type SshCacheOptions } from "../remote/ssh_cache.ts";
import { members } from "./_members.ts";

/** Options of commands that work on a host or on a cache of the configuration. */
export interface FarCacheOptions {
  /** The cache to ask for on the other machine. */
  readonly cache?: string;
  /** The path of the program there. */
  readonly path?: string;
  /** What the shell there is to run instead. */
  readonly command?: string;
  /** Words for ssh. */
  readonly sshOption?: readonly string[];
}

/** A cache on another machine, and where it comes from. */
export interface FarCache {
  readonly options: SshCacheOptions;
  /** The table of the configuration; undefined if the host itself was given. */
  readonly table: ConfigTable | undefined;
}

/** Adds an argument that is a host or a cache, and {@linkcode FarCacheOptions}. */
export function withFarCache(command: Command): Command {
  const collect = (word: string, words: readonly string[] = []) => [...words, word];
  return command
    .argument("<host|cache>", "a host as ssh takes it, or a cache of the configuration")
    .option("--cache <name>", "the cache to ask for there (default: the default one)")
    .option(
      "--path <path>",
      "the program there, as '~/.local/bin/fleche' in quotes (default: fleche)",
    )
    .option("--command <text>", "what the shell there is to run instead of a program")
    .option("--ssh-option <word>", "a word for ssh, as -p and 2222; may be repeated", collect);
}

/**
 * The cache that a command line means: that of a table of this name, or of the only table with this
 * host, or else one on a host of this name. What the command line says goes before the table.
 *
 * @throws {ConfigError} If the configuration cannot be used, or the cache is not on another machine.
 */
export function farCache(name: string, given: FarCacheOptions): FarCache {
  const { tables } = configSources();
  // Errors name the host, whatever the table is called.
  const onHost = tables.filter((each) => hostOf(each) === name);
  const table = tables.find((each) => each.name === name && name !== "default") ??
    (onHost.length === 1 ? onHost[0] : undefined);
  const configured = table === undefined ? { host: name } : onlySshCache(table.name).options;
  const command = given.path === undefined ? given.command : [given.path];
  return {
    table,
    options: {
      ...configured,
      ...given.cache === undefined ? {} : { cacheName: given.cache },
      ...command === undefined ? {} : { command },
      // The first one counts where ssh gets an option twice.
      sshOptions: [...given.sshOption ?? [], ...configured.sshOptions ?? []],
    },
  };
}

/** The host that a table of the configuration names. */
export function hostOf({ value }: ConfigTable): string | undefined {
  const host: unknown = typeof value === "object" && value !== null
    ? Reflect.get(value, "host")
    : undefined;
  return typeof host === "string" ? host : undefined;
}

function onlySshCache(name: string): SshCache {
  const found = members(loadCacheConfig(name)).filter((each) => each instanceof SshCache);
  const [cache, ...others] = found;
  if (cache === undefined) {
    throw new ConfigError(
      `The cache "${name}" is on this machine: name one that is reached over ssh`,
    );
  }
  if (others.length === 0) return cache;
  const hosts = found.map(({ options }) => `"${options.host}"`).join(", ");
  throw new ConfigError(`The cache "${name}" is on several hosts: name one of ${hosts}`);
}
