import assert from "node:assert";
import { Call, ProtocolError, serve } from "@fleche/core";
import type { Reference } from "../../src/codec/encoding.ts";
import { encodeFrame, FRAME } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { numbers } from "./_calls.ts";
import { request } from "./_frames.ts";
import { Client, memoryCache, RawServer } from "./_memory.ts";
import { inTime } from "./_wait.ts";

Deno.test("serve() answers what is whole when its input ends", async () => {
  const cache = memoryCache();
  const slow = Promise.withResolvers<undefined>();
  cache.find = () => slow.promise;
  const server = new RawServer({ cache });
  await server.send(
    request(1, "load", { params: { key: "a".repeat(64) } }),
    request(2, "info").subarray(0, 9),
  );
  const ended = server.end();
  slow.resolve(undefined);
  assert.deepEqual(await ended, {});
  assert.deepEqual(server.frames.map(({ kind, id }) => [kind, id]), [[FRAME.answer, 1]]);
});

const BREACHES: readonly [label: string, bytes: Uint8Array[]][] = [
  ["no frames", [new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")]],
  ["a frame without end", [Uint8Array.of(0xff, 0xff, 0xff, 0xff)]],
  ["a frame of an unknown kind", [encodeFrame(77, 1)]],
  ["an answer", [encodeFrame(FRAME.answer, 1, {})]],
  ["a chunk of no request", [encodeFrame(FRAME.chunk, 1, new Uint8Array(5))]],
  ["an end of no request", [encodeFrame(FRAME.end, 1)]],
  ["a request without a method", [encodeFrame(FRAME.request, 1)]],
  ["a request whose parameters are none", [encodeFrame(FRAME.request, 1, "load", 5, false)]],
  ["a request that does not say whether values follow", [
    encodeFrame(FRAME.request, 1, "load", {}),
  ]],
  ["two requests of one number", [request(1, "save", { hasValues: true }), request(1, "info")]],
  ["an end inside a value", [
    request(1, "save", { hasValues: true }),
    encodeFrame(FRAME.item, 1, { digest: "a".repeat(64), length: 5 }),
    encodeFrame(FRAME.end, 1),
  ]],
  ["more of a value than announced", [
    request(1, "save", { hasValues: true }),
    encodeFrame(FRAME.item, 1, { digest: "a".repeat(64), length: 5 }),
    encodeFrame(FRAME.chunk, 1, new Uint8Array(6)),
  ]],
];

for (const [label, pieces] of BREACHES) {
  Deno.test(`serve() ends, and says why, on ${label}`, async () => {
    const server = new RawServer({ cache: memoryCache() });
    await server.send(...pieces);
    // The input stays open: the server ends by itself.
    await server.ended;
    const { error } = await server.served;
    assert(error instanceof ProtocolError);
    const last = server.frames.at(-1);
    assert.deepEqual([last?.kind, last?.id], [FRAME.error, 0]);
    assert.equal(Reflect.get(last?.fields[0] as object, "message"), error.message);
  });
}

Deno.test("serve() takes as many requests at a time as its limit says, and no more", async () => {
  const requests = 5;
  const limits = { ...PROTOCOL_LIMITS, requests };
  const pieces = Array.from(
    { length: requests },
    (_, index) => request(index + 1, "save", { hasValues: true }),
  );
  const inside = new RawServer({ cache: memoryCache(), limits });
  await inside.send(...pieces);
  assert.deepEqual(await inside.end(), {});
  const outside = new RawServer({ cache: memoryCache(), limits });
  await outside.send(...pieces, request(requests + 1, "info"));
  await outside.ended;
  const { error } = await outside.served;
  assert(error instanceof ProtocolError && error.data.limit === "requests");
});

Deno.test("serve() counts a request no longer once it is answered", async () => {
  const limits = { ...PROTOCOL_LIMITS, requests: 1 };
  await using client = await Client.start({ cache: memoryCache(), limits });
  for (let round = 0; round < 20; round++) await client.ask("info", {});
});

Deno.test("serve() ends when its client no longer reads, although its input goes on", async () => {
  const cache = memoryCache();
  const key = await cache.save(new Call({ name: "f", result: numbers(1_000_000) }));
  const [reference] = (await cache.load(key)).detach().resultReferences as [Reference];
  const input = new TransformStream<Uint8Array, Uint8Array>();
  let written = 0;
  const output = new WritableStream<Uint8Array>({
    write() {
      // As a pipe does whose other end is closed.
      if (++written > 5) throw new Deno.errors.BrokenPipe("Broken pipe");
    },
  });
  const served = serve({ cache, input: input.readable, output }).catch(() => {});
  const writer = input.writable.getWriter();
  writer.closed.catch(() => {});
  await writer.write(request(1, "value", { params: { values: [reference], parts: true } }));
  try {
    await inTime(served, "the end of the server", 2000);
  } finally {
    await writer.close().catch(() => {});
    await served;
  }
});

Deno.test("serve() survives an answer that is too long for a frame", async () => {
  const cache = memoryCache();
  const keys = Array.from({ length: 300_000 }, (_, index) => String(index).padStart(64, "0"));
  cache.list = () => Promise.resolve(keys);
  await using client = await Client.start({ cache });
  const list = client.ask("list", { prefix: "" });
  const outcome = await list.then(({ result }) => result.strings("keys").length, (error) => error);
  assert(outcome === keys.length || outcome instanceof Error);
  await client.ask("info", {});
});

Deno.test("serve() survives a client that asks for more than a frame holds", async () => {
  await using client = await Client.start({ cache: memoryCache() });
  const values = Array.from({ length: 200_000 }, (_, index) => ({
    digest: String(index).padStart(64, "0"),
    crc: 2 ** 31,
    length: 2 ** 32,
  }));
  const has = client.ask("has", { values });
  const outcome = await has.then(
    ({ result }) => result.strings("missing").length,
    (error) => error,
  );
  assert(outcome === values.length || outcome instanceof Error);
  await client.ask("info", {});
});
