import type { Command } from "commander";
import { stringify } from "smol-toml";
import { ConfigError } from "../errors.ts";
import {
  BUILT_IN_NAMES,
  type ConfigSource,
  configSources,
  loadCacheConfig,
} from "../config/load.ts";
import { cacheToConfig } from "../config/write.ts";
import { redact } from "../remote/redact.ts";
import { type CommonOptions, withCommon } from "./_common.ts";
import { EXIT, type ExitWith } from "./_exit.ts";
import { printJson, printLines } from "./_output.ts";

/** Adds `fleche config`. */
export function addConfigCommand(program: Command, exitWith: ExitWith): void {
  const command = program
    .command("config")
    .description(
      "Show the configuration in force and the files it comes from, without secrets; with --cache, " +
        "what becomes of one cache.",
    );
  withCommon(command).action(async (options: CommonOptions) => {
    if (options.cache !== undefined) return await showCache(options.cache, options);
    const sources = configSources();
    if (options.json === true) await printJson(toJson(sources));
    else await printLines(toLines(sources));
    // Whatever else may be wrong shows when the caches are made; nothing is opened by that.
    for (const name of ["default", ...sources.tables.map(({ name }) => name)]) {
      try {
        loadCacheConfig(name);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        console.error(`fleche: ${error.message}`);
        return exitWith(EXIT.failed);
      }
    }
  });
}

async function showCache(name: string, { json }: CommonOptions): Promise<void> {
  const config = redact(cacheToConfig(loadCacheConfig(name)));
  if (json === true) await printJson(config);
  else await printLines(tableLines(name, config));
}

// As it could stand in a file.
function tableLines(name: string, config: unknown): string[] {
  if (name === "default") return toml({ default: { cache: config } });
  if (!BUILT_IN_NAMES.includes(name)) return toml({ [name]: config });
  return [
    `# The cache "${name}" needs no configuration; under another name it would be:`,
    ...toml({ [`${name}-too`]: config }),
  ];
}

function toml(tables: Record<string, unknown>): string[] {
  return stringify(tables).trimEnd().split("\n");
}

function toJson({ files, places, tables }: ConfigSource): unknown {
  return {
    files,
    places,
    tables: tables.map(({ name, file, line, value }) => ({
      ...{ name, file, line },
      value: redact(value),
    })),
  };
}

// TOML again: what is no part of it stands in comments.
function toLines({ files, places, tables }: ConfigSource): string[] {
  if (files.length === 0) {
    const config = redact(cacheToConfig(loadCacheConfig()));
    return [
      `# There is no configuration file: neither ${places.join(" nor ")}.`,
      "# Without one the default cache is:",
      ...toml({ default: { cache: config } }),
    ];
  }
  return tables.flatMap(({ name, file, line, value }, index) => [
    ...(index === 0 ? [] : [""]),
    `# ${file}, line ${line}`,
    ...toml({ [name]: redact(value) }),
  ]);
}
