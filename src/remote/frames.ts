/**
 * Frames of the protocol: a length (u32, big-endian) and that many bytes of MessagePack, an array
 * that begins with the kind of the frame and the number of the request it belongs to.
 *
 * Nothing here reads or writes: bytes go in, frames come out.
 *
 * @module
 */

import { decode } from "../codec/decoder.ts";
import { withEncoding } from "../codec/encode.ts";
import { CorruptValueError, ProtocolError } from "../errors.ts";
import type { ProtocolLimits } from "./limits.ts";

/** What a frame is. */
export const FRAME = {
  /** Client: method and parameters. Values may follow as items and chunks, then an end. */
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
  /** Client: the rest of an answer is not needed. Only to servers that say that they take it. */
  cancel: 6,
} as const;

/** One frame. */
export interface Frame {
  readonly kind: number;
  /** Number of the request. */
  readonly id: number;
  /** What else the frame holds. */
  readonly fields: readonly unknown[];
}

const LENGTH_BYTES = 4;

/** The bytes of a frame. */
export function encodeFrame(kind: number, id: number, ...fields: unknown[]): Uint8Array {
  return withEncoding([kind, id, ...fields], { split: false, identities: false }, ({ head }) => {
    const bytes = new Uint8Array(LENGTH_BYTES + head.length);
    new DataView(bytes.buffer).setUint32(0, head.length);
    bytes.set(head, LENGTH_BYTES);
    return bytes;
  });
}

/** Turns a stream of bytes, in pieces of any size, into frames. */
export class FrameReader {
  readonly #limits: ProtocolLimits;
  #pieces: Uint8Array[] = [];
  #available = 0;

  /** Takes the limits to keep. */
  constructor(limits: ProtocolLimits) {
    this.#limits = limits;
  }

  /** Whether a frame has begun and not ended. */
  get isInside(): boolean {
    return this.#available > 0;
  }

  /**
   * Takes bytes and gives the frames they complete.
   *
   * @throws {ProtocolError} If they are not frames, or exceed a limit.
   */
  *push(bytes: Uint8Array): Iterable<Frame> {
    if (bytes.length > 0) this.#pieces.push(bytes);
    this.#available += bytes.length;
    while (this.#available >= LENGTH_BYTES) {
      const header = this.#peek(LENGTH_BYTES);
      const length = new DataView(header.buffer, header.byteOffset).getUint32(0);
      if (length > this.#limits.frame) {
        const message = `Cannot take a frame of ${length} bytes: at most ${this.#limits.frame}`;
        throw new ProtocolError(message, { limit: "frame" });
      }
      if (this.#available < LENGTH_BYTES + length) return;
      this.#take(LENGTH_BYTES);
      yield parseFrame(this.#take(length));
    }
  }

  // The next bytes in one piece, without taking them.
  #peek(length: number): Uint8Array {
    const [first] = this.#pieces;
    if (first !== undefined && first.length >= length) return first;
    const bytes = this.#take(length);
    this.#pieces.unshift(bytes);
    this.#available += length;
    return bytes;
  }

  #take(length: number): Uint8Array {
    this.#available -= length;
    const [first] = this.#pieces;
    if (first !== undefined && first.length >= length) {
      if (first.length === length) this.#pieces.shift();
      else this.#pieces[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    let used = 0;
    while (at < length) {
      const piece = this.#pieces[used] as Uint8Array;
      const wanted = piece.subarray(0, length - at);
      bytes.set(wanted, at);
      at += wanted.length;
      if (wanted.length === piece.length) used++;
      else this.#pieces[used] = piece.subarray(wanted.length);
    }
    this.#pieces.splice(0, used);
    return bytes;
  }
}

function parseFrame(bytes: Uint8Array): Frame {
  let value: unknown;
  try {
    value = decode({ head: bytes }, { split: false, plain: true });
  } catch (cause) {
    if (!(cause instanceof CorruptValueError)) throw cause;
    throw new ProtocolError(`Cannot read a frame: ${cause.message}`, {}, { cause });
  }
  if (!Array.isArray(value)) throw new ProtocolError("Cannot read a frame: it is not an array");
  const [kind, id, ...fields]: unknown[] = value;
  if (!isCount(kind) || !isCount(id)) {
    throw new ProtocolError("Cannot read a frame: it does not begin with a kind and a number");
  }
  return { kind, id, fields };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
