import assert from "node:assert";
import { crc32 } from "node:zlib";
import { D, Digest, digest, IndigestibleError } from "@fleche/core";
import { withEncoding } from "../../src/codec/encode.ts";
import { encodingCrc, encodingDigest, encodingLength } from "../../src/codec/encoding.ts";
import { keyText } from "../../src/digest.ts";
import { bytesOf, concat, decoded, encoded, sha256 } from "./_bytes.ts";

const HEX = "0123456789abcdef".repeat(4);

Deno.test("D() takes 4 to 64 hexadecimal digits", () => {
  for (let length = 4; length <= 64; length++) {
    const each = D(HEX.slice(0, length));
    assert(each instanceof Digest);
    assert.equal(each.hex, HEX.slice(0, length));
    assert.equal(each.isShort, length < 64);
  }
});

Deno.test("D() gives lower-case digits", () => {
  assert.equal(D("C0FFEE").hex, "c0ffee");
  assert.equal(D(HEX.toUpperCase()).hex, HEX);
  assert.equal(new Digest(HEX.toUpperCase()).isShort, false);
});

Deno.test("D() refuses anything else, and quotes it", () => {
  const wrong = [
    "",
    "a",
    "abc",
    "ab g",
    "abcg",
    `${HEX}0`,
    " abcd",
    "abcd\n",
    "0xabcd",
    "abcd-ef",
    "\u0430bcd",
    "\uff41bcd",
    "abcd\0",
  ];
  for (const text of wrong) {
    for (const make of [D, (hex: string) => new Digest(hex)]) {
      assert.throws(() => make(text), (error) => {
        assert(error instanceof TypeError);
        assert(error.message.startsWith(`Cannot use "${text.slice(0, 80)}" as a digest`));
        return true;
      });
    }
  }
  assert.throws(() => D("z".repeat(10_000)), (error) => {
    assert(error instanceof TypeError && error.message.length < 200);
    return true;
  });
});

Deno.test("D() refuses what is not a string", () => {
  for (const value of [undefined, null, 1, 1n, {}, [HEX], Uint8Array.of(1)]) {
    assert.throws(() => Reflect.apply(D, undefined, [value]), (error) => {
      assert(error instanceof TypeError);
      assert.match(error.message, /^Cannot use .* as a digest/);
      return true;
    });
  }
});

Deno.test("Digest prints as its digits", () => {
  const each = D(HEX);
  assert.equal(String(each), HEX);
  assert.equal(`${each}`, HEX);
  assert.equal("" + each, HEX);
  assert.equal(each.toString(), HEX);
  assert.equal(
    JSON.stringify({ key: each, list: [D("c0ffee")] }),
    `{"key":"${HEX}","list":["c0ffee"]}`,
  );
  assert.equal(Deno.inspect(D("c0ffee")), "Digest c0ffee");
  assert.equal(Deno.inspect({ a: [D("c0ffee")] }), "{ a: [ Digest c0ffee ] }");
});

Deno.test("Digest compares and sorts as its digits do", () => {
  assert(D("aaaa") < D("aaab"));
  assert(!(D("bbbb") < D("aaaa")));
  assert.deepEqual(D("AAAA"), D("aaaa"));
  assert.notDeepEqual(D("aaaa"), D("aaaab"));
  const sorted = [D("cccc"), D("aaaa"), D("bbbb")].sort((a, b) => a < b ? -1 : 1);
  assert.deepEqual(sorted.map(String), ["aaaa", "bbbb", "cccc"]);
  const table = { [`${D("aaaa")}`]: 1 };
  assert.equal(Reflect.get(table, String(D("AAAA"))), 1);
});

Deno.test("digest() is a whole Digest", () => {
  const each = digest({ any: "thing" });
  assert(each instanceof Digest);
  assert.match(each.hex, /^[0-9a-f]{64}$/);
  assert.equal(each.isShort, false);
  assert.deepEqual(D(each.hex), each);
});

