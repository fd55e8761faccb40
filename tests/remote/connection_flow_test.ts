/**
 * What a connection does while more is to be sent, or comes, than is used up; and how requests are
 * given up.
 *
 * @module
 */

import assert from "node:assert";
import { NotFoundError, ProtocolError } from "@fleche/core";
import { encode } from "../../src/codec/encode.ts";
import { type Encoding, encodingLength, referenceTo } from "../../src/codec/encoding.ts";
import type { Held } from "../../src/remote/_held_values.ts";
import { encodeFrame, FRAME } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import type { Params } from "../../src/remote/params.ts";
import type { ReceivedValue } from "../../src/remote/value_receiver.ts";
import { toWireError } from "../../src/remote/wire_error.ts";
import { answer, chunkBytes, ofKind, outline, valueFrames, valuesIn } from "./_frames.ts";
import { LoneClient } from "./_memory.ts";
import { inTime, until } from "./_wait.ts";

const LIMITS = { ...PROTOCOL_LIMITS, chunk: 1000, window: 4000, connectionWindow: 10_000 };

function heldValue(seed: number, length = 2000): Held {
  const encoding: Encoding = encode(new Uint8Array(length).fill(seed));
  return { reference: referenceTo(encoding), encoding };
}

const credit = (id: number, bytes: number) => encodeFrame(FRAME.credit, id, bytes);

const notThere = toWireError(new NotFoundError("There is none", { key: "a".repeat(64) }));

// Waits until nothing more is sent: what would be is there after a few turns.
async function settled(client: LoneClient): Promise<void> {
  for (let count = -1; count !== client.sent.length;) {
    count = client.sent.length;
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve));
  }
}

Deno.test("Connection has no more requests under way than the limit if many begin together", async () => {
  const client = new LoneClient({ limits: { ...PROTOCOL_LIMITS, requests: 10 } });
  const requests = Array.from({ length: 100 }, (_, x) => client.connection.request("load", { x }));
  for (let id = 1; id <= 100; id++) {
    await client.until((sent) => sent.length >= id);
    await settled(client);
    assert(client.sent.length <= id - 1 + 10);
    client.receive(answer(id));
    await requests[id - 1];
  }
  assert.deepEqual(client.sent.map(({ id }) => id), Array.from({ length: 100 }, (_, x) => x + 1));
  await client.end();
});

Deno.test("Connection has no more bytes of requests under way than the limit", async () => {
  const text = "x".repeat(500);
  // A quarter is left to what others wait for.
  const limits = { ...PROTOCOL_LIMITS, requestBytes: 1600 };
  const client = new LoneClient({ limits });
  const requests = [1, 2, 3, 4].map(() => client.connection.request("load", { text }));
  // One that is small does not overtake those that wait.
  const small = client.connection.request("ping", {});
  await settled(client);
  assert.deepEqual(client.sent.map(({ id }) => id), [1, 2]);
  client.receive(answer(2));
  await requests[1];
  await settled(client);
  assert.deepEqual(client.sent.map(({ id }) => id), [1, 2, 3]);
  client.receive(answer(1), answer(3));
  await client.until((sent) => sent.length === 5);
  client.receive(answer(4), answer(5));
  await Promise.all([...requests, small]);
  // One that is larger than all may be together goes out alone.
  const large = client.connection.request("load", { text: text.repeat(4) });
  await client.until((sent) => sent.length === 6);
  client.receive(answer(6));
  await large;
  await client.end();
});

Deno.test("Connection gives up a request that waits for others, at once", async () => {
  const client = new LoneClient({ limits: { ...PROTOCOL_LIMITS, requests: 1 } });
  const first = client.connection.request("load", {});
  const left = new AbortController();
  const second = client.connection.request("load", {}, { signal: left.signal });
  const third = client.connection.request("load", {});
  left.abort(new Error("not needed"));
  await assert.rejects(second, /not needed/);
  client.receive(answer(1));
  await first;
  await client.until((sent) => sent.length === 2);
  client.receive(answer(3));
  await third;
  assert.deepEqual(outline(client.sent), [[FRAME.request, 1], [FRAME.request, 3]]);
  await client.end();
});

