import * as acorn from "acorn";

/**
 * The value of a literal: number, string, boolean, null, unary minus, a template without holes, and
 * arrays and objects of these.
 *
 * @returns The value, deeply frozen, or undefined for any other expression.
 */
export function literalValue(node: acorn.Expression): unknown {
  switch (node.type) {
    case "Literal":
      return isPlain(node.value) ? node.value : undefined;
    case "TemplateLiteral":
      return node.expressions.length === 0 ? node.quasis[0]?.value.cooked ?? undefined : undefined;
    case "UnaryExpression": {
      const value = node.operator === "-" ? literalValue(node.argument) : undefined;
      return typeof value === "number" ? -value : undefined;
    }
    case "ArrayExpression":
      return arrayValue(node);
    case "ObjectExpression":
      return objectValue(node);
    default:
      return undefined;
  }
}

function isPlain(value: unknown): boolean {
  return value === null || ["number", "string", "boolean"].includes(typeof value);
}

function arrayValue(node: acorn.ArrayExpression): unknown {
  const array: unknown[] = [];
  for (const element of node.elements) {
    if (element === null || element.type === "SpreadElement") return undefined;
    const value = literalValue(element);
    if (value === undefined) return undefined;
    array.push(value);
  }
  return Object.freeze(array);
}

function objectValue(node: acorn.ObjectExpression): unknown {
  const record: Record<string, unknown> = {};
  for (const property of node.properties) {
    if (property.type !== "Property" || property.kind !== "init" || property.computed) return;
    const key = keyName(property.key);
    const value = literalValue(property.value);
    if (key === undefined || key === "__proto__" || value === undefined) return undefined;
    record[key] = value;
  }
  return Object.freeze(record);
}

/** The name of a property that is not computed. */
export function keyName(key: acorn.Expression | acorn.PrivateIdentifier): string | undefined {
  if (key.type === "Identifier") return key.name;
  return key.type === "Literal" && isPlain(key.value) ? String(key.value) : undefined;
}

/**
 * The value of a text that is a literal, such as JSON, with comments and trailing commas.
 *
 * @returns The value, or undefined if it is anything else.
 */
export function literalIn(text: string): unknown {
  try {
    return literalValue(acorn.parseExpressionAt(text, 0, { ecmaVersion: "latest" }));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
