import { EXTENSION, REFERENCE_PAYLOAD } from "../codec/format.ts";
import { CorruptValueError } from "../errors.ts";

/** A value without parts that HDF5 has a type for. */
export type Leaf = "number" | "boolean" | "string" | "reference";

/** What begins at a position, if it is one. */
function leafOf(bytes: Uint8Array, at: number): Leaf | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0x80 || first >= 0xe0) return "number";
  if (first >= 0xcb && first <= 0xd3) return "number";
  if (first >= 0xa0 && first < 0xc0 || first >= 0xd9 && first <= 0xdb) return "string";
  if (first === 0xc2 || first === 0xc3) return "boolean";
  const isReference = first === 0xc7 && bytes[at + 1] === REFERENCE_PAYLOAD &&
    bytes[at + 2] === EXTENSION.reference;
  return isReference ? "reference" : undefined;
}

/** Whether a byte begins an array. */
function beginsArray(first: number): boolean {
  return first >= 0x90 && first < 0xa0 || first === 0xdc || first === 0xdd;
}

/** Whether a byte begins a map. */
function beginsMap(first: number): boolean {
  return first >= 0x80 && first < 0x90 || first === 0xde || first === 0xdf;
}

/** Reads the formats of an encoding one after the other; canonical or not is not looked at. */
export class Cursor {
  /** Where the next value begins. */
  at = 0;
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The next byte, which stays the next. */
  get first(): number {
    this.need(1);
    return this.bytes[this.at] as number;
  }

  /** What comes next, if it is a leaf. */
  get leaf(): Leaf | undefined {
    return leafOf(this.bytes, this.at);
  }

  /** Whether an array comes next. */
  get isArray(): boolean {
    return beginsArray(this.first);
  }

  /** Whether a map comes next. */
  get isMap(): boolean {
    return beginsMap(this.first);
  }

  /** @throws {CorruptValueError} If fewer bytes than that are left. */
  need(count: number): void {
    if (count > this.bytes.length - this.at) {
      throw new CorruptValueError("Not an encoding: it breaks off", { position: this.at });
    }
  }

  /** The next bytes. */
  take(count: number): Uint8Array {
    this.need(count);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  /** An unsigned integer of a width. */
  uint(width: number): number {
    let value = 0;
    for (const byte of this.take(width)) value = value * 0x100 + byte;
    return value;
  }

  /** The header of an array or map: how many elements or entries follow. */
  count(): number {
    if (!this.isArray && !this.isMap) {
      throw new CorruptValueError("Not an encoding: no container", { position: this.at });
    }
    const first = this.uint(1);
    return first < 0xa0 ? first & 0x0f : this.uint(first === 0xdc || first === 0xde ? 2 : 4);
  }

  /** The bytes of a string. */
  string(): Uint8Array {
    if (this.leaf !== "string") {
      throw new CorruptValueError("Not an encoding: no string", { position: this.at });
    }
    const first = this.uint(1);
    return this.take(first < 0xc0 ? first & 0x1f : this.uint(1 << (first - 0xd9)));
  }

  /** A number. */
  number(): number {
    const first = this.uint(1);
    if (first < 0x80) return first;
    if (first >= 0xe0) return first - 0x100;
    if (first === 0xcb) {
      this.need(8);
      this.at += 8;
      return this.view.getFloat64(this.at - 8);
    }
    if (first >= 0xcc && first <= 0xcf) return this.uint(1 << (first - 0xcc));
    // Two's complement, counted down from -1: no other integers have these formats.
    let value = -1;
    for (const byte of this.take(1 << (first - 0xd0))) value = value * 0x100 + byte;
    return value;
  }
}
