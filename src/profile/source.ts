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
const SETTINGS: readonly Setting[] = [
  { before: "(", after: ")", functionIn: (expression) => expression },
  {
    before: "({",
    after: "})",
    functionIn: (expression) => {
      const property = expression.type === "ObjectExpression"
        ? expression.properties[0]
        : undefined;
      return property?.type === "Property" ? property.value : undefined;
    },
  },
  {
    before: "(class extends Object {",
    after: "})",
    functionIn: (expression) => {
      const member = expression.type === "ClassExpression" ? expression.body.body[0] : undefined;
      return member?.type === "MethodDefinition" ? member.value : undefined;
    },
  },
];

interface Setting {
  readonly before: string;
  readonly after: string;
  functionIn(expression: acorn.Expression): acorn.Expression | undefined;
}

/** Whether a source text is what a native or bound function has instead of one. */
export function isNativeSource(text: string): boolean {
  return /\{\s*\[native code\]\s*\}\s*$/.test(text);
}

/**
 * Parses the source text of a function.
 *
 * @returns The function, or undefined if it is none, or this parser does not know the syntax.
 */
export function parseFunction(text: string): ParsedFunction | undefined {
  for (const setting of SETTINGS) {
    for (const sourceType of ["module", "script"] as const) {
      const parsed = tryParse(text, setting, sourceType);
      if (parsed !== undefined) return parsed;
    }
  }
}

function tryParse(
  text: string,
  { before, after, functionIn }: Setting,
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
      /^(return|break|continue|yield|async|using)$/.test(tokens.at(-1) ?? "");
    if (restricted && /[\n\r\u2028\u2029]/.test(program.slice(last, start))) tokens.push("\n");
    tokens.push(token);
    last = stop;
  };
  let root: acorn.Program;
  try {
    root = acorn.parse(program, {
      ecmaVersion: "latest",
      sourceType,
      // What surrounds the function is not known: a class with private fields, a method.
      checkPrivateFields: false,
      allowSuperOutsideMethod: true,
      onToken,
    });
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const [statement] = root.body;
  if (statement?.type !== "ExpressionStatement") return undefined;
  const node = functionIn(statement.expression);
  const isFunction = node?.type === "FunctionExpression" ||
    node?.type === "ArrowFunctionExpression";
  return isFunction ? { node, tokens } : undefined;
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
      // Computed keys belong to what surrounds the class.
      return (node.superClass != null && mentionsThis(node.superClass)) ||
        node.body.body.some((member) =>
          "computed" in member && member.computed && mentionsThis(member.key)
        );
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
