import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { literalIn } from "./literal.ts";

const CONFIG_FILES = ["deno.json", "deno.jsonc"];

/** An import map (https://html.spec.whatwg.org/multipage/webappapis.html#import-maps). */
interface ImportMap {
  readonly imports: Targets;
  readonly scopes: readonly { readonly prefix: string; readonly imports: Targets }[];
}

/** What specifiers mean: addresses, or names that are not local. */
type Targets = ReadonlyMap<string, string>;

const maps = new Map<string, readonly ImportMap[]>();

/**
 * What a specifier can mean by the import maps of every deno.json around a file, around the program
 * and around the working directory: by their `imports`, and by all of their `scopes` that the file is
 * in. Which of the maps holds is not known.
 *
 * @param specifier how a module is named
 * @param referrer address of the file that imports it
 */
export function configuredTargets(specifier: string, referrer: string): string[] {
  const name = absolute(specifier, referrer);
  const found = [...mapsAround(dirname(fileURLToPath(referrer))), ...programMaps()]
    .flatMap(({ imports, scopes }) => [
      ...scopes
        .filter(({ prefix }) =>
          prefix === referrer || (prefix.endsWith("/") && referrer.startsWith(prefix))
        )
        .map((scope) => targetIn(scope.imports, name)),
      targetIn(imports, name),
    ]);
  return [...new Set(found)].filter((target) => target !== undefined);
}

function targetIn(targets: Targets, name: string): string | undefined {
  const whole = targets.get(name);
  if (whole !== undefined) return whole;
  // The longest key with a slash at its end that the specifier begins with.
  const [key] = [...targets.keys()]
    .filter((each) => each.endsWith("/") && name.startsWith(each))
    .sort((one, other) => other.length - one.length);
  const folder = key === undefined ? undefined : targets.get(key);
  if (key === undefined || folder === undefined) return undefined;
  return absolute(folder + name.slice(key.length), folder);
}

// Paths and addresses become addresses; other names stay as they are.
function absolute(name: string, base: string): string {
  if (/^\.{0,2}\//.test(name)) return new URL(name, base).href;
  return URL.canParse(name) ? new URL(name).href : name;
}

let ofProgram: readonly ImportMap[] | undefined;

// The working directory may change later, which import maps do not follow.
function programMaps(): readonly ImportMap[] {
  return ofProgram ??= [...new Set([programFolder(), workingFolder()])]
    .flatMap((folder) => folder === undefined ? [] : mapsAround(folder));
}

function programFolder(): string | undefined {
  const { mainModule } = Deno;
  return mainModule.startsWith("file:") ? dirname(fileURLToPath(mainModule)) : undefined;
}

function workingFolder(): string | undefined {
  try {
    return Deno.cwd();
  } catch (error) {
    const isUnknown = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied;
    if (isUnknown) return undefined;
    throw error;
  }
}

function mapsAround(directory: string): readonly ImportMap[] {
  const known = maps.get(directory);
  if (known !== undefined) return known;
  const own = CONFIG_FILES.map((name) => join(directory, name)).flatMap((path) => mapsIn(path));
  const parent = dirname(directory);
  const found = parent === directory ? own : [...own, ...mapsAround(parent)];
  maps.set(directory, found);
  return found;
}

// A configuration has its import map in it, or names the file that it is in.
function mapsIn(path: string): ImportMap[] {
  const config = tableIn(path);
  if (config === undefined) return [];
  const base = pathToFileURL(path).href;
  const maps = [importMap(config, base)];
  const other = config["importMap"];
  if (typeof other !== "string" || URL.canParse(other)) return maps;
  const url = new URL(other, base);
  const table = tableIn(fileURLToPath(url));
  return table === undefined ? maps : [...maps, importMap(table, url.href)];
}

function tableIn(path: string): Readonly<Record<string, unknown>> | undefined {
  const text = readIfThere(path);
  const value = text === undefined ? undefined : literalIn(text);
  return isTable(value) ? value : undefined;
}

function importMap(
  { imports, scopes }: Readonly<Record<string, unknown>>,
  base: string,
): ImportMap {
  return {
    imports: targetsIn(imports, base),
    scopes: Object.entries(isTable(scopes) ? scopes : {}).filter(([prefix]) =>
      URL.canParse(prefix, base)
    ).map(([prefix, targets]) => ({
      prefix: new URL(prefix, base).href,
      imports: targetsIn(targets, base),
    })),
  };
}

function targetsIn(table: unknown, base: string): Targets {
  const entries = Object.entries(isTable(table) ? table : {});
  return new Map(
    entries.flatMap(([key, target]) =>
      typeof target === "string" ? [[absolute(key, base), absolute(target, base)]] : []
    ),
  );
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.IsADirectory ||
      error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied;
    if (isAbsent) return undefined;
    throw error;
  }
}