Deno.test("Connection fails requests that wait for others once it has failed", async () => {
  const client = new LoneClient({ limits: { ...PROTOCOL_LIMITS, requests: 1 } });
  const requests = [1, 2, 3].map(() => client.connection.request("load", {}));
  const gone = new Error("gone");
  client.connection.fail(gone);
  for (const each of requests) await inTime(assert.rejects(each, gone), "the failure");
  await client.end();
});

Deno.test("Connection refuses a request that is larger than a frame, and goes on", async () => {
  const inside = encodeFrame(FRAME.request, 1, "load", { text: "x".repeat(500) }, false).length - 4;
  const client = new LoneClient({ limits: { ...PROTOCOL_LIMITS, frame: inside } });
  const fits = client.connection.request("load", { text: "x".repeat(500) });
  const large = client.connection.request("load", { text: "x".repeat(501) });
  await assert.rejects(large, RangeError);
  await client.until((sent) => sent.length === 1);
  client.receive(answer(1));
  await fits;
  await client.end();
});

Deno.test("Connection rejects a request that is given up at once, and keeps its number", async () => {
  const client = new LoneClient({ limits: { ...PROTOCOL_LIMITS, requests: 1 } });
  const left = new AbortController();
  const first = client.connection.request("query", {}, { signal: left.signal });
  const reason = new Error("not needed");
  left.abort(reason);
  await inTime(assert.rejects(first, reason), "the rejection");
  left.abort(reason);
  assert.deepEqual(client.activity, [true, false]);
  // Until the other side has noticed, the request is counted.
  const second = client.connection.request("load", {});
  await settled(client);
  assert.deepEqual(outline(client.sent), [[FRAME.request, 1], [FRAME.cancel, 1]]);
  client.receive(encodeFrame(FRAME.item, 1, { digest: "a".repeat(64), length: 5 }));
  client.receive(encodeFrame(FRAME.chunk, 1, new Uint8Array(5)), answer(1));
  await client.until((sent) => sent.length === 3);
  client.receive(answer(2));
  await second;
  assert.deepEqual(await client.end(), {});
  assert.deepEqual(client.activity, [true, false, true, false]);
});

Deno.test("Connection sends nothing of a request whose signal was given before", async () => {
  const client = new LoneClient();
  const signal = AbortSignal.abort(new Error("too late"));
  await assert.rejects(client.connection.request("load", {}, { signal }), /too late/);
  await settled(client);
  assert.deepEqual([client.sent, client.activity], [[], []]);
});

Deno.test("Connection says nothing of a request that is given up after its answer", async () => {
  const client = new LoneClient();
  const left = new AbortController();
  const request = client.connection.request("load", {}, { signal: left.signal });
  client.receive(answer(1));
  await request;
  left.abort();
  await settled(client);
  assert.deepEqual(outline(client.sent), [[FRAME.request, 1]]);
  await client.end();
});

Deno.test("Connection sends as many bytes of values as there is credit for, and the rest with more", async () => {
  const client = new LoneClient({ limits: LIMITS });
  const values = [heldValue(1, 10_000)];
  const request = client.connection.request("save", {}, { values });
  await settled(client);
  const item = encodeFrame(FRAME.item, 1, ...ofKind(client.sent, "item")[0]?.fields ?? []).length;
  const sent = chunkBytes(client.sent) + item;
  // A whole chunk has to fit.
  assert(sent <= LIMITS.window && sent > LIMITS.window - LIMITS.chunk, `${sent} bytes`);
  client.receive(credit(1, 2000));
  await client.until((frames) => chunkBytes(frames) + item > LIMITS.window);
  await settled(client);
  assert(chunkBytes(client.sent) + item <= LIMITS.window + 2000);
  client.receive(credit(1, 100_000), credit(0, 100_000));
  await client.until((frames) => ofKind(frames, "end").length === 1);
  assert.equal(
    chunkBytes(client.sent),
    values.reduce((sum, { encoding }) => sum + encodingLength(encoding), 0),
  );
  client.receive(answer(1));
  await request;
  assert.deepEqual(await client.end(), {});
});

