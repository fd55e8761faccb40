/** Why a value is indigestible; the containers around it add the path on the way out. */
export class Culprit extends Error {
  /** Where the culprit is, below the value being encoded. */
  path = "";
}

/** Adds a step to the path of a culprit; any other error passes as it is. */
export function within(error: unknown, step: string): unknown {
  if (error instanceof Culprit) error.path = step + error.path;
  return error;
}

/** The step to the value under a key of an object. */
export function keyStep(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** Built-in classes whose instances cannot be stored, each with what to do instead. */
const FOREIGN: readonly (readonly [string, string])[] = [
  ["Promise", "is a promise: await it first"],
  ["WeakMap", "is a weak collection, which has no content to store"],
  ["WeakSet", "is a weak collection, which has no content to store"],
  ["WeakRef", "is a weak reference: store what it refers to"],
  ["ReadableStream", "is a stream: read it first"],
  ["WritableStream", "is a stream, which has no content to store"],
  ["TransformStream", "is a stream, which has no content to store"],
  ["SharedArrayBuffer", "is shared memory: store a copy of it"],
  ["Number", "is a boxed primitive: take its valueOf()"],
  ["String", "is a boxed primitive: take its valueOf()"],
  ["Boolean", "is a boxed primitive: take its valueOf()"],
  ["BigInt", "is a boxed primitive: take its valueOf()"],
  ["Symbol", "is a boxed primitive: take its valueOf()"],
];

/** Why an object that is none of the known types cannot be stored. */
export function describeForeign(value: object): string {
  for (const [name, reason] of FOREIGN) {
    const type: unknown = Reflect.get(globalThis, name);
    if (typeof type === "function" && value instanceof type) return reason;
  }
  const constructor: unknown = Reflect.get(value, "constructor");
  const name = typeof constructor === "function" && constructor.name !== ""
    ? `an instance of class ${constructor.name}`
    : "an instance of a class without a name";
  return `is ${name}: make it storable with registerType(), or pass plain data`;
}

/** Most characters of a path that a message shows. */
const SHOWN_PATH = 200;

/** A path of which the two ends are left where it is long. */
export function shortened(path: string): string {
  if (path.length <= SHOWN_PATH) return path;
  return `${path.slice(0, SHOWN_PATH / 2)}…${path.slice(-SHOWN_PATH / 4)}`;
}
