/**
 * The decoder: strict, so that whatever it accepts is the one encoding of what it returns.
 *
 * One file, since every format reads from the same position.
 *
 * @module
 */

import { Digest, isWholeDigest } from "../digest.ts";
import { CorruptValueError, UnknownTypeError } from "../errors.ts";
import { readBuiltin } from "./builtins.ts";
import type { Encoding, Reference } from "./encoding.ts";
import {
  EXTENSION,
  MAX_DEPTH,
  MAX_REPEATED_LENGTH,
  REFERENCE_LENGTH,
  REFERENCE_PAYLOAD,
  SPLIT_LENGTH,
} from "./format.ts";
import { Identity, type IdentityKind } from "./identity.ts";
import { memoryKind, memoryOffset, memoryValue } from "./memory.ts";
import { readReference } from "./reference.ts";
import { MAX_TYPE_NAME, registeredType } from "./registry.ts";

/** How bytes are decoded. */
export interface DecodeOptions {
  /** Finds the parts that were split off. */
  source?: PartSource | undefined;
  /** Whether large parts were split off; true by default. */
  split?: boolean;
  /** Whether what names a type, a built-in class, a file or a part is refused; false by default. */
  plain?: boolean;
  /** Levels of nesting that are taken; {@linkcode MAX_DEPTH} by default. */
  depth?: number;
  /** How many elements its arrays and objects may still have; those that it has are taken off. */
  room?: { elements: number };
}

/** Finds the encoding of a part, already checked against the reference; undefined if it cannot. */
export type PartSource = (reference: Reference) => Encoding | undefined;

/** Thrown by {@linkcode decode} when the source does not have a part. */
export class MissingPart extends Error {
  /** Takes the reference that leads nowhere. */
  constructor(readonly reference: Reference) {
    super(`A part of the value is missing: ${reference.digest}`);
  }
}

/** Latest and earliest time of a Date, in milliseconds. */
const MAX_TIME = 8.64e15;

/** Bytes of the largest bigint of V8. */
const MAX_BIGINT = 1 << 27;

/** Characters that are made into text at a time. */
const UTF16_PIECE = 4096;

/** Longest string that is read character by character. */
const SHORT_STRING = 24;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Builds the value of an encoding.
 *
 * No memory is shared with the encoding, unless it is `owned`.
 *
 * @throws {CorruptValueError} If the bytes are not the canonical encoding of a value.
 * @throws {UnknownTypeError} If they name a type that is not registered or not in this runtime.
 * @throws {MissingPart} If the source does not have a part.
 */
export function decode(encoding: Encoding, options: DecodeOptions = {}): unknown {
  return new Decoder(options).root(encoding, 1);
}

/** What a decoder looks at before it is given anything. */
const NOTHING: Uint8Array = new Uint8Array(0);
const NO_VIEW: DataView = new DataView(NOTHING.buffer);

class Decoder {
  #bytes = NOTHING;
  #view = NO_VIEW;
  #at = 0;
  #end = 0;
  #room: { memory: number; other: number } = { ...MAX_REPEATED_LENGTH };
  readonly #seen = new Set<string>();

  readonly #source: PartSource | undefined;
  readonly #splitLength: number;
  readonly #elements: { elements: number } | undefined;
  readonly #plain: boolean;
  readonly #maxDepth: number;

  constructor({ source, split, plain, depth = MAX_DEPTH, room }: DecodeOptions) {
    this.#maxDepth = depth;
    this.#elements = room;
    this.#plain = plain === true;
    this.#source = source;
    this.#splitLength = split === false ? Infinity : SPLIT_LENGTH;
  }

  root(encoding: Encoding, depth: number): unknown {
    const { head, body } = encoding;
    if (depth > this.#maxDepth) this.#fail(`nesting deeper than ${this.#maxDepth} levels`);
    this.#bytes = head;
    this.#view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    this.#at = 0;
    this.#end = head.length;
    if (body !== undefined) return this.#leaf(body, encoding.owned === true);
    if (encoding.owned === true && memoryOffset(head) !== undefined) return this.#ownedMemory();
    const value = this.#value(depth);
    if (this.#at !== this.#end) this.#fail("bytes follow the value");
    return value;
  }

  #fail(what: string): never {
    throw new CorruptValueError(`Not a canonical encoding: ${what} (at byte ${this.#at})`, {
      position: this.#at,
    });
  }

  #need(count: number): void {
    if (count > this.#end - this.#at) {
      this.#fail(`${count} more bytes are announced than there are`);
    }
  }

