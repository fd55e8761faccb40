import assert from "node:assert";
import { PROTOCOL_LIMITS, type ProtocolLimits } from "../../src/remote/limits.ts";
import { Outbox, pump } from "../../src/remote/outbox.ts";
import { bytesOf, concat } from "./_bytes.ts";
import { inTime, until } from "./_wait.ts";

const LIMITS: ProtocolLimits = { ...PROTOCOL_LIMITS, window: 10, connectionWindow: 25 };

// What an outbox gives, as the first bytes of the frames; frames that come joined are one.
function taken(outbox: Outbox): number[][] {
  const all: number[][] = [];
  for (let bytes = outbox.take(); bytes !== undefined; bytes = outbox.take()) all.push([...bytes]);
  return all;
}

/** Sends frames of a cost each, one after the other; how many have got through. */
function sending(outbox: Outbox, id: number, frames: readonly [byte: number, cost: number][]) {
  const state = { done: 0, wanted: true };
  const ended = (async () => {
    for (const [byte, cost] of frames) {
      state.wanted = await outbox.send(id, bytesOf(byte), cost);
      if (!state.wanted) return;
      state.done++;
    }
  })();
  return { state, ended };
}

Deno.test("Outbox gives frames without credit first, in their order and joined", () => {
  const outbox = new Outbox(LIMITS);
  outbox.open(1);
  outbox.send(1, bytesOf(9), 1);
  outbox.post(bytesOf(1));
  outbox.post(bytesOf(2, 3));
  assert.deepEqual(taken(outbox), [[1, 2, 3], [9]]);
});

Deno.test("Outbox joins small frames up to 64 KiB, and a larger one with none", () => {
  const outbox = new Outbox(LIMITS);
  for (const size of [40_000, 20_000, 10_000, 100_000, 5, 5]) outbox.post(new Uint8Array(size));
  const sizes = taken(outbox).map(({ length }) => length);
  assert.deepEqual(sizes, [60_000, 10_000, 100_000, 10]);
});

Deno.test("Outbox gives the frames of several requests in turn", async () => {
  const outbox = new Outbox({ ...LIMITS, window: 100, connectionWindow: 100 });
  for (const id of [1, 2, 3]) outbox.open(id);
  const frames = (id: number) => [0, 1, 2].map((each): [number, number] => [10 * id + each, 1]);
  const ended = [1, 2, 3].map((id) => sending(outbox, id, frames(id)).ended);
  const order: number[] = [];
  while (order.length < 9) {
    order.push(...taken(outbox).flat());
    await new Promise((resolve) => setTimeout(resolve));
  }
  await Promise.all(ended);
  const turns = [order.slice(0, 3), order.slice(3, 6), order.slice(6)];
  turns.forEach((turn, index) =>
    assert.deepEqual(turn.map((each) => each % 10), Array(3).fill(index))
  );
});

Deno.test("Outbox gives no more of a request than there is credit for, and the rest with more", () => {
  const outbox = new Outbox(LIMITS);
  outbox.open(1);
  outbox.send(1, bytesOf(1), 6);
  outbox.send(1, bytesOf(2), 5);
  assert.deepEqual(taken(outbox), [[1]]);
  // Credit of another request does not help; neither does too little.
  outbox.grant(2, 100);
  assert.deepEqual(taken(outbox), []);
  outbox.grant(1, 1);
  assert.deepEqual(taken(outbox), [[2]]);
});

Deno.test("Outbox gives no more of all requests than there is credit for together", () => {
  const outbox = new Outbox(LIMITS);
  for (const id of [1, 2, 3]) {
    outbox.open(id);
    outbox.send(id, bytesOf(id), 10);
  }
  assert.deepEqual(taken(outbox), [[1], [2]]);
  outbox.grant(3, 100);
  assert.deepEqual(taken(outbox), []);
  outbox.grant(0, 5);
  assert.deepEqual(taken(outbox), [[3]]);
});

