import { EXTENSION, MAX_PAYLOAD } from "./format.ts";

/** Bytes that a writer keeps between uses. */
const KEPT_CAPACITY = 1 << 20;

const FIRST_CAPACITY = 4096;

/** Longest string that is written character by character. */
const SHORT_STRING = 64;

/** Room for the longest header of an extension. */
const EXTENSION_HEADER = 6;

/** First bytes of the extensions that need no length, by the length of their payload. */
const FIXED_EXTENSION: readonly (number | undefined)[] = (() => {
  const bytes = new Array<number | undefined>(17).fill(undefined);
  [bytes[1], bytes[2], bytes[4], bytes[8], bytes[16]] = [0xd4, 0xd5, 0xd6, 0xd7, 0xd8];
  return bytes;
})();

const utf8 = new TextEncoder();

/** Value of a lower-case hexadecimal digit. */
function nibble(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x57;
}

/** A growing buffer that knows MessagePack's formats, each in its shortest form. */
export class Writer {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** Bytes written so far. */
  get position(): number {
    return this.#at;
  }

  /** What was written from a position on; it holds until more is written. */
  since(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.#at);
  }

  /** Takes back what was written from a position on. */
  rewind(start: number): void {
    this.#at = start;
  }

  /** Gives back the memory that an unusually large value has taken. */
  trim(): void {
    if (this.#bytes.length > KEPT_CAPACITY) this.#allocate(FIRST_CAPACITY);
  }

  #allocate(capacity: number): void {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  #ensure(extra: number): void {
    if (this.#at + extra > this.#bytes.length) this.#grow(extra);
  }

  #grow(extra: number): void {
    const old = this.#bytes;
    this.#allocate(Math.max(this.#at + extra, 2 * old.length));
    this.#bytes.set(old.subarray(0, this.#at));
  }

  /** One byte, as nil, booleans and kinds take. */
  byte(byte: number): void {
    this.#ensure(1);
    this.#bytes[this.#at++] = byte;
  }

  /** Four bytes, big-endian. */
  uint32(value: number): void {
    this.#ensure(4);
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
  }

