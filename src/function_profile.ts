import { digest } from "./codec/digest_value.ts";
import { Digest } from "./digest.ts";
import type { HashedField, SelectedIdentity } from "./lookup_key.ts";
import { moduleDigest } from "./profile/module_digest.ts";
import {
  isNativeSource,
  type ParsedFunction,
  parseFunction,
  sourceDigest,
  usesThis,
} from "./profile/source.ts";
import type { ModuleIdentity } from "./profile/module_identity.ts";
import {
  bindArguments,
  type Binding,
  isRecord,
  type Parameter,
  type ParameterList,
  parameterList,
} from "./profile/parameters.ts";

/** Any function. */
// deno-lint-ignore no-explicit-any
export type AnyFunction = (...args: any[]) => unknown;

/** What of the options makes up a function's identity and the names of its arguments. */
export interface ProfileOptions {
  readonly name?: string | undefined;
  readonly module?: string | null | undefined;
  readonly version?: string | number | undefined;
  readonly params?: readonly string[] | undefined;
  readonly require?: readonly string[] | undefined;
  readonly ignore?: readonly string[] | undefined;
  readonly hashVersion?: boolean | undefined;
  readonly hashModule?: boolean | undefined;
  readonly hashCode?: HashCode | undefined;
  readonly hasDeps: boolean;
  readonly receiver: Receiver;
}

/**
 * What `this` is to the calls of a function: nothing that they can use, their first argument, or that
 * only if the body uses it.
 */
export type Receiver = "none" | "argument" | "if used";

/** The name of `this` as an argument. */
const THIS = "this";

/**
 * Which code joins the key: none, the function's own source, or with it all of its module and of the
 * local modules that this imports.
 */
export type HashCode = boolean | "module";

/** Where a function is defined. */
export interface FunctionPlace {
  /** The file, as a path or URL; several where it may be in each of them, none if none is known. */
  readonly files: readonly string[];
  /** The module's name. */
  readonly identity: ModuleIdentity;
}

type Locate = (parsed: ParsedFunction | undefined) => FunctionPlace;

/** How arguments beyond the parameters are named. */
const SURPLUS_NAME = /^\[\d+\]$/;

/** What is known of a function before it is called. */
export class FunctionProfile {
  /** Its name. */
  readonly name: string;
  /** Where it is defined. */
  readonly module: string | null;
  /** Its version. */
  readonly version: string | number | null;
  /** Digest of its source; null for native and bound functions. */
  readonly source: string | null;
  /** Digest of the code that joins the key. */
  readonly code: string | null;
  /** Which of module, version and code join the key. */
  readonly hashed: readonly HashedField[];
  /** Whether its body uses `this`, which is no argument. */
  readonly usesThis: boolean;
  /** Why the code joins the key although that was not asked for. */
  readonly remedy: string | undefined;
  /** Whether the first of its arguments is `this`. */
  readonly takesThis: boolean;
  readonly #parameters: ParameterList;
  readonly #require: readonly string[];
  readonly #ignore: ReadonlySet<string>;

  /**
   * Examines a function.
   *
   * @param locate finds where it is defined
   * @throws {TypeError} If it cannot be cached as the options say.
   */
  constructor(fn: AnyFunction, options: ProfileOptions, locate: Locate) {
    const text = Function.prototype.toString.call(fn);
    const isNative = isNativeSource(text);
    this.name = checkedName(fn, options, isNative);
    this.version = checkedVersion(this.name, options.version);
    const parsed = isNative ? undefined : parseChecked(this.name, text);
    this.source = parsed === undefined ? null : sourceDigest(parsed);
    const bodyUsesThis = parsed !== undefined && usesThis(parsed.node);
    this.takesThis = options.receiver === "argument" ||
      (options.receiver === "if used" && bodyUsesThis);
    this.usesThis = bodyUsesThis && !this.takesThis;
    const { module, remedy } = options.module !== undefined
      ? { module: options.module, remedy: undefined }
      : locate(parsed).identity;
    this.module = module;
    const wantsModule = options.hashModule !== false;
    const needsCode = module === null && wantsModule && this.source !== null;
    const hashCode = options.hashCode ?? false;
    const wantsCode = hashCode !== false || needsCode;
    if (hashCode !== false && this.source === null) {
      throw new TypeError(`Cannot hash the code of ${this.name}: it is native or bound`);
    }
    this.remedy = needsCode && hashCode === false ? remedy : undefined;
    const code = hashCode === "module"
      ? digest([this.source, ...moduleCode(this.name, locate(parsed).files)]).hex
      : this.source;
    this.code = wantsCode ? code : null;
    const hashed: HashedField[] = [];
    if (wantsModule && module !== null) hashed.push("module");
    if (options.hashVersion !== false && this.version !== null) hashed.push("version");
    if (wantsCode) hashed.push("code");
    this.hashed = hashed;
    const list = parameterList(parsed?.node.params ?? []);
    this.#parameters = options.params === undefined ? list : renamed(list, options.params);
    this.#require = this.#checkedNames("require", options.require ?? []);
    this.#ignore = new Set(this.#checkedNames("ignore", options.ignore ?? []));
  }

