/**
 * Frames of the protocol: a length (u32, big-endian) and that many bytes of MessagePack, an array
 * that begins with the kind of the frame and the number of the request it belongs to.
 *
 * Nothing here reads or writes: bytes go in, frames come out.
 *
 * @module
 */

import { areEqual } from "../bytes.ts";
import { decode } from "../codec/decoder.ts";
import { withEncoding } from "../codec/encode.ts";
import { CorruptValueError, ProtocolError } from "../errors.ts";
import type { ProtocolLimits } from "./limits.ts";

/** What a frame is. */
export const FRAME = {
  /** Client: method, parameters, and whether values follow as items and chunks, then an end. */
  request: 0,
  /** Server: the result; nothing more follows. */
  answer: 1,
  /** Server: an error; nothing more follows. */
  error: 2,
  /** Either: one of several things that belong to a request. */
  item: 3,
  /** Either: a piece of the value that the last item announced. */
  chunk: 4,
  /** Client: nothing more follows a request. */
  end: 5,
  /** Client: the request is given up, or the rest of its answer is not needed. */
  cancel: 6,
  /** Either: how many more bytes of items and chunks may come; request 0 stands for all of them. */
  credit: 7,
  /** Client: a value that it has already, by digest; it and its parts need not be sent. */
  skip: 8,
} as const;

/** One frame, or a piece of a chunk. */
export interface Frame {
  readonly kind: number;
  /** Number of the request. */
  readonly id: number;
  /** What else the frame holds. Bytes of a chunk are only there until more is read. */
  readonly fields: readonly unknown[];
  /** Bytes of the whole frame, or of a piece of a chunk. */
  readonly size: number;
}

/** Bytes of the length in front of a frame. */
export const LENGTH_BYTES = 4;

/** Most bytes in front of the bytes of a chunk: length, array, kind, number, length of the bytes. */
const CHUNK_HEAD = LENGTH_BYTES + 1 + 1 + 9 + 5;

/** MessagePack's head of an array of three. */
const ARRAY_OF_THREE = 0x93;

/** The bytes of a frame. */
export function encodeFrame(kind: number, id: number, ...fields: unknown[]): Uint8Array {
  return withEncoding([kind, id, ...fields], { split: false, identities: false }, ({ head }) => {
    const bytes = new Uint8Array(LENGTH_BYTES + head.length);
    new DataView(bytes.buffer).setUint32(0, head.length);
    bytes.set(head, LENGTH_BYTES);
    return bytes;
  });
}

/** What stands in front of the bytes of a chunk. */
export function chunkHead(id: number, length: number): Uint8Array {
  const number = encodeFrame(FRAME.chunk, id).subarray(LENGTH_BYTES + 2);
  const width = length < 0x100 ? 1 : length < 0x1_0000 ? 2 : 4;
  const head = new Uint8Array(LENGTH_BYTES + 2 + number.length + 1 + width);
  const view = new DataView(head.buffer);
  view.setUint32(0, head.length - LENGTH_BYTES + length);
  head[LENGTH_BYTES] = ARRAY_OF_THREE;
  head[LENGTH_BYTES + 1] = FRAME.chunk;
  head.set(number, LENGTH_BYTES + 2);
  const at = head.length - width;
  head[at - 1] = width === 1 ? 0xc4 : width === 2 ? 0xc5 : 0xc6;
  if (width === 1) view.setUint8(at, length);
  else if (width === 2) view.setUint16(at, length);
  else view.setUint32(at, length);
  return head;
}

/** What an item takes of the credit: never so much that there cannot be enough. */
export function itemCost(size: number, { window }: ProtocolLimits): number {
  return Math.min(size, window >> 1);
}

/** The count that a frame holds. */
export function countIn({ fields, kind }: Frame): number {
  const [count] = fields;
  if (typeof count === "number" && Number.isSafeInteger(count) && count > 0) return count;
  throw new ProtocolError(`Cannot read a frame of kind ${kind}: it holds no count`);
}

/** Turns a stream of bytes, in pieces of any size, into frames; chunks come in pieces too. */
export class FrameReader {
  readonly #limits: ProtocolLimits;
  // The beginning of a frame that has not come as a whole.
  #begun: Uint8Array = new Uint8Array(CHUNK_HEAD);
  #length = 0;
  #elements = 0;
  // The rest of a chunk.
  #chunk = { id: 0, left: 0 };

  /** Takes the limits to keep. */
  constructor(limits: ProtocolLimits) {
    this.#limits = limits;
  }

  /** How many elements the arrays and objects of the frame have that was given last. */
  get elements(): number {
    return this.#elements;
  }

  /** Whether a frame has begun and not ended. */
  get isInside(): boolean {
    return this.#length > 0 || this.#chunk.left > 0;
  }

