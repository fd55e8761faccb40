import { DIGEST_METHOD } from "./codec/identity.ts";
import { digest } from "./codec/digest_value.ts";
import type { AnyFunction } from "./function_profile.ts";

/** A class, or an object in a chain of prototypes that is none. */
type Link = AnyFunction | undefined;

/** Whatever `this` inherits from, nearest first: prototypes, or for a static method the classes. */
export function* chain(self: unknown): Generator<object> {
  let each: unknown = self;
  while ((typeof each === "object" || typeof each === "function") && each !== null) {
    yield each;
    each = Object.getPrototypeOf(each);
  }
}

// Of an object that is no prototype of a class, undefined.
function classOf(link: object, isStatic: boolean): Link {
  if (isStatic) return typeof link === "function" ? link as AnyFunction : undefined;
  const holder: unknown = Object.getOwnPropertyDescriptor(link, "constructor")?.value;
  return typeof holder === "function" && holder.prototype === link
    ? holder as AnyFunction
    : undefined;
}

/** What is between an object and the class that has a method. */
export interface Descent {
  /** Digest of the names and sources of the classes; null where one of them is not known. */
  readonly digest: string | null;
  /** The name of the nearest class. */
  readonly name: string;
}

/**
 * The classes below the one that has a method, of which the object's digest may not tell: those
 * down from the last one that has a digest method of its own.
 *
 * @param definer the class that has the method; undefined where it is not known
 * @returns Undefined if there are none.
 */
export function descentOf(
  self: unknown,
  definer: AnyFunction | undefined,
  isStatic: boolean,
): Descent | undefined {
  const links = [...chain(self)];
  if (!isStatic && links[0] !== undefined && Object.hasOwn(links[0], DIGEST_METHOD)) return;
  const classes: Link[] = [];
  for (const link of isStatic ? links : links.slice(1)) {
    if (link === Object.prototype || link === Function.prototype) break;
    const found = classOf(link, isStatic);
    if (found !== undefined && found === definer) break;
    if (Object.hasOwn(link, DIGEST_METHOD)) break;
    classes.push(found);
  }
  if (classes.length === 0) return undefined;
  const described = classes.map((each) => {
    const source = each === undefined ? "" : Function.prototype.toString.call(each);
    // What the source of another constructor says is not what its prototype has.
    return each !== undefined && /^class\b/.test(source) ? [each.name, source] : null;
  });
  const isKnown = !described.includes(null);
  return { digest: isKnown ? digest(described).hex : null, name: classes[0]?.name ?? "" };
}
