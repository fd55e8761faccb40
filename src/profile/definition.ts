import { fileURLToPath } from "node:url";
import { parseModule } from "./module_source.ts";
import { type FunctionShapes, functionShapes, hasFunction } from "./shape.ts";
import type { ParsedFunction } from "./source.ts";

/** What a file says of the functions in it. */
interface FileFacts {
  readonly path: string;
  readonly text: string;
  readonly words: ReadonlySet<string>;
  /** Found when they are needed; null if the file does not parse. */
  shapes?: FunctionShapes | null;
}

const known = new Map<string, FileFacts | undefined>();

/** Words that are no names, or that the compiler can add. */
const RESERVED = new Set([
  ...[
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
  ],
  ...[
    "delete",
    "do",
    "else",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "get",
    "if",
  ],
  ...["import", "in", "instanceof", "let", "new", "null", "of", "return", "set", "static", "super"],
  ...[
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
  ],
  ...["yield", "using", "constructor", "React", "createElement", "Fragment", "children"],
]);

/**
 * Which of some files a function is defined in, nearest first.
 *
 * A function is known by its syntax without types, which is the same as written and as compiled. To see
 * that one file alone can be meant, its names do.
 *
 * @param files what is running, as paths or URLs, nearest first
 * @param isSure whether its syntax has to be found, even in the only file
 * @returns None if it is in none of them; the nearest if it cannot be read.
 */
export function definingFiles(
  files: readonly string[],
  fn: ParsedFunction,
  isSure: boolean,
): readonly string[] {
  const [nearest] = files;
  if (nearest === undefined) return [];
  const found = files.filter((file) => {
    const facts = factsOf(file);
    if (facts === undefined || !namesIn(fn).every((name) => facts.words.has(name))) return false;
    return (!isSure && files.length === 1) || hasSyntax(facts, fn);
  });
  return found.length === 0 && factsOf(nearest) === undefined ? [nearest] : found;
}

// The compiler's own names begin with an underscore.
function namesIn({ tokens }: ParsedFunction): string[] {
  return tokens
    .map((token) => token.replace(/^#/, ""))
    .filter((token) => /^[\p{ID_Start}$][\p{ID_Continue}$]*$/u.test(token) && !RESERVED.has(token));
}

function hasSyntax(facts: FileFacts, { node }: ParsedFunction): boolean {
  if (facts.shapes === undefined) {
    const parsed = parseModule(facts.path, facts.text);
    facts.shapes = parsed instanceof SyntaxError ? null : functionShapes(parsed.program);
  }
  return facts.shapes === null || hasFunction(facts.shapes, node);
}

// Undefined where it is not local, or cannot be read.
function factsOf(file: string): FileFacts | undefined {
  if (known.has(file)) return known.get(file);
  const facts = readFacts(file);
  known.set(file, facts);
  return facts;
}

function readFacts(file: string): FileFacts | undefined {
  const isUrl = file.startsWith("file:");
  if (!isUrl && !/^(\/|[A-Za-z]:[\\/])/.test(file)) return undefined;
  const path = isUrl ? fileURLToPath(file) : file;
  try {
    const text = Deno.readTextFileSync(path);
    return { path, text, words: new Set(text.match(/[\p{ID_Continue}$]+/gu)) };
  } catch (error) {
    const isUnreadable = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.IsADirectory ||
      error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied;
    if (isUnreadable) return undefined;
    throw error;
  }
}
