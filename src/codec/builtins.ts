/**
 * Extension 9: built-in objects that MessagePack has no format for, as an array whose first
 * element is the name of the type.
 *
 * @module
 */

import { CorruptValueError, UnknownTypeError } from "../errors.ts";

/** A value that cannot be stored, and why; the encoder adds the path to it. */
export type Unfit = { readonly unfit: string };

/** What is stored of a built-in object: its name and further fields, or why it cannot be. */
export type BuiltinFields = readonly unknown[] | Unfit;

type ErrorConstructorLike = { readonly prototype: object; new (message: string): Error };

const ERRORS: readonly (readonly [string, ErrorConstructorLike])[] = [
  ["Error", Error],
  ["EvalError", EvalError],
  ["RangeError", RangeError],
  ["ReferenceError", ReferenceError],
  ["SyntaxError", SyntaxError],
  ["TypeError", TypeError],
  ["URIError", URIError],
];

// Whether an own property of an error has a field of its own, or is left out.
function isErrorField(className: string, key: string): boolean {
  return ["name", "message", "stack", "cause"].includes(key) ||
    (className === "AggregateError" && key === "errors");
}

interface TemporalType {
  readonly prototype: object;
  from(text: string): { toString(): string; equals?(other: unknown): boolean };
}

const TEMPORAL_NAMES = [
  "Instant",
  "ZonedDateTime",
  "PlainDate",
  "PlainTime",
  "PlainDateTime",
  "PlainYearMonth",
  "PlainMonthDay",
  "Duration",
] as const;

const DURATION_UNITS = [
  "years",
  "months",
  "weeks",
  "days",
  "hours",
  "minutes",
  "seconds",
  "milliseconds",
  "microseconds",
  "nanoseconds",
] as const;

function temporalType(name: string): TemporalType | undefined {
  const scope: object = globalThis;
  const temporal: Record<string, TemporalType> | undefined = Reflect.get(scope, "Temporal");
  return temporal?.[name];
}

const NOT_REAL: Unfit = { unfit: "only looks like a built-in object: pass plain data" };

// Built-in objects refuse to be read through a prototype or a proxy that is not their own.
function isReal(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

function extraProperties(value: object): Unfit | undefined {
  return Object.keys(value).length === 0
    ? undefined
    : { unfit: "has properties of its own, which would be lost: store them beside it" };
}

function regExpFields(value: object): BuiltinFields {
  if (!isReal(() => (value as RegExp).flags + (value as RegExp).source)) return NOT_REAL;
  const { source, flags, lastIndex } = value as RegExp;
  if (
    !Number.isSafeInteger(lastIndex) || lastIndex < 0 || new RegExp(source, flags).source !== source
  ) {
    return { unfit: "is a RegExp whose text or lastIndex would not read back" };
  }
  return extraProperties(value) ?? ["RegExp", source, flags, lastIndex];
}

function urlFields(value: object): BuiltinFields {
  if (!isReal(() => (value as URL).href)) return NOT_REAL;
  const { href } = value as URL;
  if (URL.parse(href)?.href !== href) return { unfit: "is a URL whose text would not read back" };
  return extraProperties(value) ?? ["URL", href];
}

function errorFields(className: string, error: Error): BuiltinFields {
  if (Object.getOwnPropertySymbols(error).some((key) => isEnumerable(error, key))) {
    return { unfit: "is an error with symbol keys, which cannot be stored" };
  }
  const message: unknown = Object.hasOwn(error, "message") ? error.message : "";
  const name: unknown = Object.hasOwn(error, "name") ? error.name : null;
  if (typeof message !== "string" || (name !== null && typeof name !== "string")) {
    return { unfit: "is an error whose name or message is not a string" };
  }
  const data: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(error)) {
    if (!isErrorField(className, key)) data[key] = Reflect.get(error, key);
  }
  const hasCause = Object.hasOwn(error, "cause");
  const isAggregate = className === "AggregateError";
  const errors: unknown = isAggregate ? Reflect.get(error, "errors") : null;
  if (isAggregate && !Array.isArray(errors)) {
    return { unfit: "is an AggregateError whose errors are not an array" };
  }
  return [className, message, name, data, hasCause, hasCause ? error.cause : null, errors];
}

function isEnumerable(value: object, key: PropertyKey): boolean {
  return Object.prototype.propertyIsEnumerable.call(value, key);
}

function temporalFields(name: string, value: object): BuiltinFields {
  if (!isReal(() => String(value))) return NOT_REAL;
  const text = String(value);
  const again = temporalType(name)?.from(text);
  // What the text does not say, as the day of a month of a year, makes two values unequal.
  if (again === undefined || String(again) !== text || again.equals?.(value) === false) {
    return { unfit: `is a Temporal.${name} whose text would not read back` };
  }
  // The text of a duration merges its units below the second, so not every one reads back.
  if (
    name === "Duration" &&
    DURATION_UNITS.some((unit) => Reflect.get(again, unit) !== Reflect.get(value, unit))
  ) {
    return { unfit: "is a Temporal.Duration whose text would not read back: round() balances it" };
  }
  return extraProperties(value) ?? [`Temporal.${name}`, text];
}

