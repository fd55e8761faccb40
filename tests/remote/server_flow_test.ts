/**
 * What a server does while more comes, or is to be sent, than is used up; and how requests are given
 * up.
 *
 * @module
 */

import assert from "node:assert";
import { type Cache, Call, ProtocolError } from "@fleche/core";
import { encode } from "../../src/codec/encode.ts";
import { type Reference, referenceTo } from "../../src/codec/encoding.ts";
import { findReferences } from "../../src/codec/references.ts";
import { encodeFrame, FRAME, type Frame } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { filed, largeCall, numbers, saveFrames, saveParams } from "./_calls.ts";
import { chunkBytes, ofKind, outline, request, valueFrames, valuesIn } from "./_frames.ts";
import { memoryCache, RawServer } from "./_memory.ts";
import { inTime } from "./_wait.ts";

const LIMITS = { ...PROTOCOL_LIMITS, chunk: 1000, window: 8000, connectionWindow: 20_000 };

const cancel = (id: number) => encodeFrame(FRAME.cancel, id);
const credit = (id: number, bytes: number) => encodeFrame(FRAME.credit, id, bytes);
const skip = (id: number, digest: string) => encodeFrame(FRAME.skip, id, digest);
const of = (server: RawServer, id: number) => server.frames.filter((frame) => frame.id === id);
const isEnd = ({ kind }: Frame) => kind === FRAME.answer || kind === FRAME.error;

function valueRequest(id: number, values: readonly Reference[], parts = true): Uint8Array {
  return request(id, "value", { params: { values, parts } });
}

// Stores a call with a result; the references to it.
async function stored(cache: Cache, result: unknown, name = "f"): Promise<readonly Reference[]> {
  const key = await cache.save(new Call({ name, result }));
  return (await cache.load(key)).detach().resultReferences;
}

// Waits until the server sends nothing more: what it would is there after a few turns.
async function settled(server: RawServer): Promise<void> {
  for (let count = -1; count !== server.frames.length;) {
    count = server.frames.length;
    for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setTimeout(resolve));
  }
}

Deno.test("serve() sends no more of a value than there is credit for, and answers others", async () => {
  const cache = memoryCache();
  const references = await stored(cache, numbers(10_000));
  const server = new RawServer({ cache, limits: LIMITS });
  await server.send(valueRequest(1, references));
  await settled(server);
  const sent = chunkBytes(of(server, 1));
  assert(sent <= LIMITS.window && sent > LIMITS.window - 2 * LIMITS.chunk, `${sent} bytes`);
  await server.send(request(2, "info"));
  await server.answered(2);
  assert.equal(chunkBytes(of(server, 1)), sent);
  while (!of(server, 1).some(isEnd)) {
    await server.send(credit(1, 5000), credit(0, 5000));
    await settled(server);
  }
  const [value] = valuesIn(of(server, 1), LIMITS);
  assert.deepEqual(value?.reference, references[0]);
  assert.deepEqual(await server.end(), {});
});

Deno.test("serve() sends no more of all values than there is credit for together", async () => {
  const cache = memoryCache();
  const ids = [1, 2, 3, 4];
  const server = new RawServer({ cache, limits: LIMITS });
  const stores = ids.map((id) => stored(cache, numbers(5000, id), `f${id}`));
  const references = await Promise.all(stores);
  await server.send(...ids.map((id, index) => valueRequest(id, references[index] ?? [])));
  await settled(server);
  const items = ofKind(server.frames, "item").reduce((sum, { size }) => sum + size, 0);
  const sent = chunkBytes(server.frames) + items;
  assert(sent <= LIMITS.connectionWindow, `${sent} bytes`);
  assert(sent > LIMITS.connectionWindow - 2 * LIMITS.chunk, `${sent} bytes`);
  // Each in its turn.
  for (const id of ids) assert(chunkBytes(of(server, id)) >= 3000);
  await server.send(...ids.map((id) => credit(id, 50_000)));
  await settled(server);
  assert(chunkBytes(server.frames) + items <= LIMITS.connectionWindow);
  await server.send(credit(0, 1_000_000));
  for (const id of ids) await server.answered(id);
  assert.deepEqual(await server.end(), {});
});

