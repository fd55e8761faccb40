import * as acorn from "acorn";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { callSites, isLibraryFile, isRuntimeFile } from "./_stack.ts";
import { keyName, literalValue } from "./literal.ts";

/** Where a function is defined, in words that hold on every machine. */
export interface ModuleIdentity {
  /** `<package name>/<path>`, or a specifier without its version; null if there is no such name. */
  readonly module: string | null;
  /** Why there is none, and what to do about it. */
  readonly remedy?: string;
}

const PACKAGE_FILES = ["deno.json", "deno.jsonc", "package.json"];

interface PackageRoot {
  readonly directory: string;
  readonly name: string;
}

const roots = new Map<string, PackageRoot | null>();

/** The files that call a function, as paths or URLs, nearest first, each once. */
export function callerFiles(callee: (...args: never[]) => unknown): readonly string[] {
  const files = callSites(callee, 40)
    .map((site) => site.getFileName() ?? "")
    .filter((file) => file !== "" && !isRuntimeFile(file) && !isLibraryFile(file));
  return [...new Set(files)];
}

/** Whether a module is a prompt, where definitions follow one another. */
export function isInteractive(file: string | undefined): boolean {
  return file?.includes("$deno$") ?? true;
}

/** The identity of a module, given its path or URL; undefined where no file is known. */
export function fileIdentity(file: string | undefined): ModuleIdentity {
  if (file === undefined) {
    return { module: null, remedy: "it was defined where no file is known: set the option module" };
  }
  if (/^https?:/.test(file)) return { module: registryModule(file) };
  if (file.includes("$deno$")) {
    return { module: null, remedy: "it was defined at a prompt: set the option module" };
  }
  const path = file.startsWith("file:") ? fileURLToPath(file) : file;
  const npm = npmModule(path);
  if (npm !== undefined) return { module: npm };
  if (!path.startsWith("/") && !/^[A-Za-z]:[\\/]/.test(path)) {
    return { module: null, remedy: "it was defined where no file is known: set the option module" };
  }
  const root = packageRoot(dirname(path));
  if (root === null) {
    return {
      module: null,
      remedy: isCompiled()
        ? "this program does not embed a deno.json with a name: compile with --include deno.json"
        : "there is no deno.json or package.json with a name around it: add one, or set the " +
          "option module",
    };
  }
  const below = relative(root.directory, path).split(sep).join("/");
  return { module: `${root.name}/${below}` };
}

// https://jsr.io/@scope/name/1.2.3/path is jsr:@scope/name/path; other addresses lose only what is
// secret or fleeting.
function registryModule(address: string): string {
  const url = new URL(address);
  const jsr = /^\/(@[^/]+\/[^/]+)\/[^/]+\/(.*)$/.exec(url.pathname);
  if (url.hostname === "jsr.io" && jsr !== null) return `jsr:${jsr[1]}/${jsr[2]}`;
  return url.origin + url.pathname;
}

// …/node_modules/<package>/<path>, or Deno's own …/npm/<registry>/<package>/<version>/<path>.
function npmModule(path: string): string | undefined {
  const parts = path.split(/[\\/]/);
  const modules = parts.lastIndexOf("node_modules");
  if (modules !== -1) return npmName(parts.slice(modules + 1), false);
  for (const [index, part] of parts.entries()) {
    if (part !== "npm" || !parts[index + 1]?.includes(".")) continue;
    const name = npmName(parts.slice(index + 2), true);
    if (name !== undefined) return name;
  }
}

function npmName(parts: readonly string[], versioned: boolean): string | undefined {
  const length = parts[0]?.startsWith("@") ? 2 : 1;
  const name = parts.slice(0, length).join("/");
  if (versioned && !/^\d+\.\d+\.\d+/.test(parts[length] ?? "")) return undefined;
  return `npm:${[name, ...parts.slice(versioned ? length + 1 : length)].join("/")}`;
}

function isCompiled(): boolean {
  return Reflect.get(Deno.build, "standalone") === true;
}

// The nearest folder with a package file decides: one further up belongs to something else.
function packageRoot(directory: string): PackageRoot | null {
  const known = roots.get(directory);
  if (known !== undefined) return known;
  let root: PackageRoot | null | undefined;
  for (const name of PACKAGE_FILES) {
    const found = packageName(join(directory, name));
    if (found === undefined) continue;
    if (found !== "") root = { directory, name: found };
    else root ??= null;
    if (root !== null) break;
  }
  if (root === undefined) {
    const parent = dirname(directory);
    // The files of a compiled program stand in a folder that does not really exist.
    const end = parent === directory ||
      (isCompiled() && /[\\/]deno-compile-[^\\/]*$/.test(directory));
    root = end ? null : packageRoot(parent);
  }
  roots.set(directory, root);
  return root;
}

/** The name in a package file: empty if it has none, undefined if there is no such file. */
function packageName(path: string): string | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.IsADirectory ||
      error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied;
    if (absent) return undefined;
    throw error;
  }
  return nameIn(text);
}

// Deno's files may have comments and trailing commas, so they are read as the JavaScript they are.
function nameIn(text: string): string {
  let expression: acorn.Expression;
  try {
    expression = acorn.parseExpressionAt(text, 0, { ecmaVersion: "latest" });
  } catch (error) {
    if (error instanceof SyntaxError) return "";
    throw error;
  }
  if (expression.type !== "ObjectExpression") return "";
  for (const property of expression.properties) {
    if (property.type !== "Property" || keyName(property.key) !== "name") continue;
    const value = literalValue(property.value);
    return typeof value === "string" ? value : "";
  }
  return "";
}
