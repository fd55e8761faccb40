import assert from "node:assert";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { CorruptValueError, ProtocolError } from "@fleche/core";
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
  assert.deepEqual(receive(sent(inside)).map(({ encoding }) => encoding.head), [inside.head]);
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

Deno.test("ValueReceiver holds little more memory than has come", () => {
  const announced = { digest: "a".repeat(64), length: PROTOCOL_LIMITS.value };
  const count = 400;
  const before = Deno.memoryUsage().external;
  const receivers = Array.from({ length: count }, () => {
    const receiver = new ValueReceiver(PROTOCOL_LIMITS);
    receiver.announce(announced);
    receiver.chunk(new Uint8Array(1000));
    return receiver;
  });
  const held = Deno.memoryUsage().external - before;
  assert(receivers.every(({ isInside }) => isInside));
  assert(held < count * 20_000, `${held} bytes are held for ${count * 1000} that came`);
});
