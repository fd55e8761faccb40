import assert from "node:assert";
import {
  Cache,
  Call,
  CallMemory,
  CorruptValueError,
  digest,
  ProtocolError,
  ValueFile,
} from "@fleche/core";
import { CallRecord } from "../../src/call_record.ts";
import type { Encoding } from "../../src/codec/encoding.ts";
import { FRAME } from "../../src/remote/frames.ts";
import { TemporaryFolder } from "../storage/_temporary_folder.ts";
import { Warnings } from "../storage/_warnings.ts";
import { filed, heldOf, largeCall, numbers, saveFrames, saveParams } from "./_calls.ts";
import { ofKind } from "./_frames.ts";
import { Client, memoryCache, RawServer } from "./_memory.ts";

async function isEmpty(cache: Cache): Promise<boolean> {
  return (await cache.list("")).length === 0;
}

Deno.test("serve() files a call that comes with all its values", async () => {
  const cache = memoryCache();
  const call = await filed(largeCall());
  await using client = await Client.start({ cache });
  const { result } = await client.ask("save", saveParams(call), { values: heldOf(call) });
  assert.deepEqual(result.strings("missing"), []);
  const loaded = await (await cache.load(call.record.key)).fetch();
  assert.deepEqual(loaded.result, largeCall().result);
  assert.deepEqual(loaded.arguments, largeCall().arguments);
});

Deno.test("serve() files a call whose values it has, without their being sent", async () => {
  const cache = memoryCache();
  const call = await filed(largeCall());
  await cache.save(largeCall());
  await cache.evict(call.record.key);
  await using client = await Client.start({ cache });
  const { result } = await client.ask("save", saveParams(call));
  assert.deepEqual(result.strings("missing"), []);
  assert.deepEqual(await (await cache.load(call.record.key)).result(), largeCall().result);
});

Deno.test("serve() says which values it lacks, and files nothing until they come", async () => {
  const cache = memoryCache();
  const call = await filed(largeCall());
  const digests = [...call.values.keys()];
  await using client = await Client.start({ cache });
  const nothing = await client.ask("save", saveParams(call));
  assert.deepEqual(new Set(nothing.result.strings("missing")), new Set(digests));
  assert.equal(await isEmpty(cache), true);
  const [first = ""] = digests;
  const some = heldOf(call, [first]);
  const half = await client.ask("save", saveParams(call), { values: some });
  assert.deepEqual(new Set(half.result.strings("missing")), new Set(digests.slice(1)));
  assert.equal(await cache.contains(call.record.key), false);
  const all = await client.ask("save", saveParams(call), { values: heldOf(call) });
  assert.deepEqual(all.result.strings("missing"), []);
  assert.equal(await cache.contains(call.record.key), true);
});

Deno.test("serve() lacks a part although it has the value that refers to it", async () => {
  const cache = memoryCache();
  const call = await filed(new Call({ name: "f", result: ["x".repeat(3000), numbers(10_000)] }));
  await cache.save(new Call({ name: "f", result: ["x".repeat(3000), numbers(10_000)] }));
  await cache.evict(call.record.key);
  const part = call.references.find(({ length }) => length > 70_000);
  assert(part !== undefined);
  assert.equal(await cache.values.delete(part.digest), true);
  await using client = await Client.start({ cache });
  const { result } = await client.ask("save", saveParams(call));
  assert.deepEqual(result.strings("missing"), [part.digest]);
  const values = heldOf(call, [part.digest]);
  await client.ask("save", saveParams(call), { values });
  assert.deepEqual(await (await cache.load(call.record.key)).result(), [
    "x".repeat(3000),
    numbers(10_000),
  ]);
});

