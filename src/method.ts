import { type Caching, makeCaching, profileOf } from "./caching.ts";
import { DIGEST_METHOD } from "./codec/identity.ts";
import { Digest } from "./digest.ts";
import { IndigestibleError } from "./errors.ts";
import type { FlecheOptions } from "./fleche_options.ts";
import type { Dependencies } from "./function_keys.ts";
import type { AnyFunction } from "./function_profile.ts";
import { type Handles, makeHandles, type Target } from "./handles.ts";
import { callerFiles, isInteractive } from "./profile/module_identity.ts";
import { chain, descentOf } from "./subclass.ts";

/** A method that can be decorated: one that returns a promise. */
// deno-lint-ignore no-explicit-any
export type AsyncMethod<This> = (this: This, ...args: any[]) => Promise<any>;

/** A standard decorator of methods, which keeps their type. */
export type MethodDecorator = <This, F extends AsyncMethod<This>>(
  method: F,
  context: ClassMethodDecoratorContext<This, F>,
) => F;

const decorated = new WeakMap<object, DecoratedMethod>();

/** `fleche.method`: the decorator that caches a method. */
export function method(options: FlecheOptions = {}): MethodDecorator {
  return function decorate<This, F extends AsyncMethod<This>>(
    value: F,
    context: ClassMethodDecoratorContext<This, F>,
  ): F {
    if (typeof context !== "object" || context === null) {
      throw new TypeError(
        "Cannot decorate a method in the old way: remove experimentalDecorators from compilerOptions",
      );
    }
    if (context.kind !== "method" || typeof value !== "function") {
      throw new TypeError(`Cannot cache the ${context.kind} ${String(context.name)}: only methods`);
    }
    return new DecoratedMethod(value, options, {
      name: context.name,
      isStatic: context.static,
      isPrivate: context.private,
      files: callerFiles(decorate),
    }).wrapper as F;
  };
}

/** `fleche.handles`: what can be asked of the calls that a decorated method has with one object. */
export function methodHandles<This, F extends AsyncMethod<This>>(
  self: This,
  method: F,
): Handles<(...args: Parameters<F>) => ReturnType<F>> {
  const found = decorated.get(method);
  if (found === undefined) {
    throw new TypeError(
      "Cannot ask for the calls of a method that fleche.method does not decorate",
    );
  }
  return found.handles(self);
}

/** What a class says of a method. */
interface MethodFacts {
  readonly name: string | symbol;
  readonly isStatic: boolean;
  readonly isPrivate: boolean;
  /** The files that the class may be in. */
  readonly files: readonly string[];
}

/** One decorated method, the name of whose class is not known until it is called. */
class DecoratedMethod {
  readonly wrapper: AnyFunction;
  readonly #method: AnyFunction;
  readonly #options: FlecheOptions;
  readonly #facts: MethodFacts;
  #caching: Caching | undefined;
  /** The cachings for objects of subclasses, by prototype or class. */
  readonly #below = new WeakMap<object, Caching>();
  /** The classes that have been seen, by what tells them apart. */
  readonly #seen = new Map<string, WeakRef<object>>();

