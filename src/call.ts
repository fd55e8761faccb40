import { withEncoding } from "./codec/encode.ts";
import type { EncodeOptions, PartSink } from "./codec/encoder.ts";
import { type Encoding, encodingDigest, referenceTo } from "./codec/encoding.ts";
import type { Metadata, RecordFields } from "./call_record.ts";
import { Digest } from "./digest.ts";
import { IndigestibleError } from "./errors.ts";
import {
  type HashedField,
  hashedIdentity,
  KeyPrefix,
  type SelectedIdentity,
} from "./lookup_key.ts";
import { EMBED_LENGTH, type FilledSlot, fillSlot, referenceSlot, type Slot } from "./slot.ts";

/** What makes up a {@linkcode Call}. */
export interface CallOptions {
  /** The function's name. */
  name: string;
  /** Where the function is defined, portable between machines. */
  module?: string | null;
  /** The function's version. */
  version?: string | number | null;
  /** Digest of the code, 64 hexadecimal digits. */
  code?: string | null;
  /** Digest of the dependencies, 64 hexadecimal digits. */
  deps?: string | null;
  /** Which of module, version and code join the key; by default all that are given. */
  hashed?: readonly HashedField[];
  /** Digest of the function's source, 64 hexadecimal digits. */
  source?: string | null;
  /** The arguments by name, in declared order. A whole Digest stands for the value it names. */
  arguments?: Record<string, unknown>;
  /**
   * The names of the arguments that the call has, in declared order; by default those whose value is
   * not undefined. An object alone would put names that are whole numbers first.
   */
  argumentNames?: readonly string[];
  /** What the call returned. */
  result?: unknown;
  /** What was noted of the call, by namespace. */
  metadata?: Metadata;
  /** Keys of the cached calls made while this one ran. */
  calls?: readonly string[];
}

/**
 * One call of a function: its identity, its named arguments, and, once it has run, its result.
 *
 * @example Filing a call by hand
 * ```ts
 * import { Cache, Call, CallMemory, ValueMemory } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const call = new Call({ name: "square", arguments: { x: 3 }, result: 9 });
 * const key = await cache.save(call);
 * assert.equal(key, call.key);
 * assert.equal(await (await cache.load(key)).result(), 9);
 * ```
 */
export class Call implements SelectedIdentity {
  /** The function's name. */
  readonly name: string;
  /** Where the function is defined. */
  readonly module: string | null;
  /** The function's version. */
  readonly version: string | number | null;
  /** Digest of the code that joins the key. */
  readonly code: string | null;
  /** Digest of the dependencies. */
  readonly deps: string | null;
  /** Which of module, version and code join the key. */
  readonly hashed: readonly HashedField[];
  /** Digest of the function's source. */
  readonly source: string | null;
  /** The arguments by name, in declared order. */
  readonly arguments: Record<string, unknown>;
  /** The names of the arguments that the call has, in declared order. */
  readonly argumentNames: readonly string[];
  /** What the call returned; undefined if it has not run. */
  readonly result: unknown;
  /** What was noted of the call, by namespace. */
  readonly metadata: Metadata;
  /** Keys of the cached calls made while this one ran. */
  readonly calls: readonly string[];

  /** Takes the parts of the call; what is not given is absent. */
  constructor(options: CallOptions) {
    this.name = options.name;
    this.module = options.module ?? null;
    this.version = options.version ?? null;
    this.code = options.code ?? null;
    this.deps = options.deps ?? null;
    this.hashed = options.hashed ??
      (["module", "version", "code"] as const).filter((field) => this[field] !== null);
    this.source = options.source ?? null;
    const args = options.arguments ?? {};
    this.arguments = args;
    this.argumentNames = options.argumentNames ??
      Object.keys(args).filter((name) => args[name] !== undefined);
    this.result = options.result;
    this.metadata = options.metadata ?? {};
    this.calls = options.calls ?? [];
  }

  /**
   * The lookup key, 64 lower-case hexadecimal digits.
   *
   * @throws {IndigestibleError} If an argument has no encoding.
   */
  get key(): string {
    const { argumentNames: names } = this;
    return new KeyPrefix(hashedIdentity(this)).key(
      names,
      names.map((name) => argumentDigest(name, this.arguments[name])),
    );
  }
}

/**
 * The digest of an argument; a whole Digest stands for the value it names.
 *
 * @throws {IndigestibleError} If it has no encoding.
 */
export function argumentDigest(name: string, value: unknown): string {
  if (value instanceof Digest) return wholeDigest(name, value);
  try {
    return withEncoding(value, ARGUMENT, encodingDigest);
  } catch (error) {
    if (!(error instanceof IndigestibleError)) throw error;
    // Only now is it worth while to say which argument it is.
    return withEncoding(value, { root: argumentPath(name) }, encodingDigest);
  }
}

const ARGUMENT: EncodeOptions = {};

function argumentPath(name: string): string {
  return name.startsWith("[") ? `arguments${name}` : `arguments.${name}`;
}

function wholeDigest(name: string, digest: Digest): string {
  if (!digest.isShort) return digest.hex;
  const path = argumentPath(name);
  const reason = "a short digest may come to mean something else: expand it with the cache first";
  throw new IndigestibleError(`Cannot use ${path} as an argument: ${reason}`, { path });
}

/** A call whose arguments are encoded, so that nothing can change it any more. */
export interface SealedCall {
  /** The lookup key. */
  readonly key: string;
  /** The record, but for the result and what is noted of the call. */
  readonly fields: Omit<RecordFields, "result" | "metadata" | "calls">;
}

/** How {@linkcode sealCall} encodes. */
export interface SealOptions {
  /** Takes the values and parts that the record refers to. */
  sink: PartSink;
  /** Whether the arguments are stored, or only their digests. */
  storeArguments?: boolean;
  /** The encodings of the values that arguments stand for by their digest, as far as at hand. */
  named?: ReadonlyMap<string, Encoding>;
}

/**
 * Encodes the arguments of a call.
 *
 * @throws {IndigestibleError} If an argument has no encoding.
 */
export function sealCall(call: Call, options: SealOptions): SealedCall {
  const store = options.storeArguments !== false;
  const slots: [string, Slot][] = [];
  const digests: string[] = [];
  for (const name of call.argumentNames) {
    const value = call.arguments[name];
    const root = argumentPath(name);
    const filled = value instanceof Digest
      ? namedSlot(wholeDigest(name, value), store ? options.named : undefined)
      : fillSlot(value, { root, embed: store, sink: store ? options.sink : undefined });
    slots.push([name, filled.slot]);
    digests.push(filled.digest);
  }
  const { name, module, version, code, deps, hashed, source } = call;
  return {
    key: new KeyPrefix(hashedIdentity(call)).key(slots.map(([each]) => each), digests),
    fields: { name, module, version, code, deps, hashed, source, arguments: slots },
  };
}

// The slot is the same as if the value itself had been given. Where its encoding is not at hand, the
// reference has a length of zero, which no encoding has: it can be checked by its digest alone.
function namedSlot(digest: string, named?: ReadonlyMap<string, Encoding>): FilledSlot {
  const encoding = named?.get(digest);
  if (encoding === undefined) return { slot: referenceSlot({ digest, crc: 0, length: 0 }), digest };
  const { head, body } = encoding;
  const slot = body === undefined && head.length <= EMBED_LENGTH
    ? head.slice()
    : referenceSlot(referenceTo(encoding));
  return { slot, digest };
}
