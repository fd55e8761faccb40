/** Whether awaiting a value gives another one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const isObject = typeof value === "object" || typeof value === "function";
  return isObject && value !== null && "then" in value && typeof value.then === "function";
}

/** Whether nothing can change a value. */
export function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== "object" && typeof value !== "function");
}
