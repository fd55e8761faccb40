/**
 * What a server keeps in memory for a client that asks for much and takes little.
 *
 * @module
 */

import assert from "node:assert";
import {
  type BaseCache,
  type Cache,
  Call,
  NotFoundError,
  ProtocolError,
  type StoredEntry,
} from "@fleche/core";
import { encode } from "../../src/codec/encode.ts";
import { digestOf, type Encoding, joined, type Reference } from "../../src/codec/encoding.ts";
import { FRAME, type Frame } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS, type ProtocolLimits } from "../../src/remote/limits.ts";
import { Outbox } from "../../src/remote/outbox.ts";
import { Server } from "../../src/remote/server.ts";
import { filed, numbers, saveParams } from "./_calls.ts";
import { concat } from "./_bytes.ts";
import { chunkBytes, ofKind, request, valueFrames } from "./_frames.ts";
import { Client, KeptFrames, memoryCache, RawServer } from "./_memory.ts";
import { until } from "./_wait.ts";

/** A server of whose output as much is taken as a test takes. */
class UnreadServer {
  readonly outbox: Outbox;
  readonly #server: Server;
  readonly #frames: KeptFrames;

  constructor(cache: BaseCache, limits: ProtocolLimits = PROTOCOL_LIMITS) {
    this.outbox = new Outbox(limits);
    this.#server = new Server(this.outbox, { cache, limits });
    this.#frames = new KeptFrames(limits);
  }

  /** Gives it bytes. */
  push(...pieces: Uint8Array[]): void {
    this.#server.push(concat(pieces));
  }

  /** Takes all that it would send. */
  drain(): Frame[] {
    const frames: Frame[] = [];
    for (let bytes = this.outbox.take(); bytes !== undefined; bytes = this.outbox.take()) {
      frames.push(...this.#frames.push(bytes));
    }
    return frames;
  }

  /** Ends what it works on. */
  async end(): Promise<void> {
    this.#server.abandon();
    await this.#server.settled();
  }
}

// What can go on has done so after some turns.
async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve));
}

const KEY = "a".repeat(64);

const METHODS: readonly [method: string, params: unknown][] = [
  ["ping", {}],
  ["contains", { key: KEY }],
  ["fly", {}],
  ["load", {}],
];

for (const [method, params] of METHODS) {
  Deno.test(`Server counts a request until its answer is taken: ${method}`, async () => {
    const requests = 5;
    const server = new UnreadServer(memoryCache(), { ...PROTOCOL_LIMITS, requests });
    for (let id = 1; id <= requests; id++) {
      server.push(request(id, method, { params }));
      await turns();
    }
    assert.throws(
      () => server.push(request(100, method, { params })),
      (error) => error instanceof ProtocolError && error.data.limit === "requests",
    );
    const other = new UnreadServer(memoryCache(), { ...PROTOCOL_LIMITS, requests });
    for (let id = 1; id <= 4 * requests; id++) {
      other.push(request(id, method, { params }));
      await turns();
      if (id % requests === 0) assert.equal(other.drain().length, requests);
    }
    await Promise.all([server.end(), other.end()]);
  });
}

Deno.test("Server counts the bytes of a request until its answer is taken", async () => {
  const params = { text: "x".repeat(500) };
  const requestBytes = 2 * request(1, "ping", { params }).length;
  const server = new UnreadServer(memoryCache(), { ...PROTOCOL_LIMITS, requestBytes });
  server.push(request(1, "ping", { params }), request(2, "ping", { params }));
  await turns();
  assert.throws(
    () => server.push(request(3, "ping", { params })),
    (error) => error instanceof ProtocolError && error.data.limit === "requestBytes",
  );
  await server.end();
});

