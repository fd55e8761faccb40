import assert from "node:assert";
import { countIn, FRAME, type Frame, itemCost } from "../../src/remote/frames.ts";
import type { ProtocolLimits } from "../../src/remote/limits.ts";

/** What one side may still send by the credit it was given, kept by whoever looks at its frames. */
export class Ledger {
  readonly #limits: ProtocolLimits;
  readonly #requests = new Map<number, number>();
  /** What may be sent for all requests together. */
  all: number;

  /** Takes the limits in force. */
  constructor(limits: ProtocolLimits) {
    this.#limits = limits;
    this.all = limits.connectionWindow;
  }

  /** What may be sent for a request. */
  left(id: number): number {
    return Math.min(this.all, this.#requests.get(id) ?? this.#limits.window);
  }

  /** What a frame costs. */
  cost({ kind, size }: Frame): number {
    if (kind === FRAME.item) return itemCost(size, this.#limits);
    return kind === FRAME.chunk ? size : 0;
  }

  /** Begins a request anew. */
  begin(id: number): void {
    this.#requests.delete(id);
  }

  /** Notes a frame that was sent. */
  spend(frame: Frame): void {
    const cost = this.cost(frame);
    if (cost === 0) return;
    this.#requests.set(frame.id, (this.#requests.get(frame.id) ?? this.#limits.window) - cost);
    this.all -= cost;
  }

  /** Notes credit that was given. */
  grant(frame: Frame): void {
    const count = countIn(frame);
    if (frame.id === 0) this.all += count;
    const left = this.#requests.get(frame.id);
    if (left !== undefined) this.#requests.set(frame.id, left + count);
  }

  /** Checks that nothing was sent beyond the credit. */
  check(id: number): void {
    const left = this.left(id);
    assert(left >= 0, `Request ${id} was sent ${-left} bytes more than there was credit for`);
  }

  /** Checks that no more credit was given than there can be. */
  checkGrants(id: number): void {
    assert(this.all <= this.#limits.connectionWindow, "More credit than the connection has");
    const left = this.#requests.get(id) ?? 0;
    assert(left <= this.#limits.window, `More credit than request ${id} has`);
  }
}