Deno.test("serve() answers a small hit while it cannot send a value that is larger than it may read", async () => {
  const cache = memoryCache();
  const references = await stored(cache, numbers(10_000));
  const key = await cache.save(new Call({ name: "small", result: "x".repeat(5000) }));
  const limits = { ...LIMITS, chunk: 6000, reading: 20_000 };
  const server = new RawServer({ cache, limits });
  await server.send(valueRequest(1, references));
  await settled(server);
  await server.send(request(2, "load", { params: { key } }));
  const frames = await server.answered(2);
  assert.equal(valuesIn(frames).length, 1);
  assert.deepEqual(await server.end(), {});
});

Deno.test("serve() holds no more values as a whole than it may, and sends all in the end", async () => {
  const cache = memoryCache();
  const ids = [1, 2, 3, 4, 5, 6];
  const stores = ids.map((id) => stored(cache, numbers(1000, id), `f${id}`));
  const references = await Promise.all(stores);
  let held = 0;
  let most = 0;
  const limits = { ...LIMITS, reading: 20_000 };
  const server = new RawServer({ cache, limits });
  const { read } = cache;
  cache.read = (reference) => {
    most = Math.max(most, ++held);
    return read.call(cache, reference);
  };
  await server.send(...ids.map((id, index) => valueRequest(id, references[index] ?? [])));
  await settled(server);
  // Each of them takes a little over 8000 bytes, more than may be on its way for it.
  assert.equal(most, 2);
  await server.send(credit(0, 1_000_000));
  while (server.frames.filter(isEnd).length < ids.length) {
    await server.send(...ids.map((id) => credit(id, 10_000)));
    await settled(server);
  }
  assert.equal(most, ids.length);
  assert.deepEqual(await server.end(), {});
});

Deno.test("serve() works on as many requests at a time as its limit says, and on others in turn", async () => {
  const cache = memoryCache();
  const stuck = Promise.withResolvers<undefined>();
  const found: string[] = [];
  cache.find = (key) => {
    found.push(key);
    return stuck.promise;
  };
  const server = new RawServer({ cache, limits: { ...LIMITS, running: 3 } });
  const ids = [1, 2, 3, 4, 5];
  await server.send(
    ...ids.map((id) => request(id, "load", { params: { key: String(id).padStart(64, "0") } })),
  );
  await settled(server);
  assert.equal(found.length, 3);
  // What shows that it is alive does not wait.
  await server.send(request(9, "ping"));
  await server.answered(9);
  stuck.resolve(undefined);
  for (const id of ids) await server.answered(id);
  assert.equal(found.length, 5);
  assert.deepEqual(await server.end(), {});
});

Deno.test("serve() sends all that was asked for once nobody can give credit any more", async () => {
  const cache = memoryCache();
  const references = await stored(cache, numbers(10_000));
  const server = new RawServer({ cache, limits: LIMITS });
  await server.send(valueRequest(1, references));
  assert.deepEqual(await server.end(), {});
  assert.deepEqual(valuesIn(of(server, 1), LIMITS).map(({ reference }) => reference), references);
});

Deno.test("serve() sends nothing more of a value that is cancelled, and takes its number again", async () => {
  const cache = memoryCache();
  const references = await stored(cache, numbers(10_000));
  const server = new RawServer({ cache, limits: LIMITS });
  for (let round = 1; round <= 5; round++) {
    await server.send(valueRequest(1, references));
    await settled(server);
    const before = server.frames.length;
    await server.send(cancel(1), credit(0, 100_000));
    await server.until((frames) => frames.filter(isEnd).length === round);
    assert.deepEqual(outline(server.frames.slice(before)), [[FRAME.answer, 1]]);
  }
  assert.deepEqual(await server.end(), {});
});

Deno.test("serve() ends a query that is cancelled while nobody takes what it finds", async () => {
  const cache = memoryCache();
  for (let x = 0; x < 5; x++) {
    await cache.save(new Call({ name: "f", arguments: { x }, result: "x".repeat(500) }));
  }
  let isOpen = true;
  let given = 0;
  const { records } = cache;
  cache.records = async function* (filter) {
    try {
      for (;;) {
        for await (const record of records.call(cache, filter)) {
          given++;
          yield record;
        }
      }
    } finally {
      isOpen = false;
    }
  };
  const server = new RawServer({ cache, limits: LIMITS });
  await server.send(request(1, "query"));
  await settled(server);
  const before = given;
  await server.send(request(2, "ping"));
  await server.answered(2);
  // It waits for credit instead of searching on.
  assert.equal(given, before);
  assert.equal(isOpen, true);
  await server.send(cancel(1));
  await server.answered(1);
  assert.equal(isOpen, false);
  assert.equal(ofKind(server.frames, "item").length <= before, true);
  await server.send(request(1, "ping"));
  assert.deepEqual(await server.end(), {});
});