Deno.test("Connection sends what needs no credit while values wait for it", async () => {
  const client = new LoneClient({ limits: LIMITS });
  const upload = client.connection.request("save", {}, { values: [heldValue(1, 50_000)] });
  await settled(client);
  const small = client.connection.request("load", {});
  await client.until((sent) => sent.some(({ id }) => id === 2));
  client.receive(answer(2));
  await inTime(small, "the other answer");
  client.receive(encodeFrame(FRAME.error, 1, notThere));
  await assert.rejects(upload, NotFoundError);
  await client.end();
});

Deno.test("Connection sends the values of several requests in turn", async () => {
  const limits = { ...PROTOCOL_LIMITS, chunk: 1000 };
  const client = new LoneClient({ limits });
  const requests = [1, 2].map((seed) =>
    client.connection.request("save", {}, { values: [heldValue(seed, 20_000)] })
  );
  await client.until((sent) => ofKind(sent, "end").length === 2);
  const order = ofKind(client.sent, "chunk").map(({ id }) => id);
  const changes = order.filter((id, index) => index > 0 && id !== order[index - 1]).length;
  assert(changes > order.length / 2, order.join(" "));
  for (const id of [1, 2]) {
    const [value] = valuesIn(client.sent.filter((frame) => frame.id === id), limits);
    assert.equal(value?.reference.digest, heldValue(id, 20_000).reference.digest);
    client.receive(answer(id));
  }
  await Promise.all(requests);
  await client.end();
});

Deno.test("Connection stops an upload that is given up, and takes no more of its values", async () => {
  const client = new LoneClient({ limits: LIMITS });
  const left = new AbortController();
  let taken = 0;
  let isClosed = false;
  async function* values(): AsyncGenerator<Held> {
    try {
      for (taken = 1;; taken++) yield heldValue(taken);
    } finally {
      isClosed = true;
    }
  }
  const { signal } = left;
  const request = client.connection.request("save", {}, { values: values(), signal });
  await settled(client);
  const before = client.sent.length;
  left.abort(new Error("not needed"));
  await assert.rejects(request, /not needed/);
  await until(() => isClosed, "the end of the values");
  const last = taken;
  await settled(client);
  assert.deepEqual(outline(client.sent.slice(before)), [[FRAME.cancel, 1]]);
  client.receive(credit(1, 100_000), credit(0, 100_000), answer(1));
  await settled(client);
  assert.equal(client.sent.length, before + 1);
  assert.equal(taken, last);
  assert.deepEqual(await client.end(), {});
});

for (const outcome of ["answer", "error"] as const) {
  Deno.test(`Connection stops an upload whose ${outcome} comes before its end, and says so`, async () => {
    const client = new LoneClient({ limits: LIMITS });
    const request = client.connection.request("save", {}, { values: [heldValue(1, 50_000)] });
    await settled(client);
    const before = client.sent.length;
    client.receive(outcome === "answer" ? answer(1) : encodeFrame(FRAME.error, 1, notThere));
    if (outcome === "answer") await request;
    else await assert.rejects(request, NotFoundError);
    await client.until((sent) => sent.length > before);
    client.receive(credit(0, 100_000));
    await settled(client);
    assert.deepEqual(outline(client.sent.slice(before)), [[FRAME.cancel, 1]]);
    assert.deepEqual(await client.end(), {});
  });
}