Deno.test("digest() of a Digest is not that Digest", () => {
  const inner = digest(1);
  assert.notEqual(digest(inner).hex, inner.hex);
  assert.equal(digest(inner).hex, sha256(encoded(inner)));
  assert.deepEqual(decoded(encoded([inner])), [inner]);
  assert.notEqual(digest(inner).hex, digest(inner.hex).hex);
});

Deno.test("digest() is the SHA-256 of the root alone, where parts were split off", () => {
  const part = new Float64Array(10_000);
  for (const value of [[part], { part }, new Map([[1, part]])]) {
    assert.equal(digest(value).hex, sha256(encoded(value)));
    assert(encoded(value).length < 100);
  }
});

Deno.test("digest() hashes large memory with its header", () => {
  const value = new Float64Array(1_000_000).fill(0.5);
  const bytes = concat(bytesOf("c9 007a1201 04 0b"), new Uint8Array(value.buffer));
  assert.equal(digest(value).hex, sha256(bytes));
  withEncoding(value, {}, (encoding) => {
    assert.equal(encoding.body?.buffer, value.buffer);
    assert.equal(encodingLength(encoding), bytes.length);
    assert.equal(encodingCrc(encoding), crc32(bytes));
    assert.equal(encodingDigest(encoding), sha256(bytes));
  });
});

Deno.test("digest() changes with the value it is taken of", () => {
  const value = { list: [1, 2], memory: new Uint8Array(100_000) };
  const before = digest(value).hex;
  value.memory[99_999] = 1;
  const after = digest(value).hex;
  assert.notEqual(after, before);
  value.memory[99_999] = 0;
  assert.equal(digest(value).hex, before);
});

Deno.test("digest() can be taken while another one is being taken", () => {
  const method = Symbol.for("fleche.digest");
  const inner = { [method]: () => digest(["inner", "x".repeat(100_000)]) };
  const outer = {
    [method]: () => digest(["outer", inner, inner]),
  };
  const value = {
    a: [outer, "y".repeat(1000), inner],
    get b() {
      return digest({ again: [outer] }).hex;
    },
  };
  const plain = { a: [outer, "y".repeat(1000), inner], b: digest({ again: [outer] }).hex };
  assert.equal(digest(value).hex, digest(plain).hex);
  assert.equal(digest(value).hex, digest(plain).hex);
});

Deno.test("digest() is right after one that failed", () => {
  const before = digest({ a: "x".repeat(500), b: [1, 2, 3] }).hex;
  for (let times = 0; times < 5; times++) {
    const bad = { a: "y".repeat(200_000), b: [new Float64Array(50_000), Symbol("no")] };
    assert.throws(() => digest(bad), IndigestibleError);
    assert.equal(digest({ a: "x".repeat(500), b: [1, 2, 3] }).hex, before);
  }
});

Deno.test("digest() is right after a very large value", () => {
  const before = digest(["small"]).hex;
  digest("x".repeat(5_000_000));
  assert.equal(digest(["small"]).hex, before);
  assert.equal(
    digest("x".repeat(5_000_000)).hex,
    sha256(concat(bytesOf("db 004c4b40"), new Uint8Array(5_000_000).fill(0x78))),
  );
});

Deno.test("digest() takes objects by their digest method", () => {
  const method = Symbol.for("fleche.digest");
  class Model {
    constructor(readonly version: number) {}
    [method](): Digest {
      return digest(["Model", this.version]);
    }
  }
  assert.equal(digest(new Model(1)).hex, digest(new Model(1)).hex);
  assert.notEqual(digest(new Model(1)).hex, digest(new Model(2)).hex);
  // The kind sets it apart from the value whose digest it gives.
  assert.notEqual(digest(new Model(1)).hex, digest(["Model", 1]).hex);
  assert.notEqual(digest([new Model(1)]).hex, digest([digest(["Model", 1])]).hex);
});

Deno.test("keyText() takes digests, prefixes and text alike", () => {
  assert.equal(keyText(D("C0FFEE")), "c0ffee");
  assert.equal(keyText("C0FFEE"), "c0ffee");
  assert.equal(keyText(HEX), HEX);
  assert.throws(() => keyText("no"), TypeError);
});
