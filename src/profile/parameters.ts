import type * as acorn from "acorn";
import { keyName, literalValue } from "./literal.ts";

/** One named parameter. */
export interface Parameter {
  /** The name, or the position in brackets for a pattern. */
  readonly name: string;
  /** The literal that stands for an argument left out; undefined if there is none. */
  readonly fallback: unknown;
}

/** How the arguments of a call get their names. */
export interface ParameterList {
  /** The named parameters, in order; of the one object parameter, its properties. */
  readonly named: readonly Parameter[];
  /** The name of the rest parameter. */
  readonly rest?: string | undefined;
  /** Whether the only parameter is a destructured object, whose properties are the arguments. */
  readonly destructured: boolean;
  /** Of a destructured object: what stands for it when it is left out. */
  readonly fallback?: unknown;
  /** Of a destructured object: whether further properties reach the body. */
  readonly open: boolean;
}

/** The arguments of one call: names and values, in declared order. */
export interface Binding {
  readonly names: string[];
  readonly values: unknown[];
}

/** The name of an argument that has none of its own. */
export function positionName(position: number): string {
  return `[${position}]`;
}

/** Reads the parameters of a function. */
export function parameterList(params: readonly acorn.Pattern[]): ParameterList {
  const [only] = params;
  if (params.length === 1 && only !== undefined) {
    const list = destructuredList(only);
    if (list !== undefined) return list;
  }
  const named: Parameter[] = [];
  let rest: string | undefined;
  params.forEach((param, position) => {
    if (param.type === "RestElement") {
      rest = param.argument.type === "Identifier" ? param.argument.name : positionName(position);
    } else {
      named.push(parameter(param, position));
    }
  });
  return { named, rest, destructured: false, open: false };
}

function parameter(param: acorn.Pattern, position: number): Parameter {
  const [target, fallback] = param.type === "AssignmentPattern"
    ? [param.left, literalValue(param.right)]
    : [param, undefined];
  const name = target.type === "Identifier" ? target.name : positionName(position);
  return { name, fallback };
}

function destructuredList(param: acorn.Pattern): ParameterList | undefined {
  const [pattern, fallback] = param.type === "AssignmentPattern"
    ? [param.left, literalValue(param.right)]
    : [param, undefined];
  if (pattern.type !== "ObjectPattern") return undefined;
  const named: Parameter[] = [];
  let open = false;
  for (const property of pattern.properties) {
    if (property.type === "RestElement") {
      open = true;
      continue;
    }
    const name = property.computed ? undefined : keyName(property.key);
    if (name === undefined || isPositionName(name)) return undefined;
    const { value } = property;
    const literal = value.type === "AssignmentPattern" ? literalValue(value.right) : undefined;
    // A property taken twice has one value; two defaults for it cannot both be applied.
    const twin = named.findIndex((each) => each.name === name);
    if (twin === -1) named.push({ name, fallback: literal });
    else named[twin] = { name, fallback: undefined };
  }
  return { named, destructured: true, fallback, open };
}

function isPositionName(name: string): boolean {
  return /^\[\d+\]$/.test(name);
}

/** Names the arguments of a call; what is undefined counts as left out. */
export function bindArguments(list: ParameterList, args: readonly unknown[]): Binding {
  const binding: Binding = { names: [], values: [] };
  const { named } = list;
  if (list.destructured) {
    bindObject(list, args[0] === undefined ? list.fallback : args[0], binding);
    bindSurplus(args, 1, binding);
    return binding;
  }
  for (let position = 0; position < named.length; position++) {
    const { name, fallback } = named[position] as Parameter;
    const value = args[position];
    push(binding, name, value === undefined ? fallback : value);
  }
  if (list.rest === undefined) bindSurplus(args, named.length, binding);
  else push(binding, list.rest, args.slice(named.length));
  return binding;
}

function push(binding: Binding, name: string, value: unknown): void {
  if (value === undefined) return;
  binding.names.push(name);
  binding.values.push(value);
}

function bindSurplus(args: readonly unknown[], from: number, binding: Binding): void {
  for (let position = from; position < args.length; position++) {
    push(binding, positionName(position), args[position]);
  }
}

function bindObject(list: ParameterList, object: unknown, binding: Binding): void {
  if (!isRecord(object)) {
    // Even if undefined: what stands for it then is not known, but is not an object without keys.
    binding.names.push(positionName(0));
    binding.values.push(object);
    return;
  }
  const further = Object.keys(object)
    .filter((key) => !list.named.some(({ name }) => name === key))
    .sort();
  // A property named like a position could be taken for a whole argument.
  if (further.some(isPositionName) || further.includes("__proto__")) {
    return push(binding, positionName(0), object);
  }
  for (const { name, fallback } of list.named) {
    const value = object[name];
    push(binding, name, value === undefined ? fallback : value);
  }
  for (const name of further) push(binding, name, object[name]);
}

/** Whether a value is an object whose properties can be arguments. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) &&
    Object.getOwnPropertySymbols(value).length === 0;
}
