import { digest } from "../codec/digest_value.ts";

/** A node of JavaScript or TypeScript. */
interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What is left of a program's syntax without types: the same as written and as compiled. */
type Shape = string | number | boolean | Opaque | readonly Shape[];

/** What the compiler rewrites, so that it may have become anything. */
type Opaque = null;
const OPAQUE: Opaque = null;

/** The functions of a module, to be compared with what they are compiled to. */
export interface FunctionShapes {
  /** Digests of the shapes that are known as a whole. */
  readonly whole: ReadonlySet<string>;
  /** Shapes with parts that the compiler rewrites. */
  readonly partial: readonly Shape[];
}

/** The fields that make a difference; further ones are types, positions, or follow from these. */
const FIELDS = [
  ...["id", "params", "async", "generator", "body", "kind", "name", "value", "operator", "prefix"],
  ...[
    "declaration",
    "declarations",
    "init",
    "test",
    "update",
    "consequent",
    "alternate",
    "left",
    "right",
    "await",
  ],
  ...["argument", "arguments", "options", "callee", "object", "property", "computed", "optional"],
  ...["elements", "properties", "key", "static", "superClass", "tag", "quasi", "quasis", "cooked"],
  ...["expressions", "expression", "label", "discriminant", "cases", "block", "handler", "param"],
  ...["finalizer", "delegate", "meta", "source", "regex", "pattern", "flags", "bigint", "method"],
];

/** What TypeScript puts around an expression. */
const WRAPPERS = new Set([
  ...["TSAsExpression", "TSSatisfiesExpression", "TSNonNullExpression", "TSTypeAssertion"],
  ...["TSInstantiationExpression", "ParenthesizedExpression", "ChainExpression"],
]);

/** What the compiler rewrites into something else. */
const REWRITTEN = /^(JSX.*|TSEnumDeclaration|TSModuleDeclaration|TSParameterProperty)$/;

const FUNCTIONS = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
]);

/** What is to be done with the functions that are come by. */
interface Walk {
  /** The names of enums, whose members the compiler may replace by their values. */
  readonly enums: ReadonlySet<string>;
  note(shape: Shape): void;
}

const NO_WALK: Walk = { enums: new Set(), note() {} };

/** Collects the shapes of all functions in a module. */
export function functionShapes(program: { readonly type: string }): FunctionShapes {
  const whole = new Set<string>();
  const partial: Shape[] = [];
  const enums = new Set<string>();
  findEnums(program, enums);
  shapeOf(program, {
    enums,
    note(shape) {
      if (isWhole(shape)) whole.add(digest(JSON.stringify(shape)).hex);
      else partial.push(shape);
    },
  });
  return { whole, partial };
}

/** Whether a function, as it is compiled, can be one of those of a module. */
export function hasFunction({ whole, partial }: FunctionShapes, node: { type: string }): boolean {
  const shape = shapeOf(node, NO_WALK);
  return shape !== undefined &&
    (whole.has(digest(JSON.stringify(shape)).hex) || partial.some((each) => fits(shape, each)));
}

function findEnums(value: unknown, enums: Set<string>): void {
  if (typeof value !== "object" || value === null) return;
  if (isNode(value) && value.type === "TSEnumDeclaration" && isNode(value["id"])) {
    enums.add(String(value["id"]["name"]));
  }
  for (const each of Object.values(value)) findEnums(each, enums);
}

function isWhole(shape: Shape): boolean {
  return Array.isArray(shape) ? shape.every(isWhole) : shape !== OPAQUE;
}

function fits(shape: Shape, model: Shape): boolean {
  if (model === OPAQUE) return true;
  if (!Array.isArray(shape) || !Array.isArray(model)) return shape === model;
  return shape.length === model.length &&
    model.every((each: Shape, index) => fits(shape[index] as Shape, each));
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value &&
    typeof value.type === "string";
}

