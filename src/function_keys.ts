import type { BaseCache } from "./caches/base_cache.ts";
import { argumentDigest, Call } from "./call.ts";
import { digest } from "./codec/digest_value.ts";
import { withEncoding } from "./codec/encode.ts";
import { encodingDigest } from "./codec/encoding.ts";
import { Identity } from "./codec/identity.ts";
import { Digest } from "./digest.ts";
import type { FunctionProfile } from "./function_profile.ts";
import { hashedIdentity, KeyPrefix } from "./lookup_key.ts";
import type { Binding } from "./profile/parameters.ts";

/** What else a function's results depend on. */
export type Dependencies = readonly unknown[] | (() => readonly unknown[]);

/** Arguments that have their names, and the dependencies at the time. */
export interface NamedArguments extends Binding {
  /** Digest of the dependencies; null if there are none. */
  readonly deps: string | null;
}

/** Prefixes of keys that are remembered, for dependencies that change between calls. */
const MAX_PREFIXES = 16;

/** The keys of one function's calls. */
export class FunctionKeys {
  readonly #profile: FunctionProfile;
  readonly #deps: Dependencies | undefined;
  readonly #prefixes = new Map<string | null, KeyPrefix>();

  /** Takes what is known of the function, and what its results depend on. */
  constructor(profile: FunctionProfile, deps: Dependencies | undefined) {
    this.#profile = profile;
    this.#deps = deps;
  }

  /** What stands for the function where it is an argument itself. */
  identity(): Identity {
    const { name, module, version, source } = this.#profile;
    return new Identity("function", digest([name, module, version, source, this.depsDigest()]).hex);
  }

  /**
   * The digest of what the results depend on now; null if they depend on nothing else.
   *
   * @throws {IndigestibleError} If a dependency has no encoding.
   */
  depsDigest(): string | null {
    const deps = this.#deps;
    if (deps === undefined) return null;
    const present = typeof deps === "function" ? deps() : deps;
    return withEncoding(present, { root: "deps" }, encodingDigest);
  }

  /**
   * Names the arguments of a call.
   *
   * @throws {IndigestibleError} If a dependency has no encoding.
   */
  name(args: readonly unknown[]): NamedArguments {
    const { names, values } = this.#profile.bind(args);
    return { names, values, deps: this.depsDigest() };
  }

  /**
   * {@linkcode FunctionKeys.name}, short digests expanded. Nothing is awaited if there are none, so
   * that the arguments are taken as they are now.
   */
  expanded(args: readonly unknown[], cache: BaseCache): NamedArguments | Promise<NamedArguments> {
    const named = this.name(args);
    return named.values.some(isShortDigest) ? expandDigests(named, cache) : named;
  }

  /**
   * The lookup key of a call.
   *
   * @throws {IndigestibleError} If an argument has no encoding.
   */
  key({ names, values, deps }: NamedArguments): string {
    const digests = values.map((value, index) => argumentDigest(names[index] as string, value));
    return this.#prefix(deps).key(names, digests);
  }

  #prefix(deps: string | null): KeyPrefix {
    const known = this.#prefixes.get(deps);
    if (known !== undefined) return known;
    const prefix = new KeyPrefix(hashedIdentity({ ...this.#profile.identity, deps }));
    if (this.#prefixes.size >= MAX_PREFIXES) this.#prefixes.clear();
    this.#prefixes.set(deps, prefix);
    return prefix;
  }

  /** The call itself, without a result. */
  call({ names, values, deps }: NamedArguments): Call {
    return new Call({
      ...this.#profile.identity,
      deps,
      source: this.#profile.source,
      arguments: Object.fromEntries(names.map((each, index) => [each, values[index]])),
      argumentNames: names,
    });
  }
}

function isShortDigest(value: unknown): boolean {
  return value instanceof Digest && value.isShort;
}

async function expandDigests(named: NamedArguments, cache: BaseCache): Promise<NamedArguments> {
  const values = await Promise.all(named.values.map(async (value) => {
    if (!(value instanceof Digest) || !value.isShort) return value;
    return new Digest(await cache.expand(value));
  }));
  return { ...named, values };
}