Deno.test("Server works on so many requests at a time, and on others as answers are taken", async () => {
  const cache = memoryCache();
  let begun = 0;
  const find = cache.find.bind(cache);
  cache.find = (key) => {
    begun++;
    return find(key);
  };
  const server = new UnreadServer(cache, { ...PROTOCOL_LIMITS, running: 3 });
  const ids = Array.from({ length: 10 }, (_, index) => index + 1);
  server.push(...ids.map((id) => request(id, "load", { params: { key: KEY } })));
  await turns();
  assert.equal(begun, 3);
  // What nobody works on for long is answered meanwhile.
  server.push(request(50, "ping"));
  await turns();
  const first = server.drain();
  assert.deepEqual(first.map(({ id }) => id).sort((a, b) => a - b), [1, 2, 3, 50]);
  for (let count = 6; count <= 9; count += 3) {
    await turns();
    assert.equal(begun, count);
    assert.equal(server.drain().length, 3);
  }
  await turns();
  assert.deepEqual(server.drain().map(({ id }) => id), [10]);
  await server.end();
});

Deno.test("Server keeps no places for requests that wait for their client", async () => {
  const server = new UnreadServer(memoryCache(), { ...PROTOCOL_LIMITS, running: 2 });
  const call = await filed(new Call({ name: "f", result: 1 }));
  const saves = [1, 2, 3].map((id) =>
    request(id, "save", { params: saveParams(call), hasValues: true })
  );
  server.push(...saves, request(4, "has", { params: { values: [] } }));
  await turns();
  assert.deepEqual(server.drain().map(({ id }) => id), [4]);
  await server.end();
});

// A cache whose values are read when a test says so.
function gated(cache: BaseCache) {
  const state = { underWay: 0, most: 0, next: [] as (() => void)[] };
  const read = cache.read.bind(cache);
  cache.read = async (reference) => {
    state.most = Math.max(state.most, ++state.underWay);
    await new Promise<void>((resolve) => state.next.push(resolve));
    state.underWay--;
    return await read(reference);
  };
  return state;
}

Deno.test("serve() reads no more of values as a whole than its limit says", async () => {
  const cache = memoryCache();
  const keys: string[] = [];
  for (let seed = 1; seed <= 8; seed++) {
    keys.push(await cache.save(new Call({ name: "f", result: numbers(1000, seed) })));
  }
  const references: Reference[] = [];
  for (const key of keys) references.push(...(await cache.load(key)).detach().resultReferences);
  const [{ length }] = references as [Reference];
  const state = gated(cache);
  // What fits into a chunk is no matter.
  const limits = { ...PROTOCOL_LIMITS, chunk: length - 1, reading: 3 * length };
  const server = new RawServer({ cache, limits });
  const params = (each: Reference) => ({ values: [each], parts: false });
  await server.send(
    ...references.map((each, index) => request(index + 1, "value", { params: params(each) })),
  );
  for (let done = 0; done < references.length; done++) {
    await until(() => state.next.length > 0, "a value to be read");
    await turns();
    assert(state.underWay <= 3);
    state.next.shift()?.();
  }
  for (let id = 1; id <= references.length; id++) await server.answered(id);
  assert.equal(state.most, 3);
  assert.equal(chunkBytes(server.frames), references.length * length);
  assert.deepEqual(await server.end(), {});
});

Deno.test("serve() reads a value of unknown length as if it were as long as a frame", async () => {
  const cache = memoryCache();
  const state = gated(cache);
  const limits = { ...PROTOCOL_LIMITS, frame: 1000, reading: 2000 };
  const server = new RawServer({ cache, limits });
  const values = [{ digest: KEY, crc: 0, length: 0 }];
  const ids = [1, 2, 3, 4, 5];
  await server.send(
    ...ids.map((id) => request(id, "value", { params: { values, parts: false } })),
  );
  for (const _ of ids) {
    await until(() => state.next.length > 0, "a value to be read");
    await turns();
    state.next.shift()?.();
  }
  for (const id of ids) await server.answered(id);
  assert.equal(state.most, 2);
  assert.deepEqual(await server.end(), {});
});

