import assert from "node:assert";
import { CorruptValueError, UnknownTypeError } from "@fleche/core";
import { ascii, bytesOf, concat, decoded } from "./_bytes.ts";
import { fields } from "./_malformed_objects.ts";

const text = (value: string) => `a${value.length.toString(16)} ${ascii(value)}`;

const long = (value: string) => `d9${value.length.toString(16)} ${ascii(value)}`;

/** Bytes of types that there may be elsewhere, and the name of the type. */
const UNKNOWN: readonly (readonly [type: string, hex: string])[] = [
  ["elsewhere", fields(8, text("elsewhere"), "c0")],
  ["a type with a longer name than 31", fields(8, long("a type with a longer name than 31"), "c0")],
  ["__proto__", fields(8, text("__proto__"), "c0")],
  ["constructor", fields(8, text("constructor"), "80")],
  ["Date2", fields(9, text("Date2"), "c0")],
  ["DOMException", fields(9, text("DOMException"), "c0")],
  ["toString", fields(9, text("toString"), "c0")],
  ["", fields(9, "a0", "c0")],
  ["Temporal.", fields(9, text("Temporal."), "c0")],
  ["Temporal.Now", fields(9, text("Temporal.Now"), "c0")],
  ["Temporal.Stardate", fields(9, `b1${ascii("Temporal.Stardate")}`, "c0")],
  ["RegExp", fields(9, text("RegExp"), text("("), "a0", "00")],
  ["RegExp", fields(9, text("RegExp"), text("a"), text("Z"), "00")],
  ["RegExp", fields(9, text("RegExp"), text("a"), text("gg"), "00")],
  ["file", "d4 0a c0"],
  ["file", fields(10, text("name"), "c403010203")],
  ["directory", "d4 0b 90"],
];

Deno.test("decode() does not take an unknown type for corruption", async (t) => {
  for (const [type, hex] of UNKNOWN) {
    await t.step(`${type}: ${hex.slice(0, 40)}`, () => {
      for (const before of ["", "91", "92c0", "81a161"]) {
        assert.throws(() => decoded(concat(bytesOf(before), bytesOf(hex))), (error) => {
          assert(error instanceof UnknownTypeError, `${error}`);
          assert.equal(error.data.type, type);
          assert.equal(error.code, "UNKNOWN_TYPE");
          return true;
        });
      }
    });
  }
});

Deno.test("decode() says how to make a type known", () => {
  const bytes = bytesOf(fields(8, text("elsewhere"), "c0"));
  assert.throws(() => decoded(bytes), /"elsewhere".*registerType\(\)/);
});

Deno.test("decode() builds nothing of the content of an unknown type", () => {
  // The content is not even canonical, which only shows once the type is known.
  assert.throws(() => decoded(bytesOf(fields(8, text("elsewhere"), "cc00"))), UnknownTypeError);
  assert.throws(() => decoded(bytesOf("c7 ff 08 92 a142 c0")), CorruptValueError);
});
