import type { BaseCache } from "./caches/base_cache.ts";
import { RefreshingCache } from "./caches/refreshing_cache.ts";
import { argumentDigest, Call } from "./call.ts";
import type { Metadata } from "./call_record.ts";
import { decode } from "./codec/decoder.ts";
import { digest } from "./codec/digest_value.ts";
import { encode, withEncoding } from "./codec/encode.ts";
import { copied, type Encoding, encodingDigest, type Reference } from "./codec/encoding.ts";
import { Identity } from "./codec/identity.ts";
import { activeCache, activeMetadata, currentScope, type Frame, runInScope } from "./context.ts";
import { Digest } from "./digest.ts";
import { IndigestibleError, NotFoundError } from "./errors.ts";
import { type Flight, type FlightBoard, flightBoard, type FlightOutcome } from "./flights.ts";
import type { AnyFunction, FunctionProfile } from "./function_profile.ts";
import { inTime } from "./in_time.ts";
import type { LazyCall } from "./lazy_call.ts";
import { warnOnce } from "./log.ts";
import { KeyPrefix } from "./lookup_key.ts";
import type { MetaData, Notes } from "./metadata.ts";
import type { PreparedCall } from "./prepared_call.ts";
import type { Binding } from "./profile/parameters.ts";

/** What happens when a stored result comes from another source text of the function. */
export type OnStale = "warn" | "recompute" | "ignore";

/** What else a function's results depend on. */
export type Dependencies = readonly unknown[] | (() => readonly unknown[]);

/** How the calls of one function are cached. */
export interface CachingOptions {
  readonly deps: Dependencies | undefined;
  readonly meta: readonly MetaData[];
  readonly storeArguments: boolean;
  readonly onStale: OnStale;
  readonly singleFlight: boolean;
}

/** One call that is asked for. */
interface Request {
  readonly args: readonly unknown[];
  readonly self: unknown;
  readonly binding: Binding;
  readonly deps: string | null;
  readonly key: string;
}

/** Prefixes of keys that are remembered, for dependencies that change between calls. */
const MAX_PREFIXES = 16;

/** The work behind a wrapped function. */
export class CachedFunction {
  readonly #fn: AnyFunction;
  readonly #profile: FunctionProfile;
  readonly #options: CachingOptions;
  readonly #prefixes = new Map<string | null, KeyPrefix>();

  /** Takes the function, what is known of it, and how to cache it. */
  constructor(fn: AnyFunction, profile: FunctionProfile, options: CachingOptions) {
    this.#fn = fn;
    this.#profile = profile;
    this.#options = options;
  }

  /** What stands for the function where it is an argument itself. */
  identity(): Identity {
    const { name, module, version, source } = this.#profile;
    return new Identity("function", digest([name, module, version, source, this.#deps()]).hex);
  }

  #deps(): string | null {
    const { deps } = this.#options;
    if (deps === undefined) return null;
    const present = typeof deps === "function" ? deps() : deps;
    return withEncoding(present, { root: "deps" }, encodingDigest);
  }

  #prefix(deps: string | null): KeyPrefix {
    const known = this.#prefixes.get(deps);
    if (known !== undefined) return known;
    const { name, hashed, module, version, code } = this.#profile;
    const prefix = new KeyPrefix({
      name,
      module: hashed.includes("module") ? module : null,
      version: hashed.includes("version") ? version : null,
      code: hashed.includes("code") ? code : null,
      deps,
    });
    if (this.#prefixes.size >= MAX_PREFIXES) this.#prefixes.clear();
    this.#prefixes.set(deps, prefix);
    return prefix;
  }

  #key({ names, values }: Binding, deps: string | null): string {
    const digests = values.map((value, index) => argumentDigest(names[index] as string, value));
    return this.#prefix(deps).key(names, digests);
  }

  /** The lookup key of a call. */
  key(args: readonly unknown[]): string {
    return this.#key(this.#profile.bind(args), this.#deps());
  }

  /** The lookup key of a call, short digests expanded. */
  async storedKey(args: readonly unknown[]): Promise<string> {
    const binding = this.#profile.bind(args);
    await expandDigests(binding, activeCache());
    return this.#key(binding, this.#deps());
  }

  /** The call itself, without a result. */
  describe(args: readonly unknown[]): Call {
    return this.#call(this.#profile.bind(args), this.#deps());
  }

  #call({ names, values }: Binding, deps: string | null): Call {
    const { name, module, version, code, hashed, source } = this.#profile;
    return new Call({
      ...{ name, module, version, code, deps, hashed, source },
      arguments: Object.fromEntries(names.map((each, index) => [each, values[index]])),
      argumentNames: names,
    });
  }