  // What a value of plain memory says of itself before its content; kind 0 is a Uint8Array.
  #memoryHeader(contentLength: number): number {
    const first = this.#uint8();
    let length: number;
    let kind = 0;
    if (first <= 0xc6) {
      length = this.#lengthFrom(first, 0xc4);
    } else {
      length = this.#extensionLength(first) - 1;
      if (this.#uint8() !== EXTENSION.memory || length < 0) this.#fail("memory without a kind");
      kind = this.#uint8();
      if (kind === 0) this.#fail("memory of the unknown kind 0");
    }
    if (length !== contentLength - this.#at) this.#fail("a length that differs from the content");
    return kind;
  }

  // The memory of a large value that was read apart from its header.
  #leaf(body: Uint8Array, owned: boolean): unknown {
    if (memoryOffset(this.#bytes) === undefined) this.#fail("a header that announces no memory");
    const kind = this.#memoryHeader(this.#end + body.length);
    if (this.#at !== this.#end) this.#fail("bytes between a header and its content");
    const { buffer } = body;
    const whole = owned && buffer.byteLength === body.length && buffer instanceof ArrayBuffer;
    return this.#memory(kind, whole ? buffer : body.slice().buffer);
  }

  // Turns the buffer of a whole encoding into the value's memory: moves the content to its start
  // and gives back what is left over, which costs far less than a second buffer.
  #ownedMemory(): unknown {
    const bytes = this.#bytes;
    const kind = this.#memoryHeader(this.#end);
    const { buffer } = bytes;
    const length = this.#end - this.#at;
    const whole = buffer.byteLength === bytes.length && buffer instanceof ArrayBuffer;
    if (!whole || length === 0) return this.#memory(kind, bytes.slice(this.#at).buffer);
    bytes.copyWithin(0, this.#at);
    return this.#memory(kind, buffer.transferToFixedLength(length));
  }

  #memory(kind: number, buffer: ArrayBuffer): unknown {
    if (kind === 0) return new Uint8Array(buffer);
    const known = memoryKind(kind);
    if (known === undefined) this.#fail(`memory of the unknown kind ${kind}`);
    if (buffer.byteLength % known.width !== 0) this.#fail(`half an element of ${known.name}`);
    const value = memoryValue(known, buffer);
    if (value === undefined) {
      const message = `Cannot build a stored ${known.name}: this runtime does not have it`;
      throw new UnknownTypeError(message, { type: known.name });
    }
    return value;
  }

  #uint8(): number {
    if (this.#at >= this.#end) this.#need(1);
    return this.#bytes[this.#at++] as number;
  }

  #uint16(): number {
    this.#need(2);
    const value = this.#view.getUint16(this.#at);
    this.#at += 2;
    return value;
  }

  #uint32(): number {
    this.#need(4);
    const value = this.#view.getUint32(this.#at);
    this.#at += 4;
    return value;
  }

  // A value inside another one: splitting must have been applied to it, and only where due.
  #element(depth: number): unknown {
    if (this.#bytes[this.#at] === 0xc7 && this.#bytes[this.#at + 2] === EXTENSION.reference) {
      return this.#reference(depth);
    }
    const start = this.#at;
    const value = this.#value(depth);
    if (this.#at - start >= this.#splitLength) this.#fail("a part that should be stored by itself");
    return value;
  }

