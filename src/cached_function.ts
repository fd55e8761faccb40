/**
 * The way of one call from its lookup to the filing of its result; it stands in one file because each
 * step counts on what the others do, and on what is awaited between them.
 *
 * @module
 */

import type { BaseCache } from "./caches/base_cache.ts";
import { RefreshingCache } from "./caches/refreshing_cache.ts";
import { CallNotes } from "./call_notes.ts";
import { takeTurn } from "./claim_turn.ts";
import {
  activeCache,
  currentScope,
  flightsAbove,
  type Frame,
  notedMetadata,
  positionOf,
  runInScope,
} from "./context.ts";
import { IndigestibleError, NotFoundError } from "./errors.ts";
import {
  type Flight,
  type FlightBoard,
  flightBoard,
  type FlightOutcome,
  storedOutcome,
} from "./flights.ts";
import type { FunctionKeys, NamedArguments } from "./function_keys.ts";
import type { AnyFunction, FunctionProfile } from "./function_profile.ts";
import { foundInTime, preparedInTime } from "./cache_in_time.ts";
import { inTime } from "./in_time.ts";
import { isPrimitive, isThenable } from "./kinds.ts";
import { enter, type Stay, UNISOLATED } from "./isolation.ts";
import type { LazyCall } from "./lazy_call.ts";
import { warnOnce } from "./log.ts";
import type { MetaData } from "./metadata/meta_data.ts";
import type { Outcome, PreparedCall } from "./prepared_call.ts";

/** What happens when a stored result comes from another source text of the function. */
export type OnStale = "warn" | "recompute" | "ignore";

/** How the calls of one function are cached. */
export interface CachingOptions {
  readonly meta: readonly MetaData[];
  readonly storeArguments: boolean;
  readonly onStale: OnStale;
  readonly singleFlight: boolean;
  readonly isolate: boolean;
}

/** What belongs to a call while its body runs. */
interface Running {
  readonly flight: Flight | undefined;
  readonly calls: Set<string>;
  readonly stay: Stay | undefined;
}

/** One call that is asked for. */
interface Request {
  readonly args: readonly unknown[];
  readonly self: unknown;
  readonly named: NamedArguments;
  readonly key: string;
}

/** The work behind a wrapped function. */
export class CachedFunction {
  readonly #fn: AnyFunction;
  readonly #profile: FunctionProfile;
  readonly #keys: FunctionKeys;
  readonly #options: CachingOptions;

  /** Takes the function, what is known of it, the keys of its calls, and how to cache it. */
  constructor(
    fn: AnyFunction,
    profile: FunctionProfile,
    keys: FunctionKeys,
    options: CachingOptions,
  ) {
    this.#fn = fn;
    this.#profile = profile;
    this.#keys = keys;
    this.#options = options;
  }