  constructor(
    method: AnyFunction,
    options: FlecheOptions,
    facts: MethodFacts,
  ) {
    this.#method = method;
    this.#options = options;
    this.#facts = facts;
    // What cannot be cached should be known where the class is.
    const name = options.name ?? written(facts.name);
    profileOf(method, { ...options, name }, { files: facts.files, receiver: this.#receiver });
    this.wrapper = this.#wrap();
    decorated.set(this.wrapper, this);
  }

  get #receiver(): "if used" | "argument" {
    return this.#facts.isStatic ? "if used" : "argument";
  }

  #wrap(): AnyFunction {
    const run = (self: unknown, args: readonly unknown[]) => this.#run(self, args);
    const wrapper = function (this: unknown, ...args: unknown[]): Promise<unknown> {
      return run(this, args);
    };
    Object.defineProperty(wrapper, "name", { value: this.#method.name, configurable: true });
    Object.defineProperty(wrapper, "length", { value: this.#method.length, configurable: true });
    const handles = makeHandles(([self, ...args]) => this.#aim(self, args));
    return Object.assign(wrapper, { wrapped: this.#method, ...handles });
  }

  async #run(self: unknown, args: readonly unknown[]): Promise<unknown> {
    const target = this.#aim(self, args);
    return await target.caching.cached.run(self, target.args);
  }

  /** What can be asked of the calls with one object. */
  handles<F extends AnyFunction>(self: unknown): Handles<F> {
    return makeHandles<F>((args) => this.#aim(self, args));
  }

  #aim(self: unknown, args: readonly unknown[]): Target {
    let caching = this.#caching ??= this.#makeCaching(this.#name(self), this.#options);
    if (!caching.profile.takesThis) return { caching, self, args };
    if (isObject(self) && !(self instanceof Digest)) caching = this.#cachingBelow(self, caching);
    return { caching, self, args: [self, ...args] };
  }

  #name(self: unknown): string {
    return this.#options.name ?? `${this.#className(self)}.${written(this.#facts.name)}`;
  }

  #makeCaching(name: string, options: FlecheOptions): Caching {
    const { files } = this.#facts;
    return makeCaching(this.#method, { ...options, name }, { files, receiver: this.#receiver });
  }

  // What a subclass overrides the digest of its objects may not tell, if it is inherited.
  #cachingBelow(self: object, base: Caching): Caching {
    const { isStatic, files } = this.#facts;
    if (!isStatic && Object.hasOwn(self, DIGEST_METHOD)) return base;
    const place: object | null = isStatic ? self : Object.getPrototypeOf(self);
    if (place === null) return base;
    const known = this.#below.get(place);
    if (known !== undefined) return known;
    const descent = descentOf(self, this.#definingClass(self), isStatic);
    let caching = base;
    if (descent !== undefined) {
      const twin = descent.digest === null ? undefined : this.#seen.get(descent.digest)?.deref();
      const isCertain = descent.digest !== null && (twin === undefined || isInteractive(files[0]));
      if (descent.digest !== null) this.#seen.set(descent.digest, new WeakRef(twin ?? place));
      const deps = isCertain
        ? withDependency(this.#options.deps, ["subclass", descent.digest])
        : () => {
          throw new IndigestibleError(
            `what the class ${
              descent.name || "of this"
            } overrides cannot be told from its source; ` +
              'give it a method [Symbol.for("fleche.digest")]() of its own',
            { path: "arguments.this" },
          );
        };
      caching = this.#makeCaching(base.profile.name, { ...this.#options, deps });
    }
    this.#below.set(place, caching);
    return caching;
  }

  #className(self: unknown): string {
    const name = this.#definingClass(self)?.name;
    if (name !== undefined && name !== "") return name;
    throw new TypeError(
      `Cannot tell which class the method ${written(this.#facts.name)} belongs to: ` +
        "call it on an object of a class with a name, or give the decorator the option name",
    );
  }

  // Not that of the object, which may be of a subclass.
  #definingClass(self: unknown): AnyFunction | undefined {
    const { name, isStatic, isPrivate } = this.#facts;
    const candidates: AnyFunction[] = [];
    for (const each of chain(self)) {
      const holder = isStatic ? each : Object.getOwnPropertyDescriptor(each, "constructor")?.value;
      if (typeof holder !== "function") continue;
      if (isPrivate ? mentions(holder, written(name)) : ownMethod(each, name) === this.wrapper) {
        candidates.push(holder);
      }
    }
    return candidates.length === 1 ? candidates[0] : undefined;
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function withDependency(deps: Dependencies | undefined, further: unknown): Dependencies {
  return typeof deps === "function" ? () => [deps(), further] : [deps ?? null, further];
}

function ownMethod(holder: object, name: string | symbol): unknown {
  return Object.getOwnPropertyDescriptor(holder, name)?.value;
}

// A private name can be seen in the text of its class only.
function mentions(holder: AnyFunction, name: string): boolean {
  const text = Function.prototype.toString.call(holder);
  return text.split(name).slice(1).some((after) => !/^[\w$]/.test(after));
}

function written(name: string | symbol): string {
  return typeof name === "string" ? name : `[${name.description ?? ""}]`;
}