Deno.test("Connection fails a request whose values cannot be read here, and no other", async () => {
  const client = new LoneClient();
  async function* values(): AsyncGenerator<Held> {
    yield heldValue(1);
    throw new NotFoundError("Lost here", { key: "b".repeat(64) });
  }
  const failing = client.connection.request("save", {}, { values: values() });
  const fine = client.connection.request("load", {});
  await assert.rejects(failing, /Lost here/);
  await client.until((sent) => sent.some(({ kind }) => kind === FRAME.cancel));
  assert.equal(ofKind(client.sent, "end").length, 0);
  client.receive(answer(1), answer(2));
  await fine;
  assert.deepEqual(await client.end(), {});
});

Deno.test("Connection gives credit for items as they are used up, and answers others meanwhile", async () => {
  const client = new LoneClient({ limits: LIMITS });
  const waiting: (() => void)[] = [];
  const query = client.connection.request("query", {}, {
    onItem: (_, used) => waiting.push(used),
  });
  const item = encodeFrame(FRAME.item, 1, { text: "x".repeat(980) });
  const fitting = Math.floor(LIMITS.window / item.length);
  for (let count = 0; count < fitting; count++) client.receive(item);
  const other = client.connection.request("load", {});
  client.receive(answer(2));
  await inTime(other, "the other answer");
  await settled(client);
  const given = () => ofKind(client.sent, "credit").filter(({ id }) => id === 1);
  assert.equal(given().length, 0);
  assert.equal(waiting.length, fitting);
  for (const used of waiting) used();
  await client.until(() => given().length > 0);
  client.receive(answer(1));
  await query;
  assert.deepEqual(await client.end(), {});
});

Deno.test("Connection takes more items than it gave credit for as a breach of the protocol", async () => {
  const client = new LoneClient({ limits: LIMITS });
  client.connection.request("query", {}, { onItem: () => {} }).catch(() => {});
  const item = encodeFrame(FRAME.item, 1, { text: "x".repeat(980) });
  for (let count = 0; count * item.length <= LIMITS.window; count++) client.receive(item);
  const { error } = await inTime(client.read, "the breach");
  assert(error instanceof ProtocolError && error.data.limit === "window");
});

Deno.test("Connection gives credit for a query that is given up, without anybody who takes it", async () => {
  const client = new LoneClient({ limits: LIMITS });
  const left = new AbortController();
  const onItem = () => {};
  const query = client.connection.request("query", {}, { onItem, signal: left.signal });
  left.abort(new Error("left"));
  await assert.rejects(query, /left/);
  const item = encodeFrame(FRAME.item, 1, { text: "x".repeat(980) });
  for (let count = 0; count < 20; count++) client.receive(item);
  client.receive(answer(1));
  assert.deepEqual(await client.end(), {});
});

Deno.test("Connection gives no values to a request that is given up, and credit for what still comes", async () => {
  const client = new LoneClient({ limits: { ...LIMITS, held: 0 } });
  const left = new AbortController();
  const came: string[] = [];
  // Nothing of it is ever used up.
  const onValue = ({ reference }: ReceivedValue) => void came.push(reference.digest);
  const { signal } = left;
  const request = client.connection.request("value", {}, { onValue, signal });
  const value = heldValue(1);
  const frames = ({ reference: { digest }, encoding }: Held) =>
    valueFrames(1, { digest, encoding }, LIMITS);
  client.receive(...frames(value));
  await until(() => came.length === 1, "the first value");
  left.abort(new Error("left"));
  await assert.rejects(request, /left/);
  for (let seed = 2; seed < 12; seed++) client.receive(...frames(heldValue(seed)));
  client.receive(answer(1));
  assert.deepEqual(await client.end(), {});
  assert.deepEqual(came, [value.reference.digest]);
});