  /**
   * Takes bytes and gives the frames they complete, and what there is of a chunk. The bytes can be
   * used again when all of that has been taken.
   *
   * @throws {ProtocolError} If they are not frames, or exceed a limit.
   */
  *push(bytes: Uint8Array): Iterable<Frame> {
    let at = 0;
    while (at < bytes.length) {
      if (this.#chunk.left > 0) {
        const { id } = this.#chunk;
        const piece = bytes.subarray(at, at + this.#chunk.left);
        at += piece.length;
        this.#chunk.left -= piece.length;
        yield { kind: FRAME.chunk, id, fields: [piece], size: piece.length };
        continue;
      }
      if (this.#length > 0) {
        at += this.#add(bytes, at);
        const head = this.#begun.subarray(0, this.#length);
        if (needed(head, this.#limits) > this.#length) continue;
        this.#length = 0;
        const frame = this.#open(head);
        if (frame !== undefined) yield frame;
        if (this.#begun.length > KEPT) this.#begun = new Uint8Array(CHUNK_HEAD);
        continue;
      }
      const rest = bytes.subarray(at);
      const count = needed(rest, this.#limits);
      if (count > rest.length) {
        at += this.#add(bytes, at);
        continue;
      }
      at += count;
      const frame = this.#open(rest.subarray(0, count));
      if (frame !== undefined) yield frame;
    }
  }

  // Keeps as much of the bytes as the frame that has begun is known to need; how much that is.
  #add(bytes: Uint8Array, at: number): number {
    const begun = this.#begun.subarray(0, this.#length);
    const wanted = Math.max(needed(begun, this.#limits) - this.#length, 1);
    const piece = bytes.subarray(at, at + wanted);
    const length = this.#length + piece.length;
    if (length > this.#begun.length) {
      // Never more memory than twice of what has come.
      this.#begun = new Uint8Array(Math.min(2 * length, this.#length + wanted));
      this.#begun.set(begun);
    }
    this.#begun.set(piece, this.#length);
    this.#length = length;
    return piece.length;
  }

  // A whole frame; the head of a chunk is noted, and no frame by itself.
  #open(bytes: Uint8Array): Frame | undefined {
    const length = lengthOf(bytes);
    if (length === bytes.length - LENGTH_BYTES) {
      const { depth, elements } = this.#limits;
      const room = { elements };
      const frame = parseFrame(bytes.slice(LENGTH_BYTES), { depth, room });
      this.#elements = elements - room.elements;
      return frame;
    }
    const { id, size, head } = chunkOf(bytes);
    if (head + size !== LENGTH_BYTES + length || size === 0) {
      throw new ProtocolError("Cannot read a frame: a chunk has another length than its frame");
    }
    if (!areEqual(bytes, chunkHead(id, size))) {
      throw new ProtocolError("Cannot read a frame: a length is not in its shortest form");
    }
    if (size > this.#limits.chunk) {
      const message = `Cannot take a chunk of ${size} bytes: at most ${this.#limits.chunk}`;
      throw new ProtocolError(message, { limit: "chunk" });
    }
    this.#chunk = { id, left: size };
  }
}

/** Bytes of a buffer that is kept between frames. */
const KEPT = 64 << 10;

// How many bytes have to be there before a frame can be taken, as far as its first ones tell: all
// of it or, where it is a chunk, its head.
function needed(bytes: Uint8Array, limits: ProtocolLimits): number {
  if (bytes.length < LENGTH_BYTES) return LENGTH_BYTES;
  const length = lengthOf(bytes);
  if (length > limits.frame) {
    const message = `Cannot take a frame of ${length} bytes: at most ${limits.frame}`;
    throw new ProtocolError(message, { limit: "frame" });
  }
  const whole = LENGTH_BYTES + length;
  const start = LENGTH_BYTES + 3;
  if (whole <= CHUNK_HEAD) return whole;
  if (bytes.length < start) return start;
  const [array, kind, number = 0] = bytes.subarray(LENGTH_BYTES);
  if (array !== ARRAY_OF_THREE || kind !== FRAME.chunk) return whole;
  const at = start + widthOf(number);
  if (bytes.length <= at) return at + 1;
  const width = (bytes[at] ?? 0) - 0xc4;
  // Not bytes: whatever it is, the frame as a whole is looked at.
  if (width < 0 || width > 2) return whole;
  return at + 1 + (1 << width);
}

function lengthOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

// Bytes that follow the first one of an unsigned integer.
function widthOf(first: number): number {
  return first >= 0xcc && first <= 0xcf ? 1 << (first - 0xcc) : 0;
}

// The number and the size of a chunk, and the length of its head, which are the given bytes.
function chunkOf(bytes: Uint8Array): { id: number; size: number; head: number } {
  const numberEnd = LENGTH_BYTES + 3 + widthOf(bytes[LENGTH_BYTES + 2] ?? 0);
  const array = Uint8Array.of(0x91, ...bytes.subarray(LENGTH_BYTES + 2, numberEnd));
  const [id] = decodeArray(array, { depth: 2, room: { elements: 1 } });
  if (!isCount(id)) throw new ProtocolError("Cannot read a frame: a chunk without a number");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const width = bytes.length - numberEnd - 1;
  const size = width === 1
    ? view.getUint8(numberEnd + 1)
    : width === 2
    ? view.getUint16(numberEnd + 1)
    : view.getUint32(numberEnd + 1);
  return { id, size, head: bytes.length };
}

/** How much may be in a frame. */
interface Bounds {
  readonly depth: number;
  readonly room: { elements: number };
}

function decodeArray(bytes: Uint8Array, bounds: Bounds): readonly unknown[] {
  let value: unknown;
  try {
    value = decode({ head: bytes }, { split: false, plain: true, ...bounds });
  } catch (cause) {
    if (!(cause instanceof CorruptValueError)) throw cause;
    throw new ProtocolError(`Cannot read a frame: ${cause.message}`, {}, { cause });
  }
  if (!Array.isArray(value)) throw new ProtocolError("Cannot read a frame: it is not an array");
  return value;
}

function parseFrame(bytes: Uint8Array, bounds: Bounds): Frame {
  const [kind, id, ...fields] = decodeArray(bytes, bounds);
  if (!isCount(kind) || !isCount(id)) {
    throw new ProtocolError("Cannot read a frame: it does not begin with a kind and a number");
  }
  if (kind !== FRAME.chunk) return { kind, id, fields, size: LENGTH_BYTES + bytes.length };
  const [piece] = fields;
  if (!(piece instanceof Uint8Array) || piece.length === 0 || fields.length !== 1) {
    throw new ProtocolError("Cannot read a frame: a chunk without bytes");
  }
  return { kind, id, fields, size: piece.length };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