  // A misspelt name would silently join the key, or never be required.
  #checkedNames(option: string, names: readonly string[]): readonly string[] {
    const { named, rest, open } = this.#parameters;
    const known = [
      ...this.takesThis ? [THIS] : [],
      ...named.map(({ name }) => name),
      ...rest === undefined ? [] : [rest],
    ];
    const wrong = names.find((name) => !known.includes(name) && !SURPLUS_NAME.test(name));
    if (wrong === undefined || open) return names;
    const has = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
    throw new TypeError(`Cannot ${option} "${wrong}" of ${this.name}: ${has}`);
  }

  /** What makes up the keys of its calls, but for the dependencies. */
  get identity(): Omit<SelectedIdentity, "deps"> {
    const { name, module, version, code, hashed } = this;
    return { name, module, version, code, hashed };
  }

  /** Names the arguments of a call, without those that are ignored. */
  bind(args: readonly unknown[]): Binding {
    const binding = this.#bind(this.#parameters, args);
    if (this.#ignore.size === 0) return binding;
    const kept = binding.names.map((name) => !this.#ignore.has(name));
    return {
      names: binding.names.filter((_, index) => kept[index]),
      values: binding.values.filter((_, index) => kept[index]),
    };
  }

  #bind(parameters: ParameterList, args: readonly unknown[]): Binding {
    if (!this.takesThis) return bindArguments(parameters, args);
    const { names, values } = bindArguments(parameters, args.slice(1));
    if (names.includes(THIS)) {
      throw new TypeError(`the property "${THIS}" would be taken for the object of the method`);
    }
    return { names: [THIS, ...names], values: [args[0], ...values] };
  }

  /** The required arguments that a call does not give. */
  missing(args: readonly unknown[]): readonly string[] {
    if (this.#require.length === 0) return [];
    const given = this.#bind(withoutFallbacks(this.#parameters), args).names;
    return this.#require.filter((name) => !given.includes(name));
  }

  /** Whether a digest stands for a whole argument. */
  hasDigests(args: readonly unknown[]): boolean {
    if (args.some((each) => each instanceof Digest)) return true;
    const first = args[this.takesThis ? 1 : 0];
    return this.#parameters.destructured && isRecord(first) &&
      Object.values(first).some((each) => each instanceof Digest);
  }

  /** The arguments as the body takes them: digests that are whole arguments become their values. */
  async resolve(
    args: readonly unknown[],
    load: (digest: Digest) => Promise<unknown>,
  ): Promise<readonly unknown[]> {
    const { destructured, named, rest } = this.#parameters;
    const resolved = (value: unknown) => value instanceof Digest ? load(value) : value;
    const offset = this.takesThis ? 1 : 0;
    return await Promise.all(args.map(async (value, index) => {
      const position = index - offset;
      if (destructured && position === 0 && isRecord(value)) {
        if (!Object.values(value).some((each) => each instanceof Digest)) return value;
        const entries = Object.entries(value).map(async (
          [key, each],
        ) => [key, await resolved(each)]);
        return Object.fromEntries(await Promise.all(entries));
      }
      // The elements of a rest parameter are no whole arguments.
      return rest !== undefined && position >= named.length ? value : await resolved(value);
    }));
  }
}

function moduleCode(name: string, files: readonly string[]): string[] {
  if (files.length === 0) {
    throw new TypeError(
      `Cannot hash the module of ${name}: it is not defined in the file that caches it; ` +
        "call fleche where it is defined, or set hashCode to true",
    );
  }
  if (files.some((file) => /^https?:|\$deno\$/.test(file))) {
    throw new TypeError(
      `Cannot hash the module of ${name}: it is not defined in a local file; set hashCode to true`,
    );
  }
  return files.map(moduleDigest);
}

function checkedName(fn: AnyFunction, options: ProfileOptions, isNative: boolean): string {
  const name = options.name ?? fn.name;
  if (isNative) {
    if (options.name === undefined || (options.version === undefined && !options.hasDeps)) {
      throw new TypeError(
        `Cannot cache the native or bound function "${fn.name}" by its source: ` +
          "give it a name, and a version or deps",
      );
    }
  }
  if (typeof name !== "string" || name === "") {
    throw new TypeError("Cannot cache a function without a name: set the option name");
  }
  return name;
}

function checkedVersion(name: string, version: unknown): string | number | null {
  if (version === undefined) return null;
  if (typeof version === "string" || typeof version === "number") return version;
  throw new TypeError(`Cannot use the version of ${name}: it takes a number or a string`);
}

function parseChecked(name: string, text: string) {
  const parsed = parseFunction(text);
  if (parsed === undefined && /^class\b/.test(text)) {
    throw new TypeError(`Cannot cache the class ${name}: wrap a function that makes an instance`);
  }
  if (parsed === undefined) {
    throw new TypeError(`Cannot read the source of ${name}: the parser does not know its syntax`);
  }
  if (parsed.node.generator) {
    throw new TypeError(`Cannot cache the generator ${name}: wrap a function that collects it`);
  }
  return parsed;
}

function renamed(list: ParameterList, names: readonly string[]): ParameterList {
  const rest = list.destructured ? undefined : list.rest;
  const all = rest === undefined ? names : [...names, rest];
  if (new Set(all).size !== all.length) {
    throw new TypeError("Cannot use params: a name occurs twice");
  }
  const surplus = names.find((name) => SURPLUS_NAME.test(name));
  if (surplus !== undefined) {
    throw new TypeError(`Cannot use params: "${surplus}" is how surplus arguments are named`);
  }
  if (rest !== undefined && names.length > list.named.length) {
    throw new TypeError(
      `Cannot use params: they name what the rest parameter ${rest} takes; name ` +
        `${list.named.length} at the most`,
    );
  }
  const fallbacks = list.destructured ? [] : list.named;
  const named: Parameter[] = names.map((name, position) => ({
    name,
    fallback: fallbacks[position]?.fallback,
  }));
  return { named, rest, destructured: false, open: false };
}

function withoutFallbacks(list: ParameterList): ParameterList {
  const named = list.named.map(({ name }) => ({ name, fallback: undefined }));
  return { ...list, named, fallback: undefined };
}
