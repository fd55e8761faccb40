import { tsPlugin } from "@sveltejs/acorn-typescript";
import * as acorn from "acorn";
import { scanImports } from "./import_scan.ts";
import { literalValue } from "./literal.ts";

/** One module that another one imports. */
export interface ModuleImport {
  /** How it is named there. */
  readonly specifier: string;
  /** Whether its text is data, not a program. */
  readonly isData: boolean;
  /** Whether this is a text that may be no import at all. */
  readonly isGuess?: boolean;
}

/** What a module's text says. */
export interface ModuleSource {
  /** The texts of the tokens, without comments and white space; or the text as it is. */
  readonly tokens: readonly string[];
  /** What it imports, but for types. */
  readonly imports: readonly ModuleImport[];
}

/**
 * Words that are names or keywords, by whether a line ends before or after them. Elsewhere a line
 * that ends changes nothing that the tokens do not say.
 */
const LINE_SENSITIVE = new Set([
  ...["++", "--", "!", "return", "break", "continue", "throw", "yield", "async", "await", "using"],
  ...["get", "set", "static", "accessor", "let", "of", "type", "interface", "declare", "abstract"],
  ...["namespace", "module", "global", "as", "satisfies", "is", "asserts", "readonly", "override"],
  ...["public", "private", "protected", "infer", "keyof", "unique", "enum"],
]);

const LINE_END = /[\n\r\u2028\u2029]/;

/** Comments that say how JSX is compiled. */
const PRAGMA = /@jsx(Frag|ImportSource|ImportSourceTypes|Runtime)?\b/;

const typeScript = acorn.Parser.extend(tsPlugin());
const typeScriptWithJsx = acorn.Parser.extend(tsPlugin({ jsx: true }));

function parserFor(path: string): typeof acorn.Parser {
  if (/\.[tj]sx$/.test(path)) return typeScriptWithJsx;
  return /\.m?ts$/.test(path) ? typeScript : acorn.Parser;
}

/** A module that is parsed. */
export interface ParsedModule {
  /** Its syntax. */
  readonly program: acorn.Program;
  /** Its tokens, in order. */
  readonly tokens: readonly acorn.Token[];
  /** The comments that say how JSX is compiled. */
  readonly pragmas: readonly string[];
}

/**
 * Parses the text of a module: JavaScript or TypeScript, as the end of its path says.
 *
 * @returns The module, or what the parser says of a text that it does not know.
 */
export function parseModule(path: string, text: string): ParsedModule | SyntaxError {
  const tokens: acorn.Token[] = [];
  const pragmas: string[] = [];
  try {
    const program = parserFor(path).parse(text, {
      ecmaVersion: "latest",
      sourceType: "module",
      // The TypeScript parser works with these only.
      locations: true,
      // Where it has tried one reading and takes another, the last one counts.
      onToken: (token) => {
        while ((tokens.at(-1)?.start ?? -1) >= token.start) tokens.pop();
        tokens.push(token);
      },
      onComment: (_, comment) => {
        if (PRAGMA.test(comment) && !pragmas.includes(comment)) pragmas.push(comment);
      },
    });
    return { program, tokens, pragmas };
  } catch (error) {
    if (error instanceof SyntaxError) return error;
    throw error;
  }
}

/**
 * Reads the text of a module. Of one that does not parse, which may be newer syntax, everything counts,
 * and whatever it may import.
 *
 * @throws {TypeError} If it imports what cannot be known before it runs.
 */
export function readModule(path: string, text: string): ModuleSource {
  const parsed = parseModule(path, text);
  if (parsed instanceof SyntaxError) return unparsed(path, text, parsed);
  const { program, tokens, pragmas } = parsed;
  const imports: ModuleImport[] = [];
  addImports(program, path, imports);
  return { tokens: [...pragmas, ...texts(tokens, text)], imports };
}

function unparsed(path: string, text: string, error: SyntaxError): ModuleSource {
  const specifiers = scanImports(text);
  if (specifiers === undefined) {
    throw new TypeError(
      `Cannot read the module ${path}: ${error.message}, and what it imports is not certain; ` +
        "set hashCode to true",
      { cause: error },
    );
  }
  const imports = specifiers.flatMap((specifier) => [
    { specifier, isData: true, isGuess: true },
    // What has another ending is imported as data only.
    ...(/\.([cm]?[jt]sx?)$|(^|\/)[^.\/]+$/.test(specifier)
      ? [{ specifier, isData: false, isGuess: true }]
      : []),
  ]);
  return { tokens: [text], imports };
}

