import { isAbsolute, join, resolve } from "node:path";
import { ConfigError } from "../errors.ts";
import { warnOnce } from "../log.ts";
import { CallFile } from "../storage/call_file.ts";
import { CallHdf5 } from "../storage/call_hdf5.ts";
import { CallMemory } from "../storage/call_memory.ts";
import { CallSql } from "../storage/call_sql.ts";
import { CallVoid } from "../storage/call_void.ts";
import { makeSeal, type SealOptions } from "../storage/seal.ts";
import type { CallStorage, ValueStorage } from "../storage/storage.ts";
import { ValueFile } from "../storage/value_file.ts";
import { ValueHdf5 } from "../storage/value_hdf5.ts";
import { ValueMemory } from "../storage/value_memory.ts";
import { ValueSqlite } from "../storage/value_sqlite.ts";
import { ValueVoid } from "../storage/value_void.ts";
import { Section, withoutFile } from "./_section.ts";

/** One storage as a configuration describes it. */
export type StorageConfig = { type: string; [key: string]: unknown };

/** Where relative paths begin. */
export interface StorageBuildOptions {
  /** The folder; the working directory by default. */
  base?: string | undefined;
}

/** What is being read: a table, where its paths begin, and what the tables around it add. */
interface Source {
  readonly section: Section;
  readonly base?: string | undefined;
  /** What the types "compressed" and "signed" around it ask for. */
  readonly added: SealOptions;
  /** The folder in which a template puts values and calls; without one the table says where. */
  readonly folder?: string;
}

type Makers<T> = Readonly<Record<string, (source: Source) => T>>;

const WRAPPERS = ["compressed", "signed"] as const;
const PYTHON_TYPES = ["pickle", "cloudpickle", "dill"];

/** Names of the Python package for what has another name here. */
const ALIASES: Readonly<Record<string, string>> = { bagofholding_hdf: "hdf5" };

const COMPRESSIONS = ["zstd", "gzip"] as const;
const DURABILITIES = ["rename", "fsync"] as const;
const JOURNALS = ["wal", "delete", "truncate", "persist"] as const;

/** Value storages by their type. */
const VALUES: Makers<ValueStorage> = {
  file: (source) => new ValueFile({ root: root(source, "values"), ...fileOptions(source) }),
  sqlite: (source) => new ValueSqlite(valueSqliteOptions(source)),
  hdf5: (source) => new ValueHdf5({ root: root(source, "values"), ...hdf5Options(source) }),
  memory: (source) => unsealed(source, new ValueMemory()),
  void: (source) => unsealed(source, new ValueVoid()),
};

/** Call storages by their type. */
const CALLS: Makers<CallStorage> = {
  sql: (source) => {
    const options = sqlOptions(source);
    return faultAt(source.section, "url", () => new CallSql(options));
  },
  file: (source) => new CallFile({ root: root(source, "calls"), ...fileOptions(source) }),
  hdf5: (source) => new CallHdf5({ root: root(source, "calls"), ...hdf5Options(source) }),
  memory: (source) => unsealed(source, new CallMemory()),
  void: (source) => unsealed(source, new CallVoid()),
};

/** Types of values and calls that a template stands for; those of memory have no folder. */
const TEMPLATES: Readonly<Record<string, readonly [values: string, calls: string]>> = {
  file: ["file", "file"],
  sqlite: ["sqlite", "sql"],
  hdf5: ["hdf5", "hdf5"],
  memory: ["memory", "memory"],
};

/**
 * Makes a value storage from its configuration.
 *
 * @param config the table, with its `type`
 * @param kind what it stores
 * @throws {ConfigError} If it is not one that can be made.
 */
export function storageFromConfig(config: StorageConfig, kind: "value"): ValueStorage;
/**
 * Makes a call storage from its configuration.
 *
 * @param config the table, with its `type`
 * @param kind what it stores
 * @throws {ConfigError} If it is not one that can be made.
 */
export function storageFromConfig(config: StorageConfig, kind: "call"): CallStorage;
export function storageFromConfig(
  config: StorageConfig,
  kind: "value" | "call",
): ValueStorage | CallStorage {
  return withoutFile(() => {
    const section = new Section(config, []);
    return kind === "value" ? buildValues(section) : buildCalls(section);
  });
}

/** {@linkcode storageFromConfig} of a table that may stand in a file. */
export function buildValues(section: Section, options: StorageBuildOptions = {}): ValueStorage {
  return build(VALUES, { section, base: options.base, added: {} });
}

/** {@linkcode storageFromConfig} of a table that may stand in a file. */
export function buildCalls(section: Section, options: StorageBuildOptions = {}): CallStorage {
  return build(CALLS, { section, base: options.base, added: {} });
}

/**
 * The storages that a template stands for. Options go to each of the two that takes them; the keys of
 * the cache itself are left for the caller.
 */
export function buildTemplate(
  section: Section,
  { base }: StorageBuildOptions,
): { values: ValueStorage; calls: CallStorage } {
  const template = section.choice("template", Object.keys(TEMPLATES)) ?? "";
  const [values = "", calls = ""] = TEMPLATES[template] ?? [];
  const place = values === "memory"
    ? {}
    : { folder: rebased(section.requiredPath("root", "results"), base) };
  const source: Source = { section, base, added: {}, ...place };
  return { values: make(VALUES, values, source), calls: make(CALLS, calls, source) };
}

