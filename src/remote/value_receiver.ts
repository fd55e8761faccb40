import { createHash, type Hash } from "node:crypto";
import {
  digestOf,
  type Encoding,
  encodingCrc,
  encodingLength,
  type Reference,
} from "../codec/encoding.ts";
import { memoryOffset } from "../codec/memory.ts";
import { CorruptValueError, ProtocolError } from "../errors.ts";
import type { ProtocolLimits } from "./limits.ts";
import { Params } from "./params.ts";

/** A value that has arrived whole and has been checked against its digest. */
export interface ReceivedValue {
  readonly reference: Reference;
  readonly encoding: Encoding;
}

/** First bytes of a value, which show where its memory begins. */
const START = 16;

/** Bytes that are hashed in one go. */
const HASHED_TOGETHER = 256 << 10;

const NOTHING = new Uint8Array(0);

/** The bytes of a value, as far as they have come. */
class Arriving {
  readonly #hash: Hash | undefined;
  #head: Uint8Array<ArrayBuffer>;
  #body: Uint8Array<ArrayBuffer> | undefined;
  #at = 0;
  #hashed = 0;

  constructor(readonly digest: string, readonly length: number, { chunk }: ProtocolLimits) {
    // A value that fits into one chunk is hashed at once, which is faster.
    this.#hash = length > chunk ? createHash("sha256") : undefined;
    this.#head = allocated(length > chunk ? Math.min(START, length) : length);
  }

  get left(): number {
    return this.length - this.#at;
  }

  add(piece: Uint8Array): void {
    this.#store(piece);
    if (this.#at - this.#hashed >= HASHED_TOGETHER) this.#catchUp();
  }

  // Many small pieces take longer to hash than a few large ones.
  #catchUp(): void {
    const start = this.#head.length;
    if (this.#hashed < start) this.#hash?.update(this.#head.subarray(this.#hashed));
    const from = Math.max(this.#hashed, start) - start;
    this.#hash?.update(this.#body?.subarray(from, this.#at - start) ?? NOTHING);
    this.#hashed = this.#at;
  }

  #store(piece: Uint8Array): void {
    let bytes = piece;
    if (this.#at < this.#head.length) {
      const start = bytes.subarray(0, this.#head.length - this.#at);
      this.#head.set(start, this.#at);
      this.#at += start.length;
      bytes = bytes.subarray(start.length);
      if (this.#at === this.#head.length && this.left > 0) this.#split();
    }
    if (bytes.length === 0 || this.#body === undefined) return;
    this.#body.set(bytes, this.#at - this.#head.length);
    this.#at += bytes.length;
  }

  // Memory begins a buffer of its own, which the decoded value can keep.
  #split(): void {
    const offset = memoryOffset(this.#head);
    if (offset === undefined) {
      const whole = allocated(this.length);
      whole.set(this.#head);
      this.#head = whole.subarray(0, START);
      this.#body = whole.subarray(START);
      return;
    }
    this.#body = allocated(this.length - offset);
    this.#body.set(this.#head.subarray(offset));
    this.#head = this.#head.slice(0, offset);
    this.#at = START;
  }

  /** The value, once nothing is left. */
  complete(): ReceivedValue {
    const encoding = this.#encoding();
    this.#catchUp();
    const { digest } = this;
    const actual = this.#hash?.digest("hex") ?? digestOf(encoding.head, encoding.body);
    if (actual !== digest) {
      throw new CorruptValueError(`The value ${digest} arrived damaged`, { digest });
    }
    const reference = { digest, crc: encodingCrc(encoding), length: encodingLength(encoding) };
    return { reference, encoding };
  }

  #encoding(): Encoding {
    const [head, body] = [this.#head, this.#body];
    if (body === undefined) return { head, owned: true };
    if (head.buffer !== body.buffer) return { head, body, owned: true };
    return { head: new Uint8Array(head.buffer), owned: true };
  }
}

// What is not written to takes no memory, so what is announced costs nothing before it comes.
function allocated(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const message = `Cannot hold a value of ${length} bytes: there is not enough memory`;
    throw new RangeError(message, { cause });
  }
}

/** Puts the values of one request together again. */
export class ValueReceiver {
  readonly #limits: ProtocolLimits;
  // "ignored" is what cannot be kept, or is not wanted.
  #arriving: Arriving | { digest: string; left: number } | undefined;

  /** Takes the limits to keep. */
  constructor(limits: ProtocolLimits) {
    this.#limits = limits;
  }

  /** Whether a value has begun and not ended. */
  get isInside(): boolean {
    return this.#arriving !== undefined;
  }

  /** The digest of the value that has begun and not ended. */
  get digest(): string | undefined {
    return this.#arriving?.digest;
  }

  /**
   * Takes the announcement of a value, or that the one under way is withdrawn.
   *
   * @throws {ProtocolError} If the last value is not complete, or this one exceeds a limit.
   * @throws {RangeError} If there is no memory for it; its pieces can be taken all the same.
   */
  announce(item: unknown): void {
    const params = new Params(item, "the announcement of a value");
    if (params.any("withdrawn") === true) {
      this.#arriving = undefined;
      return;
    }
    if (this.#arriving !== undefined) {
      throw new ProtocolError("Cannot take a value before the last one is complete");
    }
    const digest = params.digest("digest");
    const length = params.count("length");
    if (length === 0 || length > this.#limits.value) {
      const message = `Cannot take a value of ${length} bytes: at most ${this.#limits.value}`;
      throw new ProtocolError(message, { limit: "value" });
    }
    this.#arriving = { digest, left: length };
    this.#arriving = new Arriving(digest, length, this.#limits);
  }

  /** Keeps nothing of the value that is arriving. */
  ignore(): void {
    if (this.#arriving === undefined) return;
    const { digest, left } = this.#arriving;
    this.#arriving = { digest, left };
  }

  /**
   * Takes a piece of the value.
   *
   * @returns the value, once it is complete, unless it is ignored
   * @throws {ProtocolError} If no value is announced, or it is longer than announced.
   * @throws {CorruptValueError} If the bytes do not have the digest they came under.
   * @throws {RangeError} If there is no memory for it; further pieces can be taken all the same.
   */
  chunk(bytes: unknown): ReceivedValue | undefined {
    const arriving = this.#arriving;
    if (arriving === undefined || !(bytes instanceof Uint8Array) || bytes.length === 0) {
      throw new ProtocolError("Cannot take a piece of a value that was not announced");
    }
    if (bytes.length > arriving.left) {
      throw new ProtocolError("Cannot take more of a value than was announced");
    }
    const isLast = bytes.length === arriving.left;
    // Whatever becomes of this piece, the next one follows it.
    const { digest } = arriving;
    const left = arriving.left - bytes.length;
    if (!(arriving instanceof Arriving)) {
      this.#arriving = isLast ? undefined : { digest, left };
      return undefined;
    }
    this.#arriving = isLast ? undefined : { digest, left };
    arriving.add(bytes);
    if (isLast) return arriving.complete();
    this.#arriving = arriving;
    return undefined;
  }
}