  #reference(depth: number): unknown {
    this.#need(REFERENCE_LENGTH);
    if (this.#bytes[this.#at + 1] !== REFERENCE_PAYLOAD) {
      this.#fail("a reference of another length");
    }
    if (this.#plain) this.#fail("a reference, which has no place here");
    const reference = readReference(this.#view, this.#at + 3);
    if (reference.length < SPLIT_LENGTH || !Number.isSafeInteger(reference.length)) {
      this.#fail("a reference to a part of that length");
    }
    this.#at += REFERENCE_LENGTH;
    const part = this.#source?.(reference);
    if (part === undefined) throw new MissingPart(reference);
    if (this.#seen.has(reference.digest)) this.#repeat(part, reference.length);
    else this.#seen.add(reference.digest);
    const [bytes, view, at, end] = [this.#bytes, this.#view, this.#at, this.#end];
    const value = this.root(part, depth);
    [this.#bytes, this.#view, this.#at, this.#end] = [bytes, view, at, end];
    return value;
  }

  #repeat({ head, body }: Encoding, length: number): void {
    const kind = body !== undefined || memoryOffset(head) !== undefined ? "memory" : "other";
    this.#room[kind] -= length;
    if (this.#room[kind] >= 0) return;
    throw new CorruptValueError(
      `Cannot build a value that repeats parts of more than ${MAX_REPEATED_LENGTH[kind]} bytes`,
    );
  }

  #value(depth: number): unknown {
    if (depth > this.#maxDepth) this.#fail(`nesting deeper than ${this.#maxDepth} levels`);
    const first = this.#uint8();
    if (first < 0x80) return first;
    if (first < 0x90) return this.#map(first & 0x0f, depth);
    if (first < 0xa0) return this.#array(first & 0x0f, depth);
    if (first < 0xc0) return this.#string(first & 0x1f);
    if (first >= 0xe0) return first - 0x100;
    switch (first) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#take(this.#lengthFrom(first, 0xc4)).slice();
      case 0xcb:
        return this.#float();
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return this.#integer(first);
      case 0xc7:
      case 0xc8:
      case 0xc9:
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(this.#extensionLength(first), depth);
      case 0xd9:
      case 0xda:
      case 0xdb: {
        const length = this.#lengthFrom(first, 0xd9);
        if (length < 32) this.#fail("a length that is not in its shortest form");
        return this.#string(length);
      }
      case 0xdc:
      case 0xdd:
        return this.#array(this.#countFrom(first, 0xdc), depth);
      case 0xde:
      case 0xdf:
        return this.#map(this.#countFrom(first, 0xde), depth);
      default:
        this.#at--;
        this.#fail(`the format ${first.toString(16)}, which is not used`);
    }
  }

  // A length in the shortest of three forms that start at a byte.
  #lengthFrom(first: number, form8: number): number {
    let length: number;
    let least: number;
    if (first === form8) [length, least] = [this.#uint8(), 0];
    else if (first === form8 + 1) [length, least] = [this.#uint16(), 0x100];
    else [length, least] = [this.#uint32(), 0x1_0000];
    if (length < least) this.#fail("a length that is not in its shortest form");
    return length;
  }

  // A count in the shorter of two forms that start at a byte.
  #countFrom(first: number, form16: number): number {
    const count = first === form16 ? this.#uint16() : this.#uint32();
    if (count < (first === form16 ? 16 : 0x1_0000)) {
      this.#fail("a count that is not in its shortest form");
    }
    return count;
  }

  #extensionLength(first: number): number {
    if (first >= 0xd4) return 1 << (first - 0xd4);
    const length = this.#lengthFrom(first, 0xc7);
    if (length <= 16 && length > 0 && (length & (length - 1)) === 0) {
      this.#fail("a length that is not in its shortest form");
    }
    return length;
  }

  #integer(first: number): number {
    let value: number;
    let canonical: boolean;
    switch (first) {
      case 0xcc:
        value = this.#uint8();
        canonical = value >= 0x80;
        break;
      case 0xcd:
        value = this.#uint16();
        canonical = value >= 0x100;
        break;
      case 0xce:
        value = this.#uint32();
        canonical = value >= 0x1_0000;
        break;
      case 0xcf:
        value = this.#uint32() * 0x1_0000_0000 + this.#uint32();
        canonical = value >= 0x1_0000_0000;
        break;
      case 0xd0:
        value = this.#uint8() << 24 >> 24;
        canonical = value < -0x20;
        break;
      case 0xd1:
        value = this.#uint16() << 16 >> 16;
        canonical = value < -0x80;
        break;
      case 0xd2:
        value = this.#uint32() | 0;
        canonical = value < -0x8000;
        break;
      default:
        value = (this.#uint32() | 0) * 0x1_0000_0000 + this.#uint32();
        canonical = value < -0x8000_0000;
    }
    if (!canonical) this.#fail("an integer that is not in its shortest form");
    if (!Number.isSafeInteger(value)) this.#fail("an integer that is not a safe one");
    return value;
  }

  #float(): number {
    this.#need(8);
    const value = this.#view.getFloat64(this.#at);
    if (value !== value) {
      const canonical = this.#view.getUint32(this.#at) === 0x7ff8_0000 &&
        this.#view.getUint32(this.#at + 4) === 0;
      if (!canonical) this.#fail("a NaN that is not the canonical one");
    } else if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      this.#fail("an integer as a float");
    }
    this.#at += 8;
    return value;
  }

  #take(length: number): Uint8Array<ArrayBuffer> {
    this.#need(length);
    const bytes = this.#bytes.subarray(this.#at, this.#at + length) as Uint8Array<ArrayBuffer>;
    this.#at += length;
    return bytes;
  }

  #string(length: number): string {
    if (length <= SHORT_STRING) {
      this.#need(length);
      const end = this.#at + length;
      let text = "";
      let at = this.#at;
      for (; at < end; at++) {
        const byte = this.#bytes[at] as number;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (at === end) {
        this.#at = end;
        return text;
      }
    }
    const start = this.#at;
    try {
      return utf8.decode(this.#take(length));
    } catch (error) {
      // A RangeError where it is longer than this runtime's strings can be.
      if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
      this.#at = start;
      this.#fail("a string that is not UTF-8, or too long");
    }
  }

  #takeRoom(count: number): void {
    if (this.#elements === undefined) return;
    this.#elements.elements -= count;
    if (this.#elements.elements < 0) this.#fail("more elements than there may be");
  }

  #array(count: number, depth: number): unknown[] {
    this.#need(count);
    this.#takeRoom(count);
    const array: unknown[] = [];
    for (let index = 0; index < count; index++) array.push(this.#element(depth + 1));
    return array;
  }

  #map(count: number, depth: number): Record<string, unknown> {
    this.#need(2 * count);
    this.#takeRoom(count);
    const record: Record<string, unknown> = {};
    let last = "";
    for (let index = 0; index < count; index++) {
      const key = this.#key();
      if (index > 0 && key <= last) this.#fail("keys that are not in order");
      if (key === "__proto__") this.#fail('the key "__proto__"');
      record[key] = this.#element(depth + 1);
      last = key;
    }
    return record;
  }

  #key(): string {
    const first = this.#uint8();
    if (first >= 0xa0 && first < 0xc0) return this.#string(first & 0x1f);
    if (first < 0xd9 || first > 0xdb) this.#fail("a key that is not a string");
    const length = this.#lengthFrom(first, 0xd9);
    if (length < 32) this.#fail("a length that is not in its shortest form");
    return this.#string(length);
  }