Deno.test("serve() keeps nothing of a save that is cancelled, and takes it again", async () => {
  const cache = memoryCache();
  const call = await filed(largeCall());
  const frames = saveFrames(1, call);
  const server = new RawServer({ cache });
  for (const count of [1, 2, 3, frames.length - 1]) {
    const before = server.frames.filter(isEnd).length;
    await server.send(...frames.slice(0, count), cancel(1));
    await server.until((all) => all.filter(isEnd).length === before + 1);
    assert.deepEqual(await cache.list(""), []);
  }
  await server.send(...frames);
  assert.deepEqual(await server.end(), {});
  assert.deepEqual(server.frames.at(-1)?.fields, [{ missing: [] }]);
  assert.deepEqual(await (await cache.load(call.record.key)).result(), largeCall().result);
});

Deno.test("serve() answers a save that fails before all of it came, and takes the rest", async () => {
  const call = await filed(largeCall());
  const server = new RawServer({ cache: memoryCache() });
  const [, item, chunk, ...rest] = saveFrames(1, call);
  await server.send(request(1, "save", { params: { key: "no key" }, hasValues: true }));
  await server.answered(1);
  await server.send(item as Uint8Array, chunk as Uint8Array);
  await server.send(request(2, "ping"));
  await server.answered(2);
  // Until the client has noticed, the number is in use; the end frees it.
  await server.send(rest.at(-1) as Uint8Array, request(1, "ping"));
  assert.deepEqual(await server.end(), {});
  assert.equal(server.frames.filter((frame) => frame.id === 1 && isEnd(frame)).length, 2);
});

Deno.test("serve() takes no request under a number whose upload has not ended", async () => {
  const server = new RawServer({ cache: memoryCache() });
  await server.send(request(1, "save", { hasValues: true }));
  await server.answered(1);
  await server.send(request(1, "ping"));
  await inTime(server.ended, "the end");
  assert((await server.served).error instanceof ProtocolError);
});

Deno.test("serve() sends neither a value that the client has, nor its parts", async () => {
  const cache = memoryCache();
  const parts = [1, 2, 3, 4].map((seed) => numbers(9000, seed));
  // Long enough to be stored by themselves.
  const texts = Array.from({ length: 70 }, () => "x".repeat(1000));
  const lists = [parts.slice(0, 2), parts.slice(2)].map((list) => [...list, ...texts]);
  const references = await stored(cache, lists);
  const server = new RawServer({ cache, limits: LIMITS });
  const [first, second] = references as [Reference, Reference];
  await server.send(valueRequest(1, references));
  await settled(server);
  const [announced] = ofKind(of(server, 1), "item");
  assert.equal((announced?.fields[0] as { digest: string }).digest, first.digest);
  await server.send(skip(1, second.digest));
  await server.send(credit(1, 10_000_000), credit(0, 10_000_000));
  await server.answered(1);
  const sent = valuesIn(of(server, 1), LIMITS).map(({ reference }) => reference.digest);
  const expected = new Set<string>();
  const waiting = [first];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    expected.add(next.digest);
    const encoding = await cache.read(next);
    assert(encoding !== undefined);
    waiting.push(...findReferences(encoding));
  }
  assert.deepEqual(new Set(sent), expected);
  assert.equal(sent.length, expected.size);
  assert(!sent.includes(second.digest));
  assert.deepEqual(await server.end(), {});
});

Deno.test("serve() withdraws a value that the client turns out to have", async () => {
  const cache = memoryCache();
  const [first] = await stored(cache, numbers(10_000)) as [Reference];
  const [second] = await stored(cache, numbers(500, 3), "g") as [Reference];
  const server = new RawServer({ cache, limits: LIMITS });
  await server.send(valueRequest(1, [first, second]));
  await settled(server);
  await server.send(skip(1, first.digest), credit(1, 100_000), credit(0, 100_000));
  const frames = await server.answered(1);
  assert.deepEqual(valuesIn(frames, LIMITS).map(({ reference }) => reference), [second]);
  assert(chunkBytes(frames) < first.length);
  assert.deepEqual(await server.end(), {});
});

