import { isWholeDigest } from "../digest.ts";
import { IndigestibleError, ProtocolError } from "../errors.ts";
import type { Places } from "../places.ts";
import { AsyncQueue } from "./_queue.ts";
import type { Credit } from "./credit.ts";
import { encodeFrame, FRAME, type Frame, itemCost, LENGTH_BYTES } from "./frames.ts";
import type { ProtocolLimits } from "./limits.ts";
import type { Outbox } from "./outbox.ts";
import type { Params } from "./params.ts";
import { ValueIntake } from "./value_intake.ts";
import type { ReceivedValue } from "./value_receiver.ts";
import { ValueSender } from "./value_sender.ts";
import { toWireError } from "./wire_error.ts";

/** A value that has come with a request. */
export interface IncomingValue {
  readonly value: ReceivedValue;
  /** Says that it is not held in memory any more, or will not be for long. */
  readonly used: () => void;
}

/** What a request is made of. */
export interface ServedRequestOptions {
  readonly params: Params;
  /** Whether values follow. */
  readonly hasValues: boolean;
  /** Bytes of the request's frame. */
  readonly size: number;
  /** Elements of that frame. */
  readonly elements: number;
  readonly outbox: Outbox;
  readonly credit: Credit;
  readonly limits: ProtocolLimits;
  /** Whether what is sent is needed no more once it has been written. */
  readonly reuse: boolean;
  /** What bounds the values that are in memory as a whole. */
  readonly reading: Places;
  /** Called when it is over. */
  readonly onOver: () => void;
}

/** One request, as the server's methods see it. */
export class ServedRequest {
  /** What the client asks for. */
  readonly params: Params;
  /** Bytes of the request's frame. */
  readonly size: number;
  /** Elements of that frame. */
  readonly elements: number;
  /** Sends values before the answer. */
  readonly sender: ValueSender;
  /** The values that come with it, each as soon as it is there. */
  readonly values: AsyncIterable<IncomingValue>;
  readonly #id: number;
  readonly #outbox: Outbox;
  readonly #limits: ProtocolLimits;
  readonly #skipped = new Set<string>();
  readonly #queue = new AsyncQueue<IncomingValue>();
  readonly #intake: ValueIntake;
  #isComing: boolean;
  readonly #onOver: () => void;
  readonly #reading: Places;
  #isWritten = false;
  #isSending = false;
  #isCancelled = false;

  /** Takes the number of the request. */
  constructor(id: number, options: ServedRequestOptions) {
    const { params, size, hasValues, outbox, credit, limits, reuse } = options;
    this.params = params;
    this.size = size;
    this.elements = options.elements;
    this.values = this.#queue;
    this.#id = id;
    this.#onOver = options.onOver;
    this.#reading = options.reading;
    this.#outbox = outbox;
    this.#limits = limits;
    this.#isComing = hasValues;
    if (!hasValues) this.#queue.end();
    const send = (frame: Uint8Array, cost: number) => this.#send(frame, cost);
    this.sender = new ValueSender(id, { limits, send, reuse });
    const onValue = (value: ReceivedValue, used: () => void) => this.#queue.push({ value, used });
    this.#intake = new ValueIntake(id, { limits, credit, onValue });
  }

  #lookIfOver(): void {
    if (this.#isWritten && !this.#isComing) this.#onOver();
  }

  /** Waits until a value of some bytes may be read as a whole; one that fits into a chunk may at once. */
  async roomFor(length: number): Promise<Disposable> {
    if (length > 0 && length <= this.#limits.chunk) return { [Symbol.dispose]() {} };
    // Without a length it is known by its digest alone.
    return await this.#reading.take(length === 0 ? this.#limits.frame : length);
  }

  /** Whether the client does not want more of the answer. */
  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Whether the client wants a value, as far as it has said. */
  wants(digest: string): boolean {
    return !this.#isCancelled && !this.#skipped.has(digest);
  }

  /** Takes what follows the request. What is wrong with a value fails the request alone. */
  take(frame: Frame): void {
    if (!this.#isComing) {
      throw new ProtocolError(`Cannot take a frame of kind ${frame.kind} for request ${this.#id}`);
    }
    try {
      if (frame.kind === FRAME.item) this.#intake.announce(frame);
      else if (frame.kind === FRAME.chunk) this.#intake.chunk(frame);
      else this.#end();
    } catch (error) {
      if (!(error instanceof Error) || error instanceof ProtocolError) throw error;
      this.#intake.giveUp();
      this.#queue.end(error);
    }
  }

  #end(): void {
    if (this.#intake.isInside) {
      throw new ProtocolError(`Request ${this.#id} ends inside a value`);
    }
    this.#isComing = false;
    this.#queue.end();
    this.#lookIfOver();
  }

  /** Notes that the client has a value. */
  skip(digest: unknown): void {
    if (typeof digest !== "string" || !isWholeDigest(digest)) {
      throw new ProtocolError("Cannot read what the client has: that is no digest");
    }
    // More than that a client has not been told of.
    if (this.#skipped.size < this.#limits.references) this.#skipped.add(digest);
  }

  /** Gives up: whoever works on it notices when it next sends or takes something. */
  cancel(): void {
    this.#isCancelled = true;
    // An answer that only waits for what comes before it still goes out.
    this.#outbox.cut(this.#id);
    this.breakOff();
  }

  /** Notes that nothing more comes in. */
  breakOff(): void {
    if (!this.#isComing) return;
    this.#isComing = false;
    this.#intake.giveUp();
    this.#queue.end(new ProtocolError("The request was broken off"));
    this.#lookIfOver();
  }

  /** Sends one of several things before the answer; whether more is wanted. */
  async item(item: Record<string, unknown>): Promise<boolean> {
    const frame = encodeFrame(FRAME.item, this.#id, item);
    return await this.#send(frame, itemCost(frame.length, this.#limits));
  }

  async #send(frame: Uint8Array, cost: number): Promise<boolean> {
    if (this.#isCancelled) return false;
    if (!this.#isSending) this.#outbox.open(this.#id);
    this.#isSending = true;
    return await this.#outbox.send(this.#id, frame, cost);
  }

  /** Answers it. It is over when the answer has been taken to be written. */
  answer(result: Record<string, unknown>): void {
    const frame = encodeFrame(FRAME.answer, this.#id, result);
    if (frame.length - LENGTH_BYTES > this.#limits.frame) {
      const message = `The answer takes ${frame.length} bytes: ask for less at a time`;
      return this.fail(new RangeError(message));
    }
    // Whoever has cancelled it still waits for its end.
    if (this.#isCancelled || !this.#isSending) this.#outbox.post(frame, this.#written);
    else this.#outbox.finish(this.#id, frame, this.#written);
  }

  /** Answers it with an error. */
  fail(error: unknown): void {
    this.#intake.giveUp();
    this.#outbox.drop(this.#id);
    this.#outbox.post(encodeError(this.#id, error), this.#written);
  }

  readonly #written = () => {
    this.#isWritten = true;
    this.#lookIfOver();
  };
}

/** The frame of an error; number 0 is the connection's. */
export function encodeError(id: number, error: unknown): Uint8Array {
  const wire = toWireError(error);
  try {
    return encodeFrame(FRAME.error, id, wire);
  } catch (cause) {
    // Its data holds what has no encoding.
    if (!(cause instanceof IndigestibleError)) throw cause;
    return encodeFrame(FRAME.error, id, { ...wire, data: null });
  }
}
