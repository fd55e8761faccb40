import assert from "node:assert";
import { encode } from "../../src/codec/encode.ts";
import { type Encoding, joined, referenceTo } from "../../src/codec/encoding.ts";
import type { OpenValue } from "../../src/lazy_call.ts";
import { FRAME, type Frame } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { ValueSender } from "../../src/remote/value_sender.ts";
import { chunkBytes, ofKind, valuesIn } from "./_frames.ts";
import { KeptFrames } from "./_memory.ts";

const LIMITS = { ...PROTOCOL_LIMITS, chunk: 1000 };

const whole = joined(encode(Float64Array.from({ length: 700 }, (_, index) => index / 7)));
const large = { head: whole.slice(0, 6), body: whole.slice(6) };
const { digest, length } = referenceTo(large);

/** A sender whose frames are read. */
function watched(send: (frame: Uint8Array) => boolean = () => true, reuse = false) {
  const reader = new KeptFrames(LIMITS);
  const frames: Frame[] = [];
  let cost = 0;
  const sender = new ValueSender(7, {
    limits: LIMITS,
    reuse,
    send: async (bytes, each) => {
      await Promise.resolve();
      if (!send(bytes)) return false;
      frames.push(...reader.push(bytes));
      cost += each;
      return true;
    },
  });
  return { sender, frames, cost: () => cost };
}

// A value that gives so many bytes of it at a time, and in all.
function opened(encoding: Encoding, { step = 300, left = length } = {}): OpenValue {
  const bytes = joined(encoding);
  let at = 0;
  return {
    length: bytes.length,
    read(into) {
      const piece = bytes.subarray(at, Math.min(at + Math.min(step, into.length), left));
      into.set(piece);
      at += piece.length;
      return Promise.resolve(piece.length);
    },
    [Symbol.dispose]() {},
  };
}

const always = { check: () => true, isWanted: () => true };

for (const size of [1, 999, 1000, 1001, 2000, 2001]) {
  Deno.test(`ValueSender keeps to the limit of a chunk in a value of ${size} bytes`, async () => {
    const { sender, frames, cost } = watched();
    const encoding = size === 1 ? encode(null) : encode("x".repeat(size - 3));
    const reference = referenceTo(encoding);
    assert.equal(reference.length, size);
    assert.equal(await sender.send(reference.digest, encoding), true);
    const sizes = ofKind(frames, "chunk").map((frame) => frame.size);
    assert.equal(sizes.length, Math.ceil(size / LIMITS.chunk));
    assert(sizes.every((each) => each <= LIMITS.chunk));
    assert.deepEqual(valuesIn(frames, LIMITS).map((value) => value.reference), [reference]);
    assert.equal(cost(), size + (frames[0]?.size ?? 0));
  });
}

Deno.test("ValueSender sends the head and the memory of an array, and what is opened in pieces", async () => {
  const { sender, frames } = watched();
  assert.equal(await sender.send(digest, large), true);
  assert.equal(await sender.sendOpen(digest, opened(large), always), "sent");
  const values = valuesIn(frames, LIMITS);
  assert.deepEqual(values.map(({ reference }) => reference), [1, 2].map(() => referenceTo(large)));
});

Deno.test("ValueSender fills the same buffers again only once their frames are not needed", async () => {
  // As an outbox does: one frame waits, and one is being written.
  const last: { frame: Uint8Array; copy: Uint8Array }[] = [];
  const { sender, frames } = watched((frame) => {
    for (const each of last) assert.deepEqual(each.frame, each.copy);
    last.push({ frame, copy: frame.slice() });
    if (last.length > 2) last.shift();
    return true;
  }, true);
  await sender.send(digest, large);
  await sender.sendOpen(digest, opened(large), always);
  assert.equal(valuesIn(frames, LIMITS).length, 2);
});

Deno.test("ValueSender withdraws a value that is wanted no more, and sends the next", async () => {
  const { sender, frames } = watched();
  let asked = 0;
  const isWanted = () => ++asked < 3;
  assert.equal(await sender.send(digest, large, isWanted), true);
  asked = 0;
  assert.equal(await sender.sendOpen(digest, opened(large), { ...always, isWanted }), "withdrawn");
  assert.equal(await sender.send(digest, large), true);
  const items = ofKind(frames, "item").map(({ fields }) => Object.keys(fields[0] as object)[0]);
  assert.deepEqual(items, ["digest", "withdrawn", "digest", "withdrawn", "digest"]);
  assert.equal(valuesIn(frames, LIMITS).length, 1);
});

Deno.test("ValueSender withdraws a value that ends early, or turns out to be wrong at its end", async () => {
  for (const what of ["short", "wrong"]) {
    const { sender, frames } = watched();
    const value = opened(large, { left: what === "short" ? length - 1 : length });
    let count = 0;
    const check = (piece: Uint8Array) => (count += piece.length) < length;
    assert.equal(await sender.sendOpen(digest, value, { ...always, check }), "withdrawn");
    assert(chunkBytes(frames) <= length - (length % LIMITS.chunk));
    assert.deepEqual(valuesIn(frames, LIMITS), []);
    assert.equal(frames.at(-1)?.kind, FRAME.item);
  }
});

Deno.test("ValueSender stops once nothing more of its request is wanted", async () => {
  for (const most of [0, 1, 3]) {
    let count = 0;
    const { sender, frames } = watched(() => count++ < most);
    assert.equal(await sender.send(digest, large), false);
    assert.equal(frames.length, most);
    count = 0;
    assert.equal(await sender.sendOpen(digest, opened(large), always), false);
    assert.equal(frames.length, 2 * most);
  }
});