function texts(tokens: readonly acorn.Token[], text: string): string[] {
  const found: string[] = [];
  let last = 0;
  let before = "";
  for (const { start, end } of tokens) {
    if (start === end) continue;
    const token = text.slice(start, end);
    const isSensitive = LINE_SENSITIVE.has(before) || LINE_SENSITIVE.has(token);
    if (isSensitive && LINE_END.test(text.slice(last, start))) found.push("\n");
    found.push(token);
    before = token;
    last = end;
  }
  return found;
}

/** A node of JavaScript or TypeScript, as far as imports go. */
interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value &&
    typeof value.type === "string";
}

function addImports(node: Node | acorn.Program, path: string, imports: ModuleImport[]): void {
  const fields: Node = { ...node };
  switch (fields.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
      if (fields["importKind"] === "type" || fields["exportKind"] === "type") return;
      if (isNode(fields["source"])) imports.push(...importsOf(fields["source"], fields, path));
      break;
    case "ImportExpression":
      if (isNode(fields["source"])) imports.push(...importsOf(fields["source"], fields, path));
      break;
    case "TSExternalModuleReference":
      if (isNode(fields["expression"])) {
        imports.push(...importsOf(fields["expression"], fields, path));
      }
      break;
    case "TSImportType":
      return;
  }
  for (const child of Object.values(fields)) {
    if (Array.isArray(child)) {
      for (const each of child) if (isNode(each)) addImports(each, path, imports);
    } else if (isNode(child)) addImports(child, path, imports);
  }
}

function importsOf(source: Node, declaration: Node, path: string): ModuleImport[] {
  const specifier = textOf(source);
  if (specifier === undefined) {
    throw new TypeError(
      `Cannot hash the module ${path}: it imports a module whose name is computed; ` +
        "give the name as a literal, or set hashCode to true",
    );
  }
  if (/\.(jsonc?|wasm)$/.test(specifier)) return [{ specifier, isData: true }];
  const type = typeOf(declaration);
  if (type === undefined) return [{ specifier, isData: false }];
  if (typeof type === "string" && DATA_TYPES.has(type)) return [{ specifier, isData: true }];
  if (type !== UNKNOWN) {
    throw new TypeError(
      `Cannot hash the module ${path}: it imports "${specifier}" as the unknown type ` +
        `${String(type)}; set hashCode to true`,
    );
  }
  return [{ specifier, isData: false }, { specifier, isData: true }];
}

/** The types of data that Deno imports (https://docs.deno.com/runtime/fundamentals/modules/). */
const DATA_TYPES = new Set(["json", "text", "bytes"]);

/** A type that is known only when the program runs. */
const UNKNOWN = Symbol("unknown");

// What the attribute "type" says, undefined where there is none. The TypeScript parser has the options
// of a dynamic import as arguments.
function typeOf({ type, attributes, options, arguments: rest }: Node): unknown {
  if (type !== "ImportExpression") {
    const named = Array.isArray(attributes) ? attributes.filter(isAttribute) : [];
    return named.find(({ key }) => (key.name ?? key.value) === "type")?.value.value;
  }
  const given = isNode(options) ? options : Array.isArray(rest) ? rest[0] : undefined;
  if (!isExpression(given)) return undefined;
  const value = literalValue(given);
  if (!isRecord(value)) return UNKNOWN;
  const settings = value["with"];
  if (settings === undefined) return undefined;
  return isRecord(settings) ? settings["type"] : UNKNOWN;
}

function isExpression(value: unknown): value is acorn.Expression {
  return isNode(value);
}

function isAttribute(value: unknown): value is {
  readonly key: { readonly name?: string; readonly value?: unknown };
  readonly value: { readonly value: unknown };
} {
  return isNode(value) && isNode(value["key"]) && isNode(value["value"]);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// A string, or a template without holes.
function textOf({ type, value, quasis, expressions }: Node): string | undefined {
  if (type === "Literal" && typeof value === "string") return value;
  if (type !== "TemplateLiteral" || !Array.isArray(quasis) || !Array.isArray(expressions)) return;
  const cooked: unknown = expressions.length === 0 ? quasis[0]?.value?.cooked : undefined;
  return typeof cooked === "string" ? cooked : undefined;
}
