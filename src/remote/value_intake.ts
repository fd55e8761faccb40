import type { Credit } from "./credit.ts";
import { type Frame, itemCost } from "./frames.ts";
import type { ProtocolLimits } from "./limits.ts";
import { type ReceivedValue, ValueReceiver } from "./value_receiver.ts";

/** What the values of a request are taken with. */
export interface ValueIntakeOptions {
  readonly limits: ProtocolLimits;
  readonly credit: Credit;
  /** Takes a value, and what to call when it has been used up. */
  readonly onValue: (value: ReceivedValue, used: () => void) => void;
}

/**
 * Takes the values of one request. While too many wait to be used up, no more credit is given, so
 * that no more memory is taken than those, what is on its way, and the one that is arriving.
 */
export class ValueIntake {
  readonly #id: number;
  readonly #options: ValueIntakeOptions;
  readonly #receiver: ValueReceiver;
  readonly #skipped = new Set<string>();
  // Bytes of whole values that have not been used up, and the credit that is given back when they are.
  #held = 0;
  #deferred = 0;
  #isOver = false;

  /** Takes the number of the request. */
  constructor(id: number, options: ValueIntakeOptions) {
    this.#id = id;
    this.#options = options;
    this.#receiver = new ValueReceiver(options.limits);
  }

  /** Whether a value has begun and not ended. */
  get isInside(): boolean {
    return this.#receiver.isInside;
  }

  /** Whether nothing more can come before something is used up. */
  get isFull(): boolean {
    return this.#deferred > 0;
  }

  /**
   * Takes the announcement of a value.
   *
   * @throws {ProtocolError} If it breaks the protocol.
   * @throws {RangeError} If there is no memory for it.
   */
  announce({ fields, size }: Frame): void {
    const { credit, limits } = this.#options;
    const cost = itemCost(size, limits);
    credit.take(this.#id, cost);
    credit.give(this.#id, cost);
    this.#receiver.announce(fields[0]);
    const { digest } = this.#receiver;
    if (this.#isOver || digest !== undefined && this.#skipped.has(digest)) this.#receiver.ignore();
  }

  /**
   * Takes a piece of a value.
   *
   * @throws {ProtocolError} If it breaks the protocol.
   * @throws {CorruptValueError} If the value is not what its digest says.
   */
  chunk({ fields, size }: Frame): void {
    const { credit, limits, onValue } = this.#options;
    credit.take(this.#id, size);
    if (!this.#isOver && this.#held > limits.held) this.#deferred += size;
    else credit.give(this.#id, size);
    const value = this.#receiver.chunk(fields[0]);
    if (value === undefined || this.#isOver) return;
    const { length } = value.reference;
    this.#held += length;
    onValue(value, () => {
      this.#held -= length;
      if (this.#held <= limits.held) this.#giveDeferred();
    });
  }

  #giveDeferred(): void {
    if (this.#deferred > 0) this.#options.credit.give(this.#id, this.#deferred);
    this.#deferred = 0;
  }

  /** Keeps nothing of a value that is not needed; whether that was not known already. */
  skip(digest: string): boolean {
    if (this.#skipped.has(digest)) return false;
    this.#skipped.add(digest);
    if (this.#receiver.digest === digest) this.#receiver.ignore();
    return true;
  }

  /** Keeps nothing of what still comes. */
  giveUp(): void {
    this.#isOver = true;
    this.#receiver.ignore();
    this.#giveDeferred();
  }
}
