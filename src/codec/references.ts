import { CorruptValueError } from "../errors.ts";
import type { Encoding, Reference } from "./encoding.ts";
import { memoryOffset } from "./memory.ts";
import { EXTENSION, REFERENCE_PAYLOAD } from "./format.ts";
import { readReference } from "./reference.ts";

/** Extensions whose payload is an encoding of its own. */
const NESTING = new Set<number>([
  EXTENSION.map,
  EXTENSION.set,
  EXTENSION.registered,
  EXTENSION.builtin,
]);

/**
 * The parts that an encoding refers to, in their order, without building its value.
 *
 * Bytes, strings and memory are leaves, known by their first byte. Only the structure is followed:
 * whether the bytes are canonical is for the decoder to say.
 *
 * @throws {CorruptValueError} If the bytes announce more than there is.
 */
export function findReferences(encoding: Encoding): Reference[] {
  if (encoding.body !== undefined) return [];
  const found: Reference[] = [];
  if (skipValue(encoding.head, 0, found) !== encoding.head.length) {
    throw new CorruptValueError("Not an encoding: bytes follow the value");
  }
  return found;
}

/**
 * Whether the value whose encoding begins with some bytes has no parts, as far as they tell: strings,
 * bytes and memory.
 *
 * @param start the first bytes, at least 7 unless there are no more
 * @returns undefined if they do not tell
 */
export function startsLeaf(start: Uint8Array): boolean | undefined {
  const [first = 0] = start;
  const isString = (first >= 0xa0 && first <= 0xbf) || (first >= 0xd9 && first <= 0xdb);
  return isString || memoryOffset(start) !== undefined ? true : undefined;
}

/**
 * Finds the end of the value that begins at a position, without building it.
 *
 * @param found takes the references on the way
 * @returns the position after the value
 * @throws {CorruptValueError} If the bytes announce more than there is.
 */
export function skipValue(bytes: Uint8Array, at: number, found?: Reference[]): number {
  return new Walk(bytes).skip(at, found);
}

/** Finds its way through the structure of encodings that stand in one piece of bytes. */
export class Walk {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  // Values still to come. Each takes at least one byte, so this never exceeds what is left.
  #open = 0;

  /** Takes the bytes. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** {@linkcode skipValue} for these bytes. */
  skip(at: number, found?: Reference[]): number {
    this.#at = at;
    this.#open = 1;
    while (this.#open > 0) {
      this.#open--;
      const reference = this.#next();
      if (reference !== undefined) found?.push(reference);
    }
    return this.#at;
  }

  #fail(): never {
    throw new CorruptValueError(`Not an encoding: it breaks off or goes on at byte ${this.#at}`, {
      position: this.#at,
    });
  }

  #skip(count: number): void {
    this.#at += count;
    if (this.#at > this.#bytes.length) this.#fail();
  }

  #expect(count: number): void {
    this.#open += count;
    if (this.#open > this.#bytes.length - this.#at) this.#fail();
  }

  #length(width: number): number {
    const at = this.#at;
    this.#skip(width);
    if (width === 1) return this.#view.getUint8(at);
    return width === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #next(): Reference | undefined {
    const first = this.#bytes[this.#at];
    if (first === undefined) this.#fail();
    this.#at++;
    if (first < 0x80 || first >= 0xe0) return;
    if (first < 0x90) return void this.#expect(2 * (first & 0x0f));
    if (first < 0xa0) return void this.#expect(first & 0x0f);
    if (first < 0xc0) return void this.#skip(first & 0x1f);
    switch (first) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return void this.#skip(this.#length(1 << (first - 0xc4)));
      case 0xca:
        return void this.#skip(4);
      case 0xcb:
        return void this.#skip(8);
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return void this.#skip(1 << (first - 0xcc));
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return void this.#skip(1 << (first - 0xd0));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (first - 0xd4));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(this.#length(1 << (first - 0xc7)));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return void this.#skip(this.#length(1 << (first - 0xd9)));
      case 0xdc:
      case 0xdd:
        return void this.#expect(this.#length(first === 0xdc ? 2 : 4));
      case 0xde:
      case 0xdf:
        return void this.#expect(2 * this.#length(first === 0xde ? 2 : 4));
      default:
        this.#fail();
    }
  }

  #extension(length: number): Reference | undefined {
    const type = this.#length(1);
    if (NESTING.has(type)) {
      if (length > this.#bytes.length - this.#at) this.#fail();
      return void this.#expect(1);
    }
    const start = this.#at;
    this.#skip(length);
    if (type !== EXTENSION.reference) return;
    if (length !== REFERENCE_PAYLOAD) this.#fail();
    return readReference(this.#view, start);
  }
}
