import * as acorn from "acorn";
import { digest } from "../codec/digest_value.ts";

/** A function's source text, parsed. */
export interface ParsedFunction {
  /** The function's node; its positions refer to the text that was parsed. */
  readonly node: acorn.Function;
  /** The texts of the tokens, without comments and white space. */
  readonly tokens: readonly string[];
}

/** How a function's own text can stand in a program: by itself, as a method, as a class member. */
const SETTINGS: readonly (readonly [string, string])[] = [
  ["(", ")"],
  ["({", "})"],
  ["(class extends Object {", "})"],
];

/** Whether a source text is what a native or bound function has instead of one. */
export function isNativeSource(text: string): boolean {
  return /\{\s*\[native code\]\s*\}\s*$/.test(text);
}

/**
 * Parses the source text of a function.
 *
 * @returns The function, or undefined if this parser does not know the syntax.
 * @throws {TypeError} If the text is that of a class.
 */
export function parseFunction(text: string): ParsedFunction | undefined {
  for (const [before, after] of SETTINGS) {
    for (const sourceType of ["module", "script"] as const) {
      const parsed = tryParse(text, before, after, sourceType);
      if (parsed !== undefined) return parsed;
    }
  }
}

function tryParse(
  text: string,
  before: string,
  after: string,
  sourceType: "module" | "script",
): ParsedFunction | undefined {
  const program = before + text + after;
  const end = before.length + text.length;
  const tokens: string[] = [];
  let last = before.length;
  const onToken = ({ start, end: stop }: acorn.Token) => {
    if (start < before.length || stop > end) return;
    const token = program.slice(start, stop);
    // A line break counts where it can end a statement; elsewhere the tokens say it all.
    const restricted = token === "++" || token === "--" ||
      /^(return|break|continue|yield)$/.test(tokens.at(-1) ?? "");
    if (restricted && /[\n\r\u2028\u2029]/.test(program.slice(last, start))) tokens.push("\n");
    tokens.push(token);
    last = stop;
  };
  let root: acorn.Program;
  try {
    root = acorn.parse(program, { ecmaVersion: "latest", sourceType, onToken });
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const node = functionIn(root);
  return node === undefined ? undefined : { node, tokens };
}

function functionIn(root: acorn.Program): acorn.Function | undefined {
  const [statement] = root.body;
  if (statement?.type !== "ExpressionStatement") return undefined;
  const { expression } = statement;
  switch (expression.type) {
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      return expression;
    case "ObjectExpression": {
      const [property] = expression.properties;
      const value = property?.type === "Property" ? property.value : undefined;
      return value?.type === "FunctionExpression" ? value : undefined;
    }
    case "ClassExpression": {
      const [member] = expression.body.body;
      return member?.type === "MethodDefinition" ? member.value : undefined;
    }
    default:
      return undefined;
  }
}

/** The digest of a function's source, which comments and white space do not change. */
export function sourceDigest(parsed: ParsedFunction): string {
  return digest(parsed.tokens).hex;
}

/** Whether a function takes anything from its `this`; nested functions have their own. */
export function usesThis(node: acorn.Function): boolean {
  return [...node.params, node.body].some(mentionsThis);
}

function mentionsThis(node: acorn.AnyNode): boolean {
  switch (node.type) {
    case "ThisExpression":
    case "Super":
      return true;
    case "FunctionDeclaration":
    case "FunctionExpression":
      return false;
    case "ClassDeclaration":
    case "ClassExpression":
      return node.superClass != null && mentionsThis(node.superClass);
  }
  return Object.values(node).some((child: unknown) =>
    Array.isArray(child)
      ? child.some((each) => isNode(each) && mentionsThis(each))
      : isNode(child) && mentionsThis(child)
  );
}

function isNode(value: unknown): value is acorn.AnyNode {
  return typeof value === "object" && value !== null && "type" in value &&
    typeof value.type === "string";
}
