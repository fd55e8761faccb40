/**
 * Values on the wire: an item that announces one, then its bytes in chunks; or an item that
 * withdraws it, where it cannot or need not be sent to its end.
 *
 * @module
 */

import { type Encoding, encodingLength } from "../codec/encoding.ts";
import type { OpenValue } from "../lazy_call.ts";
import { chunkHead, encodeFrame, FRAME, itemCost } from "./frames.ts";
import type { ProtocolLimits } from "./limits.ts";

/** Sends one frame that costs credit; whether the request is still wanted. */
export type SendFrame = (bytes: Uint8Array, cost: number) => Promise<boolean>;

/** How a {@linkcode ValueSender} sends. */
export interface ValueSenderOptions {
  readonly limits: ProtocolLimits;
  readonly send: SendFrame;
  /** Whether memory can be used again for the frame after the next but one. */
  readonly reuse: boolean;
}

/** One frame is being filled, one waits, and one is being written. */
const BUFFERS = 3;

/** Sends the values of one request. */
export class ValueSender {
  readonly #id: number;
  readonly #limits: ProtocolLimits;
  readonly #send: SendFrame;
  readonly #buffers: Uint8Array[] | undefined;

  /** Takes the number of the request, and what sends its frames. */
  constructor(id: number, { limits, send, reuse }: ValueSenderOptions) {
    this.#id = id;
    this.#limits = limits;
    this.#send = send;
    this.#buffers = reuse ? [] : undefined;
  }

  // A chunk whose bytes are still to be set, and those bytes.
  #chunk(size: number): { frame: Uint8Array; piece: Uint8Array } {
    const head = chunkHead(this.#id, size);
    const frame = this.#buffer(head.length + size);
    frame.set(head);
    return { frame, piece: frame.subarray(head.length) };
  }

  #buffer(size: number): Uint8Array {
    if (this.#buffers === undefined || size < this.#limits.chunk) return new Uint8Array(size);
    const oldest = this.#buffers.length === BUFFERS ? this.#buffers.shift() : undefined;
    const buffer = oldest !== undefined && oldest.length >= size ? oldest : new Uint8Array(size);
    this.#buffers.push(buffer);
    return buffer.subarray(0, size);
  }

  async #item(item: Record<string, unknown>): Promise<boolean> {
    const frame = encodeFrame(FRAME.item, this.#id, item);
    return await this.#send(frame, itemCost(frame.length, this.#limits));
  }

  /**
   * Sends a value.
   *
   * @param isWanted asked in between; once it says no, the value is withdrawn
   * @returns whether more of the request is wanted
   */
  async send(
    digest: string,
    encoding: Encoding,
    isWanted: () => boolean = () => true,
  ): Promise<boolean> {
    if (!await this.#item({ digest, length: encodingLength(encoding) })) return false;
    for (const bytes of [encoding.head, encoding.body]) {
      for (let at = 0; bytes !== undefined && at < bytes.length; at += this.#limits.chunk) {
        if (!isWanted()) return await this.#withdraw() !== false;
        const { frame, piece } = this.#chunk(Math.min(this.#limits.chunk, bytes.length - at));
        piece.set(bytes.subarray(at, at + piece.length));
        if (!await this.#send(frame, piece.length)) return false;
      }
    }
    return true;
  }

  /**
   * Sends a value as it is read, and withdraws it if that does not come to its end.
   *
   * @param check takes each piece; after the last one it says whether the value is right
   * @param isWanted asked in between; once it says no, the value is withdrawn
   * @returns "sent" or "withdrawn", or false once nothing more of the request is wanted
   */
  async sendOpen(
    digest: string,
    value: OpenValue,
    { check, isWanted }: { check: (piece: Uint8Array) => boolean; isWanted: () => boolean },
  ): Promise<"sent" | "withdrawn" | false> {
    if (!await this.#item({ digest, length: value.length })) return false;
    for (let left = value.length; left > 0;) {
      const size = Math.min(left, this.#limits.chunk);
      const { frame, piece } = this.#chunk(size);
      if (!isWanted() || !await filled(value, piece)) return await this.#withdraw();
      left -= size;
      const isRight = check(piece);
      // Of a value that is wrong the last piece never goes out.
      if (left === 0 && !isRight) return await this.#withdraw();
      if (!await this.#send(frame, size)) return false;
    }
    return "sent";
  }

  async #withdraw(): Promise<"withdrawn" | false> {
    return await this.#item({ withdrawn: true }) && "withdrawn";
  }
}

async function filled(value: OpenValue, piece: Uint8Array): Promise<boolean> {
  for (let at = 0; at < piece.length;) {
    const read = value.read(piece.subarray(at));
    const count = typeof read === "number" ? read : await read;
    if (count === 0) return false;
    at += count;
  }
  return true;
}
