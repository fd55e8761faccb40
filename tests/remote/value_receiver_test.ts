import assert from "node:assert";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { CorruptValueError, ProtocolError } from "@fleche/core";
import { decode } from "../../src/codec/decoder.ts";
import { encode } from "../../src/codec/encode.ts";
import { type Encoding, joined, referenceTo } from "../../src/codec/encoding.ts";
import { FRAME } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS, type ProtocolLimits } from "../../src/remote/limits.ts";
import { type ReceivedValue, ValueReceiver } from "../../src/remote/value_receiver.ts";
import { valueFrames } from "./_frames.ts";
import { KeptFrames } from "./_memory.ts";

const LIMITS: ProtocolLimits = { ...PROTOCOL_LIMITS, chunk: 1000, value: 10_000 };

// The items and chunks of a value, as the other side reads them.
function sent(encoding: Encoding): { kind: number; field: unknown }[] {
  const { digest } = referenceTo(encoding);
  const reader = new KeptFrames(LIMITS);
  return valueFrames(1, { digest, encoding }, LIMITS)
    .flatMap((bytes) => reader.push(bytes))
    .map(({ kind, fields }) => ({ kind, field: fields[0] }));
}

function receive(frames: Iterable<{ kind: number; field: unknown }>): ReceivedValue[] {
  const receiver = new ValueReceiver(LIMITS);
  const values: ReceivedValue[] = [];
  for (const { kind, field } of frames) {
    if (kind === FRAME.item) receiver.announce(field);
    const value = kind === FRAME.chunk ? receiver.chunk(field) : undefined;
    if (value !== undefined) values.push(value);
  }
  return values;
}

// A value whose encoding has a given length: a byte string with a header of 3 bytes.
function valueOfLength(length: number): Encoding {
  return { head: encode(new Uint8Array(randomBytes(length - 3))).head };
}

Deno.test("ValueReceiver puts together values of every length", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 4500 })), (values) => {
      const encodings = values.map((value) => encode(value));
      const received = receive(encodings.flatMap((encoding) => sent(encoding)));
      assert.deepEqual(received.map(({ reference }) => reference), encodings.map(referenceTo));
      assert.deepEqual(received.map(({ encoding }) => joined(encoding)), encodings.map(joined));
    }),
    { seed: 3, numRuns: 200 },
  );
});

Deno.test("ValueReceiver takes a value just inside its limit, and none just outside", () => {
  const inside = valueOfLength(LIMITS.value);
  assert.deepEqual(receive(sent(inside)).map(({ encoding }) => joined(encoding)), [inside.head]);
  assert.throws(
    () => receive(sent(valueOfLength(LIMITS.value + 1))),
    (error) => error instanceof ProtocolError && error.data.limit === "value",
  );
});

for (const length of [500, 5000]) {
  Deno.test(`ValueReceiver refuses ${length} bytes of which one bit has changed, anywhere`, () => {
    for (const at of [0, 1, 499, length - 1]) {
      const frames = sent(valueOfLength(length)).map(({ kind, field }, index) => {
        if (index !== 1 + Math.floor(at / LIMITS.chunk)) return { kind, field };
        const bytes = Uint8Array.from(field as Uint8Array);
        const place = at % LIMITS.chunk;
        bytes[place] = (bytes[place] as number) ^ 1;
        return { kind, field: bytes };
      });
      assert.throws(() => receive(frames), CorruptValueError);
    }
  });
}

Deno.test("ValueReceiver refuses a value under the digest of another", () => {
  const [, ...chunks] = sent(valueOfLength(100));
  const [item] = sent(valueOfLength(100));
  assert(item !== undefined);
  assert.throws(() => receive([item, ...chunks]), CorruptValueError);
});

Deno.test("ValueReceiver refuses more bytes than were announced", () => {
  const [item, ...chunks] = sent(valueOfLength(1500));
  assert(item !== undefined);
  const { digest } = item.field as { digest: string };
  const shorter = { kind: FRAME.item, field: { digest, length: 1499 } };
  assert.throws(() => receive([shorter, ...chunks]), ProtocolError);
  const longer = { kind: FRAME.item, field: { digest, length: 1501 } };
  assert.deepEqual(receive([longer, ...chunks]), []);
});

Deno.test("ValueReceiver refuses another value before the last one is complete", () => {
  const frames = sent(valueOfLength(1500));
  const broken = [...frames.slice(0, 2), ...sent(valueOfLength(10))];
  assert.throws(() => receive(broken), ProtocolError);
});

const ITEMS: readonly [label: string, item: unknown][] = [
  ["no table", 5],
  ["nothing", undefined],
  ["no digest", { length: 5 }],
  ["a short digest", { digest: "abcd", length: 5 }],
  ["an upper-case digest", { digest: "A".repeat(64), length: 5 }],
  ["no length", { digest: "a".repeat(64) }],
  ["a length of zero", { digest: "a".repeat(64), length: 0 }],
  ["a length below zero", { digest: "a".repeat(64), length: -1 }],
  ["a fraction as length", { digest: "a".repeat(64), length: 0.5 }],
  ["an endless length", { digest: "a".repeat(64), length: Infinity }],
];