/** Writers by the prototype of the value. */
export const BUILTIN_BY_PROTOTYPE: ReadonlyMap<object, (value: object) => BuiltinFields> = new Map([
  [RegExp.prototype, regExpFields],
  [URL.prototype, urlFields],
  [
    AggregateError.prototype,
    (value: object) => errorFields("AggregateError", value as AggregateError),
  ],
  ...ERRORS.map(([name, type]): [object, (value: object) => BuiltinFields] => [
    type.prototype,
    (value) => errorFields(name, value as Error),
  ]),
  ...TEMPORAL_NAMES.flatMap((name): [object, (value: object) => BuiltinFields][] => {
    const type = temporalType(name);
    return type === undefined ? [] : [[type.prototype, (value) => temporalFields(name, value)]];
  }),
]);

/** Steps to the fields of an error; its data stand in the error itself. */
const ERROR_STEPS = ["", ".message", ".name", "", "", ".cause", ".errors"];

/** The step to a field, as the path to a culprit names it. */
export function fieldStep(fields: readonly unknown[], index: number): string {
  return fields.length === ERROR_STEPS.length ? ERROR_STEPS[index] ?? "" : `<field ${index}>`;
}

function refuse(what: string): never {
  throw new CorruptValueError(`Not a canonical encoding: ${what}`);
}

function readRegExp(fields: readonly unknown[]): RegExp {
  const [, source, flags, lastIndex] = fields;
  if (fields.length !== 4 || typeof source !== "string" || typeof flags !== "string") {
    refuse("a RegExp takes a source, flags and an index");
  }
  if (typeof lastIndex !== "number" || !Number.isSafeInteger(lastIndex) || lastIndex < 0) {
    refuse("the last index of a RegExp is a non-negative integer");
  }
  let value: RegExp;
  try {
    value = new RegExp(source, flags);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const message = "Cannot build a stored RegExp: this runtime does not know its syntax";
    throw new UnknownTypeError(message, { type: "RegExp" }, { cause });
  }
  if (value.source !== source || value.flags !== flags) {
    refuse("a RegExp that is written otherwise");
  }
  value.lastIndex = lastIndex;
  return value;
}

function readUrl(fields: readonly unknown[]): URL {
  const href = fields[1];
  if (fields.length !== 2 || typeof href !== "string") refuse("a URL takes its text");
  const value = URL.parse(href);
  if (value === null || value.href !== href) refuse("a URL that is written otherwise");
  return value;
}

function isPlainRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}

function readError(
  type: ErrorConstructorLike | undefined,
  fields: readonly unknown[],
): Error {
  const [className, message, name, data, hasCause, cause, errors] = fields;
  if (fields.length !== 7 || typeof message !== "string" || !isPlainRecord(data)) {
    refuse("an error takes a message, name, data, cause and errors");
  }
  if (typeof hasCause !== "boolean" || (!hasCause && cause !== null)) {
    refuse("an error says whether it has a cause");
  }
  if (name !== null && typeof name !== "string") refuse("the name of an error is a string");
  let error: Error;
  if (type === undefined) {
    if (!Array.isArray(errors)) refuse("an AggregateError takes its errors");
    error = new AggregateError(errors, message);
  } else {
    if (errors !== null) refuse("only an AggregateError has errors");
    error = new type(message);
  }
  error.stack = `${name ?? error.name}: ${message}\n    (read from the cache)`;
  if (name !== null) define(error, "name", name, false);
  if (hasCause) define(error, "cause", cause, false);
  for (const [key, value] of Object.entries(data)) {
    if (isErrorField(String(className), key)) {
      refuse(`"${key}" of an error is not part of its data`);
    }
    define(error, key, value, true);
  }
  return error;
}

function define(target: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true });
}

function readTemporal(name: string, fields: readonly unknown[]): unknown {
  const text = fields[1];
  if (fields.length !== 2 || typeof text !== "string") refuse("a Temporal value takes its text");
  const type = temporalType(name);
  if (type === undefined) {
    const message = `Cannot build a stored Temporal.${name}: this runtime does not have Temporal`;
    throw new UnknownTypeError(message, { type: `Temporal.${name}` });
  }
  let value: { toString(): string };
  try {
    value = type.from(text);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    // Time zones and calendars, which stand in brackets, differ between runtimes.
    if (!text.includes("[")) refuse(`a Temporal.${name} whose text cannot be read`);
    const message = `Cannot build a stored Temporal.${name}: this runtime cannot read "${text}"`;
    throw new UnknownTypeError(message, { type: `Temporal.${name}` }, { cause });
  }
  if (String(value) !== text) refuse(`a Temporal.${name} that is written otherwise`);
  return value;
}

/**
 * Builds a built-in object from its fields.
 *
 * @throws {CorruptValueError} If they are not what {@linkcode BUILTIN_BY_PROTOTYPE} writes.
 * @throws {UnknownTypeError} If this runtime does not have the type.
 */
export function readBuiltin(fields: readonly unknown[]): unknown {
  const type = fields[0];
  if (typeof type !== "string") refuse("a built-in object takes the name of its type first");
  switch (type) {
    case "RegExp":
      return readRegExp(fields);
    case "URL":
      return readUrl(fields);
    case "Date":
      return fields.length === 1 ? new Date(NaN) : refuse("an invalid Date takes nothing more");
    case "AggregateError":
      return readError(undefined, fields);
  }
  const error = ERRORS.find(([name]) => name === type);
  if (error !== undefined) return readError(error[1], fields);
  const temporal = TEMPORAL_NAMES.find((name) => type === `Temporal.${name}`);
  if (temporal !== undefined) return readTemporal(temporal, fields);
  const message = `Cannot build a stored object: this version does not know the type "${type}"`;
  throw new UnknownTypeError(message, { type });
}
