import { withEncoding } from "./codec/encode.ts";
import { encodingDigest } from "./codec/encoding.ts";
import { argumentDigest, Call } from "./call.ts";
import type { CallRecord } from "./call_record.ts";
import { isJson, type Json } from "./json.ts";
import { checkedPrefix, Digest, keyText } from "./digest.ts";
import type { TagSet } from "./metadata/tags.ts";
import type { RecordFilter } from "./record_filter.ts";

/** What calls are searched for; what is left out, or undefined, matches everything. */
export interface QueryTemplate {
  /** The lookup key, or its first digits, at least 4. */
  readonly key?: string | Digest;
  /** The function's name. */
  readonly name?: string;
  /** Where the function is defined. */
  readonly module?: string | null;
  /** The function's version. */
  readonly version?: string | number | null;
  /** Digest of the code that joined the key, 64 hexadecimal digits. */
  readonly code?: string | null;
  /** Digest of the dependencies, 64 hexadecimal digits. */
  readonly deps?: string | null;
  /** Values of arguments, by name. A Digest, whole or short, stands for the value it names. */
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** The result. A Digest, whole or short, stands for the value it names. */
  readonly result?: unknown;
  /** Notes that have to be there, by namespace and name. */
  readonly metadata?: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  /**
   * Tags that have to be there: values by name, or names alone, which have the value true. Short for
   * metadata of the namespace `tags`.
   */
  readonly tags?: TagSet;
}

const FIELDS = [
  ...["key", "name", "module", "version", "code", "deps"] as const,
  ...["arguments", "result", "metadata", "tags"] as const,
];

const IDENTITY = ["name", "module", "version", "code"] as const;

/** The namespace of tags. */
const TAGS = "tags";

/**
 * A call to search for, some parts of which are left open. Values are digested when it is made, and
 * not kept.
 *
 * A {@linkcode Call} as template, such as `fn.describe(...)`, finds the calls that agree with all
 * that it has: an argument that was left out matches any.
 *
 * @example Usage
 * ```ts
 * import { Cache, Call, CallMemory, QueryCall, ValueMemory } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * for (const x of [1, 2]) {
 *   await cache.save(new Call({ name: "add", arguments: { x, y: [3] }, result: x + 3 }));
 * }
 * const wanted = new QueryCall({ name: "add", arguments: { y: [3] } });
 * assert.equal(await cache.query(wanted).count(), 2);
 * assert.equal(await cache.query(new Call({ name: "add", arguments: { x: 1 } })).count(), 1);
 * ```
 */
export class QueryCall {
  /** The key or its first digits. */
  readonly key: string | undefined;
  /** Digest of the dependencies. */
  readonly deps: string | null | undefined;
  readonly #filter: RecordFilter;
  // Digits of digests: those of the result, and those of the arguments by name.
  readonly #result: string | undefined;
  readonly #arguments: readonly (readonly [name: string, digits: string])[];

  /**
   * Takes what is searched for.
   *
   * @throws {TypeError} If the template has a field that no call has, or of another type.
   * @throws {IndigestibleError} If a value has no encoding.
   */
  constructor(template: QueryTemplate | Call) {
    const wanted = template instanceof Call ? templateOf(template) : checked(template);
    const { key, result, arguments: args = {}, metadata = {}, tags } = wanted;
    this.key = key === undefined ? undefined : keyText(key);
    this.deps = wanted.deps;
    this.#result = result === undefined ? undefined : resultDigits(result);
    this.#arguments = Object.entries(args)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, argumentDigits(name, value)]);
    const notes = new Map(Object.entries(metadata).map(([space, each]) => [space, known(each)]));
    if (tags !== undefined) notes.set(TAGS, { ...notes.get(TAGS), ...known(named(tags)) });
    const identity: Pick<RecordFilter, typeof IDENTITY[number]> = Object.fromEntries(
      IDENTITY.map((field) => [field, wanted[field]]).filter(([, value]) => value !== undefined),
    );
    this.#filter = notes.size === 0
      ? identity
      : { ...identity, metadata: Object.fromEntries(notes) };
  }

  /**
   * What storages search for.
   *
   * @param expand finds the whole digest that a short one means
   */
  async toFilter(expand: (prefix: string) => Promise<string>): Promise<RecordFilter> {
    const whole = (text: string) => new Digest(text).isShort ? expand(text) : text;
    const args: [string, string][] = [];
    for (const [name, text] of this.#arguments) args.push([name, await whole(text)]);
    return {
      ...this.#filter,
      ...(args.length > 0 ? { arguments: Object.fromEntries(args) } : {}),
      ...(this.#result === undefined ? {} : { result: await whole(this.#result) }),
    };
  }

  /** Whether a record that the filter lets through is one of those that are searched for. */
  matches(record: CallRecord): boolean {
    return (this.key === undefined || record.key.startsWith(this.key)) &&
      (this.deps === undefined || record.deps === this.deps);
  }
}

// What a call does not have is left open.
function templateOf(call: Call): QueryTemplate {
  const { name, module, version, code, deps, metadata, result } = call;
  const given = Object.entries({ name, module, version, code, deps })
    .filter(([, value]) => value !== null);
  return { ...Object.fromEntries(given), arguments: call.arguments, result, metadata };
}

function argumentDigits(name: string, value: unknown): string {
  return value instanceof Digest ? value.hex : argumentDigest(name, value);
}

function resultDigits(value: unknown): string {
  return value instanceof Digest
    ? value.hex
    : withEncoding(value, { root: "result" }, encodingDigest);
}

// A copy: what becomes of the template later does not change the search.
function known(notes: Readonly<Record<string, Json>>): Record<string, Json> {
  const given = Object.entries(notes).filter(([, value]) => value !== undefined);
  return structuredClone(Object.fromEntries(given));
}

// A field that is misspelt would match everything, and eviction would take it all.
function checked(template: QueryTemplate): QueryTemplate {
  if (!isTable(template)) {
    throw new TypeError("Cannot search for what is neither a plain object nor a Call");
  }
  for (const [field, value] of Object.entries(template)) {
    if (!FIELDS.some((each) => each === field)) {
      throw new TypeError(`Cannot search for calls by "${field}": it takes ${FIELDS.join(", ")}`);
    }
    if (value !== undefined) checkField(field, value);
  }
  return template;
}

function checkField(field: string, value: unknown): void {
  const fail = (type: string): never => {
    throw new TypeError(`Cannot search for calls: "${field}" should be ${type}`);
  };
  switch (field) {
    case "name":
      return typeof value === "string" ? undefined : fail("a string");
    case "module":
      return value === null || typeof value === "string" ? undefined : fail("a string or null");
    case "version": {
      const isVersion = value === null || typeof value === "string" || typeof value === "number";
      return isVersion ? undefined : fail("a string, a number or null");
    }
    case "code":
    case "deps":
      if (value !== null) checkedPrefix(typeof value === "string" ? value : fail("a digest"));
      return;
    case "arguments":
      return isTable(value) ? undefined : fail("an object of values");
    case "metadata":
      return isTable(value) && Object.values(value).every(isNotes)
        ? undefined
        : fail("an object of objects of what JSON can hold");
    case "tags":
      return isNotes(value) || isNames(value)
        ? undefined
        : fail("an object of what JSON can hold, or a list of names");
  }
}

function isNotes(value: unknown): boolean {
  return isTable(value) &&
    Object.values(value).every((each) => each === undefined || isJson(each));
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function named(tags: TagSet): Readonly<Record<string, Json>> {
  return isNames(tags) ? Object.fromEntries(tags.map((name) => [name, true])) : tags;
}

function isTable(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
