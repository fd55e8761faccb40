import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { decode } from "./codec/decoder.ts";
import type { Encoding, Reference } from "./codec/encoding.ts";
import { withEncoding } from "./codec/encode.ts";
import { skipValue, Walk } from "./codec/references.ts";
import { Writer } from "./codec/writer.ts";
import { isWholeDigest } from "./digest.ts";
import { CorruptValueError, UnknownTypeError } from "./errors.ts";
import { isJson, type Json } from "./json.ts";
import {
  type HashedField,
  hashedIdentity,
  KeyPrefix,
  type SelectedIdentity,
} from "./lookup_key.ts";
import { EMBED_LENGTH, type Slot, slotDigest, slotReference } from "./slot.ts";

/** What was noted of a call, by namespace. */
export type Metadata = Record<string, Record<string, Json>>;

/** What a record says of a call. */
export interface RecordFields extends SelectedIdentity {
  /** Digest of the function's source, where it has one. */
  readonly source: string | null;
  /** Names and values of the arguments, in declared order. */
  readonly arguments: readonly (readonly [name: string, slot: Slot])[];
  /** The result. */
  readonly result: Slot;
  /** Keys of the cached calls made while this one ran, at most {@linkcode MAX_CHILD_CALLS}. */
  readonly calls: readonly string[];
  /** What was noted of the call. */
  readonly metadata: Metadata;
}

/** All optional fields. */
const HASHED_FIELDS: readonly HashedField[] = ["module", "version", "code"];

/** Version of the record's format. */
export const RECORD_FORMAT = 1;

/** Child calls that a record keeps; further ones are left out. */
export const MAX_CHILD_CALLS = 1000;

/** Longest record, in bytes. */
export const MAX_RECORD_LENGTH = 8 << 20;

/** Bytes of the last entry's value: a uint 32 with its first byte. */
const CRC_LENGTH = 5;

const FIELDS = [
  "format",
  "name",
  "module",
  "version",
  "code",
  "deps",
  "hashed",
  "source",
  "result",
  "arguments",
  "calls",
  "metadata",
] as const;

type Field = typeof FIELDS[number];

const writer = new Writer();

/** How each field's name stands in a record. */
const FIELD_NAMES: ReadonlyMap<Field | "crc", Uint8Array> = new Map(
  [...FIELDS, "crc" as const].map((field) => {
    const out = new Writer();
    out.string(field);
    return [field, out.since(0).slice()];
  }),
);

/** How many bytes the name of each field takes. */
const NAME_LENGTHS = FIELDS.map((field) => (FIELD_NAMES.get(field) as Uint8Array).length);

/**
 * A stored call: a MessagePack map whose last entry is a CRC-32 of all the bytes before it and the
 * key, so that neither a torn record nor one under another key passes for a call.
 */
export class CallRecord {
  readonly #starts: readonly number[];

  private constructor(
    /** The lookup key. */
    readonly key: string,
    /** The record as it is stored. */
    readonly bytes: Uint8Array,
    starts: readonly number[],
  ) {
    this.#starts = starts;
  }

  /**
   * Makes a record.
   *
   * @throws {RangeError} If the record would be longer than {@linkcode MAX_RECORD_LENGTH}.
   * @throws {TypeError} If the metadata are not what JSON can hold.
   */
  static build(key: string, fields: RecordFields): CallRecord {
    writer.rewind(0);
    writer.map(FIELDS.length + 1);
    const starts = FIELDS.map((field) => {
      writer.raw(FIELD_NAMES.get(field) as Uint8Array);
      const start = writer.position;
      writeField(field, fields);
      return start;
    });
    writer.raw(FIELD_NAMES.get("crc") as Uint8Array);
    if (writer.position + CRC_LENGTH > MAX_RECORD_LENGTH) {
      throw new RangeError(
        `Cannot store a call whose record takes more than ${MAX_RECORD_LENGTH} bytes: ` +
          "pass many arguments as one object, and store long metadata as a value",
      );
    }
    const crc = checksum(writer.since(0), key);
    writer.byte(0xce);
    writer.uint32(crc);
    return new CallRecord(key, writer.since(0).slice(), starts);
  }

