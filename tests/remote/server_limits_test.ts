import assert from "node:assert";
import { Call, ProtocolError, serve } from "@fleche/core";
import type { Params } from "../../src/remote/params.ts";
import type { Reference } from "../../src/codec/encoding.ts";
import { encodeFrame, FRAME } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { numbers } from "./_calls.ts";
import { outline, request } from "./_frames.ts";
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
  ["a chunk of request 0", [encodeFrame(FRAME.chunk, 0, new Uint8Array(5))]],
  ["a request without a number", [request(0, "ping")]],
  ["values with a method that takes none", [request(1, "ping", { hasValues: true })]],
  ["values with a query", [request(1, "query", { hasValues: true })]],
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

Deno.test("serve() lists more names than a frame holds", async () => {
  const cache = memoryCache();
  const keys = Array.from({ length: 5000 }, (_, index) => String(index).padStart(64, "0"));
  cache.list = () => Promise.resolve(keys);
  const limits = { ...PROTOCOL_LIMITS, frame: 100_000 };
  await using client = await Client.start({ cache, limits });
  const listed: string[] = [];
  const onItem = (item: Params, used: () => void) => {
    listed.push(...item.strings("keys"));
    used();
  };
  const { result } = await client.ask("list", { prefix: "" }, { onItem });
  assert.equal(result.count("count"), keys.length);
  assert.deepEqual(listed, keys);
});

Deno.test("serve() refuses to give an answer that is too long for a frame, and goes on", async () => {
  const config = { note: "x".repeat(10_000) };
  await using measured = await Client.start({ cache: memoryCache(), config });
  const { result } = await measured.ask("info");
  const names = result.names.map((name) => [name, result.any(name)]);
  const size = encodeFrame(FRAME.answer, 1, Object.fromEntries(names)).length - 4;
  for (const frame of [size, size - 1]) {
    const limits = { ...PROTOCOL_LIMITS, frame };
    await using client = await Client.start({ cache: memoryCache(), config, limits });
    if (frame === size) await client.ask("info");
    else await assert.rejects(client.ask("info"), /The answer takes \d+ bytes/);
    await client.ask("ping");
  }
});

const LISTS = {
  has: (count: number) => ({
    values: Array.from({ length: count }, () => ({ digest: "a".repeat(64), crc: 0, length: 1 })),
  }),
  value: (count: number) => ({
    values: Array.from({ length: count }, () => ({ digest: "a".repeat(64), crc: 0, length: 1 })),
    parts: true,
  }),
  shrink: (count: number) => ({ keys: Array.from({ length: count }, () => "a".repeat(64)) }),
};

for (const [method, params] of Object.entries(LISTS)) {
  Deno.test(`serve() takes as many references to ${method} as its limit says, and no more`, async () => {
    const limits = { ...PROTOCOL_LIMITS, references: 10 };
    await using client = await Client.start({ cache: memoryCache(), limits });
    await client.ask(method, params(10));
    await assert.rejects(client.ask(method, params(11)), ProtocolError);
    await client.ask("ping");
  });
}

Deno.test("serve() takes requests of as many bytes as its limit says, and no more", async () => {
  const first = request(1, "save", { params: { text: "x".repeat(500) }, hasValues: true });
  const second = request(2, "save", { params: { text: "y".repeat(400) }, hasValues: true });
  const requestBytes = first.length + second.length;
  const inside = new RawServer({
    cache: memoryCache(),
    limits: { ...PROTOCOL_LIMITS, requestBytes },
  });
  await inside.send(first, second);
  assert.deepEqual(await inside.end(), {});
  const outside = new RawServer({
    cache: memoryCache(),
    limits: { ...PROTOCOL_LIMITS, requestBytes: requestBytes - 1 },
  });
  await outside.send(first, second);
  await inTime(outside.ended, "the end");
  const { error } = await outside.served;
  assert(error instanceof ProtocolError && error.data.limit === "requestBytes");
});

Deno.test("serve() takes requests of as many elements as its limit says, and no more", async () => {
  // Five of the frame itself, one of its parameters, and those of the list.
  const frames = [1, 2].map((id) => {
    return request(id, "save", { params: { list: Array(100).fill([]) }, hasValues: true });
  });
  const inside = new RawServer({
    cache: memoryCache(),
    limits: { ...PROTOCOL_LIMITS, requestElements: 212 },
  });
  await inside.send(...frames);
  assert.deepEqual(await inside.end(), {});
  const outside = new RawServer({
    cache: memoryCache(),
    limits: { ...PROTOCOL_LIMITS, requestElements: 211 },
  });
  await outside.send(...frames);
  await inTime(outside.ended, "the end");
  const { error } = await outside.served;
  assert(error instanceof ProtocolError && error.data.limit === "requestElements");
});

Deno.test("serve() takes one request that is larger than all may be together", async () => {
  const limits = { ...PROTOCOL_LIMITS, requestBytes: 100 };
  const server = new RawServer({ cache: memoryCache(), limits });
  await server.send(request(1, "ping", { params: { text: "x".repeat(500) } }));
  const frames = await server.answered(1);
  assert.deepEqual(outline(frames), [[FRAME.answer, 1]]);
  assert.deepEqual(await server.end(), {});
});
