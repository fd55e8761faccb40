import * as acorn from "acorn";

/** Where a text may have a dynamic import: the word, then, comments aside, the parenthesis. */
const GAP = String.raw`(?:\s|\/\*[^]*?\*\/|\/\/.*)*`;
const DYNAMIC = new RegExp(
  String.raw`\bimport${GAP}(?:\.${GAP}(?:defer|source)${GAP})?\(${GAP}`,
  "g",
);
const QUOTED = /(["'])(?:\\[^]|(?!\1)[^\\\r\n])*\1/y;
const TEMPLATE = /`(?:\\[^]|[^\\`$])*`/y;

/**
 * What a module that does not parse may import: every quoted text in it, and the templates that
 * dynamic imports begin with; undefined if one of these may be given a name that is computed.
 */
export function scanImports(text: string): string[] | undefined {
  const found = new Set<string>();
  const add = (literal: string | undefined) => {
    const value = literal === undefined ? undefined : stringIn(literal);
    if (value !== undefined) found.add(value);
    return literal !== undefined;
  };
  for (const { index, 0: match } of text.matchAll(DYNAMIC)) {
    const start = index + match.length;
    const literal = matchAt(QUOTED, text, start) ?? matchAt(TEMPLATE, text, start);
    const after = text.slice(start + (literal?.length ?? 0));
    const isWhole = new RegExp(String.raw`^${GAP}[,)]`).test(after);
    if (!isWhole || !add(literal)) return undefined;
  }
  // Which of two quotes begins a literal is not known, so each of them may.
  for (const { index } of text.matchAll(/["']/g)) add(matchAt(QUOTED, text, index));
  return [...found];
}

function matchAt(pattern: RegExp, text: string, index: number): string | undefined {
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0];
}

// Undefined where it is no literal after all, so that nothing can be imported by that name.
function stringIn(literal: string): string | undefined {
  try {
    const node = acorn.parseExpressionAt(literal, 0, { ecmaVersion: "latest" });
    if (node.end !== literal.length) return undefined;
    if (node.type === "TemplateLiteral") return node.quasis[0]?.value.cooked ?? undefined;
    return node.type === "Literal" && typeof node.value === "string" ? node.value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
