/**
 * What one side of a connection has to send, and in which order: frames that need no credit first,
 * then items and chunks of all requests in turn, as far as the other side has given credit.
 *
 * Nothing here writes: whoever does takes what is next.
 *
 * @module
 */

import { concatenated } from "../bytes.ts";
import type { ProtocolLimits } from "./limits.ts";

/** Bytes of small frames that are written in one go. */
const TOGETHER = 64 << 10;

/** Frames of one request that may wait here; its sender waits while there are more. */
const MOST_WAITING = 2;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly cost: number;
  /** Called when it is taken to be written. */
  readonly onTaken?: (() => void) | undefined;
}

/** The frames of one request, in their order. */
interface Lane {
  readonly frames: Waiting[];
  credit: number;
  /** Called when there is room again, or nothing more is wanted. */
  readonly wake: (() => void)[];
}

/** What is to be sent. */
export class Outbox {
  readonly #limits: ProtocolLimits;
  readonly #free: Waiting[] = [];
  readonly #lanes = new Map<number, Lane>();
  #credit: number;
  #isUnlimited = false;
  #isClosed = false;
  #isAbandoned = false;
  #news: (() => void) | undefined;

  /** Takes the limits that the other side keeps. */
  constructor(limits: ProtocolLimits) {
    this.#limits = limits;
    this.#credit = limits.connectionWindow;
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#free.length === 0 && this.#lanes.size === 0;
  }

  /**
   * Adds a frame that needs no credit, and goes before all that does.
   *
   * @param onTaken called when it is taken to be written
   */
  post(bytes: Uint8Array, onTaken?: () => void): void {
    if (this.#isAbandoned) return;
    this.#free.push({ bytes, cost: 0, onTaken });
    this.#tell();
  }

  /** Begins to send something that takes credit. */
  open(id: number): void {
    if (this.#isAbandoned) return;
    this.#lanes.set(id, { frames: [], credit: this.#limits.window, wake: [] });
  }

  /**
   * Adds a frame of a request that has been opened; waits while there are enough of them.
   *
   * @param cost what it takes of the credit
   * @returns whether the request is still wanted
   */
  async send(id: number, bytes: Uint8Array, cost: number): Promise<boolean> {
    const lane = this.#lanes.get(id);
    if (lane === undefined) return false;
    lane.frames.push({ bytes, cost });
    this.#tell();
    while (lane.frames.length >= MOST_WAITING && this.#lanes.get(id) === lane) {
      await new Promise<void>((resolve) => lane.wake.push(resolve));
    }
    return this.#lanes.get(id) === lane;
  }

  /** Adds the last frame of a request, which needs no credit but comes after the others. */
  finish(id: number, bytes: Uint8Array, onTaken?: () => void): void {
    const lane = this.#lanes.get(id);
    if (lane === undefined) return;
    if (lane.frames.length === 0) {
      this.#lanes.delete(id);
      return this.post(bytes, onTaken);
    }
    lane.frames.push({ bytes, cost: 0, onTaken });
  }

  /** Drops what waits of a request that is not wanted any more; whether it was not finished. */
  drop(id: number): boolean {
    const lane = this.#lanes.get(id);
    if (lane === undefined) return false;
    this.#lanes.delete(id);
    for (const wake of lane.wake.splice(0)) wake();
    this.#tell();
    return true;
  }

  /** Drops what waits of a request but for its last frame, which goes out at once. */
  cut(id: number): void {
    const last = this.#lanes.get(id)?.frames.at(-1);
    this.drop(id);
    // Nothing but a last frame is free.
    if (last?.cost === 0) this.post(last.bytes, last.onTaken);
  }

  /** Takes credit from the other side: for a request, or, as request 0, for all of them. */
  grant(id: number, bytes: number): void {
    if (id === 0) this.#credit += bytes;
    // The request may be over.
    const lane = this.#lanes.get(id);
    if (lane !== undefined) lane.credit += bytes;
    this.#tell();
  }

  /** Takes it that no credit can come any more, and none is needed. */
  grantAll(): void {
    this.#credit = Infinity;
    this.#isUnlimited = true;
    this.#tell();
  }

  /** What is to be written next; undefined if there is nothing, or no credit for it. */
  take(): Uint8Array | undefined {
    return this.#takeFree() ?? this.#takeTurn();
  }

  #takeFree(): Uint8Array | undefined {
    const [first] = this.#free;
    if (first === undefined) return undefined;
    let count = 0;
    let length = 0;
    for (const { bytes } of this.#free) {
      if (count > 0 && length + bytes.length > TOGETHER) break;
      length += bytes.length;
      count++;
    }
    const taken = this.#free.splice(0, count);
    for (const { onTaken } of taken) onTaken?.();
    return count === 1 ? first.bytes : concatenated(taken.map(({ bytes }) => bytes));
  }

  #takeTurn(): Uint8Array | undefined {
    for (const [id, lane] of this.#lanes) {
      const [next] = lane.frames;
      if (next === undefined || next.cost > this.#credit) continue;
      if (next.cost > lane.credit && !this.#isUnlimited) continue;
      lane.frames.shift();
      lane.credit -= next.cost;
      this.#credit -= next.cost;
      this.#lanes.delete(id);
      // The others first, before this one has its turn again.
      const isLast = lane.frames.length === 1 && lane.frames[0]?.cost === 0;
      if (isLast) this.#free.push(lane.frames.shift() as Waiting);
      else this.#lanes.set(id, lane);
      for (const wake of lane.wake.splice(0)) wake();
      return next.bytes;
    }
    return undefined;
  }

  /** Waits until there may be something to take, or nothing more will be. */
  async news(): Promise<void> {
    await new Promise<void>((resolve) => this.#news = resolve);
  }

  /** Whether nothing more is to be sent. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Says that nothing more comes. */
  close(): void {
    this.#isClosed = true;
    this.#tell();
  }

  /** Drops what waits and whatever still comes, but for a last frame if there is one. */
  abandon(last?: Uint8Array): void {
    if (this.#isAbandoned) return;
    this.#isAbandoned = true;
    this.#free.length = 0;
    for (const id of [...this.#lanes.keys()]) this.drop(id);
    if (last !== undefined) this.#free.push({ bytes: last, cost: 0 });
    this.close();
  }

  #tell(): void {
    this.#news?.();
    this.#news = undefined;
  }
}

/** Most bytes that are written in one go, so that it can be seen that something moves. */
const PIECE = 256 << 10;

/**
 * Writes what is in an outbox, until it is closed and empty.
 *
 * @param onWritten called after each piece, with its length
 */
export async function pump(
  outbox: Outbox,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  onWritten: (length: number) => void = () => {},
): Promise<void> {
  while (true) {
    const bytes = outbox.take();
    if (bytes !== undefined) {
      for (let at = 0; at < bytes.length; at += PIECE) {
        const piece: Uint8Array = bytes.length <= 2 * PIECE
          ? bytes
          : bytes.subarray(at, at + PIECE);
        await writer.write(piece);
        onWritten(piece.length);
        if (piece === bytes) break;
      }
    } else if (outbox.isClosed && outbox.isEmpty) {
      return;
    } else {
      await outbox.news();
    }
  }
}
