import { ProtocolError } from "../errors.ts";
import { encodeFrame, FRAME } from "./frames.ts";
import type { ProtocolLimits } from "./limits.ts";

interface Account {
  /** What the other side may still send. */
  left: number;
  /** What has been used up and not been given back yet. */
  owed: number;
}

/**
 * The credit that one side has given the other: how much may come, for each request and for all
 * together. For a request it is given back as what came is used up; for all together as it comes, so
 * that a request that nobody takes anything of never holds up the others.
 */
export class Credit {
  readonly #limits: ProtocolLimits;
  readonly #post: (frame: Uint8Array) => void;
  readonly #requests = new Map<number, Account>();
  readonly #all: Account;

  /** Takes the limits, and what sends a frame. */
  constructor(limits: ProtocolLimits, post: (frame: Uint8Array) => void) {
    this.#limits = limits;
    this.#post = post;
    this.#all = { left: limits.connectionWindow, owed: 0 };
  }

  /**
   * Notes that something has come for a request.
   *
   * @throws {ProtocolError} If it is more than there was credit for.
   */
  take(id: number, cost: number): void {
    const account = this.#account(id);
    account.left -= cost;
    this.#all.left -= cost;
    if (account.left < 0 || this.#all.left < 0) {
      const message = `Cannot take more for request ${id}: it was sent without credit`;
      throw new ProtocolError(message, { limit: "window" });
    }
    this.#give(0, this.#all, { cost, window: this.#limits.connectionWindow });
  }

  /** Says that what came for a request has been used up. */
  give(id: number, cost: number): void {
    const account = this.#requests.get(id);
    // The request may be over.
    if (account !== undefined) this.#give(id, account, { cost, window: this.#limits.window });
  }

  #give(id: number, account: Account, { cost, window }: { cost: number; window: number }): void {
    account.owed += cost;
    // When all is used up, the other side must have enough for the next piece.
    const isShort = account.left < this.#limits.chunk && account.left + account.owed === window;
    if (4 * account.owed < window && !isShort) return;
    this.#post(encodeFrame(FRAME.credit, id, account.owed));
    account.left += account.owed;
    account.owed = 0;
  }

  /** Ends the account of a request that is over. */
  end(id: number): void {
    this.#requests.delete(id);
  }

  #account(id: number): Account {
    let account = this.#requests.get(id);
    if (account === undefined) {
      account = { left: this.#limits.window, owed: 0 };
      this.#requests.set(id, account);
    }
    return account;
  }
}
