/**
 * Values on the wire: an item that announces one, then its bytes in chunks.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import {
  digestOf,
  type Encoding,
  encodingCrc,
  encodingLength,
  type Reference,
} from "../codec/encoding.ts";
import { CorruptValueError, ProtocolError } from "../errors.ts";
import { encodeFrame, FRAME } from "./frames.ts";
import type { ProtocolLimits } from "./limits.ts";
import { Params } from "./params.ts";

/** A value that has arrived whole and has been checked against its digest. */
export interface ReceivedValue {
  readonly reference: Reference;
  readonly encoding: Encoding;
}

/** The frames of one value, made one after the other so that they can be sent in between others. */
export function* valueFrames(
  id: number,
  digest: string,
  encoding: Encoding,
  limits: ProtocolLimits,
): Iterable<Uint8Array> {
  yield encodeFrame(FRAME.item, id, { digest, length: encodingLength(encoding) });
  for (const bytes of [encoding.head, encoding.body]) {
    for (let at = 0; bytes !== undefined && at < bytes.length; at += limits.chunk) {
      yield encodeFrame(FRAME.chunk, id, bytes.subarray(at, at + limits.chunk));
    }
  }
}

/** Puts the values of one request together again. */
export class ValueReceiver {
  readonly #limits: ProtocolLimits;
  #arriving: { digest: string; length: number; hash: Hash | undefined } | undefined;
  #bytes = new Uint8Array(0);
  #at = 0;

  /** Takes the limits to keep. */
  constructor(limits: ProtocolLimits) {
    this.#limits = limits;
  }

  /** Whether a value has begun and not ended. */
  get isInside(): boolean {
    return this.#arriving !== undefined;
  }

  /**
   * Takes the announcement of a value.
   *
   * @throws {ProtocolError} If the last value is not complete, or this one exceeds a limit.
   */
  announce(item: unknown): void {
    if (this.#arriving !== undefined) {
      throw new ProtocolError("Cannot take a value before the last one is complete");
    }
    const params = new Params(item, "the announcement of a value");
    const digest = params.digest("digest");
    const length = params.count("length");
    if (length === 0 || length > this.#limits.value) {
      const message = `Cannot take a value of ${length} bytes: at most ${this.#limits.value}`;
      throw new ProtocolError(message, { limit: "value" });
    }
    // A value that fits into one chunk is hashed at once, which is faster.
    const hash = length > this.#limits.chunk ? createHash("sha256") : undefined;
    this.#arriving = { digest, length, hash };
    this.#at = 0;
    this.#bytes = new Uint8Array(0);
  }

  /**
   * Takes a piece of the value.
   *
   * @returns the value, once it is complete
   * @throws {ProtocolError} If no value is announced, or it is longer than announced.
   * @throws {CorruptValueError} If the bytes do not have the digest they came under.
   */
  chunk(bytes: unknown): ReceivedValue | undefined {
    const arriving = this.#arriving;
    if (arriving === undefined || !(bytes instanceof Uint8Array) || bytes.length === 0) {
      throw new ProtocolError("Cannot take a piece of a value that was not announced");
    }
    const end = this.#at + bytes.length;
    if (bytes.length > this.#limits.chunk || end > arriving.length) {
      throw new ProtocolError("Cannot take more of a value than was announced", { limit: "chunk" });
    }
    // Never more memory than about twice of what has come.
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(arriving.length, 2 * end));
      grown.set(this.#bytes.subarray(0, this.#at));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#at);
    arriving.hash?.update(bytes);
    this.#at = end;
    return end === arriving.length ? this.#complete(arriving.digest, arriving.hash) : undefined;
  }

  #complete(digest: string, hash: Hash | undefined): ReceivedValue {
    const encoding = { head: this.#bytes, owned: true };
    this.#arriving = undefined;
    this.#bytes = new Uint8Array(0);
    const actual = hash?.digest("hex") ?? digestOf(encoding.head);
    if (actual !== digest) {
      throw new CorruptValueError(`The value ${digest} arrived damaged`, { digest });
    }
    const reference = { digest, crc: encodingCrc(encoding), length: encodingLength(encoding) };
    return { reference, encoding };
  }
}