/** A client that keeps to the credit it has, for one request. */
class Sender {
  #left: number;
  #all: number;
  #seen = 0;

  constructor(readonly server: RawServer, readonly limits: typeof LIMITS) {
    this.#left = limits.window;
    this.#all = limits.connectionWindow;
  }

  async left(): Promise<number> {
    // The answer to a ping comes after all credit that was given before.
    await this.server.send(request(1000 + this.#seen, "ping"));
    await this.server.answered(1000 + this.#seen);
    for (; this.#seen < this.server.frames.length; this.#seen++) {
      const { kind, id, fields } = this.server.frames[this.#seen] as Frame;
      if (kind === FRAME.credit && id === 0) this.#all += Number(fields[0]);
      if (kind === FRAME.credit && id === 1) this.#left += Number(fields[0]);
    }
    return Math.min(this.#left, this.#all);
  }

  async send(frame: Uint8Array, cost: number): Promise<void> {
    this.#left -= cost;
    this.#all -= cost;
    await this.server.send(frame);
  }
}

const TIGHT: readonly [label: string, limits: typeof LIMITS][] = [
  ["one request", { ...LIMITS, chunk: 20_000, held: 500, connectionWindow: 1_000_000 }],
  ["all requests", { ...LIMITS, chunk: 20_000, window: 1_000_000, connectionWindow: 8000 }],
];

const call = await filed(largeCall());

for (const [label, limits] of TIGHT) {
  Deno.test(`serve() takes as many bytes as there is credit for ${label}, and not one more`, async () => {
    for (const more of [0, 1]) {
      const cache = memoryCache();
      // The values are not used up, so that credit for them is kept back.
      const stuck = Promise.withResolvers<boolean>();
      cache.stage = () => stuck.promise;
      const server = new RawServer({ cache, limits });
      const sender = new Sender(server, limits);
      await server.send(request(1, "save", { params: saveParams(call), hasValues: true }));
      for (const seed of ["v", "w"]) {
        const encoding = encode(seed.repeat(600));
        const { digest, length } = referenceTo(encoding);
        const [item, value] = valueFrames(1, { digest, encoding }) as [Uint8Array, Uint8Array];
        await sender.send(item, item.length);
        await sender.send(value, length);
      }
      const large = encodeFrame(FRAME.item, 1, { digest: "a".repeat(64), length: 1_000_000 });
      await sender.send(large, large.length);
      const left = await sender.left();
      assert(left > 4000);
      await server.send(encodeFrame(FRAME.chunk, 1, new Uint8Array(left + more)));
      if (more === 0) {
        await server.send(request(2, "ping"));
        await server.answered(2);
      }
      stuck.resolve(false);
      const { error } = more === 0 ? await server.end() : await inTime(server.served, "the end");
      if (more === 0) assert.equal(error, undefined);
      else assert(error instanceof ProtocolError && error.data.limit === "window");
    }
  });
}

const FEW = { ...PROTOCOL_LIMITS, frame: 3000, chunk: 1000, value: 5000 };

const SIZES: readonly [
  limit: keyof typeof FEW,
  most: number,
  frames: (size: number) => Uint8Array[],
][] = [
  ["frame", FEW.frame, (size) => {
    const empty = request(2, "ping", { params: { text: "x".repeat(300) } }).length - 4 - 300;
    return [request(2, "ping", { params: { text: "x".repeat(size - empty) } })];
  }],
  ["chunk", FEW.chunk, (size) => [
    encodeFrame(FRAME.item, 1, { digest: "a".repeat(64), length: 3000 }),
    encodeFrame(FRAME.chunk, 1, new Uint8Array(size)),
  ]],
  ["value", FEW.value, (length) => [
    encodeFrame(FRAME.item, 1, { digest: "a".repeat(64), length }),
  ]],
];

for (const [limit, most, frames] of SIZES) {
  Deno.test(`serve() takes a ${limit} as large as its limit says, and none that is larger`, async () => {
    for (const size of [most, most + 1]) {
      const server = new RawServer({ cache: memoryCache(), limits: FEW });
      await server.send(request(1, "save", { hasValues: true }), ...frames(size));
      if (size === most) {
        await server.send(request(3, "ping"));
        await server.answered(3);
        assert.deepEqual(await server.end(), {});
        continue;
      }
      await inTime(server.ended, "the end");
      const { error } = await server.served;
      assert(error instanceof ProtocolError && error.data.limit === limit);
    }
  });
}
