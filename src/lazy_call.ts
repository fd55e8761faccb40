import { Call } from "./call.ts";
import type { CallRecord, Metadata } from "./call_record.ts";
import type { HashedField } from "./lookup_key.ts";
import { decode, MissingPart } from "./codec/decoder.ts";
import type { Encoding, Reference } from "./codec/encoding.ts";
import { findReferences } from "./codec/references.ts";
import { NotFoundError } from "./errors.ts";
import { describeSlot } from "./describe_slot.ts";
import { type Slot, slotDigest, slotReference } from "./slot.ts";

/** A value that is read piece by piece. Nothing of it has been checked. */
export interface OpenValue extends Disposable {
  /** How many bytes its encoding has. */
  readonly length: number;
  /** Reads the next bytes; how many there were, 0 at the end. */
  read(into: Uint8Array): number | Promise<number>;
}

/** A value that was found, and the reference that led to it. */
export interface FoundValue {
  /** What led to it. */
  readonly reference: Reference;
  /** Its bytes. */
  readonly encoding: Encoding;
}

/** Reads values with all their parts in one go, where that takes less time than one by one. */
export interface DeepSource {
  /**
   * The encodings that references lead to, and those of their parts: each once, and each either asked
   * for or a part of one that came before it. What is not there is left out.
   *
   * @param has tells which are not needed, with their parts
   */
  readDeep(
    references: readonly Reference[],
    has?: (reference: Reference) => boolean | Promise<boolean>,
  ): AsyncIterable<FoundValue>;
}

/** Reads values by reference. */
export interface ValueSource {
  /** The encoding a reference leads to, checked against it; undefined if it is not there. */
  read(reference: Reference): Promise<Encoding | undefined> | Encoding | undefined;
  /**
   * Opens a value that has no parts, to be read piece by piece; undefined if it is not there, or
   * better read as a whole. Nothing is checked.
   */
  openLeaf?(reference: Reference): OpenValue | undefined | Promise<OpenValue | undefined>;
  /** Reads many in one go; undefined where that gains nothing. */
  readonly deep?: DeepSource | undefined;
}

/**
 * A stored call whose arguments and result are loaded only when they are asked for.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, fleche, ValueMemory, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const triple = fleche((x: number) => 3 * x, { name: "triple", version: 1 });
 * await withCache(cache, () => triple(14));
 * const call = await cache.load(triple.digest(14));
 * assert.equal(call.name, "triple");
 * assert.equal(await call.argument("x"), 14);
 * assert.equal(await call.result(), 42);
 * ```
 */
export class LazyCall {
  readonly #record: CallRecord;
  readonly #source: ValueSource;

  /** Takes the record and where its values are. */
  constructor(record: CallRecord, source: ValueSource) {
    this.#record = record;
    this.#source = source;
  }

  /** Where the values of the call are. */
  get values(): ValueSource {
    return this.#source;
  }

  /** The lookup key, 64 lower-case hexadecimal digits. */
  get key(): string {
    return this.#record.key;
  }

  /** The function's name. */
  get name(): string {
    return this.#record.name;
  }

  /** Where the function is defined. */
  get module(): string | null {
    return this.#record.module;
  }

  /** The function's version. */
  get version(): string | number | null {
    return this.#record.version;
  }

  /** Digest of the code that joined the key. */
  get code(): string | null {
    return this.#record.code;
  }

  /** Digest of the dependencies. */
  get deps(): string | null {
    return this.#record.deps;
  }

  /** Which of module, version and code joined the key. */
  get hashed(): readonly HashedField[] {
    return this.#record.hashed;
  }

  /** Digest of the function's source when the call ran. */
  get source(): string | null {
    return this.#record.source;
  }

  /** Keys of the cached calls made while this one ran. */
  get calls(): readonly string[] {
    return this.#record.calls;
  }

  /** What was noted of the call, by namespace. */
  get metadata(): Metadata {
    return this.#record.metadata;
  }

  /** The names of the arguments, in declared order. */
  get argumentNames(): string[] {
    return this.#record.arguments.map(([name]) => name);
  }

