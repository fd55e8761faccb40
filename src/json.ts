/** A value that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Deepest nesting of what is noted. */
const MAX_DEPTH = 64;

/** Whether a value is one that JSON can hold and that can be stored, as deep as `MAX_DEPTH`. */
export function isJson(value: unknown, depth = 1): value is Json {
  if (typeof value !== "object" || value === null) return isScalar(value);
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    return hasItemsOnly(value) && value.every((each) => isJson(each, depth + 1));
  }
  return isPlain(value) &&
    Object.entries(value).every(([key, each]) => isName(key) && isJson(each, depth + 1));
}

/** A copy of a value that nobody else can change; undefined unless {@linkcode isJson} holds. */
export function copiedJson(value: unknown, depth = 1): Json | undefined {
  if (typeof value !== "object" || value === null) return isScalar(value) ? value : undefined;
  if (depth > MAX_DEPTH) return undefined;
  if (Array.isArray(value)) {
    if (!hasItemsOnly(value)) return undefined;
    const items: Json[] = [];
    for (const each of value) {
      const item = copiedJson(each, depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }
  if (!isPlain(value)) return undefined;
  const copy: Record<string, Json> = {};
  for (const [key, each] of Object.entries(value)) {
    const item = copiedJson(each, depth + 1);
    if (item === undefined || !isName(key)) return undefined;
    copy[key] = item;
  }
  return copy;
}

/**
 * Whether something can be a key of what is noted: `__proto__` is none, which would be lost or do
 * harm where an object is read, and neither is what has no form in UTF-8.
 */
export function isName(key: unknown): key is string {
  return typeof key === "string" && key !== "__proto__" && key.isWellFormed();
}

function isScalar(value: unknown): value is null | boolean | number | string {
  return value === null || ["boolean", "number", "string"].includes(typeof value);
}

// Neither holes nor anything besides.
function hasItemsOnly(list: unknown[]): boolean {
  const { length } = list;
  const keys = Object.keys(list);
  // Whole numbers come first and in order, so that the last key tells of all.
  return keys.length === length && (length === 0 || keys[length - 1] === `${length - 1}`) &&
    Object.getPrototypeOf(list) === Array.prototype &&
    Object.getOwnPropertySymbols(list).length === 0;
}

function isPlain(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype &&
    Object.getOwnPropertySymbols(value).length === 0;
}