Deno.test("Connection keeps nothing of a value that is skipped, and tells the other side once", async () => {
  const client = new LoneClient();
  const values = [heldValue(1), heldValue(2)];
  const came: string[] = [];
  const { answer: answered, skip } = await client.connection.begin("value", {}, {
    onValue: ({ reference }, used) => {
      came.push(reference.digest);
      used();
    },
  });
  const [first, second] = values.map(({ reference }) => reference.digest) as [string, string];
  skip(first);
  skip(first);
  for (const { reference: { digest }, encoding } of values) {
    client.receive(...valueFrames(1, { digest, encoding }));
  }
  client.receive(answer(1));
  await answered;
  assert.deepEqual(came, [second]);
  skip(second);
  await settled(client);
  assert.deepEqual(ofKind(client.sent, "skip").map(({ fields }) => fields), [[first]]);
  await client.end();
});

Deno.test("Connection asks for a sign of life where nothing moves, and stalls without one", async () => {
  const stalled = Promise.withResolvers<void>();
  const client = new LoneClient({
    patience: 0.2,
    onWait: () => {},
    onStall: () => {
      stalled.resolve();
      client.connection.fail(new Error("stalled"));
    },
  });
  const request = client.connection.request("load", {});
  const failed = assert.rejects(request, /stalled/);
  await client.until((sent) => sent.some(({ fields }) => fields[0] === "ping"));
  await inTime(stalled.promise, "the stall");
  await failed;
  assert.equal(client.sent.filter(({ fields }) => fields[0] === "ping").length, 1);
  await client.end();
});

Deno.test("Connection waits on while what it asks for as a sign of life comes", async () => {
  let stalls = 0;
  const client = new LoneClient({ patience: 1, onWait: () => {}, onStall: () => stalls++ });
  const request = client.connection.request("load", {});
  const isPing = ({ fields }: { fields: readonly unknown[] }) => fields[0] === "ping";
  for (let round = 1; round <= 4; round++) {
    await client.until((sent) => sent.filter(isPing).length >= round);
    client.receive(answer(client.sent.filter(isPing).at(-1)?.id ?? 0));
  }
  assert.equal(stalls, 0);
  client.receive(answer(1));
  await request;
  await client.end();
});

Deno.test("Connection notices a far side that is gone while what has come is still to be used up", async () => {
  const stalled = Promise.withResolvers<void>();
  const onStall = () => stalled.resolve();
  const client = new LoneClient({ patience: 0.1, onWait: () => {}, onStall });
  const query = client.connection.request("query", {}, { onItem: () => {} });
  client.receive(encodeFrame(FRAME.item, 1, {}));
  await inTime(stalled.promise, "the stall");
  client.connection.fail(new Error("gone"));
  await assert.rejects(query, /gone/);
  await client.end();
});

Deno.test("Connection is idle while all that is under way waits to be taken here", async () => {
  const client = new LoneClient();
  const used: (() => void)[] = [];
  const onItem = (_: Params, done: () => void) => used.push(done);
  const query = client.connection.request("query", {}, { onItem });
  await settled(client);
  assert.deepEqual(client.activity, [true]);
  client.receive(encodeFrame(FRAME.item, 1, {}), encodeFrame(FRAME.item, 1, {}));
  await settled(client);
  assert.deepEqual(client.activity, [true, false]);
  used.pop()?.();
  assert.deepEqual(client.activity, [true, false]);
  used.pop()?.();
  assert.deepEqual(client.activity, [true, false, true]);
  client.receive(encodeFrame(FRAME.item, 1, {}), answer(1));
  await query;
  assert.deepEqual(client.activity, [true, false, true, false]);
  used.pop()?.();
  assert.deepEqual(client.activity, [true, false, true, false]);
  await client.end();
});

Deno.test("Connection.end() does not wait for credit that cannot come any more", async () => {
  const client = new LoneClient({ limits: LIMITS });
  const upload = client.connection.request("save", {}, { values: [heldValue(1, 50_000)] });
  await settled(client);
  const ended = client.connection.end();
  await settled(client);
  client.connection.fail(new Error("gone"));
  await inTime(ended, "the end");
  await assert.rejects(upload, /gone/);
  await client.end();
});