function build<T>(makers: Makers<T>, source: Source): T {
  const { section } = source;
  ignorePythonKeys(section);
  const named = section.any("type");
  if (named === undefined) section.lacks("type", "key");
  if (typeof named === "string" && PYTHON_TYPES.includes(named)) {
    section.fault("type", `"${named}" holds Python objects, which cannot be read here; use "file"`);
  }
  const alias = typeof named === "string" && Object.hasOwn(ALIASES, named)
    ? ALIASES[named]
    : undefined;
  const type = alias ?? section.choice("type", [...Object.keys(makers), ...WRAPPERS]) ?? "";
  if (type === "compressed" || type === "signed") return build(makers, unwrapped(type, source));
  const storage = make(makers, type, source);
  section.finish();
  return storage;
}

function make<T>(makers: Makers<T>, type: string, source: Source): T {
  const maker = Object.hasOwn(makers, type) ? makers[type] : undefined;
  return maker?.(source) ?? source.section.fault("type", `"${type}" is not known here`);
}

// The storage inside does the work of both types: they add to its options.
function unwrapped(type: "compressed" | "signed", { section, base, added }: Source): Source {
  const key = type === "compressed" ? "compress" : "secretKey";
  if (added[key] !== undefined) section.fault("type", `there is "${type}" around it already`);
  const more: SealOptions = type === "compressed"
    ? { compress: section.choice("compress", COMPRESSIONS) ?? true }
    : { secretKey: checkedKeys(section, section.strings("secret_key") ?? []) };
  const inner = section.section("inner");
  section.finish();
  return { section: inner, base, added: { ...added, ...more } };
}

function unsealed<T>({ section, added }: Source, storage: T): T {
  if (Object.keys(added).length === 0) return storage;
  return section.fault("type", "what is kept in no file can be neither compressed nor signed");
}

function root({ section, base, folder }: Source, name: string): string {
  return folder === undefined
    ? rebased(section.requiredPath("root", name), base)
    : join(folder, name);
}

function fileOptions(source: Source) {
  const { section } = source;
  return given({
    ...sealOptions(source),
    verify: section.any("verify") === false
      ? false as const
      : section.choice("verify", ["crc", "sha256"]),
    durability: section.choice("durability", DURABILITIES),
    lockTimeout: section.positive("lock_timeout"),
  });
}

function hdf5Options(source: Source) {
  const { compress, ...others } = fileOptions(source);
  if (compress === "zstd") {
    return source.section.fault(
      "compress",
      '"zstd" is not known to every HDF5 library; use "gzip"',
    );
  }
  return { ...others, ...given({ compress }) };
}

function valueSqliteOptions(source: Source) {
  const { section, base, folder } = source;
  const path = folder === undefined
    ? rebasedPath(section.requiredPath("path", "values.db"), base)
    : join(folder, "values.db");
  const journal = section.choice("journal", JOURNALS);
  return { path, ...fileOptions(source), ...given({ journal }) };
}

function sqlOptions(source: Source) {
  const { section, base, folder } = source;
  const url = folder === undefined ? section.string("url") : join(folder, "calls.db");
  return given({
    ...sealOptions(source),
    url: url === undefined ? undefined : rebasedUrl(url, base),
    echo: section.boolean("echo"),
    journal: section.choice("journal", JOURNALS),
    durability: section.choice("durability", DURABILITIES),
    lockTimeout: section.positive("lock_timeout"),
  });
}

function sealOptions({ section, added }: Source): Given<SealOptions> {
  const own = {
    compress: section.choiceOrBoolean("compress", COMPRESSIONS),
    secret_key: section.strings("secret_key"),
  };
  if (own.compress !== undefined && added.compress !== undefined) {
    section.fault("compress", 'the type "compressed" around it says so already');
  }
  if (own.secret_key !== undefined && added.secretKey !== undefined) {
    section.fault("secret_key", 'the type "signed" around it says so already');
  }
  const secretKey = own.secret_key && checkedKeys(section, own.secret_key);
  return given({ compress: own.compress, secretKey, ...added });
}

function checkedKeys(section: Section, secretKey: string[]): string[] {
  faultAt(section, "secret_key", () => makeSeal("value", { secretKey }));
  return secretKey;
}

// What a storage refuses is the fault of one key.
function faultAt<T>(section: Section, key: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof ConfigError) return section.fault(key, error.message);
    throw error;
  }
}

// Options of the Python package whose work the encoding does here.
const IGNORED_KEYS = ["remaining_depth", "version_validator"];

function ignorePythonKeys(section: Section): void {
  for (const key of IGNORED_KEYS) {
    if (!section.hides(key)) continue;
    warnOnce(
      `ignored ${key}`,
      ["config"],
      `the configuration key ${key} is ignored: values are divided by their size, and formats are ` +
        "numbered",
    );
  }
}

function rebased(path: string, base: string | undefined): string {
  return base === undefined || path === "~" || path.startsWith("~/") || isAbsolute(path)
    ? path
    : resolve(base, path);
}

function rebasedPath(path: string, base: string | undefined): string {
  return path === ":memory:" ? path : rebased(path, base);
}

function rebasedUrl(url: string, base: string | undefined): string {
  // What is no URL of a database is refused as it stands.
  if (url === "" || /^sqlite:(?!\/\/)/i.test(url)) return url;
  if (!url.includes("://")) return rebasedPath(url, base);
  const [, path] = /^sqlite:\/\/\/(.+)$/s.exec(url) ?? [];
  if (path === undefined || path === ":memory:") return url;
  return `sqlite:///${rebased(path, base)}`;
}

/** Options that are there. */
export type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Only the options that are there. */
export function given<T extends object>(options: T): Given<T> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Given<T>;
}
