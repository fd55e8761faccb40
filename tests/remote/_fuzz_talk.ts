import type { ByteSource } from "../../src/remote/connection.ts";
import type { ProtocolLimits } from "../../src/remote/limits.ts";
import type { FiledCall } from "./_calls.ts";
import type { Random } from "./_random.ts";

/** How a talk goes. */
export interface TalkOptions {
  readonly random: Random;
  readonly limits: ProtocolLimits;
  /** What is talked about. */
  readonly calls: readonly FiledCall[];
  /** Probability that a frame is none that should come. */
  readonly hostility: number;
  /** Counts the errors that requests end with, by code. */
  readonly errors: Map<string, number>;
}

/** Steps in one turn of the event loop. */
const STEPS = 20;

/** Turns in which nothing happens, after which something that has not come never comes. */
const IDLE_TURNS = 50;

/**
 * Whether a promise is settled before nothing happens any more.
 *
 * @param advance does what there is to do; whether there was anything
 */
export async function settles(
  promise: Promise<unknown>,
  advance: () => boolean,
): Promise<boolean> {
  let isSettled = false;
  const settle = () => isSettled = true;
  promise.then(settle, settle);
  for (let idle = 0; idle < IDLE_TURNS; idle++) {
    for (let steps = 0; steps < STEPS && !isSettled; steps++) await undefined;
    if (isSettled) return true;
    if (advance()) idle = -1;
    else if (idle > IDLE_TURNS / 2) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return false;
}

/** Whether an error is one that is meant to cross the wire, and no fault of the program. */
export function isKnownError(error: Record<string, unknown>): boolean {
  const { name, code, message } = error;
  if (typeof name !== "string" || typeof message !== "string" || message === "") return false;
  return typeof code === "string" || code === null && name === "RangeError";
}

/** Whether a request may fail with an error: one that has a code, or a want of memory. */
export function isKnownFailure(error: unknown): boolean {
  return error instanceof RangeError ||
    error instanceof Error && typeof Reflect.get(error, "code") === "string";
}

/** Bytes that come one after the other in memory that is used again, as those of a process do. */
export class FuzzSource implements ByteSource {
  readonly #pieces: Uint8Array[] = [];
  #buffer = new Uint8Array(0);
  #isEnded = false;
  #wake: (() => void) | undefined;

  /** Adds bytes. */
  push(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#wake?.();
  }

  /** Says that no more come. */
  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  /** The next bytes; those before them are gone. */
  async read(): Promise<Uint8Array | undefined> {
    this.#buffer.fill(0xc1);
    while (this.#pieces.length === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const piece = this.#pieces.shift();
    if (piece === undefined) return undefined;
    if (this.#buffer.length < piece.length) this.#buffer = new Uint8Array(2 * piece.length);
    this.#buffer.set(piece);
    return this.#buffer.subarray(0, piece.length);
  }
}
