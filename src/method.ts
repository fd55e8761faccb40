import { type Caching, makeCaching, profileOf } from "./caching.ts";
import type { FlecheOptions } from "./fleche_options.ts";
import type { AnyFunction } from "./function_profile.ts";
import { type Handles, makeHandles, type Target } from "./handles.ts";
import { callerFile } from "./profile/module_identity.ts";

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
      file: callerFile(decorate),
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
  /** The file that the class is in. */
  readonly file: string | undefined;
}

/** One decorated method, the name of whose class is not known until it is called. */
class DecoratedMethod {
  readonly wrapper: AnyFunction;
  readonly #method: AnyFunction;
  readonly #options: FlecheOptions;
  readonly #facts: MethodFacts;
  #caching: Caching | undefined;

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
    profileOf(method, { ...options, name }, { file: facts.file, receiver: this.#receiver });
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
    const caching = this.#caching ??= this.#makeCaching(self);
    return { caching, self, args: caching.profile.takesThis ? [self, ...args] : args };
  }

  #makeCaching(self: unknown): Caching {
    const { file } = this.#facts;
    const name = this.#options.name ?? `${this.#className(self)}.${written(this.#facts.name)}`;
    return makeCaching(this.#method, { ...this.#options, name }, {
      file,
      receiver: this.#receiver,
    });
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
  #definingClass(self: unknown): { readonly name: string } | undefined {
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

function* chain(self: unknown): Generator<object> {
  let each: unknown = self;
  while ((typeof each === "object" || typeof each === "function") && each !== null) {
    yield each;
    each = Object.getPrototypeOf(each);
  }
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
