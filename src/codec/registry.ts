/** How values of one type are stored, for {@linkcode registerType}. */
export interface RegisteredType<T, P = unknown> {
  /** The name under which values are stored: 1 to 255 characters, the same for good. */
  name: string;
  /**
   * Whether an object or function is a value of this type. With `instanceof` those of subclasses are
   * too, and have the digest of one of the class itself, whatever they override: where they are
   * arguments, nothing else tells them apart.
   */
  match(value: unknown): boolean;
  /** What is stored of a value: anything that can be stored, and enough to build it again. */
  encode(value: T): P;
  /** Builds a value from what {@linkcode RegisteredType.encode} gave. */
  decode(payload: P): T;
}

/** Most characters in the name of a type. */
export const MAX_TYPE_NAME = 255;

const types: RegisteredType<unknown>[] = [];
const byName = new Map<string, RegisteredType<unknown>>();

/**
 * Makes the values of a class storable.
 *
 * Registered types are tried in the order of their registration, before everything built in. The
 * digest of a value follows from the name and the payload, so both should outlive refactorings.
 *
 * @example Usage
 * ```ts
 * import { digest, registerType } from "@fleche/core";
 * import assert from "node:assert";
 *
 * class Vector {
 *   constructor(readonly x: number, readonly y: number) {}
 * }
 *
 * registerType<Vector, [number, number]>({
 *   name: "example/Vector",
 *   match: (value) => value instanceof Vector,
 *   encode: (vector) => [vector.x, vector.y],
 *   decode: ([x, y]) => new Vector(x, y),
 * });
 * assert.deepEqual(digest(new Vector(1, 2)), digest(new Vector(1, 2)));
 * ```
 *
 * @typeParam T the type
 * @typeParam P what is stored of a value
 * @throws {TypeError} If the name is taken, empty, too long or not well-formed Unicode.
 */
export function registerType<T, P = unknown>(type: RegisteredType<T, P>): void {
  const { name } = type;
  if (
    typeof name !== "string" || name === "" || name.length > MAX_TYPE_NAME || !name.isWellFormed()
  ) {
    throw new TypeError("Cannot register a type: its name takes 1 to 255 well-formed characters");
  }
  if (byName.has(name)) {
    throw new TypeError(`Cannot register a second type named "${name}": choose another name`);
  }
  // The registry only ever hands encode() values that match() accepted, and decode() payloads that
  // were stored under this name.
  const erased = type as RegisteredType<unknown>;
  types.push(erased);
  byName.set(name, erased);
}

/** All registered types, in the order of their registration. */
export function registeredTypes(): readonly RegisteredType<unknown>[] {
  return types;
}

/** The type registered under a name. */
export function registeredType(name: string): RegisteredType<unknown> | undefined {
  return byName.get(name);
}
