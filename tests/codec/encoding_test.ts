import assert from "node:assert";
import { crc32 } from "node:zlib";
import { IndigestibleError } from "@fleche/core";
import { decode } from "../../src/codec/decoder.ts";
import { encode } from "../../src/codec/encode.ts";
import {
  copied,
  encodingCrc,
  encodingDigest,
  encodingLength,
  joined,
  matches,
  referenceTo,
} from "../../src/codec/encoding.ts";
import { isReference } from "../../src/codec/reference.ts";
import { bytesOf, concat, decoded, encoded, encodedWhole, referenceHex, sha256 } from "./_bytes.ts";
import { assertSame } from "./_same.ts";

const HEAD = Uint8Array.of(1, 2, 3);
const BODY = Uint8Array.of(4, 5);
const WHOLE = Uint8Array.of(1, 2, 3, 4, 5);

Deno.test("joined() and the like see no difference between one piece and two", () => {
  for (const encoding of [{ head: HEAD, body: BODY }, { head: WHOLE }]) {
    assert.deepEqual(joined(encoding), WHOLE);
    assert.equal(encodingLength(encoding), 5);
    assert.equal(encodingDigest(encoding), sha256(WHOLE));
    assert.equal(encodingCrc(encoding), crc32(WHOLE));
    assert.deepEqual(referenceTo(encoding), {
      digest: sha256(WHOLE),
      crc: crc32(WHOLE),
      length: 5,
    });
  }
});

Deno.test("copied() shares no memory", () => {
  const encoding = { head: HEAD.slice(), body: BODY.slice() };
  const copy = copied(encoding);
  encoding.head.fill(0);
  encoding.body.fill(0);
  assert.deepEqual(joined(copy), WHOLE);
  assert.equal(copy.owned, true);
});

Deno.test("matches() compares length and checksum", () => {
  const reference = referenceTo({ head: WHOLE });
  assert(matches({ head: WHOLE }, reference));
  assert(matches({ head: HEAD, body: BODY }, reference));
  assert(!matches({ head: WHOLE.with(4, 6) }, reference));
  assert(!matches({ head: WHOLE.subarray(0, 4) }, reference));
  assert(!matches({ head: WHOLE }, { ...reference, length: 6 }));
  assert(!matches({ head: WHOLE }, { ...reference, crc: reference.crc ^ 1 }));
});

Deno.test("isReference() knows a reference by its header and length", () => {
  const reference = bytesOf(referenceHex(new Uint8Array(70_000)));
  assert(isReference(reference));
  assert(!isReference(reference.subarray(0, 46)));
  assert(!isReference(concat(reference, Uint8Array.of(0))));
  for (const at of [0, 1, 2]) assert(!isReference(reference.with(at, 0)));
});

Deno.test("encode() keeps the encodings it gave when it is used again", () => {
  const first = encode({ a: [1, 2, 3], b: "x".repeat(5000) });
  const before = joined(first).slice();
  for (let n = 0; n < 5; n++) encode(["y".repeat(5000 * n), n]);
  assert.deepEqual(joined(first), before);
});

Deno.test("encode() hands parts to the sink that hold during the call", () => {
  const value = [new Float64Array(10_000).fill(1), "x".repeat(70_000), new Array(70_000).fill(1)];
  encode(value, {
    sink(reference, encoding) {
      assert(matches(encoding, reference));
      assert.equal(encodingDigest(encoding), reference.digest);
    },
  });
  const { parts } = encodedWhole(value);
  assert.deepEqual(
    parts.map(({ bytes }) => sha256(bytes)),
    value.map((each) => sha256(encoded(each))),
  );
});

Deno.test("encode() hands the memory of large parts out as it is, without a copy", () => {
  const memory = new Float64Array(10_000);
  const buffers: unknown[] = [];
  encode([memory], { sink: (_, encoding) => buffers.push(encoding.body?.buffer) });
  assert.deepEqual(buffers, [memory.buffer]);
  assert.equal(buffers[0], memory.buffer);
});

Deno.test("encode() lets the errors of a sink pass, and works on", () => {
  const error = new Error("disk full");
  const sink = () => {
    throw error;
  };
  assert.throws(
    () => encode([{ a: new Uint8Array(70_000) }], { sink }),
    (thrown) => thrown === error,
  );
  assert.deepEqual(encoded([1]), bytesOf("91 01"));
});

// What changes under the encoder's hands must not become bytes that nobody can read.
Deno.test("encode() writes what can be read, even of collections that grow meanwhile", () => {
  const map = new Map<string, unknown>();
  map.set("a", {
    get x() {
      map.set(`b${map.size}`, 1);
      return 1;
    },
  });
  const set = new Set<unknown>();
  set.add({
    get x() {
      if (set.size < 5) set.add(set.size);
      return 1;
    },
  });
  const array: unknown[] = [{
    get x() {
      array.push(1);
      return 1;
    },
  }, 2];
  for (const value of [map, set, array]) {
    let bytes: Uint8Array;
    try {
      bytes = encoded(value);
    } catch (error) {
      assert(error instanceof IndigestibleError, `${error}`);
      continue;
    }
    assertSame(decoded(encoded(decoded(bytes))), decode({ head: bytes }));
  }
});
