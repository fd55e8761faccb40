/**
 * docs/configuration.md: every example is used, and its tables list what there is.
 *
 * @module
 */

import { cacheFromConfig, type CacheTable, ConfigError, storageFromConfig } from "@fleche/core";
import assert from "node:assert/strict";
import { join } from "node:path";
import { parse } from "smol-toml";
import { HAS_MARIADB, MariaDb } from "../_mariadb.ts";
import { HAS_POSTGRES, Postgres } from "../_postgres.ts";
import { REPOSITORY } from "../remote/_program.ts";
import { beside, PERMISSIONS, runProgram } from "../storage/_child.ts";
import { ConfigFolder, load } from "./_load.ts";

/** A configuration file to use. */
export interface DocumentedFile {
  readonly folder: string;
  /** The caches in it. */
  readonly names: readonly string[];
}

/** What came of using a cache. */
export interface DocumentedCache {
  readonly name: string;
  readonly class: string;
  /** Whether a stored call was found; left out where nothing can be stored. */
  readonly found?: boolean | undefined;
  /** The same for the cache that was written back and loaded again. */
  readonly foundAgain?: boolean | undefined;
}

const PAGE = Deno.readTextFileSync(join(REPOSITORY, "docs/configuration.md"));
const EXAMPLES = [...PAGE.matchAll(/^```toml\n(.*?)^```$/gms)].map(([, text = ""]) => text);
const isServer = (text: string) => /url = "(postgresql|mysql):/.test(text);

function namesIn(text: string): string[] {
  const tables = parse(text);
  const names = Object.keys(tables).filter((name) => name !== "default");
  return typeof tables["default"] === "object" && "cache" in tables["default"]
    ? [...names, "default"]
    : names;
}

