import { fileURLToPath, pathToFileURL } from "node:url";
import { digest } from "../codec/digest_value.ts";
import { fileIdentity } from "./module_identity.ts";
import { configuredTargets } from "./import_map.ts";
import { type ModuleImport, readModule } from "./module_source.ts";

/** A module, or data that is imported like one: digest of its tokens or bytes, and its imports. */
interface Part {
  readonly content: string;
  readonly imports: readonly ModuleImport[];
}

const parts = new Map<string, Part>();
const digests = new Map<string, string>();

/**
 * The digest of a module's own file and of every local module that it imports, directly or not:
 * their tokens, without comments and white space. Of what comes from elsewhere, such as packages,
 * only the name counts. Where the files are makes no difference.
 *
 * A file counts as it is when it is first read.
 *
 * @param file its path or URL
 * @throws {TypeError} If one of the modules cannot be read.
 */
export function moduleDigest(file: string): string {
  const url = file.startsWith("file:") ? file : pathToFileURL(file).href;
  let found = digests.get(url);
  if (found === undefined) digests.set(url, found = computeDigest(url));
  return found;
}

/** What a part is found by: one file can be a module and data as well. */
function partName(url: string, isData: boolean): string {
  return `${isData ? "data" : "module"} ${url}`;
}

function computeDigest(root: string): string {
  const numbers = new Map([[partName(root, false), 0]]);
  const queue = [{ url: root, isData: false }];
  const described: unknown[] = [];
  for (const { url, isData } of queue) {
    const { content, imports } = partOf(url, isData);
    const edges = imports.map((each) =>
      localTargets(each, url).map((target) => {
        const name = partName(target, each.isData);
        let number = numbers.get(name);
        if (number === undefined) {
          numbers.set(name, number = queue.length);
          queue.push({ url: target, isData: each.isData });
        }
        return number;
      })
    );
    described.push([content, edges]);
  }
  return digest(described).hex;
}

function partOf(url: string, isData: boolean): Part {
  const name = partName(url, isData);
  let part = parts.get(name);
  if (part !== undefined) return part;
  const path = fileURLToPath(url);
  if (isData) {
    const bytes = read(url, Deno.readFileSync);
    part = {
      content: digest(bytes).hex,
      imports: path.endsWith(".wasm") ? wasmImports(bytes) : [],
    };
  } else if (/\.c[jt]s$/.test(path)) {
    throw new TypeError(`Cannot hash the module ${path}: it is a CommonJS module`);
  } else {
    const { tokens, imports } = readModule(path, read(url, Deno.readTextFileSync));
    part = { content: digest(tokens).hex, imports };
  }
  parts.set(name, part);
  return part;
}

// A WebAssembly module that is imported imports modules itself; one that is instantiated by hand is
// given something else by these names.
function wasmImports(bytes: Uint8Array<ArrayBuffer>): ModuleImport[] {
  try {
    return WebAssembly.Module.imports(new WebAssembly.Module(bytes))
      .map(({ module }) => ({ specifier: module, isData: false, isGuess: true }));
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return [];
    throw error;
  }
}

function read<T>(url: string, readFile: (url: URL) => T): T {
  try {
    return readFile(new URL(url));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new TypeError(`Cannot read the module ${fileURLToPath(url)}: ${error.message}`, {
      cause: error,
    });
  }
}

// The files that a specifier can mean, none if it means what is not local. Which import map holds is
// not always known: where two differ, all targets count that are there.
function localTargets({ specifier, isGuess = false }: ModuleImport, base: string): string[] {
  const target = /^\.{0,2}\//.test(specifier) ? new URL(specifier, base).href : specifier;
  const found = new Set(configuredTargets(specifier, base));
  try {
    found.add(import.meta.resolve(target));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    if (found.size === 0 && !isGuess) {
      throw new TypeError(
        `Cannot hash the module ${
          fileURLToPath(base)
        }: what it imports as "${specifier}" is not known`,
        { cause: error },
      );
    }
  }
  const there = [...found].filter((url) => !isLocal(url) || isThere(url));
  return (there.length > 0 || isGuess ? there : [...found]).filter(isLocal);
}

function isThere(url: string): boolean {
  try {
    return Deno.statSync(new URL(url)).isFile;
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (isAbsent) return false;
    // What cannot be looked at is named when it is read.
    if (error instanceof Error) return true;
    throw error;
  }
}

function isLocal(url: string): boolean {
  if (!url.startsWith("file:") || isOwn(url)) return false;
  return fileIdentity(url).module?.startsWith("npm:") !== true;
}

/** The folder of this library, where it stands in files of its own. */
const LIBRARY = /^(file:.*\/)src\/profile\/module_digest\.ts$/.exec(import.meta.url)?.[1];

// The library is a package like others, also where it is developed.
function isOwn(url: string): boolean {
  return LIBRARY !== undefined && (url === `${LIBRARY}mod.ts` || url.startsWith(`${LIBRARY}src/`));
}
