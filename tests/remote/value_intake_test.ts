import assert from "node:assert";
import { CorruptValueError, ProtocolError } from "@fleche/core";
import { encode } from "../../src/codec/encode.ts";
import { type Encoding, referenceTo } from "../../src/codec/encoding.ts";
import { Credit } from "../../src/remote/credit.ts";
import { FRAME, type Frame } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { ValueIntake } from "../../src/remote/value_intake.ts";
import type { ReceivedValue } from "../../src/remote/value_receiver.ts";
import { valueFrames } from "./_frames.ts";
import { KeptFrames } from "./_memory.ts";

const LIMITS = {
  ...PROTOCOL_LIMITS,
  chunk: 1000,
  window: 10_000,
  connectionWindow: 1_000_000,
  held: 3000,
};

/** An intake for request 7. */
class Watched {
  readonly intake: ValueIntake;
  readonly values: ReceivedValue[] = [];
  readonly used: (() => void)[] = [];
  /** Credit that has been given back for the request. */
  given = 0;

  constructor() {
    const frames = new KeptFrames();
    const credit = new Credit(LIMITS, (bytes) => {
      for (const { id, fields } of frames.push(bytes)) {
        if (id === 7) this.given += Number(fields[0]);
      }
    });
    this.intake = new ValueIntake(7, {
      limits: LIMITS,
      credit,
      onValue: (value, used) => {
        this.values.push(value);
        this.used.push(used);
      },
    });
  }

  take(frames: readonly Frame[]): void {
    for (const frame of frames) {
      if (frame.kind === FRAME.item) this.intake.announce(frame);
      else this.intake.chunk(frame);
    }
  }

  get digests(): string[] {
    return this.values.map(({ reference }) => reference.digest);
  }
}

function framesOf(encoding: Encoding, digest = referenceTo(encoding).digest): Frame[] {
  const reader = new KeptFrames(LIMITS);
  return valueFrames(7, { digest, encoding }, LIMITS).flatMap((bytes) => reader.push(bytes));
}

const value = (seed: number, length = 2000) => encode(new Uint8Array(length).fill(seed));
const digestOf = (encoding: Encoding) => referenceTo(encoding).digest;

const WITHDRAWN: Frame = { kind: FRAME.item, id: 7, fields: [{ withdrawn: true }], size: 20 };

Deno.test("ValueIntake gives credit back as values come, while they are used up", () => {
  const watched = new Watched();
  for (let round = 0; round < 20; round++) {
    watched.take(framesOf(value(round)));
    watched.used.pop()?.();
  }
  assert.equal(watched.values.length, 20);
  assert.equal(watched.intake.isFull, false);
  assert(watched.given > 20 * 2000 - LIMITS.window / 4);
});

Deno.test("ValueIntake keeps credit back while too much waits to be used up", () => {
  const watched = new Watched();
  for (const seed of [1, 2]) watched.take(framesOf(value(seed)));
  const { given } = watched;
  assert.equal(watched.intake.isFull, false);
  watched.take(framesOf(value(3)));
  watched.take(framesOf(value(4)));
  assert.equal(watched.intake.isFull, true);
  // Nothing of what has come after the limit was reached, but for what announced it.
  assert(watched.given <= given + LIMITS.window / 4);
  assert.throws(() => watched.take(framesOf(value(5, 9000))), ProtocolError);
});

Deno.test("ValueIntake gives back what it kept once enough is used up", () => {
  const watched = new Watched();
  for (const seed of [1, 2, 3, 4]) watched.take(framesOf(value(seed)));
  assert.equal(watched.intake.isFull, true);
  watched.used[0]?.();
  watched.used[1]?.();
  assert.equal(watched.intake.isFull, true);
  watched.used[2]?.();
  assert.equal(watched.intake.isFull, false);
  // As much again as fits into the window.
  for (const seed of [5, 6, 7, 8]) {
    watched.take(framesOf(value(seed)));
    for (const used of watched.used.splice(0)) used();
  }
  assert.equal(watched.values.length, 8);
});

Deno.test("ValueIntake keeps nothing of a value that is skipped before it comes", () => {
  const watched = new Watched();
  const [one, two] = [value(1), value(2)];
  assert.equal(watched.intake.skip(digestOf(one)), true);
  assert.equal(watched.intake.skip(digestOf(one)), false);
  watched.take([...framesOf(one), ...framesOf(two)]);
  assert.deepEqual(watched.digests, [digestOf(two)]);
});

Deno.test("ValueIntake keeps nothing of a value that is skipped as it comes", () => {
  const watched = new Watched();
  const [one, two] = [value(1), value(2)];
  const frames = framesOf(one);
  watched.take(frames.slice(0, 2));
  watched.intake.skip(digestOf(one));
  watched.take(frames.slice(2));
  watched.take(framesOf(two));
  assert.deepEqual(watched.digests, [digestOf(two)]);
  // The other side may have heard of it in time.
  const third = value(3);
  watched.take(framesOf(third).slice(0, 2));
  watched.intake.skip(digestOf(third));
  watched.take([WITHDRAWN, ...framesOf(value(4))]);
  assert.deepEqual(watched.digests, [digestOf(two), digestOf(value(4))]);
});

Deno.test("ValueIntake takes a value that comes again after it was withdrawn", () => {
  const watched = new Watched();
  const one = value(1);
  watched.take([...framesOf(one).slice(0, 2), WITHDRAWN]);
  assert.equal(watched.intake.isInside, false);
  watched.take(framesOf(one));
  assert.deepEqual(watched.digests, [digestOf(one)]);
});

Deno.test("ValueIntake keeps nothing more once it is given up, and gives all credit back", () => {
  const watched = new Watched();
  for (const seed of [1, 2, 3, 4]) watched.take(framesOf(value(seed)));
  const frames = framesOf(value(5));
  assert.equal(watched.intake.isFull, true);
  watched.intake.giveUp();
  assert.equal(watched.intake.isFull, false);
  watched.take(frames);
  for (let seed = 6; seed < 30; seed++) watched.take(framesOf(value(seed)));
  assert.equal(watched.values.length, 4);
});

Deno.test("ValueIntake gives no value that does not have its digest", () => {
  const watched = new Watched();
  const wrong = framesOf(value(1), digestOf(value(2)));
  assert.throws(() => watched.take(wrong), CorruptValueError);
  watched.take(framesOf(value(3)));
  assert.deepEqual(watched.digests, [digestOf(value(3))]);
});

Deno.test("ValueIntake takes no piece of a value that was not announced", () => {
  const watched = new Watched();
  assert.throws(() => watched.take(framesOf(value(1)).slice(1)), ProtocolError);
});
