import assert from "node:assert";
import { Call, ProtocolError } from "@fleche/core";
import { encodeFrame, FRAME, type Frame, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS, type ProtocolLimits } from "../../src/remote/limits.ts";
import { Outbox } from "../../src/remote/outbox.ts";
import { Server } from "../../src/remote/server.ts";
import { memoryCache } from "./_memory.ts";
import { until } from "./_wait.ts";

// Two items may be on their way for one request.
const LIMITS: ProtocolLimits = { ...PROTOCOL_LIMITS, window: 40, requests: 2 };

/** A server that gives three calls, to a client that gives no credit. */
async function queried() {
  const cache = memoryCache();
  for (const x of [1, 2, 3]) await cache.save(new Call({ name: "f", arguments: { x }, result: x }));
  const outbox = new Outbox(LIMITS);
  const server = new Server(outbox, { cache, limits: LIMITS });
  const reader = new FrameReader(LIMITS);
  const sent: Frame[] = [];
  const drain = () => {
    for (let bytes = outbox.take(); bytes !== undefined; bytes = outbox.take()) {
      sent.push(...reader.push(bytes));
    }
  };
  const query = (id: number) => server.push(encodeFrame(FRAME.request, id, "query", {}, false));
  query(1);
  await until(() => (drain(), sent.length === 2), "the first two items");
  // The query has come to its end; nothing but credit is missing.
  for (let steps = 0; steps < 100; steps++) await undefined;
  drain();
  return { server, sent, drain, query };
}

Deno.test("Server answers a cancelled request whose last item waits for credit", async () => {
  const { server, sent, drain, query } = await queried();
  assert.deepEqual(sent.map(({ kind }) => kind), [FRAME.item, FRAME.item]);
  server.push(encodeFrame(FRAME.cancel, 1));
  await until(() => (drain(), sent.length > 2), "the answer");
  assert.deepEqual(sent.slice(2).map(({ kind, id }) => [kind, id]), [[FRAME.answer, 1]]);
  query(1);
  await until(() => (drain(), sent.length > 4), "the number to be used again");
  server.abandon();
});

Deno.test("Server counts a request until its answer has gone out", async () => {
  const { server, query } = await queried();
  assert.throws(() => query(1), new ProtocolError("Cannot take request 1: its number is in use"));
  query(2);
  assert.throws(
    () => query(3),
    (error) => error instanceof ProtocolError && error.data.limit === "requests",
  );
  server.abandon();
});

Deno.test("Server takes what is no digest for a breach, where a client says what it has", async () => {
  const { server } = await queried();
  server.push(encodeFrame(FRAME.skip, 1, "a".repeat(64)));
  assert.throws(() => server.push(encodeFrame(FRAME.skip, 1, "a".repeat(65))), ProtocolError);
  server.abandon();
});
