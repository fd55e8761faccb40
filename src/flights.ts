import type { BaseCache } from "./caches/base_cache.ts";
import { decode } from "./codec/decoder.ts";
import { encode } from "./codec/encode.ts";
import { copied, type Encoding, type Reference } from "./codec/encoding.ts";
import { IndigestibleError } from "./errors.ts";
import type { Isolation } from "./isolation.ts";
import type { Claim, Claims } from "./storage/claims.ts";

/** How a call that others wait for ended. */
export type FlightOutcome =
  /** It was stored: each who waits builds the result anew, so that nobody shares its memory. */
  | { readonly stored: true; readonly build: () => unknown }
  /** It could not be stored: each who waits runs it by himself. */
  | { readonly stored: false };

/** How a call ended whose result was stored: each who waits builds it anew, without the storage. */
export function storedOutcome(result: unknown): FlightOutcome {
  const parts = new Map<string, Encoding>();
  const sink = ({ digest }: Reference, encoding: Encoding) => {
    parts.set(digest, { ...copied(encoding), owned: false });
  };
  try {
    const root = { ...encode(result, { identities: false, sink }), owned: false };
    const source = ({ digest }: Reference) => parts.get(digest);
    return { stored: true, build: () => decode(root, { source }) };
  } catch (error) {
    // A cache that takes what has no encoding, which is nothing to share.
    if (error instanceof IndigestibleError) return { stored: false };
    throw error;
  }
}

/** A call that is running, which others who want it wait for. */
export class Flight {
  readonly #ended = Promise.withResolvers<FlightOutcome>();
  readonly #waitsFor = new Set<Flight>();
  readonly #awaitedBy = new Set<Flight>();
  readonly #onEnd: () => void;
  #waiting = 0;
  #claims: Claims | undefined;
  #claim: Claim | undefined;

  /** Begins, among the calls that one isolated call makes. */
  constructor(readonly key: string, readonly isolation: Isolation, onEnd: () => void) {
    this.#onEnd = onEnd;
    // A failure that nobody waits for is the caller's own business.
    this.#ended.promise.catch(() => {});
  }

  /** Whether anybody waits. */
  get isAwaited(): boolean {
    return this.#waiting > 0;
  }

  /** Among which claims it has one, so that other processes may wait for it. */
  get claims(): Claims | undefined {
    return this.#claims;
  }

  /** Holds a claim until the end. */
  hold(claims: Claims, claim: Claim): void {
    this.#claims = claims;
    this.#claim = claim;
  }

  #end(): void {
    this.#onEnd();
    // Nobody has to wait until the others hear of it.
    void this.#claim?.[Symbol.asyncDispose]();
    this.#claims = undefined;
    this.#claim = undefined;
  }

  /** Lets all who wait go on. */
  land(outcome: FlightOutcome): void {
    this.#end();
    this.#ended.resolve(outcome);
  }

  /** Fails all who wait. */
  crash(error: unknown): void {
    this.#end();
    this.#ended.reject(error);
  }

  /**
   * Waits for the end.
   *
   * @param above the calls on whose behalf: they cannot end before this one does
   */
  async wait(above: readonly Flight[]): Promise<FlightOutcome> {
    this.#waiting++;
    for (const flight of above) {
      flight.#waitsFor.add(this);
      this.#awaitedBy.add(flight);
    }
    try {
      return await this.#ended.promise;
    } finally {
      this.#waiting--;
      for (const flight of above) {
        flight.#waitsFor.delete(this);
        this.#awaitedBy.delete(flight);
      }
    }
  }

  /** Adds this call and all that cannot end before it does, as far as they are known here. */
  addWaiting(waiting: Set<Flight>): void {
    if (waiting.has(this)) return;
    waiting.add(this);
    for (const flight of this.#awaitedBy) flight.addWaiting(waiting);
  }

  /** Whether this call is one of some others, or waits for one: then they cannot wait for it. */
  dependsOn(others: readonly Flight[]): boolean {
    const wanted = new Set(others);
    const seen = new Set<Flight>();
    // Chains of calls may be longer than the stack is deep.
    const waiting: Flight[] = [this];
    for (let flight = waiting.pop(); flight !== undefined; flight = waiting.pop()) {
      if (wanted.has(flight)) return true;
      if (seen.has(flight)) continue;
      seen.add(flight);
      waiting.push(...flight.#waitsFor);
    }
    return false;
  }
}

/** The calls of one cache that are running in this process. */
export class FlightBoard {
  readonly #running = new Map<string, Flight>();
  readonly #landed = new Map<string, number>();
  #landings = 0;
  #lookups = 0;

  /** The running call of a key, if there is one. */
  get(key: string): Flight | undefined {
    return this.#running.get(key);
  }

  /** Announces a running call. */
  takeOff(key: string, isolation: Isolation): Flight {
    const flight = new Flight(key, isolation, () => this.#remove(key, flight));
    this.#running.set(key, flight);
    return flight;
  }

  // With the end of the call, so that nobody comes to wait for it after.
  #remove(key: string, flight: Flight): void {
    if (this.#running.get(key) !== flight) return;
    this.#running.delete(key);
    if (this.#lookups > 0) this.#landed.set(key, ++this.#landings);
  }

  /** Notes that somebody looks a call up; what is returned is for the end. */
  beginLookup(): number {
    this.#lookups++;
    return this.#landings;
  }

  /** Whether the call ended while it was looked up, so that the answer may be out of date. */
  endLookup(key: string, since: number): boolean {
    const landed = (this.#landed.get(key) ?? 0) > since;
    if (--this.#lookups === 0) this.#landed.clear();
    return landed;
  }
}

const boards = new WeakMap<BaseCache, FlightBoard>();

/** The running calls of a cache. */
export function flightBoard(cache: BaseCache): FlightBoard {
  let board = boards.get(cache);
  if (board === undefined) boards.set(cache, board = new FlightBoard());
  return board;
}
