import assert from "node:assert";
import { decode } from "../../src/codec/decoder.ts";
import { encode, withEncoding } from "../../src/codec/encode.ts";
import { type Encoding, encodingDigest, joined } from "../../src/codec/encoding.ts";
import { VIEWS } from "./_arbitrary.ts";
import { encoded } from "./_bytes.ts";
import { assertSame } from "./_same.ts";

/** Lengths in bytes: none, one element, in one piece with its header, and large enough to split. */
const LENGTHS = [0, 8, 240, 65_520, 65_536, 200_000];

/** The same bytes for every type: neither zero nor periodic. */
function pattern(length: number): ArrayBuffer {
  return Uint8Array.from({ length }, (_, n) => n * 31 + (n >> 8)).buffer;
}

const MAKERS: readonly ((buffer: ArrayBuffer) => ArrayBufferView | ArrayBuffer)[] = [
  ...VIEWS.map(([type]) => (buffer: ArrayBuffer) => new type(buffer)),
  (buffer) => buffer,
];

function bufferOf(value: ArrayBufferView | ArrayBuffer): ArrayBufferLike {
  return value instanceof ArrayBuffer ? value : value.buffer;
}

function isMemory(value: unknown): value is ArrayBufferView | ArrayBuffer {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

/** Checks a decoded value: it is what was encoded, in a buffer of exactly its length. */
function assertOwnBuffer(value: unknown, expected: ArrayBufferView | ArrayBuffer): void {
  assertSame(value, expected);
  assert(isMemory(value));
  assert.equal(bufferOf(value).byteLength, expected.byteLength);
  if (ArrayBuffer.isView(value)) assert.equal(value.byteOffset, 0);
}

/** The forms in which an encoding can come, none of them to be kept by the value. */
function forms(value: unknown): Encoding[] {
  const { head, body } = encode(value);
  const whole = joined({ head, body }).slice();
  const offset = new Uint8Array(whole.length + 10);
  offset.set(whole, 7);
  return [{ head: whole }, { head: offset.subarray(7, 7 + whole.length) }, { head, body }];
}

function scribble({ head, body }: Encoding): void {
  head.fill(0x5a);
  body?.fill(0x5a);
}

Deno.test("decode() gives memory a buffer of its own, at the root", () => {
  for (const make of MAKERS) {
    for (const length of LENGTHS) {
      const expected = make(pattern(length));
      for (const encoding of forms(expected)) {
        const value = decode(encoding);
        scribble(encoding);
        assertOwnBuffer(value, expected);
      }
    }
  }
});

Deno.test("decode() gives memory a buffer of its own, inside a value", () => {
  for (const make of MAKERS) {
    for (const length of LENGTHS.filter((each) => each < 65_530)) {
      const expected = make(pattern(length));
      const head = encoded(["before", expected, "after"]);
      const value = decode({ head, owned: true });
      scribble({ head });
      assert(Array.isArray(value));
      assertOwnBuffer(value[1], expected);
    }
  }
});

Deno.test("decode() gives memory a buffer of its own, as a part", () => {
  for (const make of MAKERS) {
    for (const length of LENGTHS.filter((each) => each > 65_530)) {
      const expected = make(pattern(length));
      for (const part of forms(expected)) {
        const value = decode({ head: encoded([expected, 1]) }, { source: () => part });
        scribble(part);
        assert(Array.isArray(value));
        assertOwnBuffer(value[0], expected);
        assert.equal(value[1], 1);
      }
    }
  }
});

Deno.test("decode() gives each use of one part a buffer of its own", () => {
  const memory = new Float64Array(pattern(80_000));
  const head = encoded([memory, memory]);
  const part = { head: encoded(memory) };
  const value = decode({ head }, { source: () => part }) as Float64Array[];
  assert.notEqual(value[0]?.buffer, value[1]?.buffer);
  value[0]?.fill(0);
  assertSame(value[1], memory);
});

Deno.test("decode() keeps the body of an owned encoding without a copy", () => {
  for (const make of MAKERS) {
    const expected = make(pattern(200_000));
    const { head, body } = encode(expected);
    assert(body !== undefined);
    const value = decode({ head, body, owned: true });
    assertOwnBuffer(value, expected);
    assert(isMemory(value));
    assert.equal(bufferOf(value), body.buffer);
  }
});

Deno.test("decode() turns the whole buffer of an owned encoding into the value", () => {
  for (const make of MAKERS) {
    for (const length of LENGTHS) {
      const expected = make(pattern(length));
      const head = encoded(expected).slice();
      assertOwnBuffer(decode({ head, owned: true }), expected);
    }
  }
});

Deno.test("decode() leaves alone what lies around an owned encoding in its buffer", () => {
  for (const make of MAKERS) {
    for (const length of LENGTHS) {
      const expected = make(pattern(length));
      const bytes = encoded(expected);
      const pool = new Uint8Array(bytes.length + 100).fill(0x77);
      pool.set(bytes, 50);
      const before = pool.slice();
      const head = pool.subarray(50, 50 + bytes.length);
      assertOwnBuffer(decode({ head, owned: true }), expected);
      assert.deepEqual(pool, before);
    }
  }
});

Deno.test("decode() leaves alone what lies around an owned body in its buffer", () => {
  const expected = new Uint16Array(pattern(70_000));
  const { head, body } = encode(expected);
  assert(body !== undefined);
  const pool = new Uint8Array(body.length + 100).fill(0x77);
  pool.set(body, 50);
  const value = decode({ head, body: pool.subarray(50, 50 + body.length), owned: true });
  pool.fill(0);
  assertOwnBuffer(value, expected);
});

Deno.test("encode() shares no memory with the value", () => {
  for (const make of MAKERS) {
    for (const length of LENGTHS) {
      const value = make(pattern(length));
      const encoding = encode(value);
      const before = joined(encoding).slice();
      new Uint8Array(bufferOf(value)).fill(0);
      assert.deepEqual(joined(encoding), before);
    }
  }
});

Deno.test("encode() takes shared memory as it is at one moment", () => {
  for (const length of LENGTHS.filter((each) => each > 0)) {
    const shared = new Uint8Array(new SharedArrayBuffer(length)).fill(1);
    for (const value of [shared, [shared]]) {
      withEncoding(value, {}, (encoding) => {
        const before = encodingDigest(encoding);
        shared.fill(2);
        assert.equal(encodingDigest(encoding), before);
      });
      shared.fill(1);
    }
  }
});
