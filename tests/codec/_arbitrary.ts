/**
 * Arbitrary values for the property tests: every kind that the encoding knows, in every place.
 *
 * @module
 */

import { Digest, Identity } from "@fleche/core";
import fc from "fast-check";

/** Integers near the places where MessagePack changes its format. */
const BOUNDARIES = [0, 5, 7, 8, 15, 16, 31, 32, 52, 53]
  .map((bits) => 2 ** bits)
  .flatMap((n) => [n - 1, n, n + 1, -n - 1, -n, -n + 1])
  .filter(Number.isSafeInteger);

const bigints = fc.oneof(
  fc.bigInt({ min: -300n, max: 300n }),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
  fc.tuple(fc.nat(20), fc.constantFrom(-1n, 0n, 1n), fc.constantFrom(1n, -1n))
    .map(([bytes, step, sign]) => sign * 2n ** BigInt(8 * bytes + 7) + step),
);

const numbers = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(...BOUNDARIES),
  fc.double(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity),
);

/** Code units, so that lone surrogates occur, and well-formed text of every plane. */
const strings = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ maxLength: 80 }),
  fc.array(fc.integer({ min: 0xd7fe, max: 0xe001 }), { maxLength: 6 })
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom("\ufeff", "\ufeffabc", "__proto__", "constructor", "\0"),
);

/** Keys of objects: well formed, and not `__proto__`. */
const keys = strings.filter((key) => key.isWellFormed() && key !== "__proto__");

const dates = fc.oneof(
  fc.date({ noInvalidDate: false }),
  fc.integer({ min: -5000, max: 5000 }).map((ms) => new Date(ms)),
  fc.integer({ min: 4294967290, max: 4294967300 }).map((s) => new Date(s * 1000)),
  fc.integer({ min: 17179869180, max: 17179869190 }).map((s) => new Date(s * 1000)),
);

type ViewConstructor = new (buffer: ArrayBuffer) => ArrayBufferView;

/** Every kind of view, with the bytes of one element. */
export const VIEWS: readonly (readonly [ViewConstructor, number])[] = [
  [Uint8Array, 1],
  [Int8Array, 1],
  [Uint8ClampedArray, 1],
  [Int16Array, 2],
  [Uint16Array, 2],
  [Int32Array, 4],
  [Uint32Array, 4],
  [BigInt64Array, 8],
  [BigUint64Array, 8],
  [Float16Array, 2],
  [Float32Array, 4],
  [Float64Array, 8],
  [DataView, 1],
];

const memory = fc.oneof(
  fc.tuple(fc.constantFrom(...VIEWS), fc.uint8Array({ maxLength: 40 })).map((
    [[type, width], bytes],
  ) => new type(bytes.slice(0, bytes.length - bytes.length % width).buffer)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.slice().buffer),
);

const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytes.toHex());

const identities = fc.oneof(
  hex.map((digits) => new Digest(digits)),
  fc.tuple(fc.constantFrom("function", "pure", "custom"), hex)
    .map(([kind, digits]) => new Identity(kind, digits)),
);

const builtins = fc.oneof(
  fc.tuple(
    fc.constantFrom("a", "[^/]+", "(?<x>b)|\\/", "(?:)"),
    fc.constantFrom("", "g", "dimsy"),
    fc.nat(),
  )
    .map(([source, flags, lastIndex]) => Object.assign(new RegExp(source, flags), { lastIndex })),
  fc.webUrl({ withQueryParameters: true, withFragments: true }).map((text) => new URL(text)),
);

const ERRORS = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];

const taken = new Set(["name", "message", "stack", "cause", "errors"]);

function errorOf(
  [type, message, name, data, cause, errors]: readonly [
    typeof Error | undefined,
    string,
    string | undefined,
    Record<string, unknown>,
    { cause?: unknown },
    unknown[],
  ],
): Error {
  const error = type === undefined
    ? new AggregateError(errors, message, cause)
    : new type(message, cause);
  const hidden = { writable: true, configurable: true, enumerable: false };
  if (name !== undefined) Object.defineProperty(error, "name", { value: name, ...hidden });
  for (const [key, value] of Object.entries(data)) {
    if (!taken.has(key)) Reflect.set(error, key, value);
  }
  return error;
}

const leaves = fc.oneof(
  { weight: 4, arbitrary: numbers },
  { weight: 4, arbitrary: strings },
  fc.constantFrom(null, true, false, undefined),
  bigints,
  dates,
  memory,
  builtins,
  identities,
);

const { value } = fc.letrec<{ value: unknown; record: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: "small", withCrossShrink: true },
    { weight: 3, arbitrary: leaves },
    fc.array(tie("value"), { maxLength: 6 }),
    tie("record"),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 5 }).map((pairs) => new Map(pairs)),
    fc.array(tie("value"), { maxLength: 5 }).map((elements) => new Set(elements)),
    fc.tuple(
      fc.constantFrom(undefined, ...ERRORS),
      strings,
      fc.option(strings, { nil: undefined }),
      tie("record"),
      fc.oneof(fc.constant({}), tie("value").map((cause) => ({ cause }))),
      fc.array(tie("value"), { maxLength: 3 }),
    ).map(errorOf),
  ),
  record: fc.array(fc.tuple(keys, tie("value")), { maxLength: 6 }).map((entries) =>
    Object.fromEntries(entries)
  ),
}));

/** Any value that can be stored, without parts large enough to be split off. */
export const anyValue: fc.Arbitrary<unknown> = value;

const well = fc.string({ unit: "binary", maxLength: 40 }).filter((text) =>
  !text.startsWith("\ufeff")
);

/** What MessagePack itself has formats for: no -0, and no U+FEFF first, which its library strips. */
export const plainValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: "small" },
    fc.constantFrom(null, true, false),
    numbers.filter((number) => !Object.is(number, -0)),
    well,
    fc.uint8Array({ maxLength: 300 }),
    dates.filter((date) => !Number.isNaN(date.getTime())),
    fc.array(tie("value"), { maxLength: 20 }),
    fc.array(fc.tuple(well.filter((key) => key !== "__proto__"), tie("value")), { maxLength: 20 })
      .map((entries) => Object.fromEntries(entries)),
  ),
})).value;

/** Values from a small stock, so that two of them are often the same, and often nearly so. */
export const fewValues: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 2, depthSize: "small" },
    fc.constantFrom<unknown>(0, -0, 1, "", "0", "1", 0n, 1n, null, undefined, false, NaN),
    fc.constantFrom(0, 1).map((time) => new Date(time)),
    fc.constantFrom(...VIEWS).map(([type, width]) => new type(new ArrayBuffer(width))),
    fc.array(tie("value"), { maxLength: 2 }),
    fc.array(fc.tuple(fc.constantFrom("", "0", "1"), tie("value")), { maxLength: 2 })
      .map((entries) => Object.fromEntries(entries)),
    fc.array(tie("value"), { maxLength: 2 }).map((elements) => new Set(elements)),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 1 }).map((pairs) => new Map(pairs)),
    fc.tuple(fc.constantFrom("", "a"), tie("value")).map(([text, cause]) =>
      new Error(text, { cause })
    ),
  ),
})).value;
