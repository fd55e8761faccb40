import assert from "node:assert";
import { digest } from "@fleche/core";
import { bytesOf, decoded, encoded, hexOf, sha256 } from "./_bytes.ts";
import { ALIASES, GOLDEN } from "./_golden.ts";
import { assertSame } from "./_same.ts";

Deno.test("encode() writes the bytes of the golden table", async (t) => {
  for (const [label, value, hex] of GOLDEN) {
    await t.step(label, () => assert.equal(hexOf(encoded(value())), hex.replaceAll(" ", "")));
  }
});

Deno.test("decode() reads the bytes of the golden table", async (t) => {
  for (const [label, value, hex, back] of GOLDEN) {
    await t.step(label, () => {
      const read = decoded(bytesOf(hex));
      assertSame(read, (back ?? value)(), label);
      assert.equal(hexOf(encoded(read)), hex.replaceAll(" ", ""));
    });
  }
});

Deno.test("digest() is the SHA-256 of the bytes of the golden table", async (t) => {
  for (const [label, value, hex] of GOLDEN) {
    await t.step(label, () => assert.equal(digest(value()).hex, sha256(bytesOf(hex))));
  }
});

Deno.test("digest() gives what sha256sum prints", () => {
  const printed: readonly (readonly [unknown, string])[] = [
    // printf '\xc0' | sha256sum
    [null, "e4ff5e7d7a7f08e9800a3e25cb774533cb20040df30b6ba10f956f9acd0eb3f7"],
    // printf '\xa1a' | sha256sum
    ["a", "dabd59bbff263b6074c7f5d4ac96de89b659a3099092f6d3fdcf16eb27a93248"],
    // printf '\x93\x01\x02\x03' | sha256sum
    [[1, 2, 3], "efd2ce5d1b243784f054828796128a9e3f85044cbfc21f7144a7a448ea3361e6"],
    // printf '\x82\xa1a\x01\xa1b\x02' | sha256sum
    [{ b: 2, a: 1 }, "19f2a1aa9670884ef43ef46ffbe4a62ad7677228fab8d18ce4cbe47e90edf622"],
  ];
  for (const [value, hex] of printed) assert.equal(digest(value).hex, hex);
});

Deno.test("encode() gives unlike rows of the golden table unlike bytes", () => {
  const byBytes = new Map<string, string[]>();
  for (const [label, , hex] of GOLDEN) {
    const bytes = hex.replaceAll(" ", "");
    byBytes.set(bytes, [...byBytes.get(bytes) ?? [], label]);
  }
  const shared = [...byBytes.values()].filter((labels) => labels.length > 1);
  assert.deepEqual(shared, ALIASES);
});
