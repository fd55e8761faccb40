import { type AnyFunction, type BaseCache, Cache, CallMemory, ValueMemory } from "@fleche/core";
import assert from "node:assert";

/** A cache in memory, of its own. */
export function memoryCache(options: { saveTimeout?: number } = {}): Cache {
  return new Cache({ values: new ValueMemory(), calls: new CallMemory(), ...options });
}

/** The function that an expression gives, in sloppy mode and exactly as it is written. */
export function made(expression: string): AnyFunction {
  return new Function(`return (${expression});`)() as AnyFunction;
}

/** Runs something and collects the warnings that it gives. */
export async function warningsOf(run: () => unknown): Promise<string[]> {
  const warnings: string[] = [];
  const original = console.warn;
  console.warn = (...parts: unknown[]) => void warnings.push(parts.join(" "));
  try {
    await run();
  } finally {
    console.warn = original;
  }
  return warnings;
}

/** Lets a number of microtasks pass. */
export async function ticks(count: number): Promise<void> {
  for (let passed = 0; passed < count; passed++) await null;
}

/** Fails if a promise has not settled in five seconds, instead of waiting for good. */
export async function settled<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: "It hangs" })), 5000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** All names in a cache: keys of calls, digests of values and of what records embed. */
export async function everything(cache: BaseCache): Promise<string[]> {
  return (await cache.list("")).sort();
}
