import type { AnyFunction, FunctionProfile } from "./function_profile.ts";
import { warnOnce } from "./log.ts";

interface Wrapped {
  readonly source: string | null;
  readonly fn: WeakRef<AnyFunction>;
}

/** The functions wrapped in this process, by the identity that their keys are made from. */
const wrapped = new Map<string, Wrapped>();

/**
 * Notes that a function is wrapped, and refuses a second one that would get the same keys.
 *
 * @param interactive whether the newest definition wins, as at a prompt
 * @throws {TypeError} If another function with another source has the same identity.
 */
export function claimIdentity(
  fn: AnyFunction,
  profile: FunctionProfile,
  options: { readonly hasDeps: boolean; readonly interactive: boolean },
): void {
  const { name, module, version, source, hashed } = profile;
  const identity = JSON.stringify([
    name,
    hashed.includes("module") ? module : null,
    hashed.includes("version") ? version : null,
    typeof version,
    profile.code,
    // Dependencies tell a function from those that have none, and from others that have some.
    options.hasDeps,
  ]);
  const other = wrapped.get(identity);
  wrapped.set(identity, { source, fn: new WeakRef(fn) });
  if (other === undefined || options.interactive || other.fn.deref() === fn) return;
  const place = module === null ? "" : ` of ${module}`;
  // Of two native or bound functions nothing says that they are the same.
  if (other.source !== source || (source === null && !options.hasDeps)) {
    wrapped.set(identity, other);
    throw new TypeError(
      `Cannot wrap a second function "${name}"${place}: its calls would be taken for those of the ` +
        "first; give it another name or version, or set hashCode",
    );
  }
  if (options.hasDeps) return;
  warnOnce(
    `closures ${identity}`,
    ["wrapper"],
    `several functions "${name}"${place} have one source, and what they close over does not join ` +
      "the key: tell them apart with deps or name",
  );
}
