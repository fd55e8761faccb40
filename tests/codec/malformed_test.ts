import assert from "node:assert";
import { CorruptValueError } from "@fleche/core";
import { decode, MissingPart } from "../../src/codec/decoder.ts";
import type { Encoding } from "../../src/codec/encoding.ts";
import { bytesOf, concat, decoded, referenceHex } from "./_bytes.ts";
import "./_golden_types.ts";
import * as malformed from "./_malformed.ts";
import * as objects from "./_malformed_objects.ts";

function assertCorrupt(encoding: Encoding, label: string): void {
  assert.throws(() => decode(encoding), (error) => {
    assert(error instanceof CorruptValueError, `${label}: ${error}`);
    assert.equal(error.code, "CORRUPT_VALUE");
    return true;
  }, label);
}

const GROUPS: readonly (readonly [string, readonly malformed.Malformed[]])[] = [
  ["numbers", malformed.NUMBERS],
  ["lengths", malformed.LENGTHS],
  ["timestamps", malformed.DATES],
  ["text", malformed.TEXT],
  ["objects", malformed.OBJECTS],
  ["collections", malformed.COLLECTIONS],
  ["memory", malformed.MEMORY],
  ["whole inputs", malformed.WHOLES],
  ["built-ins", objects.BUILTINS],
  ["Temporal", Reflect.has(globalThis, "Temporal") ? objects.TEMPORAL : []],
  ["types and identities", objects.TYPES],
];

for (const [group, rows] of GROUPS) {
  Deno.test(`decode() refuses malformed ${group}`, async (t) => {
    for (const [label, hex] of rows) {
      await t.step(label, () => {
        const bytes = bytesOf(hex);
        assertCorrupt({ head: bytes }, "at the root");
        assertCorrupt({ head: bytes.slice(), owned: true }, "at the root, owned");
        assertCorrupt({ head: concat(bytesOf("92"), bytes, bytesOf("c0")) }, "in an array");
        assertCorrupt({ head: concat(bytesOf("81 a161"), bytes) }, "in an object");
        assertCorrupt({ head: concat(bytesOf("91 81 a161"), bytes) }, "deeper");
      });
    }
  });
}

Deno.test("decode() refuses references that cannot be", () => {
  const reference = referenceHex(new Uint8Array(70_000)).replaceAll(" ", "");
  assertCorrupt({ head: bytesOf(reference) }, "at the root");
  assert.throws(() => decoded(bytesOf(`91${reference}`)), MissingPart);
  const body = reference.slice(6, -16);
  const rows: readonly (readonly [string, string])[] = [
    ["a length of 0", `91 c72c01 ${body} 0000000000000000`],
    ["a length of 65535", `91 c72c01 ${body} 000000000000ffff`],
    ["a length that is not safe", `91 c72c01 ${body} 0020000000000000`],
    ["the greatest length", `91 c72c01 ${body} ffffffffffffffff`],
    ["43 bytes", `91 c72b01 ${reference.slice(6, -2)}`],
    ["45 bytes", `91 c72d01 ${reference.slice(6)}00`],
    ["no bytes", "91 c70001"],
    ["one byte", "91 d40100"],
    ["16 bytes", `91 d801 ${"00".repeat(16)}`],
    ["a long header", `91 c8002c01 ${reference.slice(6)}`],
    ["a longer header", `91 c90000002c01 ${reference.slice(6)}`],
    ["broken off", `91 ${reference.slice(0, -2)}`],
    ["in the name of a type", `c73208 92 ${reference} c0`],
    ["beyond the end of its extension", `c72f06 91 ${reference}`],
  ];
  for (const [label, hex] of rows) assertCorrupt({ head: bytesOf(hex) }, label);
});

Deno.test("decode() refuses a part that is no encoding", () => {
  const head = bytesOf(`91 ${referenceHex(new Uint8Array(70_000))}`);
  const parts: Encoding[] = [
    { head: bytesOf("") },
    { head: bytesOf("c1") },
    { head: bytesOf("c0 c0") },
    { head: bytesOf(referenceHex(new Uint8Array(80_000))) },
    { head: new Uint8Array(70_000) },
    { head: bytesOf("91"), body: new Uint8Array(70_000) },
  ];
  for (const part of parts) {
    assert.throws(() => decode({ head }, { source: () => part }), CorruptValueError);
  }
});

Deno.test("decode() goes on after a part where it was", () => {
  const part = new Uint8Array(70_000);
  const head = bytesOf(`92 ${referenceHex(part)} cc00`);
  assert.throws(
    () => decode({ head }, { source: () => ({ head: bytesOf("c0") }) }),
    CorruptValueError,
  );
  const twice = bytesOf(`93 ${referenceHex(part)} 05 ${referenceHex(part)}`);
  assert.deepEqual(decode({ head: twice }, { source: () => ({ head: bytesOf("07") }) }), [7, 5, 7]);
});

Deno.test("decode() refuses a header and a body that do not match", () => {
  const body = new Uint8Array(70_000);
  const heads = [
    "c6 00011171", // one more
    "c6 0001116f", // one less
    "c6 00011170 00", // a byte in between
    "c6 00011171 00", // a byte in between that counts
    "c6 000111", // broken off
    "c5 1170", // another length
    "c9 00011171 04 00", // kind 0
    "c9 00011171 04 0e", // kind 14
    "c9 00011171 05 0b", // no memory
    "c9 00011170 04 0b", // one less
    "c9 00011171 04", // without a kind
    "db 00011170", // text
    "dd 00011170", // an array
    "c0",
    "",
  ];
  for (const hex of heads) assertCorrupt({ head: bytesOf(hex), body }, hex);
  assertCorrupt({ head: bytesOf("c9 00011170 04 0b"), body: body.subarray(1) }, "half an element");
  assert.deepEqual(decode({ head: bytesOf("c6 00011170"), body }), body);
  assert.deepEqual(decode({ head: bytesOf("c9 00011171 04 0b"), body }), new Float64Array(8750));
});

Deno.test("decode() refuses memory in another form than the shortest, with a body as without", () => {
  const body = new Uint8Array(100);
  const rows = ["c5 0064", "c6 00000064", "c8 0065 04 01", "c9 00000065 04 01", "c7 65 04 00"];
  for (const hex of rows) {
    assertCorrupt({ head: bytesOf(hex), body }, hex);
    assertCorrupt({ head: concat(bytesOf(hex), body) }, hex);
    assertCorrupt({ head: concat(bytesOf(hex), body), owned: true }, hex);
  }
});

Deno.test("decode() refuses unsplit parts only where they should have been split", () => {
  const text = `db00010000 ${"61".repeat(65536)}`;
  assert.equal(decoded(bytesOf(text)), "a".repeat(65536));
  assert.deepEqual(decoded(bytesOf(`91 ${text}`), { split: false }), ["a".repeat(65536)]);
  assertCorrupt({ head: bytesOf(`91 ${text}`) }, "in an array");
});