  #extension(length: number, depth: number): unknown {
    const type = this.#uint8();
    this.#need(length);
    if (this.#plain && type !== EXTENSION.undefined && type !== EXTENSION.utf16) {
      this.#fail(`the extension ${type}, which has no place here`);
    }
    switch (type) {
      case 0xff:
        return this.#date(length);
      case EXTENSION.reference:
        return this.#fail("a reference where a value should begin");
      case EXTENSION.undefined:
        return length === 0 ? undefined : this.#fail("an undefined with content");
      case EXTENSION.bigint:
        return this.#bigint(length);
      case EXTENSION.memory: {
        if (length === 0) this.#fail("memory without a kind");
        const kind = this.#uint8();
        if (kind === 0) this.#fail("memory of the unknown kind 0");
        return this.#memory(kind, this.#take(length - 1).slice().buffer);
      }
      case EXTENSION.map:
        return this.#mapObject(length, depth);
      case EXTENSION.set:
        return this.#setObject(length, depth);
      case EXTENSION.utf16:
        return this.#utf16(length);
      case EXTENSION.registered:
        return this.#registered(length, depth);
      case EXTENSION.builtin:
        return readBuiltin(this.#fields(length, depth));
      case EXTENSION.identity:
        return this.#identity(length);
      case EXTENSION.file:
      case EXTENSION.directory: {
        const name = type === EXTENSION.file ? "file" : "directory";
        const message = `Cannot build a stored ${name}: this version does not know files`;
        throw new UnknownTypeError(message, { type: name });
      }
      default:
        return this.#fail(`the extension ${type}, which is not used`);
    }
  }

  #date(length: number): Date {
    let seconds: number;
    let nanoseconds = 0;
    let canonical = true;
    if (length === 4) {
      seconds = this.#uint32();
    } else if (length === 8) {
      const high = this.#uint32();
      nanoseconds = high >>> 2;
      seconds = (high & 3) * 0x1_0000_0000 + this.#uint32();
      canonical = nanoseconds !== 0 || seconds >= 0x1_0000_0000;
    } else if (length === 12) {
      nanoseconds = this.#uint32();
      seconds = (this.#uint32() | 0) * 0x1_0000_0000 + this.#uint32();
      canonical = seconds < 0 || seconds >= 0x4_0000_0000;
    } else {
      this.#fail("a timestamp of that length");
    }
    const time = seconds * 1000 + nanoseconds / 1_000_000;
    if (
      !canonical || nanoseconds % 1_000_000 !== 0 || nanoseconds >= 1_000_000_000 ||
      Math.abs(time) > MAX_TIME
    ) {
      this.#fail("a timestamp that no Date is written as");
    }
    return new Date(time);
  }