  /**
   * Loads the result.
   *
   * @throws {NotFoundError} If its value is not in the cache any more.
   * @throws {UnknownTypeError} If it holds a type that is not registered.
   */
  async result(): Promise<unknown> {
    return await loadSlot(this.#record.result, this.#source);
  }

  /**
   * Loads all arguments, by name.
   *
   * @throws {NotFoundError} If a value is not in the cache.
   */
  async arguments(): Promise<Record<string, unknown>> {
    const pairs = this.#record.arguments.map(async ([name, slot]) =>
      [name, await loadSlot(slot, this.#source)] as const
    );
    return Object.fromEntries(await Promise.all(pairs));
  }

  /**
   * Loads one argument; undefined if the call has none of that name.
   *
   * @throws {NotFoundError} If its value is not in the cache.
   */
  async argument(name: string): Promise<unknown> {
    const pair = this.#record.arguments.find(([each]) => each === name);
    return pair === undefined ? undefined : await loadSlot(pair[1], this.#source);
  }

  /** The arguments in a line, as people read them; what the record does not hold is a digest. */
  describeArguments(): string {
    return this.#record.arguments.map(([name, slot]) => `${name}=${inWords(slot)}`).join(", ");
  }

  /** The result in a line, as people read it; if the record does not hold it, its digest. */
  describeResult(): string {
    return inWords(this.#record.result);
  }

  /** The record as it is stored, without the cache. */
  detach(): CallRecord {
    return this.#record;
  }

  /** Loads everything. */
  async fetch(): Promise<Call> {
    const { arguments: _, result: __, ...fields } = this.#record.fields;
    return new Call({
      ...fields,
      arguments: await this.arguments(),
      argumentNames: this.argumentNames,
      result: await this.result(),
    });
  }
}

function inWords(slot: Slot): string {
  return describeSlot(slot) ?? `<${slotDigest(slot).slice(0, 8)}>`;
}

/** Loads what a slot stands for. */
export async function loadSlot(slot: Slot, source: ValueSource): Promise<unknown> {
  const reference = slotReference(slot);
  if (reference === undefined) return await decodeDeep({ head: slot }, source);
  const near = await gathered(source, [reference]);
  const encoding = await near.read(reference);
  if (encoding === undefined) throw missing(reference);
  return await decodeDeep(encoding, near);
}

/**
 * Reads values with all their parts in one go, and keeps them, where that takes less time than one by
 * one. What does not come so is read by itself.
 */
export async function gathered(
  source: ValueSource,
  references: readonly Reference[],
): Promise<ValueSource> {
  if (source.deep === undefined) return source;
  const found = new Map<string, Encoding>();
  for await (const { reference, encoding } of source.deep.readDeep(references)) {
    found.set(reference.digest, encoding);
  }
  return { read: (reference) => found.get(reference.digest) ?? source.read(reference) };
}

/**
 * Builds the value of an encoding whose parts are still to be read.
 *
 * @throws {NotFoundError} If a part is not there.
 */
export async function decodeDeep(encoding: Encoding, source: ValueSource): Promise<unknown> {
  try {
    return decode(encoding);
  } catch (error) {
    if (!(error instanceof MissingPart)) throw error;
  }
  const near = await gathered(source, findReferences(encoding));
  const parts = await readParts(encoding, near);
  const partOf = ({ digest }: Reference) => {
    const part = parts.get(digest);
    if (part?.encoding === undefined) return undefined;
    // What occurs more than once is built more than once, and may not give its memory away.
    return part.shared ? { ...part.encoding, owned: false } : part.encoding;
  };
  return decode(encoding, { source: partOf });
}

interface Part {
  encoding?: Encoding | undefined;
  references: Reference[];
  /** Whether the value contains it more than once. */
  shared: boolean;
}

// Level by level, each part once.
async function readParts(root: Encoding, source: ValueSource): Promise<Map<string, Part>> {
  const parts = new Map<string, Part>();
  const top: Part = { references: findReferences(root), shared: false };
  for (let level = [top]; level.length > 0;) {
    const fresh = freshParts(level, parts);
    await Promise.all(fresh.map(async ([reference, part]) => {
      part.encoding = await source.read(reference);
      if (part.encoding === undefined) throw missing(reference);
      part.references = findReferences(part.encoding);
    }));
    level = fresh.map(([, part]) => part);
  }
  return parts;
}

// The parts that a level refers to for the first time, which are added to all parts.
function freshParts(level: readonly Part[], parts: Map<string, Part>): [Reference, Part][] {
  const fresh: [Reference, Part][] = [];
  for (const { references, shared } of level) {
    for (const reference of references) {
      const known = parts.get(reference.digest);
      if (known !== undefined) {
        markShared(known, parts);
        continue;
      }
      const part: Part = { references: [], shared };
      parts.set(reference.digest, part);
      fresh.push([reference, part]);
    }
  }
  return fresh;
}

function markShared(part: Part, parts: Map<string, Part>): void {
  if (part.shared) return;
  part.shared = true;
  for (const { digest } of part.references) {
    const inner = parts.get(digest);
    if (inner !== undefined) markShared(inner, parts);
  }
}

function missing(reference: Reference): NotFoundError {
  const message = `The value ${reference.digest} is not in the cache any more`;
  return new NotFoundError(message, { key: reference.digest });
}