// Undefined where nothing is left of it.
function shapeOf(value: unknown, walk: Walk): Shape | undefined {
  if (Array.isArray(value)) return listShape(value, walk);
  if (typeof value === "string" || typeof value === "number" || value === true) return value;
  if (typeof value === "bigint" || value instanceof RegExp) return String(value);
  if (typeof value !== "object" || value === null) return undefined;
  const node: Readonly<Record<string, unknown>> = { ...value };
  const { type } = node;
  if (typeof type === "string") {
    if (type === "MemberExpression" && isEnum(node["object"], walk)) return OPAQUE;
    // The TypeScript parser has the options of a dynamic import as arguments.
    if (type === "ImportExpression" && Array.isArray(node["arguments"])) {
      const [options] = node["arguments"];
      return shapeOf({ type, source: node["source"], options }, walk);
    }
    if (WRAPPERS.has(type)) return shapeOf(node["expression"], walk);
    if (REWRITTEN.test(type) || isRewrittenClass(node)) {
      fieldShapes(node, type === "TSModuleDeclaration" ? blurring(walk) : walk);
      return OPAQUE;
    }
    if ((type.startsWith("TS") && type !== "TSModuleBlock") || isDeclared(node)) return undefined;
  }
  const shape = [typeof type === "string" ? type : "", ...fieldShapes(node, walk)];
  if (typeof type !== "string" || !FUNCTIONS.has(type)) return shape;
  // A declaration is compiled as it is, but a method's function has no word of its own.
  const found = ["Function", type === "ArrowFunctionExpression", ...shape.slice(1)];
  walk.note(found);
  return found;
}

function isEnum(value: unknown, { enums }: Walk): boolean {
  return isNode(value) && value.type === "Identifier" && enums.has(String(value["name"]));
}

// What a namespace exports has another name in its functions.
function blurring({ enums, note }: Walk): Walk {
  return {
    enums,
    note(shape) {
      if (!Array.isArray(shape)) return;
      const body = shape.indexOf("body") + 1;
      note(shape.map((each: Shape, index) => index === body ? OPAQUE : each));
    },
  };
}

function listShape(list: readonly unknown[], walk: Walk): Shape {
  const shapes = list
    .filter((each) => !(isNode(each) && (each.type === "EmptyStatement" || isThis(each))))
    // A hole in an array.
    .map((each) => each === null ? "hole" : shapeOf(each, walk))
    .filter((each) => each !== undefined);
  // One statement may have become several.
  return list.some((each, index) => shapes[index] === OPAQUE && isNode(each)) ||
      shapes.includes(OPAQUE)
    ? OPAQUE
    : shapes;
}

function isThis({ type, name }: Node): boolean {
  return type === "Identifier" && name === "this";
}

function fieldShapes(
  node: Readonly<Record<string, unknown>>,
  walk: Walk,
): Shape[] {
  const found: Shape[] = [];
  for (const field of FIELDS) {
    const value = node[field];
    // Elsewhere these two are types, or say how something is written.
    if (field === "optional" && !/^(Call|Member)Expression$/.test(String(node["type"]))) continue;
    if (field === "expression" && !isNode(value)) continue;
    const shape = shapeOf(value, walk);
    if (shape !== undefined) found.push(field, shape);
  }
  return found;
}

// A declaration without a body or value, of which nothing is left.
function isDeclared({ type, declare, abstract, value, body }: Readonly<Record<string, unknown>>) {
  if (declare === true) return true;
  if (type === "PropertyDefinition") return abstract === true;
  if (type === "MethodDefinition") return !isNode(value) || !isNode(value["body"]);
  return typeof type === "string" && FUNCTIONS.has(type) && !isNode(body);
}

function isRewrittenClass({ type, decorators, body }: Readonly<Record<string, unknown>>): boolean {
  if (type !== "ClassDeclaration" && type !== "ClassExpression") return false;
  if (Array.isArray(decorators) && decorators.length > 0) return true;
  const members = isNode(body) && Array.isArray(body["body"]) ? body["body"] : [];
  return members.some((each: unknown) => isNode(each) && hasRewrittenPart(each));
}

function hasRewrittenPart({ decorators, value }: Node): boolean {
  if (Array.isArray(decorators) && decorators.length > 0) return true;
  const params = isNode(value) && Array.isArray(value["params"]) ? value["params"] : [];
  return params.some((each: unknown) => isNode(each) && each.type === "TSParameterProperty");
}
