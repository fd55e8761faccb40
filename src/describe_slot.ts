import { memoryKind, memoryValue } from "./codec/memory.ts";
import { EXTENSION, REFERENCE_PAYLOAD, TIMESTAMP } from "./codec/format.ts";
import { CorruptValueError } from "./errors.ts";
import { readReference } from "./codec/reference.ts";
import { type Slot, slotReference } from "./slot.ts";

/** Most characters of a description. */
const MAX_LENGTH = 200;

/** Elements of one container that are described. */
const MAX_ELEMENTS = 20;

/** Elements of a typed array that are described. */
const MAX_NUMBERS = 6;

/** Digits of a digest that stand for a value that is stored elsewhere. */
const DIGITS = 8;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * A value in a record as people read it, from its bytes alone: nothing is built, so that a server
 * can describe types that it does not know.
 *
 * @returns at most 200 characters, or undefined where the record holds only a reference
 */
export function describeSlot(slot: Slot): string | undefined {
  if (slotReference(slot) !== undefined) return undefined;
  let text: string;
  try {
    text = new Description(slot).value();
  } catch (error) {
    // Bytes that some other program sent as an encoding.
    if (error instanceof CorruptValueError) return undefined;
    throw error;
  }
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH - 1)}…`;
}

// Follows the structure only: whether the bytes are canonical is for the decoder to say.
class Description {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #uint(width: number): number {
    let value = 0;
    for (const byte of this.#take(width)) value = value * 0x100 + byte;
    return value;
  }

  // All integers in these formats are negative: two's complement, counted down from -1.
  #int(width: number): number {
    let value = -1;
    for (const byte of this.#take(width)) value = value * 0x100 + byte;
    return value;
  }

  #take(length: number): Uint8Array {
    this.#at += length;
    if (this.#at > this.#bytes.length) {
      throw new CorruptValueError("Not an encoding: it breaks off");
    }
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  value(): string {
    const first = this.#uint(1);
    if (first < 0x80) return String(first);
    if (first < 0x90) return this.#map(first & 0x0f);
    if (first < 0xa0) return this.#list("[", "]", first & 0x0f);
    if (first < 0xc0) return this.#string(first & 0x1f);
    if (first >= 0xe0) return String(first - 0x100);
    if (first >= 0xd9 && first <= 0xdb) return this.#string(this.#uint(1 << (first - 0xd9)));
    if (first >= 0xd4 && first <= 0xd8) return this.#extension(1 << (first - 0xd4));
    if (first >= 0xd0) {
      return first < 0xd4 ? String(this.#int(1 << (first - 0xd0))) : this.#long(first);
    }
    if (first >= 0xcc) return String(this.#uint(1 << (first - 0xcc)));
    if (first === 0xcb) return this.#float();
    if (first >= 0xc7) return this.#extension(this.#uint(1 << (first - 0xc7)));
    if (first >= 0xc4) return this.#bytesValue(this.#uint(1 << (first - 0xc4)));
    return first === 0xc0 ? "null" : String(first === 0xc3);
  }

  #long(first: number): string {
    const count = this.#uint(first % 2 === 0 ? 2 : 4);
    return first < 0xde ? this.#list("[", "]", count) : this.#map(count);
  }

  #float(): string {
    this.#take(8);
    const value = this.#view.getFloat64(this.#at - 8);
    return numberText(value);
  }

  #string(length: number): string {
    return JSON.stringify(utf8.decode(this.#take(length)));
  }

  // So many parts, of which only the first are shown.
  #parts(count: number, part: () => string): string {
    const parts: string[] = [];
    for (let index = 0; index < count; index++) {
      const text = part();
      if (index < MAX_ELEMENTS) parts.push(text);
    }
    if (count > MAX_ELEMENTS) parts.push(`… ${count - MAX_ELEMENTS} more`);
    return parts.join(", ");
  }

  #list(before: string, after: string, count: number): string {
    return before + this.#parts(count, () => this.value()) + after;
  }

  #map(count: number): string {
    const entry = () => {
      const key = this.value();
      const plain = /^"([A-Za-z_$][\w$]*)"$/.exec(key)?.[1] ?? key;
      return `${plain}: ${this.value()}`;
    };
    return count === 0 ? "{}" : `{ ${this.#parts(count, entry)} }`;
  }

  #bytesValue(length: number): string {
    const bytes = this.#take(length);
    const shown = [...bytes.subarray(0, MAX_NUMBERS)].map(String);
    return `Uint8Array(${length})${elementsText(shown, length)}`;
  }

  #memory(length: number): string {
    const kind = memoryKind(this.#uint(1));
    const bytes = this.#take(length - 1);
    if (kind === undefined) return `memory(${bytes.length})`;
    const count = Math.floor(bytes.length / kind.width);
    const { buffer } = bytes.slice(0, Math.min(count, MAX_NUMBERS) * kind.width);
    return `${kind.name}(${count})${memoryText(memoryValue(kind, buffer), count)}`;
  }

  // The length of the array that an extension holds.
  #count(): number {
    const first = this.#uint(1);
    return first < 0xa0 ? first & 0x0f : this.#uint(first === 0xdc ? 2 : 4);
  }

  #extension(length: number): string {
    const type = this.#uint(1);
    switch (type) {
      case TIMESTAMP:
        return this.#date(length);
      case EXTENSION.reference:
        this.#take(length);
        if (length !== REFERENCE_PAYLOAD) return "<unknown>";
        return `<${readReference(this.#view, this.#at - length).digest.slice(0, DIGITS)}>`;
      case EXTENSION.undefined:
        return "undefined";
      case EXTENSION.bigint:
        return this.#bigint(length);
      case EXTENSION.memory:
        return this.#memory(length);
      case EXTENSION.map: {
        const count = this.#count() / 2;
        return `Map { ${this.#parts(count, () => `${this.value()} => ${this.value()}`)} }`;
      }
      case EXTENSION.set:
        return this.#list("Set { ", " }", this.#count());
      case EXTENSION.registered:
        this.#at++;
        return `${this.#name()} ${this.value()}`;
      case EXTENSION.builtin: {
        const count = this.#count() - 1;
        return `${this.#name()}${this.#list("(", ")", count)}`;
      }
      case EXTENSION.identity:
        this.#at++;
        return `<${this.#name()} ${this.#name().slice(0, DIGITS)}>`;
      default:
        this.#take(length);
        return type === EXTENSION.utf16 ? "<ill-formed string>" : "<unknown>";
    }
  }

  #name(): string {
    const text = this.value();
    return text.startsWith('"') ? JSON.parse(text) : text;
  }

  #date(length: number): string {
    const parts = this.#take(length);
    if (length !== 4 && length !== 8 && length !== 12) return "<unknown>";
    const view = new DataView(parts.buffer, parts.byteOffset, length);
    let seconds = length === 4 ? view.getUint32(0) : 0;
    let nanoseconds = 0;
    if (length === 8) {
      nanoseconds = view.getUint32(0) >>> 2;
      seconds = (view.getUint32(0) & 3) * 0x1_0000_0000 + view.getUint32(4);
    } else if (length === 12) {
      nanoseconds = view.getUint32(0);
      seconds = Number(view.getBigInt64(4));
    }
    const date = new Date(seconds * 1000 + nanoseconds / 1e6);
    return Number.isNaN(date.getTime()) ? "Date" : date.toISOString();
  }

  #bigint(length: number): string {
    let value = 0n;
    for (const byte of this.#take(length)) value = value << 8n | BigInt(byte);
    return `${BigInt.asIntN(8 * length, value)}n`;
  }
}

function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function elementsText(shown: readonly string[], count: number): string {
  const more = count > shown.length ? [`… ${count - shown.length} more`] : [];
  return ` [${[...shown, ...more].join(", ")}]`;
}

// Of a buffer and of a view of one, whose elements have no type, only the length is shown.
function memoryText(memory: unknown, count: number): string {
  if (!isTypedArray(memory)) return "";
  const text = memory instanceof Float32Array ? singleText : numberText;
  const shown = Array.from(memory, (each) => typeof each === "bigint" ? `${each}n` : text(each));
  return elementsText(shown, count);
}

function isTypedArray(
  memory: unknown,
): memory is ArrayBufferView & Iterable<number | bigint> {
  return ArrayBuffer.isView(memory) && Symbol.iterator in memory;
}

// The fewest digits that mean this number among those of single precision.
function singleText(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return numberText(short);
  }
  return numberText(value);
}
