import assert from "node:assert";
import {
  type Cache,
  Call,
  CallRecord,
  digest,
  ProtocolError,
  type RecordFilter,
} from "@fleche/core";
import fc from "fast-check";
import { encodeFrame, FRAME, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { Params } from "../../src/remote/params.ts";
import { filterParams, readFilter } from "../../src/remote/query_filter.ts";
import { Client, memoryCache, RawServer } from "./_memory.ts";

const LARGE = "y".repeat(2000);

async function filled(): Promise<Cache> {
  const cache = memoryCache();
  for (let x = 0; x < 12; x++) {
    await cache.save(
      new Call({
        ...{
          name: x % 2 ? "f" : "g",
          module: x % 3 ? "m" : null,
          version: [1, "1"][x % 3] ?? null,
        },
        ...{ arguments: { x, large: LARGE }, result: x % 4 },
        metadata: { tags: { batch: x % 5, list: [x] } },
      }),
    );
  }
  return cache;
}

async function query(client: Client, params: Record<string, unknown>): Promise<string[]> {
  const keys: string[] = [];
  const onItem = (item: Params, used: () => void) => {
    keys.push(CallRecord.receive(item.digest("key"), item.bytes("record")).key);
    used();
  };
  const result = await client.connection.request("query", params, { onItem });
  assert.equal(result.count("count"), keys.length);
  return keys;
}

const FILTERS: readonly RecordFilter[] = [
  {},
  { name: "f" },
  { module: null },
  { module: "m", version: 1 },
  { version: "1" },
  { version: null, name: "g" },
  { code: null },
  { code: "c".repeat(64) },
  { arguments: { x: digest(7).hex } },
  { arguments: { x: digest(7).hex, large: digest(LARGE).hex }, name: "f" },
  { result: digest(3).hex },
  { metadata: { tags: { batch: 2 } } },
  { metadata: { tags: { batch: 2, list: [2] } } },
  { metadata: { none: {} } },
];

Deno.test("serve() searches for the whole filter", async () => {
  const cache = await filled();
  await using client = await Client.start({ cache });
  for (const filter of FILTERS) {
    const expected = await Array.fromAsync(cache.records(filter), ({ key }) => key);
    const found = await query(client, filterParams(filter, PROTOCOL_LIMITS));
    assert.deepEqual(found, expected, JSON.stringify(filter));
  }
});

Deno.test("serve() leaves out conditions that it does not know", async () => {
  const cache = await filled();
  await using client = await Client.start({ cache });
  assert.equal((await query(client, {})).length, 12);
  // What only later clients know: they filter again.
  assert.equal((await query(client, { filter: { name: "f", shape: [1] } })).length, 6);
});

const HOSTILE: readonly unknown[] = [
  { filter: 5 },
  { filter: [] },
  { filter: { name: 5 } },
  { filter: { name: null } },
  { filter: { module: {} } },
  { filter: { version: [1] } },
  { filter: { code: 1 } },
  { filter: { result: "abcd" } },
  { filter: { result: null } },
  { filter: { arguments: { x: "'; DROP TABLE calls; --" } } },
  { filter: { arguments: { x: "A".repeat(64) } } },
  { filter: { arguments: ["a".repeat(64)] } },
  { filter: { metadata: { tags: 5 } } },
  { filter: { metadata: { tags: { a: new Uint8Array(1) } } } },
  { filter: { metadata: { tags: { a: undefined } } } },
  { filter: { metadata: { tags: { a: nested(100) } } } },
];

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}

Deno.test("serve() refuses what is no filter, and goes on", async () => {
  const cache = await filled();
  cache.records = () => {
    throw new Error("The cache was searched");
  };
  await using client = await Client.start({ cache });
  for (const params of HOSTILE) {
    const answer = client.connection.request("query", params as Record<string, unknown>);
    await assert.rejects(answer, (error) => error instanceof ProtocolError, JSON.stringify(params));
  }
  await client.connection.request("info", {});
});

