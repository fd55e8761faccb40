import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { ConfigError } from "../errors.ts";
import { callersFolder } from "../isolation.ts";
import { positionOf } from "./_position.ts";
import { ConfigFault, isTable, pathText } from "./_section.ts";

/** One configuration file that was found. */
export interface ConfigFile {
  /** Its absolute path. */
  readonly path: string;
  /** Its text. */
  readonly text: string;
  /** What it says. */
  readonly tables: Record<string, unknown>;
}

/** One top-level table and the file it comes from. */
export interface ConfigEntry {
  readonly value: unknown;
  readonly file: ConfigFile;
}

/** Name of the files that are looked for from the working directory upward. */
const FILE_NAME = "fleche.toml";

/** Where user-wide files of a kind belong, by the XDG base directory specification. */
export function xdgFolder(
  variable: "XDG_CONFIG_HOME" | "XDG_CACHE_HOME",
  fallback: string,
): string {
  const given = Deno.env.get(variable);
  return given === undefined || !isAbsolute(given) ? join(homedir(), fallback) : given;
}

function userConfigPath(): string {
  return join(xdgFolder("XDG_CONFIG_HOME", ".config"), "fleche", "cache.toml");
}

/** Where configuration files are looked for, as people read it. */
export function configPlaces(): string[] {
  return [`${FILE_NAME} in ${Deno.cwd()} or above it`, userConfigPath()];
}

/**
 * The configuration files in force, closest first: every fleche.toml from the working directory up
 * to the home directory or the root, then the user's own.
 *
 * @throws {ConfigError} If one of them does not parse.
 */
export function findConfigFiles(start: string = callersFolder()): ConfigFile[] {
  const files: ConfigFile[] = [];
  const home = physical(resolve(homedir()));
  for (let directory = physical(resolve(start));; directory = dirname(directory)) {
    const file = readConfigFile(join(directory, FILE_NAME));
    if (file !== undefined) files.push(file);
    if (file !== undefined && isRoot(file)) return files;
    if (directory === home || directory === dirname(directory)) break;
  }
  const own = readConfigFile(userConfigPath());
  if (own !== undefined && !files.some(({ path }) => path === own.path)) files.push(own);
  return files;
}

function physical(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return path;
    throw error;
  }
}

function readConfigFile(path: string): ConfigFile | undefined {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(path);
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (absent) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`Cannot read ${path}: ${reason}`, { file: path }, { cause: error });
  }
  const text = decoded(path, bytes);
  return { path, text, tables: parseToml(path, text) };
}

function decoded(path: string, bytes: Uint8Array): string {
  const text = utf8(bytes);
  if (text !== undefined) return text;
  // No character of more than one byte holds the byte of a line's end.
  let line = 1;
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    if (utf8(bytes.subarray(start, end)) === undefined) break;
    line++;
    start = end + 1;
  }
  throw new ConfigError(
    `Bad configuration in ${path}, line ${line}: it is not UTF-8; save the file in that encoding`,
    { file: path, line },
  );
}

const NEWLINE = 0x0a;

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function parseToml(path: string, text: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line, column } = error;
    const [first = ""] = error.message.split("\n");
    const reason = first.replace(/^Invalid TOML document: /, "");
    throw new ConfigError(
      `Bad configuration in ${path}, line ${line}, column ${column}: ${reason}`,
      { file: path, line, column },
    );
  }
}

function isRoot({ tables }: ConfigFile): boolean {
  const settings = tables["default"];
  return isTable(settings) && settings["root"] === true;
}

/** All top-level tables; those of a closer file replace those of the same name further away. */
export function mergedEntries(files: readonly ConfigFile[]): Map<string, ConfigEntry> {
  const entries = new Map<string, ConfigEntry>();
  for (const file of files) {
    for (const [name, value] of Object.entries(file.tables)) {
      if (!entries.has(name)) entries.set(name, { value, file });
    }
  }
  return entries;
}

/** Turns faults into errors that say in which file and line they are. */
export function withFile<T>({ path, text }: ConfigFile, build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    const { line, column } = positionOf(text, error.path);
    throw new ConfigError(
      `Bad configuration in ${path}, line ${line}, column ${column}: ` +
        `${pathText(error.path)}: ${error.message}`,
      { file: path, line, column },
    );
  }
}