async function use(examples: readonly string[]): Promise<DocumentedCache[]> {
  using folder = new ConfigFolder();
  const files = examples.map((text, index) => {
    folder.write(`home/${index}/fleche.toml`, text);
    return { folder: join(folder.home, String(index)), names: namesIn(text) };
  });
  const { HOME, XDG_CONFIG_HOME, XDG_CACHE_HOME } = folder.env;
  const FLECHE_SECRET_KEY = "ab".repeat(32);
  const env = { HOME, XDG_CONFIG_HOME, XDG_CACHE_HOME, FLECHE_SECRET_KEY };
  const child = await runProgram(beside(import.meta.url, "_documentation_child.ts"), {
    input: JSON.stringify(files),
    runner: ["env", ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
    permissions: [...PERMISSIONS, "--allow-net=127.0.0.1"],
  });
  assert.equal(child.code, 0, child.errors);
  assert.equal(child.errors, "");
  return JSON.parse(child.lines[0] ?? "");
}

Deno.test("every example of the configuration's page works, and does so after being written back", async () => {
  const local = EXAMPLES.filter((text) => !isServer(text));
  // A process has one default cache.
  const withDefault = local.filter((text) => namesIn(text).includes("default"));
  const others = local.filter((text) => !withDefault.includes(text));
  const processes = [others, ...withDefault.map((text) => [text])];
  const used = (await Promise.all(processes.map(use))).flat();
  // Storing nothing is what some are there for, and memory is gone when it is written back.
  const forgetful = ["scratch", "layers", "documented-memory"];
  for (const { name, class: kind, found, foundAgain } of used) {
    const expected = kind === "SshCache"
      ? [undefined, undefined]
      : name === "documented-void"
      ? [false, false]
      : [true, !forgetful.includes(name)];
    assert.deepEqual([found, foundAgain], expected, name);
  }
  assert.equal(used.length, local.flatMap(namesIn).length);
  assert(used.length >= 15);
});

const SERVERS = [
  ["postgresql", HAS_POSTGRES, () => Postgres.start()],
  ["mysql", HAS_MARIADB, () => MariaDb.start()],
] as const;

for (const [scheme, isThere, start] of SERVERS) {
  Deno.test(`the ${scheme} example of the configuration's page works`, {
    ignore: !isThere,
  }, async () => {
    await using server = await start();
    const url = server.url(await server.create());
    const examples = EXAMPLES.filter((text) => text.includes(`"${scheme}:`));
    const used = await use(
      examples.map((text) => text.replace(new RegExp(`"${scheme}:.*"`), JSON.stringify(url))),
    );
    assert.deepEqual(used.map(({ found, foundAgain }) => [found, foundAgain]), [[true, true]]);
  });
}

/** The rows of a table below a heading, told by the heading of its first column. */
function rowsBelow(heading: string, column: string): string[][] {
  const start = PAGE.indexOf(`\n${heading}\n`);
  assert(start >= 0, heading);
  const [section = ""] = PAGE.slice(start + heading.length + 2).split(/^#+ /m);
  const tables = section.trim().split(/\n\n+/).filter((block) => block.startsWith("|"))
    .map((block) =>
      block.split("\n").map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
    );
  const [, , ...rows] = tables.find(([head]) => head?.[0] === column) ?? [];
  assert(rows.length > 0, `${heading}, ${column}`);
  return rows;
}

/** The words that stand in backquotes. */
function quoted(cell: string | undefined): string[] {
  return [...(cell ?? "").matchAll(/`([a-z0-9_]+)`/g)].map(([, word = ""]) => word);
}

/** The keys that an error names if a table has one that there is not. */
function acceptedKeys(build: () => unknown): string[] {
  try {
    build();
  } catch (error) {
    assert(error instanceof ConfigError);
    const [, keys] = /unknown key; it takes (.*)$/.exec(error.message) ?? [];
    assert(keys !== undefined, error.message);
    return keys.split(", ").filter((key) => key !== "type").sort();
  }
  assert.fail("no error");
}

const GIVEN = {
  ...{ root: "x", path: "x", inner: { type: "file", root: "x" } },
  secret_key: ["ab".repeat(32)],
};

Deno.test("the configuration's page lists every type of storage with all its options", () => {
  const types = rowsBelow("## Storages", "type");
  const options = rowsBelow("## Storages", "option");
  assert.deepEqual([types.length, options.length], [8, 11]);
  for (const [type, values, calls, required] of types) {
    const [name = ""] = quoted(type);
    const documented = options.filter(([, , takenBy]) => quoted(takenBy).includes(name));
    const keys = documented.map(([key]) => quoted(key)[0]).sort();
    const needed = documented.filter(([, value]) => value === "required");
    assert.deepEqual(needed.map(([key]) => quoted(key)[0]), quoted(required), name);
    const given = Object.entries(GIVEN).filter(([key]) => keys.includes(key));
    const config = { type: name, ...Object.fromEntries(given), zzzzzzzzzzzz: 1 };
    for (const kind of [values === "yes" ? "value" : "", calls === "yes" ? "call" : ""]) {
      if (kind === "value") {
        assert.deepEqual(acceptedKeys(() => storageFromConfig(config, "value")), keys, name);
      }
      if (kind === "call") {
        // What is for values only: databases have their own checks.
        const own = keys.filter((key) => !(name === "sql" && key === "verify"));
        assert.deepEqual(acceptedKeys(() => storageFromConfig(config, "call")), own, name);
      }
    }
  }
});

Deno.test("the configuration's page lists all settings", async () => {
  using folder = new ConfigFolder({ "home/fleche.toml": "[default]\nzzzzzzzzzzzz = 1\n" });
  const [outcome] = await load([{ cwd: folder.home, env: folder.env }]);
  assert(typeof outcome === "object");
  const keys = rowsBelow("## Settings", "key").flatMap(([key]) => quoted(key));
  const { message = "" } = outcome.error ?? {};
  assert(message.endsWith(`unknown key; it takes ${keys.join(", ")}`), message);
});

const LIMITS = rowsBelow("### Limits", "key").flatMap(([key]) => quoted(key));

const memory = { type: "memory" };

const FORMS: readonly [heading: string, config: CacheTable, general: string[]][] = [
  ["### Two storages", { values: memory, calls: memory }, ["save_timeout", "read_only"]],
  ["### Templates", { template: "memory" }, ["save_timeout", "read_only"]],
  ["### Stacks and pools", { pool: [{ template: "memory" }] }, ["read_only"]],
  ["### On another machine", { type: "ssh", host: "h" }, ["save_timeout", "read_only"]],
];

for (const [heading, config, general] of FORMS) {
  Deno.test(`the configuration's page lists all keys below "${heading}"`, () => {
    const documented = rowsBelow(heading, "key").flatMap(([key]) => quoted(key));
    const keys = documented.filter((key) => key !== "type" && key !== "root");
    const accepted = acceptedKeys(() => cacheFromConfig({ ...config, zzzzzzzzzzzz: 1 }));
    if (config["template"] !== undefined || config["values"] !== undefined) keys.push(...LIMITS);
    const missing = [...keys, ...general].filter((key) => !accepted.includes(key));
    assert.deepEqual(missing, []);
    const others = ["values", "calls", "template", "pool"];
    const undocumented = accepted.filter((key) => ![...keys, ...general, ...others].includes(key));
    assert.deepEqual(undocumented, []);
  });
}