for (const [label, item] of ITEMS) {
  Deno.test(`ValueReceiver refuses an announcement with ${label}`, () => {
    assert.throws(() => new ValueReceiver(PROTOCOL_LIMITS).announce(item), ProtocolError);
  });
}

for (const piece of ["text", null, [1], new Uint8Array(0)]) {
  Deno.test(`ValueReceiver refuses ${JSON.stringify(piece)} as a piece of a value`, () => {
    const receiver = new ValueReceiver(LIMITS);
    receiver.announce({ digest: "a".repeat(64), length: 5 });
    assert.throws(() => receiver.chunk(piece), ProtocolError);
  });
}

Deno.test("ValueReceiver refuses a piece of a value that was not announced", () => {
  assert.throws(() => new ValueReceiver(LIMITS).chunk(new Uint8Array(1)), ProtocolError);
});

Deno.test("ValueReceiver takes no memory for what is announced and does not come", () => {
  const announced = { digest: "a".repeat(64), length: PROTOCOL_LIMITS.value };
  const before = Deno.memoryUsage().rss;
  const receivers = Array.from({ length: 4 }, () => {
    const receiver = new ValueReceiver(PROTOCOL_LIMITS);
    try {
      receiver.announce(announced);
      receiver.chunk(new Uint8Array(1000));
    } catch (error) {
      // Some machines promise no more memory than they have.
      assert(error instanceof RangeError);
    }
    return receiver;
  });
  assert(receivers.every(({ isInside }) => isInside));
  // Other tests run meanwhile; 32 GiB would be seen all the same.
  assert(Deno.memoryUsage().rss - before < 2 ** 31);
});

Deno.test("ValueReceiver keeps nothing of the memory that a piece came in", () => {
  for (const length of [500, 5000]) {
    const encoding = valueOfLength(length);
    const bytes = joined(encoding);
    const receiver = new ValueReceiver(LIMITS);
    receiver.announce({ digest: referenceTo(encoding).digest, length });
    const piece = new Uint8Array(100);
    let value: ReceivedValue | undefined;
    for (let at = 0; at < length; at += piece.length) {
      piece.set(bytes.subarray(at, at + piece.length));
      value = receiver.chunk(piece);
      piece.fill(0);
    }
    assert(value !== undefined);
    assert.deepEqual(joined(value.encoding), bytes);
  }
});

Deno.test("ValueReceiver puts the memory of an array into a buffer of its own", () => {
  const array = Float64Array.from({ length: 1200 }, (_, index) => index / 3);
  const [value] = receive(sent(encode(array)));
  assert(value !== undefined);
  const decoded = decode(value.encoding) as Float64Array;
  assert.deepEqual(decoded, array);
  assert.deepEqual([decoded.byteOffset, decoded.buffer.byteLength], [0, array.byteLength]);
  assert.equal(decoded.buffer, value.encoding.body?.buffer);
});

Deno.test("ValueReceiver keeps nothing of a value that it ignores, and takes the next one", () => {
  const [first, second] = [valueOfLength(2500), valueOfLength(300)];
  const [item, ...chunks] = sent(first);
  const receiver = new ValueReceiver(LIMITS);
  receiver.announce(item?.field);
  assert.equal(receiver.digest, referenceTo(first).digest);
  assert.equal(receiver.chunk(chunks[0]?.field), undefined);
  receiver.ignore();
  for (const { field } of chunks.slice(1)) assert.equal(receiver.chunk(field), undefined);
  assert.equal(receiver.isInside, false);
  const [another, chunk] = sent(second);
  receiver.announce(another?.field);
  assert.deepEqual(receiver.chunk(chunk?.field)?.reference, referenceTo(second));
});

Deno.test("ValueReceiver forgets a value that is withdrawn, and takes the next one", () => {
  const frames = sent(valueOfLength(2500));
  const next = valueOfLength(300);
  const received = receive([
    ...frames.slice(0, 2),
    { kind: FRAME.item, field: { withdrawn: true } },
    ...sent(next),
  ]);
  assert.deepEqual(received.map(({ reference }) => reference), [referenceTo(next)]);
});

Deno.test("ValueReceiver takes what follows a piece that made it fail", () => {
  const [first, second] = [valueOfLength(500), valueOfLength(300)];
  const receiver = new ValueReceiver(LIMITS);
  receiver.announce({ digest: referenceTo(second).digest, length: 500 });
  assert.throws(() => receiver.chunk(first.head), CorruptValueError);
  assert.equal(receiver.isInside, false);
  const [item, chunk] = sent(second);
  receiver.announce(item?.field);
  assert.deepEqual(receiver.chunk(chunk?.field)?.reference, referenceTo(second));
});