  async #storedKey(cache: BaseCache, args: readonly unknown[]): Promise<string> {
    return this.#keys.key(await this.#keys.expanded(args, cache));
  }

  /** Why a call runs uncached as far as its arguments alone tell; undefined if they do not. */
  obstacle(args: readonly unknown[]): string | undefined {
    if (this.#profile.usesThis) {
      return "uses this, which is no argument: pass what it needs as arguments";
    }
    const missing = this.#profile.missing(args);
    return missing.length > 0 ? `was not given ${missing.join(", ")}` : undefined;
  }

  /** Loads the result of a call. */
  async load(args: readonly unknown[]): Promise<unknown> {
    const cache = activeCache();
    const call = await cache.load(await this.#storedKey(cache, args));
    return await call.result();
  }

  /** Whether a call is stored. */
  async contains(args: readonly unknown[]): Promise<boolean> {
    const cache = activeCache();
    return await cache.contains(await this.#storedKey(cache, args));
  }

  /** Removes a call; whether there was one. */
  async evict(args: readonly unknown[]): Promise<boolean> {
    const cache = activeCache();
    return await cache.evict(await this.#storedKey(cache, args));
  }

  /** Runs a call with every result computed and stored anew. */
  async rerun(self: unknown, args: readonly unknown[]): Promise<unknown> {
    const cache = new RefreshingCache(activeCache(), { once: true });
    return await runInScope({ ...currentScope(), cache }, () => this.run(self, args));
  }

  /** Loads a call's result, or runs it and stores the result. */
  async run(self: unknown, args: readonly unknown[]): Promise<unknown> {
    const cache = activeCache();
    const request = await this.#request(cache, self, args);
    if (request === undefined) return await this.#runUncached(cache, self, args);
    currentScope().frame?.calls.add(request.key);
    const board = flightBoard(cache);
    let again: boolean;
    do {
      const since = board.beginLookup();
      let result: unknown;
      try {
        result = await this.#lookUp(cache, request.key);
      } finally {
        again = board.endLookup(request.key, since);
      }
      if (result !== undefined) return result;
    } while (again);
    return this.#options.singleFlight
      ? await this.#fly(cache, board, request)
      : await this.#runAndStore(cache, request, undefined);
  }

  async #runUncached(cache: BaseCache, self: unknown, args: readonly unknown[]): Promise<unknown> {
    const resolved = await this.#profile.resolve(args, (each) => cache.loadValue(each));
    await using stay = await this.#enter();
    const scope = currentScope();
    const isolation = stay?.inside ?? scope.isolation;
    return await runInScope({ ...scope, isolation }, () => this.#apply(self, resolved));
  }

  // What the call is to the cache; undefined, after a warning, if it is none.
  async #request(
    cache: BaseCache,
    self: unknown,
    args: readonly unknown[],
  ): Promise<Request | undefined> {
    const { name } = this.#profile;
    try {
      const obstacle = this.obstacle(args);
      if (obstacle !== undefined) return this.#refuse(obstacle);
      const expanded = this.#keys.expanded(args, cache);
      const named = expanded instanceof Promise ? await expanded : expanded;
      return { args, self, named, key: this.#keys.key(named) };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      warnOnce(
        `indigestible ${name} ${error.message}`,
        ["wrapper"],
        `${name} runs uncached: ${error.message}`,
      );
    }
  }

  #refuse(reason: string): undefined {
    const { name } = this.#profile;
    warnOnce(`uncached ${name} ${reason}`, ["wrapper"], `${name} runs uncached: it ${reason}`);
  }

  // The stored result; undefined, which is never stored, if there is none to use.
  async #lookUp(cache: BaseCache, key: string): Promise<unknown> {
    try {
      const call = await foundInTime(cache, key);
      if (call === undefined || this.#isStale(call)) return undefined;
      return await call.result();
    } catch (error) {
      // A value that is gone has been warned of by whoever found it damaged.
      if (!(error instanceof NotFoundError)) this.#warn("cannot load a stored result", error);
      return undefined;
    }
  }

  #warn(what: string, error: unknown): void {
    const { name } = this.#profile;
    const text = `${name}: ${what}: ${error instanceof Error ? error.message : String(error)}`;
    warnOnce(text, ["wrapper"], text, { error });
  }

  /** Whether a stored call comes from another source text, and what happens then. */
  staleness(call: LazyCall): OnStale | undefined {
    const { source, code } = this.#profile;
    if (source === null || code !== null) return undefined;
    return call.source === null || call.source === source ? undefined : this.#options.onStale;
  }

  #isStale(call: LazyCall): boolean {
    const { name, source } = this.#profile;
    const staleness = this.staleness(call);
    if (staleness !== "warn") return staleness === "recompute";
    warnOnce(
      `stale ${name} ${source}`,
      ["wrapper"],
      `${name} has changed since this result was stored; raise version, or set hashCode`,
    );
    return false;
  }

  // Runs a call once for all in this process who want it now.
  async #fly(cache: BaseCache, board: FlightBoard, request: Request): Promise<unknown> {
    const { key } = request;
    const { frame, isolation = UNISOLATED } = currentScope();
    const other = board.get(key);
    if (other !== undefined) {
      const above = flightsAbove(frame);
      // What waits for us, or has called us, cannot be waited for; the result is the same anyway.
      // The same holds for what may wait for the working directory that we have.
      if (other.dependsOn(above) || !isolation.contains(other.isolation)) {
        return await this.#runOnly(cache, request);
      }
      const outcome = await other.wait(above);
      return outcome.stored ? outcome.build() : await this.#runOnly(cache, request);
    }
    const flight = board.takeOff(key, isolation);
    try {
      const found = await this.#takeTurn(cache, flight, frame);
      if (found === undefined) return await this.#runAndStore(cache, request, flight);
      if (flight.isAwaited) flight.land(storedOutcome(found));
      return found;
    } catch (error) {
      flight.crash(error);
      throw error;
    } finally {
      // Nobody may be left waiting, whatever happened.
      flight.land({ stored: false });
    }
  }

  // Waits while another process runs the call; its result, if it has stored one.
  async #takeTurn(cache: BaseCache, flight: Flight, frame: Frame | undefined): Promise<unknown> {
    const { claims } = cache;
    if (claims === undefined) return undefined;
    return await takeTurn({
      claims,
      flight,
      above: () => flightsAbove(frame),
      name: this.#profile.name,
      // What is to be computed anew is not waited for, and neither is another process by a call that
      // has the working directory: others of this one wait for that.
      isPatient: !(cache instanceof RefreshingCache) && currentScope().isolation === undefined,
      timeout: cache.saveTimeout,
      lookUp: async () =>
        await this.#isFiled(cache, flight.key) ? await this.#lookUp(cache, flight.key) : undefined,
    });
  }

  async #isFiled(cache: BaseCache, key: string): Promise<boolean> {
    try {
      const filed = cache.isFiled(key);
      return filed instanceof Promise ? await inTime(filed, cache.lookupTimeout) : filed;
    } catch (error) {
      this.#warn("cannot see whether the result is stored", error);
      return false;
    }
  }

  async #runOnly(cache: BaseCache, request: Request): Promise<unknown> {
    const args = await this.#arguments(cache, request);
    await using stay = await this.#enter();
    return await this.#body(request, args, { flight: undefined, calls: new Set(), stay });
  }

  // The first argument of a method is its object.
  #apply(self: unknown, args: readonly unknown[]): unknown {
    if (!this.#profile.takesThis) return this.#fn.apply(self, [...args]);
    const [object, ...others] = args;
    return this.#fn.apply(object, others);
  }

  // The working directory of the call, if it has one of its own.
  async #enter(fail?: () => void): Promise<Stay | undefined> {
    if (!this.#options.isolate) return undefined;
    return await enter(currentScope().isolation, fail);
  }

  async #arguments(cache: BaseCache, { args }: Request): Promise<readonly unknown[]> {
    if (!this.#profile.hasDigests(args)) return args;
    return await this.#profile.resolve(args, (each) => cache.loadValue(each));
  }

  // Not asynchronous itself: what a function returns at once is taken as it is then.
  #body(
    { self, key }: Request,
    args: readonly unknown[],
    { flight, calls, stay }: Running,
  ): unknown {
    const scope = currentScope();
    const frame: Frame = { key, calls, flight, parent: scope.frame };
    const isolation = stay?.inside ?? scope.isolation;
    return runInScope({ ...scope, frame, isolation }, () => this.#apply(self, args));
  }

  async #runAndStore(
    cache: BaseCache,
    request: Request,
    flight: Flight | undefined,
  ): Promise<unknown> {
    const args = await this.#arguments(cache, request);
    let prepared = await this.#prepare(cache, request.named);
    const call = this.#keys.call(request.named);
    const notes = await CallNotes.begin({
      metadata: [...notedMetadata(), ...this.#options.meta],
      call,
      position: positionOf(currentScope().frame),
      warn: (error) => this.#warn("metadata cannot be noted", error),
    });
    await using stay = await this.#enter(() => prepared?.abandon());
    const calls = new Set<string>();
    // Whoever called may have changed an argument since, and the body would see the change. Nothing
    // may be awaited between here and the body.
    const change = prepared === undefined ? undefined : this.#changed(prepared, request);
    if (change !== undefined) {
      prepared?.abandon();
      prepared = undefined;
      this.#refuse(change);
    }
    // What will not be stored is nothing to wait for.
    if (prepared === undefined) flight?.land({ stored: false });
    let result: unknown;
    try {
      notes.start();
      const returned = this.#body(request, args, { flight, calls, stay });
      // Nothing else may run before a result that is at hand is encoded: the function may use its
      // memory again.
      result = isThenable(returned) ? await returned : returned;
    } catch (error) {
      prepared?.abandon();
      throw error;
    }
    if (prepared === undefined) return result;
    if (result === undefined) {
      prepared.abandon();
      await this.#forget(cache, request.key);
      return result;
    }
    if (!this.#hasSameDependencies(request)) {
      prepared.abandon();
      this.#refuse("has dependencies that changed while it ran");
      return result;
    }
    // For the same reason, for those who wait.
    const shared = flight?.isAwaited === true ? storedOutcome(result) : undefined;
    const outcome = { result, metadata: notes.end(), calls: [...calls] };
    const isStored = await this.#commit(cache, prepared, outcome);
    flight?.land(isStored ? shared ?? this.#laterOutcome(cache, request) : { stored: false });
    return result;
  }

  // Who has come to wait only while the result was stored loads what was stored.
  #laterOutcome(cache: BaseCache, request: Request): FlightOutcome {
    const build = async () =>
      await this.#lookUp(cache, request.key) ?? await this.#runOnly(cache, request);
    return { stored: true, build };
  }

  // What has changed since the call was looked up, if anything has.
  #changed(prepared: PreparedCall, request: Request): string | undefined {
    const { key, named } = request;
    if (!this.#hasSameDependencies(request)) {
      return "has dependencies that changed while it was being looked up";
    }
    if (prepared.key === key && named.values.every(isPrimitive)) return undefined;
    try {
      if (prepared.key === key && this.#keys.key(named) === key) return undefined;
    } catch (error) {
      if (!(error instanceof IndigestibleError)) throw error;
    }
    return "was given an argument that changed while it was being looked up";
  }

  #hasSameDependencies({ named }: Request): boolean {
    try {
      return this.#keys.depsDigest() === named.deps;
    } catch (error) {
      this.#warn("the dependencies cannot be digested any more", error);
      return false;
    }
  }

  // Undefined, after a warning, if the cache does not take the call.
  async #prepare(cache: BaseCache, named: NamedArguments): Promise<PreparedCall | undefined> {
    const { storeArguments } = this.#options;
    try {
      return await preparedInTime(cache, this.#keys.call(named), { storeArguments });
    } catch (error) {
      this.#warn("the result will not be stored", error);
      return undefined;
    }
  }

  async #commit(cache: BaseCache, prepared: PreparedCall, outcome: Outcome): Promise<boolean> {
    try {
      await inTime(prepared.commit(outcome), cache.saveTimeout);
      return true;
    } catch (error) {
      this.#warn("the result was not stored", error);
      return false;
    }
  }

  // A result of undefined is not stored, and takes the place of one that was.
  async #forget(cache: BaseCache, key: string): Promise<void> {
    this.#refuse("returned undefined, which is never stored; return null instead");
    if (!(cache instanceof RefreshingCache)) return;
    try {
      await cache.evict(key);
    } catch (error) {
      this.#warn("the former result could not be evicted", error);
    }
  }
}
