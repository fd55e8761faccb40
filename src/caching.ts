import { CachedFunction } from "./cached_function.ts";
import { checkOptions } from "./check_options.ts";
import type { FlecheOptions } from "./fleche_options.ts";
import { FunctionKeys } from "./function_keys.ts";
import {
  type AnyFunction,
  type FunctionPlace,
  FunctionProfile,
  type Receiver,
} from "./function_profile.ts";
import { claimIdentity } from "./identities.ts";
import { warnOnce } from "./log.ts";
import { definingFiles } from "./profile/definition.ts";
import type { ParsedFunction } from "./profile/source.ts";
import { fileIdentity, isInteractive } from "./profile/module_identity.ts";

/** All that makes up the caching of one function. */
export interface Caching {
  /** What is known of it. */
  readonly profile: FunctionProfile;
  /** The keys of its calls. */
  readonly keys: FunctionKeys;
  /** What runs and loads its calls. */
  readonly cached: CachedFunction;
}

/** What of a function its options do not say. */
export interface FunctionOrigin {
  /** The files that it may be defined in, as paths or URLs, the one that caches it first. */
  readonly files: readonly string[];
  /** What `this` is to its calls. */
  readonly receiver: Receiver;
}

/**
 * What is known of a function that is to be cached.
 *
 * @throws {TypeError} If it cannot be cached as the options say.
 */
export function profileOf(
  fn: AnyFunction,
  options: FlecheOptions,
  { files, receiver }: FunctionOrigin,
): FunctionProfile {
  checkOptions(fn.name, options);
  const place = (parsed: ParsedFunction | undefined): FunctionPlace => {
    const [caller] = files;
    const found = parsed === undefined
      ? files.slice(0, 1)
      : definingFiles(files, parsed, options.hashCode === "module");
    const [nearest] = found;
    if (nearest !== undefined || caller === undefined) {
      return { files: found, identity: fileIdentity(nearest) };
    }
    const remedy =
      "it is not defined in the file that caches it: call fleche where it is defined, " +
      "or set the option module";
    return { files: found, identity: { module: null, remedy } };
  };
  const hasDeps = options.deps !== undefined;
  return new FunctionProfile(fn, { ...options, hasDeps, receiver }, place);
}

/**
 * Makes the caching of a function.
 *
 * @throws {TypeError} If it cannot be cached as the options say, or another function with another
 *   source was wrapped under the same identity.
 */
export function makeCaching(
  fn: AnyFunction,
  options: FlecheOptions,
  origin: FunctionOrigin,
): Caching {
  const profile = profileOf(fn, options, origin);
  if (profile.remedy !== undefined) {
    warnOnce(
      `module ${profile.remedy}`,
      ["wrapper"],
      `the source of ${profile.name} joins its keys, since ${profile.remedy}`,
    );
  }
  const hasDeps = options.deps !== undefined;
  claimIdentity(fn, profile, { hasDeps, interactive: isInteractive(origin.files[0]) });
  const keys = new FunctionKeys(profile, options.deps);
  const cached = new CachedFunction(fn, profile, keys, {
    meta: options.meta ?? [],
    storeArguments: options.storeArguments ?? true,
    onStale: options.onStale ?? "warn",
    singleFlight: options.singleFlight ?? true,
    isolate: options.isolate ?? false,
  });
  return { profile, keys, cached };
}