for (const what of ["result", "argument"] as const) {
  Deno.test(`serve() asks for all values that it has but cannot read, of the ${what}`, async () => {
    using folder = new TemporaryFolder();
    using _ = new Warnings();
    const parts = [1, 2, 3, 4, 5].map((seed) => numbers(10_000, seed));
    const saved = () =>
      what === "result"
        ? new Call({ name: "f", result: parts })
        : new Call({ name: "f", arguments: { parts }, result: 1 });
    const call = await filed(saved());
    const digests = parts.map((part) => digest(part).hex);
    // Written by another one, without the key.
    const unsigned = new ValueFile({ root: folder.path });
    for (const reference of call.references) {
      unsigned.put(reference, call.values.get(reference.digest) as Encoding);
    }
    const secretKey = ["00112233445566778899aabbccddeeff"];
    const values = new ValueFile({ root: folder.path, secretKey });
    await using cache = new Cache({ values, calls: new CallMemory() });
    // But for the one that refers to the others.
    for (const reference of call.references) {
      if (digests.includes(reference.digest)) continue;
      values.put(reference, call.values.get(reference.digest) as Encoding);
    }
    await using client = await Client.start({ cache });
    const { result } = await client.ask("save", saveParams(call));
    assert.deepEqual(new Set(result.strings("missing")), new Set(digests));
    const sent = heldOf(call, digests);
    const again = await client.ask("save", saveParams(call), { values: sent });
    assert.deepEqual(again.result.strings("missing"), []);
    const loaded = await (await cache.load(call.record.key)).fetch();
    assert.deepEqual(loaded.result, saved().result);
    assert.deepEqual(loaded.arguments, saved().arguments);
  });
}

Deno.test("serve() does not file a call whose client leaves a part unnamed", async () => {
  const cache = memoryCache();
  const call = await filed(new Call({ name: "f", result: ["x".repeat(3000), numbers(10_000)] }));
  const part = call.references.find(({ length }) => length > 70_000);
  assert(part !== undefined);
  const references = call.references.filter((each) => each !== part);
  const values = heldOf({ ...call, references });
  await using client = await Client.start({ cache });
  const { result } = await client.ask("save", saveParams({ ...call, references }), { values });
  assert.deepEqual(result.strings("missing"), [part.digest]);
  assert.equal(await cache.contains(call.record.key), false);
});

Deno.test("serve() refuses a damaged value, files nothing, and goes on", async () => {
  const cache = memoryCache();
  const call = await filed(largeCall());
  await using client = await Client.start({ cache });
  for (const [digest, { head, body }] of call.values) {
    const damaged = (bytes: Uint8Array) => {
      const copy = bytes.slice();
      copy[copy.length - 1] = (copy.at(-1) as number) ^ 0x80;
      return copy;
    };
    const encoding = body === undefined ? { head: damaged(head) } : { head, body: damaged(body) };
    const values = heldOf({ ...call, values: new Map(call.values).set(digest, encoding) });
    await assert.rejects(
      client.ask("save", saveParams(call), { values }),
      (error) => error instanceof CorruptValueError && error.data.digest === digest,
    );
  }
  assert.equal(await isEmpty(cache), true);
  await client.ask("save", saveParams(call), { values: heldOf(call) });
  assert.equal(await cache.contains(call.record.key), true);
});

Deno.test("serve() says that a value is damaged although all of it is there at once", async () => {
  const cache = memoryCache();
  const call = await filed(new Call({ name: "f", result: numbers(1000) }));
  const frames = saveFrames(1, call);
  const chunk = frames.at(-2) as Uint8Array;
  chunk[chunk.length - 1] = (chunk[chunk.length - 1] ?? 0) ^ 1;
  const server = new RawServer({ cache });
  await server.send(...frames);
  const last = (await server.answered(1)).at(-1);
  assert.equal(last?.kind, FRAME.error);
  assert.equal(Reflect.get(last?.fields[0] as object, "code"), "CORRUPT_VALUE");
  assert.equal(await cache.contains(call.record.key), false);
  assert.deepEqual(await server.end(), {});
});

Deno.test("serve() refuses a record under the key of another call", async () => {
  const cache = memoryCache();
  const [one, other] = [await filed(new Call({ name: "f", result: 1 })), "b".repeat(64)];
  await using client = await Client.start({ cache });
  const params = { ...saveParams(one), key: other };
  await assert.rejects(client.ask("save", params), CorruptValueError);
  // The check sum is right, but the fields add up to another key.
  const moved = CallRecord.build(other, one.record.fields);
  await assert.rejects(
    client.ask("save", { ...params, record: moved.bytes }),
    CorruptValueError,
  );
  assert.equal(await isEmpty(cache), true);
});