  /**
   * Reads a record.
   *
   * @throws {CorruptValueError} If the bytes are not a whole record of that key.
   * @throws {UnknownTypeError} If a newer version wrote them.
   */
  static parse(key: string, bytes: Uint8Array): CallRecord {
    // What stands in a damaged database may be anything.
    if (!(bytes instanceof Uint8Array)) corrupt(key);
    const end = bytes.length - CRC_LENGTH;
    if (end <= 0 || bytes[end] !== 0xce) corrupt(key);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.getUint32(end + 1) !== checksum(bytes.subarray(0, end), key)) corrupt(key);
    // With the check sum right, the bytes are as some version of build() wrote them.
    const format = bytes[1 + (FIELD_NAMES.get("format") as Uint8Array).length];
    if (format !== RECORD_FORMAT) {
      const message = `Cannot read the record of call ${key}: a newer version of fleche wrote it`;
      throw new UnknownTypeError(message, { type: `record format ${format}` });
    }
    const walk = new Walk(bytes);
    const starts: number[] = [];
    let at = 1;
    for (const length of NAME_LENGTHS) {
      at += length;
      starts.push(at);
      at = walk.skip(at);
    }
    return new CallRecord(key, bytes, starts);
  }

  /**
   * Reads a record that comes from elsewhere, and checks what {@linkcode CallRecord.parse} takes for
   * granted: that the fields are what they should be, and add up to the key.
   *
   * @throws {CorruptValueError} If they do not.
   * @throws {UnknownTypeError} If a newer version wrote the record.
   */
  static receive(key: string, bytes: Uint8Array): CallRecord {
    const record = CallRecord.parse(key, bytes);
    const { fields } = record;
    const isSound = hasSoundFields(fields) && record.computeKey() === key &&
      Buffer.compare(CallRecord.build(key, fields).bytes, bytes) === 0;
    if (!isSound) {
      const message = `The record that came as call ${key} is not one of that call`;
      throw new CorruptValueError(message, { digest: key });
    }
    return record;
  }

  #slice(field: Field): Uint8Array {
    const index = FIELDS.indexOf(field);
    const next = FIELDS[index + 1] ?? "crc";
    const end = index + 1 < FIELDS.length
      ? (this.#starts[index + 1] as number) - (FIELD_NAMES.get(next) as Uint8Array).length
      : this.bytes.length - CRC_LENGTH - (FIELD_NAMES.get("crc") as Uint8Array).length;
    return this.bytes.subarray(this.#starts[index], end);
  }

  #value(field: Field): unknown {
    return decode({ head: this.#slice(field) }, { split: false, plain: true });
  }

  /** The function's name. */
  get name(): string {
    return this.#value("name") as string;
  }

  /** Where the function is defined. */
  get module(): string | null {
    return this.#value("module") as string | null;
  }

  /** The function's version. */
  get version(): string | number | null {
    return this.#value("version") as string | number | null;
  }

  /** Digest of the code that joined the key. */
  get code(): string | null {
    return this.#value("code") as string | null;
  }

  /** Digest of the dependencies. */
  get deps(): string | null {
    return this.#value("deps") as string | null;
  }

  /** Which of the optional fields joined the key. */
  get hashed(): HashedField[] {
    return this.#value("hashed") as HashedField[];
  }

  /** Digest of the function's source. */
  get source(): string | null {
    return this.#value("source") as string | null;
  }

  /** The result. */
  get result(): Slot {
    return this.#slice("result");
  }

  /** Keys of the cached calls made while this one ran. */
  get calls(): string[] {
    return this.#value("calls") as string[];
  }

  /** What was noted of the call. */
  get metadata(): Metadata {
    return this.#value("metadata") as Metadata;
  }

  /** Names and values of the arguments. */
  get arguments(): [name: string, slot: Slot][] {
    const bytes = this.#slice("arguments");
    const pairs: [string, Slot][] = [];
    let at = headerLength(bytes);
    while (at < bytes.length) {
      const start = at + 1;
      const middle = skipValue(bytes, start);
      at = skipValue(bytes, middle);
      const name = decode({ head: bytes.subarray(start, middle) }, { plain: true }) as string;
      pairs.push([name, bytes.subarray(middle, at)]);
    }
    return pairs;
  }

  /** All fields. */
  get fields(): RecordFields {
    const { name, module, version, code, deps, hashed, source } = this;
    return {
      ...{ name, module, version, code, deps, hashed, source },
      arguments: this.arguments,
      result: this.result,
      calls: this.calls,
      metadata: this.metadata,
    };
  }

  /** The values that the record refers to, those inside embedded encodings included. */
  get references(): Reference[] {
    const found: Reference[] = [];
    skipValue(this.bytes, 0, found);
    return found;
  }

  /** The values that the result refers to. */
  get resultReferences(): Reference[] {
    const found: Reference[] = [];
    skipValue(this.result, 0, found);
    return found;
  }

  /** The key that the fields of the record add up to; `fleche verify` compares it. */
  computeKey(): string {
    const pairs = this.arguments;
    const prefix = new KeyPrefix(hashedIdentity(this));
    return prefix.key(pairs.map(([name]) => name), pairs.map(([, slot]) => slotDigest(slot)));
  }

  /** The encoding embedded under a digest. */
  embedded(digest: string): Encoding | undefined {
    for (const slot of [this.result, ...this.arguments.map(([, slot]) => slot)]) {
      if (slotReference(slot) === undefined && slotDigest(slot) === digest) return { head: slot };
    }
  }
}

/** The digests of the arguments and the result that a record holds itself. */
export function embeddedDigests(record: CallRecord): string[] {
  const slots = [record.result, ...record.arguments.map(([, slot]) => slot)];
  return slots.filter((slot) => slotReference(slot) === undefined).map(slotDigest);
}

function hasSoundFields(fields: RecordFields): boolean {
  const { name, module, version, code, deps, source, hashed, calls, metadata } = fields;
  const isOptional = (value: unknown) => value === null || typeof value === "string";
  return typeof name === "string" && [module, code, deps, source].every(isOptional) &&
    (isOptional(version) || typeof version === "number") &&
    isListOf(hashed, (each) => HASHED_FIELDS.includes(each as HashedField)) &&
    isListOf(calls, (each) => typeof each === "string" && isWholeDigest(each)) &&
    isRecord(metadata) && Object.values(metadata).every(isRecord) &&
    fields.arguments.every(([each, slot]) =>
      typeof each === "string" && slot.length <= EMBED_LENGTH
    ) &&
    fields.result.length <= EMBED_LENGTH;
}

function isListOf(value: unknown, is: (each: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is);
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}

function writeField(field: Field, fields: RecordFields): void {
  switch (field) {
    case "format":
      return writer.number(RECORD_FORMAT);
    case "hashed":
      return writeStrings(fields.hashed);
    case "calls":
      return writeStrings(fields.calls.slice(0, MAX_CHILD_CALLS));
    case "result":
      return writer.raw(fields.result);
    case "arguments":
      writer.array(fields.arguments.length);
      for (const [name, slot] of fields.arguments) {
        writer.array(2);
        writer.string(name);
        writer.raw(slot);
      }
      return;
    case "metadata":
      return writeMetadata(fields.metadata);
    default: {
      const value = fields[field];
      if (value === null) return writer.byte(0xc0);
      return typeof value === "number" ? writer.number(value) : writer.string(value);
    }
  }
}

function writeStrings(strings: readonly string[]): void {
  writer.array(strings.length);
  for (const text of strings) writer.string(text);
}

function writeMetadata(metadata: Metadata): void {
  if (!isJson(metadata)) {
    throw new TypeError("Cannot store metadata that JSON cannot hold: plain values only");
  }
  withEncoding(metadata, { root: "metadata", split: false }, ({ head }) => writer.raw(head));
}

function checksum(bytes: Uint8Array, key: string): number {
  return crc32(key, crc32(bytes));
}

function headerLength(bytes: Uint8Array): number {
  return bytes[0] === 0xdc ? 3 : bytes[0] === 0xdd ? 5 : 1;
}

function corrupt(key: string): never {
  throw new CorruptValueError(`The record of call ${key} is damaged`, { digest: key });
}
