import assert from "node:assert";
import { ProtocolError } from "@fleche/core";
import { Credit } from "../../src/remote/credit.ts";
import { FRAME } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { KeptFrames } from "./_memory.ts";

const LIMITS = { ...PROTOCOL_LIMITS, chunk: 20, window: 100, connectionWindow: 240 };

/** The credit that is given, by the numbers of the requests. */
function watched(): { credit: Credit; given: [id: number, bytes: unknown][] } {
  const frames = new KeptFrames();
  const given: [number, unknown][] = [];
  const credit = new Credit(LIMITS, (bytes) => {
    for (const { kind, id, fields } of frames.push(bytes)) {
      assert.equal(kind, FRAME.credit);
      given.push([id, ...fields] as [number, unknown]);
    }
  });
  return { credit, given };
}

function isBeyond(error: unknown): boolean {
  return error instanceof ProtocolError && error.data.limit === "window";
}

Deno.test("Credit takes as much for a request as its window, and no more", () => {
  const { credit } = watched();
  credit.take(1, 60);
  credit.take(1, 40);
  assert.throws(() => credit.take(1, 1), isBeyond);
  // Another one has a window of its own.
  watched().credit.take(2, 100);
});

Deno.test("Credit is given back for a request once a quarter of its window is used up", () => {
  const { credit, given } = watched();
  const of = (id: number) => given.filter(([each]) => each === id);
  credit.take(1, 100);
  credit.give(1, 24);
  assert.deepEqual(of(1), []);
  credit.give(1, 1);
  assert.deepEqual(of(1), [[1, 25]]);
  credit.take(1, 25);
  assert.throws(() => credit.take(1, 1), isBeyond);
});

Deno.test("Credit is given back for all requests together as things come, whoever uses them up", () => {
  const { credit, given } = watched();
  for (let id = 1; id <= 10; id++) credit.take(id, 60);
  assert.deepEqual(given, Array(10).fill([0, 60]));
});

Deno.test("Credit takes no more for all requests together than their window", () => {
  const limits = { ...LIMITS, window: 1000, connectionWindow: 240 };
  const silent = new Credit(limits, () => {});
  // Less than a quarter is given back later.
  silent.take(1, 59);
  assert.throws(() => silent.take(2, 182), isBeyond);
  const inside = new Credit(limits, () => {});
  inside.take(1, 59);
  inside.take(2, 181);
});

Deno.test("Credit gives nothing back for a request that is over, and begins anew", () => {
  const { credit, given } = watched();
  credit.take(1, 100);
  credit.end(1);
  given.length = 0;
  credit.give(1, 100);
  assert.deepEqual(given, []);
  credit.take(1, 100);
  assert.throws(() => credit.take(1, 1), isBeyond);
});

Deno.test("Credit is given back when all is used up and the rest is not enough for a piece", () => {
  const given: number[] = [];
  const limits = { ...LIMITS, chunk: 90, connectionWindow: 100 };
  const credit = new Credit(limits, (bytes) => {
    given.push(...new KeptFrames().push(bytes).map(({ id }) => id));
  });
  credit.take(1, 11);
  assert.deepEqual(given, [0]);
  credit.give(1, 10);
  assert.deepEqual(given, [0]);
  credit.give(1, 1);
  assert.deepEqual(given, [0, 1]);
  credit.take(1, 100);
});
