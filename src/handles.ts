import type { Call } from "./call.ts";
import type { Caching } from "./caching.ts";
import { activeCache, currentScope, frozenScope, runInScope } from "./context.ts";
import { explain } from "./explain.ts";
import type { Explanation } from "./explanation.ts";
import type { AnyFunction } from "./function_profile.ts";
import type { QueryIterator } from "./query.ts";
import type { QueryTemplate } from "./query_call.ts";

/** A query among the calls of one function. */
export type FunctionTemplate = Omit<QueryTemplate, "name" | "module">;

/** What can be asked of the calls of a function. */
export interface Handles<F extends AnyFunction> {
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
  /**
   * The stored calls of this function in the active cache; arguments that the template does not give
   * may be anything.
   *
   * @param template what else the calls have in common
   */
  query(template?: FunctionTemplate): QueryIterator;
  /**
   * Says whether a call would be loaded, and if not, why: what has no encoding, or how the call differs
   * from the closest one that is stored. Nothing runs.
   */
  explain(...args: Parameters<F>): Promise<Explanation>;
}

/** A function whose calls are cached; it always returns a promise. */
export interface Fleche<F extends AnyFunction> extends Handles<F> {
  /** Loads the result of a call; runs the function and stores its result if there is none. */
  (...args: Parameters<F>): Promise<Awaited<ReturnType<F>>>;
  /** The function itself. */
  readonly wrapped: F;
}

/** A call of a function: the caching of the function, `this`, and what counts as arguments. */
export interface Target {
  readonly caching: Caching;
  readonly self: unknown;
  readonly args: readonly unknown[];
}

/**
 * What a wrapped function has besides that it can be called.
 *
 * @param aim finds what a call is aimed at
 */
export function makeHandles<F extends AnyFunction>(
  aim: (args: readonly unknown[]) => Target,
): Handles<F> {
  type Args = Parameters<F>;
  type Result = Awaited<ReturnType<F>>;
  // What goes wrong on the way rejects, too.
  const ask = async (args: Args, work: (target: Target) => Promise<unknown>) =>
    await work(aim(args));
  const named = (args: Args) => {
    const { caching: { keys }, args: given } = aim(args);
    return { keys, named: keys.name(given) };
  };
  return {
    describe: (...args: Args) => {
      const { keys, named: call } = named(args);
      return keys.call(call);
    },
    digest: (...args: Args) => {
      const { keys, named: call } = named(args);
      return keys.key(call);
    },
    load: (...args: Args) =>
      ask(args, ({ caching, args }) => caching.cached.load(args)) as Promise<Result>,
    contains: async (...args: Args) => {
      const { caching, args: given } = aim(args);
      return await caching.cached.contains(given);
    },
    rerun: (...args: Args) =>
      ask(args, ({ caching, self, args }) => caching.cached.rerun(self, args)) as Promise<Result>,
    evict: async (...args: Args) => {
      const { caching, args: given } = aim(args);
      return await caching.cached.evict(given);
    },
    bound: (...first: unknown[]) => {
      const scope = frozenScope();
      const call = async (rest: readonly unknown[]) => {
        const { frame, isolation } = currentScope();
        const { caching, self, args } = aim([...first, ...rest]);
        const run = () => caching.cached.run(self, args);
        return await runInScope({ ...scope, frame, isolation }, run);
      };
      return (...rest: unknown[]) => call(rest) as Promise<Result>;
    },
    query: (template: FunctionTemplate = {}) => {
      const { name, module, hashed } = aim([]).caching.profile;
      const place = hashed.includes("module") ? { module } : {};
      return activeCache().query({ ...template, name, ...place });
    },
    explain: async (...args: Args) => {
      const { caching, args: given } = aim(args);
      return await explain(caching, activeCache(), given);
    },
  };
}