Deno.test("serve() takes as many conditions as its limit says, and no more", async () => {
  const limits = { ...PROTOCOL_LIMITS, conditions: 5 };
  const cache = await filled();
  await using client = await Client.start({ cache, limits });
  const args = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`a${at}`, digest(at).hex]));
  const inside = [
    { arguments: args(5) },
    { arguments: args(2), metadata: { n: { a: 1, b: 2 } } },
    { metadata: { a: {}, b: {}, c: {}, d: {}, e: {} } },
  ];
  for (const filter of inside) assert.deepEqual(await query(client, { filter }), []);
  const outside = [
    { arguments: args(6) },
    { arguments: args(3), metadata: { n: { a: 1, b: 2 } } },
    { metadata: { a: {}, b: {}, c: {}, d: {}, e: {}, f: {} } },
  ];
  for (const filter of outside) {
    await assert.rejects(query(client, { filter }), (error) => {
      return error instanceof ProtocolError && error.data.limit === "conditions";
    });
    // A client sends less instead, and looks through what comes.
    const params = filterParams({ name: "f", ...filter }, limits);
    assert.equal((await query(client, params)).length, 6);
  }
});

const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)));
const text = fc.oneof(fc.string({ unit: "binary" }), fc.constant("\ud800"));
const hex = fc.constantFrom(digest(1).hex, digest(2).hex);
const filters: fc.Arbitrary<RecordFilter> = fc.record({
  name: text,
  module: fc.option(text),
  version: fc.oneof(fc.constant(null), text, fc.integer(), fc.double({ noNaN: true })),
  code: fc.option(hex),
  arguments: fc.dictionary(fc.string(), hex, { noNullPrototype: true }),
  result: hex,
  metadata: fc.dictionary(
    fc.string(),
    fc.dictionary(fc.string(), json, { noNullPrototype: true }),
    { noNullPrototype: true },
  ),
}, { requiredKeys: [], noNullPrototype: true });

Deno.test("readFilter() reads what filterParams() writes", () => {
  const hasProto = (value: unknown): boolean =>
    typeof value === "object" && value !== null &&
    (Object.hasOwn(value, "__proto__") || Object.values(value).some(hasProto));
  const property = fc.property(filters, (filter) => {
    fc.pre(!hasProto(filter));
    const frame = encodeFrame(0, 1, filterParams(filter, PROTOCOL_LIMITS));
    const [{ fields = [] } = {}] = [...new FrameReader(PROTOCOL_LIMITS).push(frame)];
    assert.deepEqual(readFilter(new Params(fields[0], "a query"), PROTOCOL_LIMITS), filter);
  });
  fc.assert(property, { seed: 5, numRuns: 1000 });
});

// A cache with more records than anybody wants; how many it has given, and whether it was let go.
function endless(cache: Cache): { given: number; ended: boolean } {
  const state = { given: 0, ended: false };
  const { records } = cache;
  cache.records = async function* (filter) {
    try {
      while (true) {
        for await (const record of records.call(cache, filter)) {
          state.given++;
          yield record;
          await new Promise((resolve) => setTimeout(resolve));
        }
      }
    } finally {
      state.ended = true;
    }
  };
  return state;
}

Deno.test("serve() ends a query that is cancelled, and answers the next", async () => {
  const cache = await filled();
  const state = endless(cache);
  const server = new RawServer({ cache });
  const request = (id: number, method: string) => encodeFrame(FRAME.request, id, method, {}, false);
  await server.send(request(1, "query"));
  await server.until((frames) => frames.length > 20);
  await server.send(encodeFrame(FRAME.cancel, 1), request(2, "info"));
  await server.until((frames) => frames.filter(({ kind }) => kind === FRAME.answer).length === 2);
  assert(state.ended);
  // The answer to a request may cross the word that it is not needed.
  await server.send(encodeFrame(FRAME.cancel, 1), encodeFrame(FRAME.cancel, 99));
  assert.deepEqual(await server.end(), {});
});
