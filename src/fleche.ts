import { makeCaching } from "./caching.ts";
import { identify } from "./codec/identity.ts";
import type { FlecheOptions } from "./fleche_options.ts";
import type { AnyFunction } from "./function_profile.ts";
import { type Fleche, type Handles, makeHandles } from "./handles.ts";
import { type AsyncMethod, method, type MethodDecorator, methodHandles } from "./method.ts";
import { callerFiles } from "./profile/module_identity.ts";

/** The type of {@linkcode fleche}. */
export interface FlecheFunction {
  /**
   * Caches the calls of a function.
   *
   * @typeParam F the type of the function
   * @param fn the function; it may be asynchronous, but neither a generator nor a class
   * @param options how it is cached
   * @throws {TypeError} If it cannot be cached as the options say, or another function with another
   *   source was wrapped under the same identity.
   */
  <F extends AnyFunction>(fn: F, options?: FlecheOptions): Fleche<F>;

  /**
   * A decorator that caches the calls of a method, which has to return a promise.
   *
   * Its name is that of the class and its own, as `Grid.solve`, found at the first call; that of a
   * class without a name, or of a private method that a subclass has too, has to be given as option.
   * `this` is the first argument, named `this`: its class needs `registerType`, or a method
   * `[Symbol.for("fleche.digest")]()`; without, calls run uncached, with a warning. For a static
   * method `this` is the class, and counts only if the body uses it. For an object of a subclass that
   * inherits its digest the name and source of the subclass join the key; but what that closes over
   * does not, nor what is put on its prototype later. Where the class is not known, or two have one
   * source, calls run uncached, with a warning; a digest method of its own tells it apart. Of private methods, Deno's
   * compiler decorates those without parameters only.
   *
   * @example Usage
   * ```ts
   * import { digest, fleche, withCache } from "@fleche/core";
   * import assert from "node:assert";
   *
   * let runs = 0;
   * class Grid {
   *   constructor(readonly spacing: number) {}
   *   [Symbol.for("fleche.digest")]() {
   *     return digest(["Grid", this.spacing]);
   *   }
   *   @fleche.method({ version: 1 })
   *   async solve(steps: number) {
   *     runs++;
   *     return await Promise.resolve(this.spacing * steps);
   *   }
   * }
   *
   * await withCache("memory", async () => {
   *   assert.equal(await new Grid(0.5).solve(10), 5);
   *   assert.equal(await new Grid(0.5).solve(10), 5); // loads
   *   assert.equal(await new Grid(0.25).solve(10), 2.5);
   * });
   * assert.equal(runs, 2);
   * ```
   *
   * @param options how it is cached
   */
  method(options?: FlecheOptions): MethodDecorator;

  /**
   * What can be asked of the calls that a decorated method has with one `this`: load, contains,
   * explain and all else that a wrapped function has.
   *
   * The decorated method itself has them as well, with `this` as their first argument:
   * `grid.solve.load(grid, 10)`; but TypeScript does not know of that.
   *
   * @example Usage
   * ```ts
   * import { digest, fleche, withCache } from "@fleche/core";
   * import assert from "node:assert";
   *
   * class Half {
   *   [Symbol.for("fleche.digest")]() {
   *     return digest("Half");
   *   }
   *   @fleche.method()
   *   async of(x: number) {
   *     return await Promise.resolve(x / 2);
   *   }
   * }
   *
   * const half = new Half();
   * await withCache("memory", async () => {
   *   const { contains, load } = fleche.handles(half, half.of);
   *   assert.equal(await contains(3), false);
   *   await half.of(3);
   *   assert.equal(await load(3), 1.5);
   * });
   * ```
   *
   * @param self the object, or for a static method the class
   * @param method its method
   * @throws {TypeError} If it is not a decorated one.
   */
  handles<This, F extends AsyncMethod<This>>(
    self: This,
    method: F,
  ): Handles<(...args: Parameters<F>) => ReturnType<F>>;
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
export const fleche: FlecheFunction = Object.assign(wrapFunction, {
  method,
  handles: methodHandles,
});

function wrapFunction<F extends AnyFunction>(fn: F, options: FlecheOptions = {}): Fleche<F> {
  if (typeof fn !== "function") throw new TypeError("Cannot cache what is not a function");
  const origin = { files: callerFiles(wrapFunction), receiver: "none" } as const;
  const caching = makeCaching(fn, options, origin);
  const { cached, keys } = caching;
  type Result = Promise<Awaited<ReturnType<F>>>;
  const wrapper = function (this: unknown, ...args: Parameters<F>): Result {
    return cached.run(this, args) as Result;
  };
  Object.defineProperty(wrapper, "name", { value: fn.name, configurable: true });
  Object.defineProperty(wrapper, "length", { value: fn.length, configurable: true });
  identify(wrapper, () => keys.identity());
  const handles = makeHandles<F>((args) => ({ caching, self: undefined, args }));
  return Object.assign(wrapper, { wrapped: fn, ...handles });
}
