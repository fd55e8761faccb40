import assert from "node:assert";
import { digest } from "@fleche/core";
import fc from "fast-check";
import { anyValue, fewValues } from "./_arbitrary.ts";
import { decoded, encoded, hexOf } from "./_bytes.ts";
import { assertSame, difference } from "./_same.ts";

/** Runs a property over the same values every time. */
function check(property: fc.IProperty<unknown>, numRuns: number): void {
  fc.assert(property, { seed: 20240229, numRuns });
}

Deno.test("decode() gives back every value with its type", () => {
  check(
    fc.property(anyValue, (value) => assertSame(decoded(encoded(value)), value)),
    5000,
  );
});

Deno.test("encode() gives the same bytes for what it has read back", () => {
  check(
    fc.property(anyValue, (value) => {
      const bytes = encoded(value);
      assert.equal(hexOf(encoded(decoded(bytes))), hexOf(bytes));
    }),
    5000,
  );
});

/** A copy of arrays and objects in which the keys of objects stand in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== "object" || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, reordered(each)]);
  return Object.fromEntries(entries.reverse());
}

Deno.test("digest() does not depend on the order of the keys of objects", () => {
  const objects = fc.dictionary(fc.string({ unit: "binary", minLength: 1 }), anyValue);
  check(
    fc.property(objects, (value) => {
      assert.equal(digest(reordered(value)).hex, digest(value).hex);
    }),
    800,
  );
});

Deno.test("decode() gives objects whose keys are in order of their code units", () => {
  const words = fc.string({ unit: "binary", minLength: 1 }).filter((key) => !/^\d+$/.test(key));
  check(
    fc.property(fc.dictionary(words, fc.nat(9)), (value) => {
      const keys = Object.keys(decoded(encoded(value)) as object);
      assert.deepEqual(keys, Object.keys(value).sort());
    }),
    1000,
  );
});

Deno.test("digest() tells values apart exactly where they differ", () => {
  let same = 0;
  check(
    fc.property(fewValues, fewValues, (a, b) => {
      const equal = digest(a).hex === digest(b).hex;
      assert.equal(equal, difference(a, b) === undefined);
      if (equal) same++;
    }),
    30000,
  );
  assert(same > 100, `too few equal values to mean anything: ${same}`);
});

/** Ways to change one value into another one that is never the same. */
const CHANGES: readonly ((value: unknown) => unknown)[] = [
  (value) => [value],
  (value) => ({ value }),
  (value) => new Set([value]),
  (value) => new Map([[value, value]]),
  (value) => new Error("", { cause: value }),
  (value) => typeof value === "string" ? `${value}\0` : value === null ? undefined : null,
  (value) => Number.isSafeInteger(value) ? BigInt(value as number) : 0.5,
  (value) =>
    typeof value === "string" ? new TextEncoder().encode(value) : String(Deno.inspect(value)),
  (value) => Array.isArray(value) ? [...value, undefined] : [],
  (value) => Array.isArray(value) ? { ...value } : { 0: value },
];

/** Replaces one of the values in a value, chosen by a number, by what a change makes of it. */
function changed(value: unknown, change: (value: unknown) => unknown, choice: number): unknown {
  if (choice % 3 === 0) return change(value);
  const next = Math.floor(choice / 3);
  if (Array.isArray(value) && value.length > 0) {
    const at = next % value.length;
    return value.with(at, changed(value[at], change, next));
  }
  if (value instanceof Map && value.size > 0) {
    const pairs = [...value];
    const at = next % pairs.length;
    return new Map(
      pairs.map(([key, each], n) => [key, n === at ? changed(each, change, next) : each]),
    );
  }
  if (typeof value === "object" && value?.constructor === Object && Object.keys(value).length > 0) {
    const keys = Object.keys(value);
    const key = keys[next % keys.length] as string;
    return { ...value, [key]: changed(Reflect.get(value, key), change, next) };
  }
  return change(value);
}

Deno.test("digest() changes with every change inside a value", () => {
  check(
    fc.property(anyValue, fc.constantFrom(...CHANGES), fc.nat(), (value, change, choice) => {
      const other = changed(value, change, choice);
      assert.equal(digest(other).hex === digest(value).hex, difference(other, value) === undefined);
    }),
    5000,
  );
});

Deno.test("digest() changes with every byte of memory", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 100 });
  check(
    fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, choice, mask) => {
      const at = choice % value.length;
      const other = value.with(at, (value[at] as number) ^ mask);
      assert.notEqual(digest(other).hex, digest(value).hex);
      assert.notEqual(digest(other.buffer).hex, digest(value.slice().buffer).hex);
    }),
    1000,
  );
});
