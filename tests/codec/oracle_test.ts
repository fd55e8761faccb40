import assert from "node:assert";
import { decode as oracleDecode, encode as oracleEncode } from "@msgpack/msgpack";
import fc from "fast-check";
import { plainValue } from "./_arbitrary.ts";
import { decoded, encoded, hexOf } from "./_bytes.ts";
import { assertSame } from "./_same.ts";

const RUNS = { seed: 20240301, numRuns: 3000 };

Deno.test("encode() writes what @msgpack/msgpack writes, where both speak", () => {
  fc.assert(
    fc.property(plainValue, (value) => {
      assert.equal(hexOf(encoded(value)), hexOf(oracleEncode(value, { sortKeys: true })));
    }),
    RUNS,
  );
});

Deno.test("encode() writes what @msgpack/msgpack reads", () => {
  fc.assert(
    fc.property(plainValue, (value) => assertSame(oracleDecode(encoded(value)), value)),
    RUNS,
  );
});

Deno.test("decode() reads what @msgpack/msgpack writes", () => {
  fc.assert(
    fc.property(plainValue, (value) => {
      assertSame(decoded(oracleEncode(value, { sortKeys: true })), value);
    }),
    RUNS,
  );
});

Deno.test("encode() writes lengths as @msgpack/msgpack does, at every change of format", () => {
  for (const length of [0, 15, 16, 31, 32, 255, 256, 65535, 65536]) {
    const values = [
      "x".repeat(length),
      new Uint8Array(length),
      new Array(length).fill(1),
      Object.fromEntries(Array.from({ length }, (_, n) => [`k${n}`, n])),
    ];
    for (const value of values) {
      const bytes = encoded(value);
      assert.equal(hexOf(bytes), hexOf(oracleEncode(value, { sortKeys: true })));
      assertSame(oracleDecode(bytes), value);
    }
  }
});