Deno.test("Outbox lets a request with credit pass one without", () => {
  const outbox = new Outbox(LIMITS);
  outbox.open(1);
  outbox.open(2);
  outbox.send(1, bytesOf(1), 10);
  outbox.send(1, bytesOf(2), 1);
  outbox.send(2, bytesOf(3), 1);
  assert.deepEqual(taken(outbox), [[1], [3]]);
});

Deno.test("Outbox needs no credit any more once all is granted", () => {
  const outbox = new Outbox(LIMITS);
  outbox.open(1);
  outbox.send(1, bytesOf(1), 1000);
  outbox.send(1, bytesOf(2), 1000);
  assert.deepEqual(taken(outbox), []);
  outbox.grantAll();
  assert.deepEqual(taken(outbox), [[1], [2]]);
});

Deno.test("Outbox lets a sender wait while two of its frames do", async () => {
  const outbox = new Outbox(LIMITS);
  outbox.open(1);
  const { state, ended } = sending(outbox, 1, [[1, 1], [2, 1], [3, 1]]);
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(state.done, 1);
  assert.deepEqual([...outbox.take() ?? []], [1]);
  await until(() => state.done === 2, "the second frame");
  assert.deepEqual(taken(outbox).flat(), [2, 3]);
  await inTime(ended, "the sender");
});

Deno.test("Outbox gives the end of a request after its other frames", () => {
  const outbox = new Outbox(LIMITS);
  outbox.open(1);
  outbox.send(1, bytesOf(1), 10);
  outbox.send(1, bytesOf(2), 10);
  outbox.finish(1, bytesOf(3));
  outbox.post(bytesOf(0));
  assert.deepEqual(taken(outbox), [[0], [1]]);
  outbox.grant(1, 10);
  assert.deepEqual(taken(outbox), [[2], [3]]);
  assert.equal(outbox.isEmpty, true);
  // Of a request of which nothing waits it goes at once.
  outbox.open(2);
  outbox.finish(2, bytesOf(4));
  assert.deepEqual(taken(outbox), [[4]]);
  assert.equal(outbox.isEmpty, true);
});

Deno.test("Outbox drops what waits of a request, and tells its sender", async () => {
  const outbox = new Outbox(LIMITS);
  outbox.open(1);
  const { state, ended } = sending(outbox, 1, [[1, 20], [2, 20], [3, 20]]);
  assert.equal(outbox.drop(1), true);
  await inTime(ended, "the sender");
  assert.equal(state.wanted, false);
  assert.deepEqual([taken(outbox), outbox.isEmpty], [[], true]);
  assert.equal(outbox.drop(1), false);
  assert.equal(await outbox.send(1, bytesOf(1), 1), false);
  // What was finished need not be dropped.
  outbox.open(2);
  outbox.finish(2, bytesOf(4));
  assert.equal(outbox.drop(2), false);
  assert.deepEqual(taken(outbox), [[4]]);
});

Deno.test("Outbox gives but one frame, if any, once it is abandoned", async () => {
  for (const last of [undefined, bytesOf(7)]) {
    const outbox = new Outbox(LIMITS);
    outbox.open(1);
    outbox.post(bytesOf(1));
    const { state, ended } = sending(outbox, 1, [[2, 1], [3, 1]]);
    outbox.abandon(last);
    await inTime(ended, "the sender");
    assert.equal(state.wanted, false);
    outbox.post(bytesOf(4));
    outbox.open(2);
    assert.equal(await outbox.send(2, bytesOf(5), 1), false);
    outbox.abandon(bytesOf(6));
    assert.deepEqual(taken(outbox), last === undefined ? [] : [[7]]);
    assert.deepEqual([outbox.isEmpty, outbox.isClosed], [true, true]);
  }
});

