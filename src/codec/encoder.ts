import { Buffer } from "node:buffer";
import { Digest, isWholeDigest } from "../digest.ts";
import { IndigestibleError } from "../errors.ts";
import { Culprit, describeForeign, keyStep, shortened, within } from "./_culprit.ts";
import {
  arrayLength,
  dateTime,
  mapSize,
  memoryThere,
  prototypeOf,
  refuseArray,
  refuseExtras,
  setSize,
} from "./_genuine.ts";
import { SplitParts } from "./_split_parts.ts";
import { Writer } from "./writer.ts";
import { BUILTIN_BY_PROTOTYPE, type BuiltinFields, fieldStep } from "./builtins.ts";
import { crcOf, digestOf, type Encoding, type Reference } from "./encoding.ts";
import { EXTENSION, MAX_DEPTH, MAX_PAYLOAD, SPLIT_LENGTH, TIMESTAMP } from "./format.ts";
import { DIGEST_METHOD, Identity, identityOf } from "./identity.ts";
import { ARRAY_BUFFER_KIND, bytesOf, KIND_BY_PROTOTYPE, memoryOf, memoryOffset } from "./memory.ts";
import { registeredTypes } from "./registry.ts";
import { writeReference } from "./reference.ts";

/**
 * Takes the parts of a value that are stored by themselves, each after its own parts.
 *
 * The bytes belong to the encoder, or are the value's own memory: they hold during the call only.
 */
export type PartSink = (reference: Reference, encoding: Encoding) => void;

/** How a value is encoded. */
export interface EncodeOptions {
  /** What the path to a culprit starts with. */
  root?: string;
  /** Whether functions and objects known by identity alone may occur, as in arguments. */
  identities?: boolean;
  /** Takes the parts; without it they are digested only. */
  sink?: PartSink | undefined;
  /** Whether large parts are split off; true by default. Only what no storage sees is left whole. */
  split?: boolean;
}

const CHANGED = "changes while it is being encoded";
const TOO_LARGE = "holds more than 4 GiB, the most the format takes in one piece: divide it";

/** Encodes one value at a time, always in the one canonical form. */
export class Encoder {
  #out = new Writer();
  #body: Uint8Array | undefined;
  #identities = true;
  #sink: PartSink | undefined;
  #splitLength = SPLIT_LENGTH;
  readonly #parts = new SplitParts();

  /**
   * Encodes a value.
   *
   * @returns The encoding, which holds until the encoder is used again or the value changes.
   * @throws {IndigestibleError} If the value, or something in it, has no encoding.
   */
  encode(value: unknown, options: EncodeOptions = {}): Encoding {
    this.#out.rewind(0);
    this.#body = undefined;
    this.#identities = options.identities ?? true;
    this.#sink = options.sink;
    this.#splitLength = options.split === false ? Infinity : SPLIT_LENGTH;
    this.#parts.clear();
    try {
      this.#value(value, 1);
    } catch (error) {
      if (!(error instanceof Culprit)) throw error;
      const path = (options.root ?? "value") + error.path;
      const message = `Cannot digest ${shortened(path)}: it ${error.message}`;
      throw new IndigestibleError(message, { path });
    }
    return { head: this.#out.since(0), body: this.#body };
  }

  /** Gives back the memory that an unusually large value has taken. */
  trim(): void {
    this.#out.trim();
    this.#parts.clear();
    this.#body = undefined;
    this.#sink = undefined;
  }

  #value(value: unknown, depth: number): void {
    switch (typeof value) {
      case "number":
        return this.#out.number(value);
      case "string":
        return this.#out.string(value);
      case "boolean":
        return this.#out.byte(value ? 0xc3 : 0xc2);
      case "undefined":
        return this.#out.extension(EXTENSION.undefined, 0);
      case "bigint":
        return this.#bigint(value);
      case "symbol":
        throw new Culprit("is a symbol, which means nothing outside this process");
      case "function":
        return this.#function(value, depth);
      default:
        return value === null ? this.#out.byte(0xc0) : this.#object(value as object, depth);
    }
  }

  // A value inside another one: what reaches SPLIT_LENGTH is replaced by a reference.
  #element(value: unknown, depth: number): void {
    if (depth > MAX_DEPTH) {
      throw new Culprit(`nests deeper than ${MAX_DEPTH} levels, or contains itself`);
    }
    if (typeof value === "number") return this.#out.number(value);
    const start = this.#out.position;
    this.#value(value, depth);
    if (this.#out.position - start >= this.#splitLength) this.#split(start, undefined);
  }