  /** Loads the result of a call. */
  async load(args: readonly unknown[]): Promise<unknown> {
    const call = await activeCache().load(await this.storedKey(args));
    return await call.result();
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
    return await this.#fn.apply(self, [...resolved]);
  }

  // What the call is to the cache; undefined, after a warning, if it is none.
  async #request(
    cache: BaseCache,
    self: unknown,
    args: readonly unknown[],
  ): Promise<Request | undefined> {
    const { name, usesThis } = this.#profile;
    if (usesThis) {
      return this.#refuse("uses this, which is no argument: pass what it needs as arguments");
    }
    try {
      const missing = this.#profile.missing(args);
      if (missing.length > 0) return this.#refuse(`was not given ${missing.join(", ")}`);
      const binding = this.#profile.bind(args);
      if (binding.values.some(isShortDigest)) await expandDigests(binding, cache);
      const deps = this.#deps();
      return { args, self, binding, deps, key: this.#key(binding, deps) };
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

  #isStale(call: LazyCall): boolean {
    const { name, source, code } = this.#profile;
    const { onStale } = this.#options;
    if (onStale === "ignore" || source === null || code !== null) return false;
    if (call.source === null || call.source === source) return false;
    if (onStale === "recompute") return true;
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
    const above = flightsAbove(currentScope().frame);
    const other = board.get(key);
    if (other !== undefined) {
      // What waits for us, or has called us, cannot be waited for; the result is the same anyway.
      if (other.dependsOn(above)) return await this.#runOnly(cache, request);
      const outcome = await other.wait(above);
      return outcome.stored ? outcome.build() : await this.#runOnly(cache, request);
    }
    const flight = board.takeOff(key);
    try {
      return await this.#runAndStore(cache, request, flight);
    } catch (error) {
      flight.crash(error);
      throw error;
    } finally {
      // Nobody may be left waiting, whatever happened.
      flight.land({ stored: false });
    }
  }

  async #runOnly(cache: BaseCache, request: Request): Promise<unknown> {
    const args = await this.#arguments(cache, request);
    return await this.#body(request, args, undefined, new Set());
  }

  async #arguments(cache: BaseCache, { args }: Request): Promise<readonly unknown[]> {
    if (!this.#profile.hasDigests(args)) return args;
    return await this.#profile.resolve(args, (each) => cache.loadValue(each));
  }

  async #body(
    { self, key }: Request,
    args: readonly unknown[],
    flight: Flight | undefined,
    calls: Set<string>,
  ): Promise<unknown> {
    const scope = currentScope();
    const frame: Frame = { key, calls, flight, parent: scope.frame };
    return await runInScope({ ...scope, frame }, () => this.#fn.apply(self, [...args]));
  }

  async #runAndStore(
    cache: BaseCache,
    request: Request,
    flight: Flight | undefined,
  ): Promise<unknown> {
    const args = await this.#arguments(cache, request);
    let prepared = await this.#prepare(cache, request);
    const call = this.#call(request.binding, request.deps);
    const metadata = [...activeMetadata(), ...this.#options.meta];
    const notes = metadata.map((each) => [each, this.#note(() => each.before?.(call))] as const);
    const calls = new Set<string>();
    // Whoever called may have changed an argument since, and the body would see the change. Nothing
    // may be awaited between here and the body.
    if (prepared !== undefined && !this.#isUnchanged(prepared, request)) {
      prepared.abandon();
      prepared = undefined;
      this.#refuse("was given an argument that changed while it was being looked up");
    }
    // What will not be stored is nothing to wait for.
    if (prepared === undefined) flight?.land({ stored: false });
    let result: unknown;
    try {
      result = await this.#body(request, args, flight, calls);
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
    const outcome = { result, metadata: this.#closeNotes(notes, call), calls: [...calls] };
    const isStored = await this.#commit(cache, prepared, outcome);
    if (isStored && flight?.isAwaited === true) flight.land(storedOutcome(result));
    else flight?.land({ stored: false });
    return result;
  }

  #isUnchanged(prepared: PreparedCall, { key, binding, deps }: Request): boolean {
    if (prepared.key === key && binding.values.every(isPrimitive)) return true;
    try {
      return prepared.key === key && this.#key(binding, deps) === key;
    } catch (error) {
      if (!(error instanceof IndigestibleError)) throw error;
      return false;
    }
  }

  // Metadata that fails must not cost the caller the result.
  #note(take: () => Notes | undefined): Notes {
    try {
      return take() ?? {};
    } catch (error) {
      this.#warn("metadata cannot be noted", error);
      return {};
    }
  }

  #closeNotes(notes: readonly (readonly [MetaData, Notes])[], call: Call): Metadata {
    const metadata: Metadata = {};
    for (const [each, before] of notes) {
      const after = this.#note(() => each.after?.(before, call));
      metadata[each.name] = { ...metadata[each.name], ...before, ...after };
    }
    return metadata;
  }

  // Undefined, after a warning, if the cache does not take the call.
  async #prepare(cache: BaseCache, request: Request): Promise<PreparedCall | undefined> {
    const { storeArguments } = this.#options;
    try {
      const call = this.#call(request.binding, request.deps);
      const preparing = cache.prepare(call, { storeArguments });
      try {
        return await inTime(preparing, cache.saveTimeout);
      } catch (error) {
        // One that comes too late is let go of when it comes.
        preparing.then((late) => late.abandon(), () => {});
        throw error;
      }
    } catch (error) {
      this.#warn("the result will not be stored", error);
      return undefined;
    }
  }

  async #commit(
    cache: BaseCache,
    prepared: PreparedCall,
    outcome: Parameters<PreparedCall["commit"]>[0],
  ): Promise<boolean> {
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

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== "object" && typeof value !== "function");
}

function isShortDigest(value: unknown): boolean {
  return value instanceof Digest && value.isShort;
}

async function expandDigests({ values }: Binding, cache: BaseCache): Promise<void> {
  for (const [index, value] of values.entries()) {
    if (value instanceof Digest && value.isShort) {
      values[index] = new Digest(await cache.expand(value));
    }
  }
}

function flightsAbove(frame: Frame | undefined): Flight[] {
  const flights: Flight[] = [];
  for (let each = frame; each !== undefined; each = each.parent) {
    if (each.flight !== undefined) flights.push(each.flight);
  }
  return flights;
}

// Each who waits builds the result anew, without the storage.
function storedOutcome(result: unknown): FlightOutcome {
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

/** Microtasks within which a cache in memory, or one that reads at once, has its answer. */
const SHORT_WAIT = 8;

// A timer is only worth its cost where the answer takes time.
async function foundInTime(cache: BaseCache, key: string): Promise<LazyCall | undefined> {
  const found = cache.find(key);
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  found.then(settle, settle);
  for (let passed = 0; passed < SHORT_WAIT && !isSettled; passed++) await null;
  return await (isSettled ? found : inTime(found, cache.lookupTimeout));
}