function sink(): { writer: WritableStreamDefaultWriter<Uint8Array>; written: Uint8Array[] } {
  const written: Uint8Array[] = [];
  const stream = new WritableStream<Uint8Array>({
    write(bytes) {
      written.push(bytes.slice());
    },
  });
  return { writer: stream.getWriter(), written };
}

Deno.test("pump() writes what comes, and ends once the outbox is closed and empty", async () => {
  const outbox = new Outbox(LIMITS);
  const { writer, written } = sink();
  let isOver = false;
  const pumped = pump(outbox, writer).then(() => isOver = true);
  outbox.post(bytesOf(1));
  await until(() => written.length === 1, "the first frame");
  outbox.open(1);
  outbox.send(1, bytesOf(2), 20);
  outbox.close();
  // What still waits for credit goes out before the end.
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([written.length, isOver], [1, false]);
  outbox.grant(1, 20);
  await until(() => written.length === 2, "the second frame");
  assert.equal(isOver, false);
  outbox.finish(1, bytesOf(3));
  await inTime(pumped, "the end");
  assert.deepEqual(concat(written), bytesOf(1, 2, 3));
});

Deno.test("pump() ends once what waits for credit is dropped", async () => {
  const outbox = new Outbox(LIMITS);
  outbox.open(1);
  outbox.send(1, bytesOf(1), 20);
  outbox.close();
  const pumped = pump(outbox, sink().writer);
  await new Promise((resolve) => setTimeout(resolve));
  outbox.drop(1);
  await inTime(pumped, "the end");
});

Deno.test("pump() writes a large frame in pieces, and tells of each", async () => {
  const outbox = new Outbox(LIMITS);
  const { writer, written } = sink();
  const frame = new Uint8Array(1_000_000).map((_, index) => index % 251);
  outbox.post(frame);
  outbox.close();
  const lengths: number[] = [];
  await pump(outbox, writer, (length) => lengths.push(length));
  assert.deepEqual(concat(written), frame);
  assert.deepEqual(lengths, written.map(({ length }) => length));
  assert(lengths.length > 1 && lengths.every((length) => length <= 256 << 10));
});

Deno.test("pump() lets others work while an outbox that is closed waits for credit", async () => {
  const outbox = new Outbox(LIMITS);
  outbox.open(1);
  outbox.send(1, bytesOf(1), 20);
  outbox.close();
  const { writer, written } = sink();
  // As often as it looks for something.
  let looks = 0;
  const take = outbox.take.bind(outbox);
  outbox.take = () => {
    // One that turns in circles would never come to an end.
    if (++looks > 1000) outbox.abandon();
    return take();
  };
  const pumped = pump(outbox, writer);
  await new Promise((resolve) => setTimeout(resolve));
  assert(looks < 10, `${looks} looks`);
  outbox.grant(1, 20);
  await until(() => written.length === 1, "the frame");
  outbox.finish(1, bytesOf(2));
  await inTime(pumped, "the end");
  assert.deepEqual(concat(written), bytesOf(1, 2));
});

Deno.test("Outbox tells when a frame is taken to be written, and not of one that is dropped", () => {
  const outbox = new Outbox(LIMITS);
  const told: string[] = [];
  outbox.post(bytesOf(1), () => told.push("posted"));
  outbox.open(1);
  outbox.send(1, bytesOf(2), 5);
  outbox.finish(1, bytesOf(3), () => told.push("finished"));
  outbox.open(2);
  outbox.send(2, bytesOf(4), 5);
  outbox.finish(2, bytesOf(5), () => told.push("dropped"));
  outbox.drop(2);
  assert.deepEqual(told, []);
  outbox.take();
  assert.deepEqual(told, ["posted"]);
  taken(outbox);
  assert.deepEqual(told, ["posted", "finished"]);
  outbox.post(bytesOf(6), () => told.push("abandoned"));
  outbox.abandon();
  assert.deepEqual(taken(outbox), []);
  assert.deepEqual(told, ["posted", "finished"]);
});