Deno.test("serve() refuses a damaged record, wherever the damage is", async () => {
  const cache = memoryCache();
  const call = await filed(new Call({ name: "f", arguments: { x: 1 }, result: 2 }));
  await using client = await Client.start({ cache });
  for (let at = 0; at < call.record.bytes.length; at++) {
    const record = call.record.bytes.slice();
    record[at] = (record[at] as number) ^ 1;
    const params = { ...saveParams(call), record };
    await assert.rejects(client.ask("save", params), CorruptValueError);
  }
  for (const length of [0, 1, 5, call.record.bytes.length - 1]) {
    const params = { ...saveParams(call), record: call.record.bytes.slice(0, length) };
    await assert.rejects(client.ask("save", params), CorruptValueError);
  }
  assert.equal(await isEmpty(cache), true);
});

// What no call of this package looks like, though its check sum and its key are right.
const FORGED: readonly [label: string, change: Record<string, unknown>][] = [
  ["metadata that is no table", { metadata: 5 }],
  ["metadata whose namespaces are no tables", { metadata: { runtime: 5 } }],
  ["calls that are no keys", { calls: ["../../etc/passwd"] }],
  ["a source that is no text", { source: true }],
  ["a result that is no encoding", { result: Uint8Array.of(0xc1) }],
];

for (const [label, change] of FORGED) {
  Deno.test(`serve() refuses a record with ${label}`, async () => {
    const cache = memoryCache();
    const { record } = await filed(new Call({ name: "f", arguments: { x: 1 }, result: 2 }));
    const forged = CallRecord.build(record.key, { ...record.fields, ...change });
    await using client = await Client.start({ cache });
    const params = { key: record.key, record: forged.bytes, values: [] };
    await assert.rejects(client.ask("save", params), CorruptValueError);
    assert.equal(await isEmpty(cache), true);
  });
}

Deno.test("serve() keeps no value that a record does not refer to", async () => {
  const cache = memoryCache();
  const call = await filed(new Call({ name: "f", result: 1 }));
  const values = heldOf(await filed(largeCall()));
  await using client = await Client.start({ cache });
  await client.ask("save", saveParams(call), { values });
  assert.deepEqual(await cache.values.list(""), []);
  assert.equal(await cache.contains(call.record.key), true);
});

Deno.test("serve() files nothing of a save that breaks off, wherever it does", async () => {
  const call = await filed(largeCall());
  const frames = saveFrames(1, call);
  for (let count = 0; count < frames.length; count++) {
    const cache = memoryCache();
    const server = new RawServer({ cache });
    await server.send(...frames.slice(0, count), (frames[count] as Uint8Array).subarray(0, 6));
    assert.deepEqual(await server.end(), {});
    assert.equal(ofKind(server.frames, "answer").length, 0);
    assert.equal(await isEmpty(cache), true);
  }
});

Deno.test("serve() files two calls whose values come mixed", async () => {
  const cache = memoryCache();
  const [one, two] = await Promise.all([filed(largeCall("one")), filed(largeCall("two"))]);
  const [first, second] = [saveFrames(1, one), saveFrames(2, two)];
  const server = new RawServer({ cache });
  for (const [index, frame] of first.entries()) {
    await server.send(frame, second[index] as Uint8Array);
  }
  assert.deepEqual(await server.end(), {});
  assert.deepEqual(
    new Set(server.frames.map(({ kind, id }) => `${kind} ${id}`)),
    new Set(["1 1", "1 2"]),
  );
  for (const { record } of [one, two]) {
    assert.deepEqual(await (await cache.load(record.key)).result(), largeCall().result);
  }
});

Deno.test("serve() takes no value that is announced before its request", async () => {
  const call = await filed(largeCall());
  const [request, ...rest] = saveFrames(1, call);
  const server = new RawServer({ cache: memoryCache() });
  await server.send(...rest, request as Uint8Array);
  await server.ended;
  assert((await server.served).error instanceof ProtocolError);
});