  #bigint(length: number): bigint {
    if (length === 0) this.#fail("a bigint without bytes");
    const bytes = this.#take(length);
    const first = bytes[0] as number;
    if (length > 1 && (first === 0 || first === 0xff) && ((bytes[1] as number) ^ first) < 0x80) {
      this.#fail("a bigint with more bytes than it needs");
    }
    if (length > MAX_BIGINT) this.#fail("a bigint of more bytes than there can be");
    const value = BigInt(`0x${bytes.toHex()}`);
    return first < 0x80 ? value : BigInt.asIntN(8 * length, value);
  }

  #utf16(length: number): string {
    if (length % 2 !== 0) this.#fail("half a character");
    const characters = new Uint16Array(this.#take(length).slice().buffer);
    let text = "";
    for (let at = 0; at < characters.length; at += UTF16_PIECE) {
      text += String.fromCharCode(...characters.subarray(at, at + UTF16_PIECE));
    }
    if (text.isWellFormed()) this.#fail("a well-formed string as UTF-16");
    return text;
  }

  // The array that makes up an extension; it does not count as a level of nesting.
  #fields(length: number, depth: number): unknown[] {
    const start = this.#at;
    const outer = this.#end;
    this.#end = start + length;
    const first = this.#uint8();
    let fields: unknown[];
    if (first >= 0x90 && first < 0xa0) fields = this.#array(first & 0x0f, depth);
    else if (first === 0xdc || first === 0xdd) {
      fields = this.#array(this.#countFrom(first, 0xdc), depth);
    } else {
      this.#fail("an extension that does not hold an array");
    }
    if (this.#at !== this.#end) this.#fail("bytes after the array of an extension");
    this.#end = outer;
    return fields;
  }

  #mapObject(length: number, depth: number): Map<unknown, unknown> {
    const fields = this.#fields(length, depth);
    if (fields.length % 2 !== 0) this.#fail("a Map with a key that has no value");
    const map = new Map<unknown, unknown>();
    for (let index = 0; index < fields.length; index += 2) {
      map.set(fields[index], fields[index + 1]);
    }
    if (2 * map.size !== fields.length) this.#fail("a Map with a key that occurs twice");
    if (map.has(0) && fields.some((key, index) => index % 2 === 0 && Object.is(key, -0))) {
      this.#fail("a Map with the key -0");
    }
    return map;
  }

  #setObject(length: number, depth: number): Set<unknown> {
    const fields = this.#fields(length, depth);
    const set = new Set(fields);
    if (set.size !== fields.length) this.#fail("a Set with an element that occurs twice");
    if (set.has(0) && fields.some((element) => Object.is(element, -0))) {
      this.#fail("a Set with the element -0");
    }
    return set;
  }

  #registered(length: number, depth: number): unknown {
    const name = this.#peekName(length);
    const type = registeredType(name);
    if (type === undefined) {
      const message = `Cannot build a stored value of type "${name}": registerType() it first`;
      throw new UnknownTypeError(message, { type: name });
    }
    return type.decode(this.#fields(length, depth)[1]);
  }

  // The name of a registered type, read before its content is built in vain.
  #peekName(length: number): string {
    const start = this.#at;
    if (length < 3 || this.#uint8() !== 0x92) this.#fail("a registered type without two fields");
    const name = this.#key();
    if (name === "" || name.length > MAX_TYPE_NAME) this.#fail("a type without a usable name");
    this.#at = start;
    return name;
  }

  // A leaf, although it is written as an array: its two strings are no values of their own.
  #identity(length: number): Digest | Identity {
    const end = this.#at + length;
    if (this.#uint8() !== 0x92) this.#fail("an identity without two fields");
    const kind = this.#key();
    const digest = this.#key();
    if (this.#at !== end || !isWholeDigest(digest)) this.#fail("an identity without a digest");
    switch (kind) {
      case "digest":
        return new Digest(digest);
      case "function":
      case "pure":
      case "custom":
        return new Identity(kind satisfies IdentityKind, digest);
      default:
        return this.#fail("an identity of unknown kind");
    }
  }
}
