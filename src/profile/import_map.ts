import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { literalIn } from "./literal.ts";

const CONFIG_FILES = ["deno.json", "deno.jsonc"];

interface ImportMap {
  /** Address of the folder that relative targets begin at. */
  readonly base: string;
  readonly imports: Readonly<Record<string, unknown>>;
}

const maps = new Map<string, ImportMap | null>();

/**
 * What a specifier means by the `imports` of the nearest deno.json around a file, if they have it.
 *
 * @param specifier anything but a path
 * @param path the file that imports it
 */
export function configuredTargets(specifier: string, path: string): string[] {
  const map = nearestMap(dirname(path));
  if (map === null) return [];
  const { base, imports } = map;
  const whole = imports[specifier];
  if (typeof whole === "string") return [targetOf(whole, base)];
  // The longest key with a slash at its end that the specifier begins with.
  const [key] = Object.keys(imports)
    .filter((each) => each.endsWith("/") && specifier.startsWith(each))
    .sort((one, other) => other.length - one.length);
  const folder = key === undefined ? undefined : imports[key];
  if (key === undefined || typeof folder !== "string") return [];
  return [targetOf(folder + specifier.slice(key.length), base)];
}

function targetOf(target: string, base: string): string {
  return /^\.{0,2}\//.test(target) ? new URL(target, base).href : target;
}

function nearestMap(directory: string): ImportMap | null {
  const known = maps.get(directory);
  if (known !== undefined) return known;
  let map: ImportMap | null = null;
  const text = CONFIG_FILES.map((name) => readIfThere(join(directory, name)))
    .find((each) => each !== undefined);
  const parent = dirname(directory);
  if (text === undefined) map = parent === directory ? null : nearestMap(parent);
  else {
    const config = literalIn(text);
    const imports = isTable(config) ? config["imports"] : undefined;
    map = { base: `${pathToFileURL(directory).href}/`, imports: isTable(imports) ? imports : {} };
  }
  maps.set(directory, map);
  return map;
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