  // An element whose place in its container cannot be named by an index or a key.
  #inner(value: unknown, depth: number, step: string): void {
    try {
      this.#element(value, depth);
    } catch (error) {
      throw within(error, step);
    }
  }

  // Puts a reference in the place of a part, whose own parts have been split off.
  #split(start: number, body: Uint8Array | undefined): void {
    const head = this.#out.since(start);
    const length = head.length + (body?.length ?? 0);
    const reference = { digest: digestOf(head, body), crc: crcOf(head, body), length };
    const isMemory = body !== undefined || memoryOffset(head) !== undefined;
    this.#parts.add(reference, isMemory ? "memory" : "other");
    this.#sink?.(reference, { head, body });
    this.#out.rewind(start);
    writeReference(this.#out, reference);
  }

  #bigint(value: bigint): void {
    const negative = value < 0n;
    // Two's complement: -n is the inverse of n - 1, and the first bit is the sign.
    let digits = (negative ? -value - 1n : value).toString(16);
    if (digits.length % 2 === 1) digits = `0${digits}`;
    if (digits >= "8") digits = `00${digits}`;
    if (negative) digits = digits.replace(/./g, (digit) => (15 - parseInt(digit, 16)).toString(16));
    this.#out.extension(EXTENSION.bigint, digits.length / 2);
    this.#out.hex(digits);
  }

  #function(value: unknown, depth: number): void {
    if (this.#registered(value, depth)) return;
    const identity = this.#identities ? identityOf(value as object) : undefined;
    if (identity !== undefined) return this.#identity(identity.kind, identity.digest);
    if (this.#selfDigested(value as object)) return;
    throw new Culprit(
      this.#identities
        ? "is a function, and two closures of one source cannot be told apart: " +
          "wrap it with fleche(), or vouch for it with pure()"
        : "is a function, which cannot be stored as a result",
    );
  }

  #registered(value: unknown, depth: number): boolean {
    const types = registeredTypes();
    for (let index = 0; index < types.length; index++) {
      const type = types[index];
      if (type === undefined || !type.match(value)) continue;
      const start = this.#out.open();
      this.#out.array(2);
      this.#out.string(type.name);
      this.#inner(type.encode(value), depth + 1, `<content of ${type.name}>`);
      this.#out.close(start, EXTENSION.registered);
      return true;
    }
    return false;
  }

  #object(value: object, depth: number): void {
    if (registeredTypes().length > 0 && this.#registered(value, depth)) return;
    const prototype = prototypeOf(value);
    if (Array.isArray(value) && prototype === Array.prototype) return this.#array(value, depth);
    if (prototype === Object.prototype || prototype === null) return this.#record(value, depth);
    const kind = KIND_BY_PROTOTYPE.get(prototype);
    if (kind !== undefined) {
      return this.#memory(kind, memoryThere(memoryOf(value as ArrayBufferView)), depth);
    }
    switch (prototype) {
      case Uint8Array.prototype:
      case Buffer.prototype:
        return this.#bytes(memoryThere(memoryOf(value as Uint8Array)), depth);
      case Map.prototype:
        return this.#map(value as Map<unknown, unknown>, depth);
      case Set.prototype:
        return this.#set(value as Set<unknown>, depth);
      case Date.prototype:
        return this.#date(value as Date, depth);
      case ArrayBuffer.prototype:
        refuseExtras(value);
        return this.#memory(ARRAY_BUFFER_KIND, memoryThere(bytesOf(value as ArrayBuffer)), depth);
      case Digest.prototype:
        return this.#digest(value as Digest);
      case Identity.prototype:
        return this.#identity((value as Identity).kind, (value as Identity).digest);
    }
    const builtin = BUILTIN_BY_PROTOTYPE.get(prototype);
    if (builtin !== undefined) return this.#builtin(builtin(value), depth);
    if (!this.#selfDigested(value)) throw new Culprit(describeForeign(value));
  }

  #array(array: unknown[], depth: number): void {
    if (Object.hasOwn(array, "index") && Object.hasOwn(array, "input")) {
      throw new Culprit("is the match of a regular expression: take the strings out of it");
    }
    const length = arrayLength(array);
    this.#out.array(length);
    let index = 0;
    try {
      for (; index < length; index++) this.#element(array[index], depth + 1);
    } catch (error) {
      throw within(error, `[${index}]`);
    }
  }

  #record(record: object, depth: number): void {
    refuseArray(record);
    if (Object.getOwnPropertySymbols(record).length > 0) {
      if (this.#selfDigested(record)) return;
      throw new Culprit("has symbol keys, which mean nothing outside this process");
    }
    const keys = Object.keys(record);
    const { length } = keys;
    for (let index = 1; index < length; index++) {
      if ((keys[index] as string) < (keys[index - 1] as string)) {
        keys.sort();
        break;
      }
    }
    this.#out.map(length);
    let key = "";
    try {
      for (let index = 0; index < length; index++) {
        key = keys[index] as string;
        this.#key(key);
        this.#element((record as Record<string, unknown>)[key], depth + 1);
      }
    } catch (error) {
      throw within(error, keyStep(key));
    }
  }

  #key(key: string): void {
    if (key === "__proto__") throw new Culprit('is under the key "__proto__": rename the key');
    if (!key.isWellFormed()) throw new Culprit("is under a key with lone surrogates: use a Map");
    this.#out.string(key);
  }

  #map(map: Map<unknown, unknown>, depth: number): void {
    const size = mapSize(map);
    refuseExtras(map);
    const start = this.#out.open();
    this.#out.array(2 * size);
    let index = 0;
    for (const [key, value] of map) {
      this.#inner(key, depth + 1, `<key ${index}>`);
      const step = typeof key === "string" ? `.get(${JSON.stringify(key)})` : `<value ${index}>`;
      this.#inner(value, depth + 1, step);
      index++;
    }
    if (index !== size) throw new Culprit(CHANGED);
    this.#out.close(start, EXTENSION.map);
  }

  #set(set: Set<unknown>, depth: number): void {
    const size = setSize(set);
    refuseExtras(set);
    const start = this.#out.open();
    this.#out.array(size);
    let index = 0;
    for (const element of set) this.#inner(element, depth + 1, `<element ${index++}>`);
    if (index !== size) throw new Culprit(CHANGED);
    this.#out.close(start, EXTENSION.set);
  }

  #builtin(fields: BuiltinFields, depth: number): void {
    if ("unfit" in fields) throw new Culprit(fields.unfit);
    const start = this.#out.open();
    this.#out.array(fields.length);
    fields.forEach((field, index) => this.#inner(field, depth + 1, fieldStep(fields, index)));
    this.#out.close(start, EXTENSION.builtin);
  }

  #date(date: Date, depth: number): void {
    const time = dateTime(date);
    refuseExtras(date);
    if (Number.isNaN(time)) return this.#builtin(["Date"], depth);
    const seconds = Math.floor(time / 1000);
    const nanoseconds = (time - seconds * 1000) * 1_000_000;
    if (nanoseconds === 0 && seconds >= 0 && seconds < 0x1_0000_0000) {
      this.#out.extension(TIMESTAMP, 4);
      this.#out.uint32(seconds);
    } else if (seconds >= 0 && seconds < 0x4_0000_0000) {
      this.#out.extension(TIMESTAMP, 8);
      this.#out.uint32(nanoseconds * 4 + Math.floor(seconds / 0x1_0000_0000));
      this.#out.uint32(seconds >>> 0);
    } else {
      this.#out.extension(TIMESTAMP, 12);
      this.#out.uint32(nanoseconds);
      this.#out.int64(seconds);
    }
  }

  #bytes(bytes: Uint8Array, depth: number): void {
    if (bytes.length > MAX_PAYLOAD) throw new Culprit(TOO_LARGE);
    const start = this.#out.position;
    this.#out.bytes(bytes.length);
    this.#content(start, bytes, depth);
  }

  #memory(kind: number, bytes: Uint8Array, depth: number): void {
    if (bytes.length >= MAX_PAYLOAD) throw new Culprit(TOO_LARGE);
    const start = this.#out.position;
    this.#out.extension(EXTENSION.memory, bytes.length + 1);
    this.#out.byte(kind);
    this.#content(start, bytes, depth);
  }

  // The memory of a value; what is large is never copied into the buffer.
  #content(start: number, bytes: Uint8Array, depth: number): void {
    if (this.#out.position - start + bytes.length < this.#splitLength) return this.#out.raw(bytes);
    if (depth === 1) this.#body = bytes;
    else this.#split(start, bytes);
  }

  #digest(digest: Digest): void {
    if (digest.isShort) {
      throw new Culprit("is a short digest, which may come to mean something else: expand it");
    }
    this.#identity("digest", digest.hex);
  }

  #identity(kind: string, digest: string): void {
    const start = this.#out.open();
    this.#out.array(2);
    this.#out.string(kind);
    this.#out.string(digest);
    this.#out.close(start, EXTENSION.identity);
  }

  // Whether the object has a digest method, and so an identity of its own.
  #selfDigested(value: object): boolean {
    const method: unknown = Reflect.get(value, DIGEST_METHOD);
    if (typeof method !== "function") return false;
    if (!this.#identities) {
      throw new Culprit("is known by its digest alone, so it cannot be stored as a result");
    }
    const given: unknown = method.call(value);
    const digest = given instanceof Digest ? given.hex : given;
    if (typeof digest !== "string" || !isWholeDigest(digest)) {
      throw new Culprit("has a digest method that does not return a whole Digest");
    }
    this.#identity("custom", digest);
    return true;
  }
}