Deno.test("serve() ends although values wait to be read whose client is gone", async () => {
  const cache = memoryCache();
  const state = gated(cache);
  const server = new RawServer({ cache, limits: { ...PROTOCOL_LIMITS, frame: 1000, reading: 10 } });
  const values = [{ digest: KEY, crc: 0, length: 0 }];
  await server.send(
    ...[1, 2, 3].map((id) => request(id, "value", { params: { values, parts: false } })),
  );
  await until(() => state.next.length > 0, "a value to be read");
  await server.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
  const ended = server.end();
  state.next.shift()?.();
  const { error } = await ended;
  assert(error instanceof ProtocolError);
  assert.equal(state.most, 1);
});

Deno.test("serve() fails an unknown method with values alone, and keeps none of them", async () => {
  const cache = memoryCache();
  // More values than may be kept for one request.
  const limits = { ...PROTOCOL_LIMITS, chunk: 1000, window: 4000, held: 4000 };
  await using client = await Client.start({ cache, limits });
  const values = Array.from(
    { length: 50 },
    (_, seed): { reference: Reference; encoding: Encoding } => {
      const encoding = encode(new Uint8Array(900).fill(seed));
      const bytes = joined(encoding);
      return { reference: { digest: digestOf(bytes), crc: 0, length: bytes.length }, encoding };
    },
  );
  await assert.rejects(
    client.ask("fly", {}, { values }),
    (error) => error instanceof ProtocolError && error.data.method === "fly",
  );
  await client.ask("ping");
  assert.deepEqual(await cache.missing(values.map(({ reference }) => reference)), [
    ...values.map(({ reference }) => reference),
  ]);
});

Deno.test("Server takes the values of an unknown method for as long as they come", async () => {
  const server = new UnreadServer(memoryCache());
  const encoding = encode(new Uint8Array(50_000).fill(1));
  const digest = digestOf(joined(encoding));
  server.push(request(1, "fly", { hasValues: true }));
  await turns();
  const [error] = server.drain();
  assert.equal(error?.kind, FRAME.error);
  // Far more than one window: credit comes although nobody takes them.
  for (let count = 0; count < 400; count++) server.push(...valueFrames(1, { digest, encoding }));
  assert(ofKind(server.drain(), "credit").some(({ id }) => id === 1));
  await server.end();
});

// What there is to count, without end until somebody has been answered.
const COUNTED: readonly [label: string, endless: (cache: Cache, more: () => boolean) => void][] = [
  ["values", ({ values }, more) => values.entries = () => endless(() => entry(), more)],
  ["calls", ({ calls }, more) => calls.entries = () => endless(() => entry(), more)],
  ["functions", (cache, more) => cache.records = () => endless(() => RECORD, more)],
];

const { record: RECORD } = await filed(new Call({ name: "f", result: 1 }));

function entry(): StoredEntry {
  return { name: KEY, length: 1, modified: 0 };
}

async function* endless<T>(next: () => T, more: () => boolean): AsyncIterable<T> {
  // A server that does not listen meanwhile cannot be told to stop.
  const end = performance.now() + 10_000;
  while (more() && performance.now() < end) yield next();
}

for (const [label, makeEndless] of COUNTED) {
  Deno.test(`serve() answers others while it counts ${label}`, async () => {
    const cache = memoryCache();
    let isAnswered = false;
    makeEndless(cache, () => !isAnswered);
    const server = new RawServer({ cache });
    await server.send(request(1, "stats"), request(2, "ping"));
    await server.answered(2);
    // One that comes while it counts, as from another process.
    await turns(1);
    await server.send(request(3, "ping"));
    await server.answered(3);
    assert(!server.frames.some(({ id }) => id === 1));
    isAnswered = true;
    await server.answered(1);
    assert.deepEqual(await server.end(), {});
  });
}

Deno.test("serve() sends an error whose data has no encoding without that", async () => {
  const cache = memoryCache();
  const error = new NotFoundError("Lost", { key: "abcd" });
  Object.defineProperty(error, "data", { value: { key: () => {} } });
  cache.find = () => Promise.reject(error);
  await using client = await Client.start({ cache });
  await assert.rejects(client.ask("load", { key: KEY }), (got) => {
    return got instanceof NotFoundError && got.message === "Lost";
  });
  await client.ask("ping");
});