  /** Eight bytes, big-endian. */
  int64(value: number): void {
    this.#ensure(8);
    this.#view.setInt32(this.#at, Math.floor(value / 0x1_0000_0000));
    this.#view.setUint32(this.#at + 4, value >>> 0);
    this.#at += 8;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#ensure(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** The 32 bytes that 64 hexadecimal digits stand for. */
  hex(digits: string): void {
    this.#ensure(digits.length / 2);
    for (let index = 0; index < digits.length; index += 2) {
      this.#bytes[this.#at++] = nibble(digits.charCodeAt(index)) << 4 |
        nibble(digits.charCodeAt(index + 1));
    }
  }

  /** A number: the shortest integer format for safe integers but -0, float 64 for the rest. */
  number(value: number): void {
    this.#ensure(9);
    if (!Number.isSafeInteger(value) || (value === 0 && 1 / value < 0)) return this.#float(value);
    const bytes = this.#bytes;
    if (value >= 0) {
      if (value < 0x80) {
        bytes[this.#at++] = value;
      } else if (value < 0x100) {
        bytes[this.#at++] = 0xcc;
        bytes[this.#at++] = value;
      } else if (value < 0x1_0000) {
        bytes[this.#at++] = 0xcd;
        bytes[this.#at++] = value >>> 8;
        bytes[this.#at++] = value;
      } else if (value < 0x1_0000_0000) {
        bytes[this.#at] = 0xce;
        this.#view.setUint32(this.#at + 1, value);
        this.#at += 5;
      } else {
        bytes[this.#at++] = 0xcf;
        this.int64(value);
      }
    } else if (value >= -0x20) {
      bytes[this.#at++] = value;
    } else if (value >= -0x80) {
      bytes[this.#at++] = 0xd0;
      bytes[this.#at++] = value;
    } else if (value >= -0x8000) {
      bytes[this.#at++] = 0xd1;
      bytes[this.#at++] = value >>> 8;
      bytes[this.#at++] = value;
    } else if (value >= -0x8000_0000) {
      bytes[this.#at] = 0xd2;
      this.#view.setInt32(this.#at + 1, value);
      this.#at += 5;
    } else {
      bytes[this.#at++] = 0xd3;
      this.int64(value);
    }
  }

  #float(value: number): void {
    this.#bytes[this.#at] = 0xcb;
    if (value === value) {
      this.#view.setFloat64(this.#at + 1, value);
    } else {
      this.#view.setUint32(this.#at + 1, 0x7ff8_0000);
      this.#view.setUint32(this.#at + 5, 0);
    }
    this.#at += 9;
  }

  /** A string: UTF-8, or extension 7 where it has lone surrogates. */
  string(value: string): void {
    if (value.length > SHORT_STRING || !this.#shortAscii(value)) this.#longString(value);
  }

  #shortAscii(value: string): boolean {
    const { length } = value;
    this.#ensure(2 + SHORT_STRING);
    const bytes = this.#bytes;
    const start = this.#at + (length < 32 ? 1 : 2);
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) return false;
      bytes[start + index] = code;
    }
    if (length < 32) {
      bytes[this.#at] = 0xa0 | length;
    } else {
      bytes[this.#at] = 0xd9;
      bytes[this.#at + 1] = length;
    }
    this.#at = start + length;
    return true;
  }

  #longString(value: string): void {
    if (!value.isWellFormed()) return this.#utf16(value);
    // The length in bytes is known only afterwards: leave room for the longest header, then close
    // the gap.
    this.#ensure(5 + 3 * value.length);
    const content = this.#at + 5;
    const { written } = utf8.encodeInto(value, this.#bytes.subarray(content));
    if (written < 32) this.#bytes[this.#at++] = 0xa0 | written;
    else this.length(written, 0xd9, 0xda, 0xdb);
    if (this.#at !== content) this.#bytes.copyWithin(this.#at, content, content + written);
    this.#at += written;
  }

  #utf16(value: string): void {
    const bytes = 2 * value.length;
    this.extension(EXTENSION.utf16, bytes);
    this.#ensure(bytes);
    for (let index = 0; index < value.length; index++, this.#at += 2) {
      this.#view.setUint16(this.#at, value.charCodeAt(index), true);
    }
  }

  /** The header of an array. */
  array(length: number): void {
    if (length < 16) this.byte(0x90 | length);
    else this.length(length, 0, 0xdc, 0xdd);
  }

  /** The header of a map. */
  map(length: number): void {
    if (length < 16) this.byte(0x80 | length);
    else this.length(length, 0, 0xde, 0xdf);
  }

  /** The header of a byte string. */
  bytes(length: number): void {
    this.length(length, 0xc4, 0xc5, 0xc6);
  }

  /** The header of an extension. */
  extension(type: number, length: number): void {
    const fixed = FIXED_EXTENSION[length];
    if (fixed === undefined) this.length(length, 0xc7, 0xc8, 0xc9);
    else this.byte(fixed);
    this.byte(type);
  }

  /** Opens an extension whose length is known only once its content is written. */
  open(): number {
    this.#ensure(EXTENSION_HEADER);
    const start = this.#at;
    this.#at += EXTENSION_HEADER;
    return start;
  }

  /** Closes an extension that was opened at a position. */
  close(start: number, type: number): void {
    const content = start + EXTENSION_HEADER;
    const end = this.#at;
    this.#at = start;
    this.extension(type, end - content);
    if (this.#at !== content) this.#bytes.copyWithin(this.#at, content, end);
    this.#at += end - content;
  }

  /** The shortest header for a length, given its first bytes (0 for a form that there is not). */
  length(length: number, byte8: number, byte16: number, byte32: number): void {
    if (length > MAX_PAYLOAD) {
      throw new RangeError("Cannot write more than 4 GiB in one piece, the most MessagePack holds");
    }
    this.#ensure(5);
    if (length < 0x100 && byte8 !== 0) {
      this.#bytes[this.#at++] = byte8;
      this.#bytes[this.#at++] = length;
    } else if (length < 0x1_0000) {
      this.#bytes[this.#at] = byte16;
      this.#view.setUint16(this.#at + 1, length);
      this.#at += 3;
    } else {
      this.#bytes[this.#at] = byte32;
      this.#view.setUint32(this.#at + 1, length);
      this.#at += 5;
    }
  }
}
