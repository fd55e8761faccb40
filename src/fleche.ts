import type { Call } from "./call.ts";
import { CachedFunction, type OnStale } from "./cached_function.ts";
import { identify } from "./codec/identity.ts";
import { currentScope, frozenScope, runInScope } from "./context.ts";
import { type Dependencies, FunctionKeys } from "./function_keys.ts";
import { type AnyFunction, FunctionProfile, type HashCode } from "./function_profile.ts";
import { claimIdentity } from "./identities.ts";
import { warnOnce } from "./log.ts";
import type { MetaData } from "./metadata/meta_data.ts";
import { callerFile, fileIdentity, isInteractive } from "./profile/module_identity.ts";

/** How {@linkcode fleche} caches a function. */
export interface FlecheOptions {
  /** The function's name in the cache; its own name by default. */
  name?: string;
  /**
   * Where the function is defined, in words that hold on every machine; by default the name of the
   * package and the path of the file below its deno.json or package.json.
   */
  module?: string | null;
  /** The version; raise it when the function comes to compute something else. */
  version?: string | number;
  /** Names of the parameters, where the source does not give them. */
  params?: readonly string[];
  /** Arguments that have to be given for a call to be cached. */
  require?: readonly string[];
  /** Arguments that make no difference to the result. */
  ignore?: readonly string[];
  /** Whether the version joins the key; true by default. */
  hashVersion?: boolean;
  /** Whether the module joins the key; true by default. */
  hashModule?: boolean;
  /**
   * Whether the function's source joins the key; false by default. With `"module"` so do the whole
   * file that it is defined in and every local module that this imports, directly or not. Comments and
   * white space never count.
   */
  hashCode?: HashCode;
  /** What else the results depend on: values, or a function that returns them at each call. */
  deps?: Dependencies;
  /** Metadata to note besides that of the configuration. */
  meta?: readonly MetaData[];
  /**
   * Whether the body runs in a temporary working directory of its own, which is removed with all that
   * is in it when the result is stored; false by default. A process has one working directory: calls
   * with this option run one after the other, those that one of them makes inside of it, and
   * whatever else runs at the same time sees the directory change.
   */
  isolate?: boolean;
  /** Whether the arguments are stored, or only their digests; true by default. */
  storeArguments?: boolean;
  /**
   * What happens when a stored result comes from another source text of the function: it is used
   * with a warning (`"warn"`, the default), computed again, or used in silence (`"ignore"`).
   */
  onStale?: OnStale;
  /** Whether calls with one key that come at the same time run once only; true by default. */
  singleFlight?: boolean;
}

/** A function whose calls are cached; it always returns a promise. */
export interface Fleche<F extends AnyFunction> {
  /** Loads the result of a call; runs the function and stores its result if there is none. */
  (...args: Parameters<F>): Promise<Awaited<ReturnType<F>>>;
  /** The function itself. */
  readonly wrapped: F;
  /** The call, with its identity and named arguments. */
  describe(...args: Parameters<F>): Call;
  /**
   * The lookup key of a call, 64 lower-case hexadecimal digits.
   *
   * @throws {IndigestibleError} If an argument has no encoding.
   */
  digest(...args: Parameters<F>): string;
  /**
   * Loads the result of a call, but does not run it.
   *
   * @throws {NotFoundError} If it is not stored.
   */
  load(...args: Parameters<F>): Promise<Awaited<ReturnType<F>>>;
  /** Whether the result of a call is stored. */
  contains(...args: Parameters<F>): Promise<boolean>;
  /** Runs a call, and all cached calls that it makes, although they are stored. */
  rerun(...args: Parameters<F>): Promise<Awaited<ReturnType<F>>>;
  /** Removes a stored call; whether there was one. */
  evict(...args: Parameters<F>): Promise<boolean>;
  /**
   * The function with its first arguments given, and the present cache, metadata and tags fixed.
   *
   * @param first the first arguments, possibly none
   */
  bound(...first: unknown[]): (...rest: unknown[]) => Promise<Awaited<ReturnType<F>>>;
}

/**
 * Caches the calls of a function.
 *
 * A call is looked up by the function's identity (name, module, version, and what the options add)
 * and its named arguments. An argument may also be a {@linkcode Digest}, which stands for the stored
 * value it names. What cannot be told apart for certain runs uncached, with a warning.
 *
 * @example Usage
 * ```ts
 * import { fleche, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * let runs = 0;
 * const simulate = fleche(
 *   async function simulate(steps: number, seed = 0) {
 *     runs++;
 *     return await Promise.resolve(steps + seed);
 *   },
 *   { version: 1 },
 * );
 * await withCache("memory", async () => {
 *   assert.equal(await simulate(1000), 1000);
 *   assert.equal(await simulate(1000, 0), 1000);
 *   assert.equal(await simulate.contains(1000), true);
 * });
 * assert.equal(runs, 1);
 * ```
 *
 * @typeParam F the type of the function
 * @param fn the function; it may be asynchronous, but neither a generator nor a class
 * @throws {TypeError} If it cannot be cached as the options say, or another function with another
 *   source was wrapped under the same identity.
 */
export function fleche<F extends AnyFunction>(fn: F, options: FlecheOptions = {}): Fleche<F> {
  if (typeof fn !== "function") throw new TypeError("Cannot cache what is not a function");
  const hasDeps = options.deps !== undefined;
  const file = callerFile(fleche);
  const place = () => ({ file, identity: fileIdentity(file) });
  const profile = new FunctionProfile(fn, { ...options, hasDeps }, place);
  if (profile.remedy !== undefined) {
    warnOnce(
      `module ${profile.remedy}`,
      ["wrapper"],
      `the source of ${profile.name} joins its keys, since ${profile.remedy}`,
    );
  }
  claimIdentity(fn, profile, { hasDeps, interactive: isInteractive(file) });
  const keys = new FunctionKeys(profile, options.deps);
  const cached = new CachedFunction(fn, profile, keys, {
    meta: options.meta ?? [],
    storeArguments: options.storeArguments ?? true,
    onStale: options.onStale ?? "warn",
    singleFlight: options.singleFlight ?? true,
    isolate: options.isolate ?? false,
  });
  return wrap(fn, keys, cached);
}

function wrap<F extends AnyFunction>(fn: F, keys: FunctionKeys, cached: CachedFunction): Fleche<F> {
  type Args = Parameters<F>;
  type Result = Awaited<ReturnType<F>>;
  const wrapper = function (this: unknown, ...args: Args): Promise<Result> {
    return cached.run(this, args) as Promise<Result>;
  };
  Object.defineProperty(wrapper, "name", { value: fn.name, configurable: true });
  Object.defineProperty(wrapper, "length", { value: fn.length, configurable: true });
  identify(wrapper, () => keys.identity());
  return Object.assign(wrapper, {
    wrapped: fn,
    describe: (...args: Args) => keys.call(keys.name(args)),
    digest: (...args: Args) => keys.key(keys.name(args)),
    load: (...args: Args) => cached.load(args) as Promise<Result>,
    contains: (...args: Args) => cached.contains(args),
    rerun: (...args: Args) => cached.rerun(undefined, args) as Promise<Result>,
    evict: (...args: Args) => cached.evict(args),
    bound: (...first: unknown[]) => {
      const scope = frozenScope();
      return (...rest: unknown[]) =>
        runInScope(
          { ...scope, frame: currentScope().frame, isolation: currentScope().isolation },
          () => cached.run(undefined, [...first, ...rest]) as Promise<Result>,
        );
    },
  });
}
