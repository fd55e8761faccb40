import assert from "node:assert";
import {
  Cache,
  Call,
  CallMemory,
  digest,
  NotFoundError,
  ProtocolError,
  RejectedError,
  RemoteError,
  ValueMemory,
} from "@fleche/core";
import type { Reference } from "../../src/codec/encoding.ts";
import { findReferences } from "../../src/codec/references.ts";
import { FRAME } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import type { Params } from "../../src/remote/params.ts";
import { VERSION } from "../../src/version.ts";
import { filed, largeCall, numbers } from "./_calls.ts";
import { chunkBytes, ofKind, request } from "./_frames.ts";
import { Client, memoryCache, RawServer } from "./_memory.ts";

async function list(client: Client, params: Record<string, unknown>): Promise<string[]> {
  const keys: string[] = [];
  const onItem = (item: Params, used: () => void) => {
    keys.push(...item.strings("keys"));
    used();
  };
  await client.ask("list", params, { onItem });
  return keys;
}

Deno.test("serve() announces itself on a line of its own", async () => {
  const server = new RawServer({ cache: memoryCache() });
  assert.deepEqual(await server.end(), {});
  assert.equal(server.preamble, `\nfleche/1 ${VERSION}\n`);
  assert.deepEqual(server.frames, []);
});

Deno.test("serve() tells what it serves, without secrets", async () => {
  await using client = await Client.start({
    cache: memoryCache(),
    cacheName: "shared",
    readOnly: true,
    config: {
      values: { type: "file", secret_key: ["00ff"] },
      calls: { type: "sql", url: "postgresql://me:hunter2@host/db" },
      env: { TOKEN: "hunter2" },
    },
  });
  const { result } = await client.ask("info", {});
  assert.equal(result.string("cache_name"), "shared");
  assert.equal(result.boolean("read_only"), true);
  assert.equal(result.string("version"), VERSION);
  assert.equal(result.string("deno"), Deno.version.deno);
  assert.equal(result.string("cwd"), Deno.cwd());
  assert.equal(result.string("hostname"), Deno.hostname());
  assert.equal(result.string("executable"), Deno.execPath());
  assert.equal(result.count("pid"), Deno.pid);
  const config = JSON.stringify(result.any("cache"));
  assert.doesNotMatch(config, /hunter2|00ff/);
  assert.match(config, /postgresql:\/\/me:.*@host\/db/);
});

Deno.test("serve() tells that a cache is read-only by itself", async () => {
  await using client = await Client.start({ cache: memoryCache().readonly() });
  const { result } = await client.ask("info", {});
  assert.equal(result.boolean("read_only"), true);
  assert.equal(result.any("cache_name"), null);
});

Deno.test("serve() answers a load with the record and a small result in one go", async () => {
  const cache = memoryCache();
  const call = new Call({ name: "f", arguments: { x: numbers(500) }, result: numbers(1000) });
  const key = await cache.save(call);
  await using client = await Client.start({ cache });
  const { result, values } = await client.ask("load", { key });
  const record = (await cache.load(key)).detach();
  assert.deepEqual(result.bytes("record"), record.bytes);
  const [reference] = record.resultReferences as [Reference];
  assert.deepEqual([...values.keys()], [reference.digest]);
  assert.deepEqual(values.get(reference.digest)?.reference, reference);
});

Deno.test("serve() sends a result of many parts along as far as there is room", async () => {
  const cache = memoryCache();
  const parts = [1, 2, 3, 4].map((seed) => numbers(10_000, seed));
  const key = await cache.save(new Call({ name: "f", result: parts }));
  const limits = { ...PROTOCOL_LIMITS, inline: 200_000 };
  await using client = await Client.start({ cache, limits });
  const { values } = await client.ask("load", { key });
  // Two of the parts, of 80 kB each; the list of references to them stands in the record.
  assert.equal(values.size, 2);
});

Deno.test("serve() sends no result along that is over its limit", async () => {
  const cache = memoryCache();
  const key = await cache.save(new Call({ name: "f", result: numbers(1000) }));
  const [reference] = (await cache.load(key)).detach().resultReferences as [Reference];
  for (const [inline, count] of [[reference.length, 1], [reference.length - 1, 0]] as const) {
    await using client = await Client.start({ cache, limits: { ...PROTOCOL_LIMITS, inline } });
    assert.equal((await client.ask("load", { key })).values.size, count);
  }
});

Deno.test("serve() answers a load of what is not there with nothing", async () => {
  await using client = await Client.start({ cache: memoryCache() });
  const { result } = await client.ask("load", { key: "a".repeat(64) });
  assert.equal(result.optionalBytes("record"), undefined);
});

Deno.test("serve() sends a large value in chunks, by reference and by digest", async () => {
  const cache = memoryCache();
  const key = await cache.save(new Call({ name: "f", result: numbers(400_000) }));
  const [reference] = (await cache.load(key)).detach().resultReferences as [Reference];
  for (const each of [reference, { digest: reference.digest, crc: 0, length: 0 }]) {
    const server = new RawServer({ cache });
    await server.send(request(1, "value", { params: { values: [each], parts: false } }));
    const frames = await server.answered(1);
    assert.deepEqual(frames[0]?.fields, [{
      digest: reference.digest,
      length: reference.length,
    }]);
    const chunks = ofKind(frames, "chunk");
    assert(chunks.every(({ size }) => size <= PROTOCOL_LIMITS.chunk));
    assert.equal(chunkBytes(frames), reference.length);
    assert.deepEqual(frames.at(-1)?.fields, [{ missing: [] }]);
    assert.deepEqual(await server.end(), {});
  }
});

Deno.test("serve() sends a value with its parts, what refers to others before them, each once", async () => {
  const cache = memoryCache();
  const key = await cache.save(largeCall());
  const record = (await cache.load(key)).detach();
  await using client = await Client.start({ cache });
  const params = { values: record.resultReferences, parts: true };
  const { result, values } = await client.ask("value", params);
  assert.deepEqual(result.strings("missing"), []);
  const { references } = await filed(new Call({ name: "f", result: largeCall().result }));
  assert.deepEqual(new Set(values.keys()), new Set(references.map(({ digest }) => digest)));
  const order = [...values.keys()];
  for (const [digest, { encoding }] of values) {
    for (const part of findReferences(encoding)) {
      assert(order.indexOf(part.digest) > order.indexOf(digest));
    }
  }
  const server = new RawServer({ cache });
  await server.send(request(1, "value", { params }));
  const items = ofKind(await server.answered(1), "item");
  assert.equal(items.length, references.length);
  assert.deepEqual(await server.end(), {});
});

Deno.test("serve() sends no parts if they are not asked for", async () => {
  const cache = memoryCache();
  const key = await cache.save(largeCall());
  const values = (await cache.load(key)).detach().references;
  await using client = await Client.start({ cache });
  const answered = await client.ask("value", { values, parts: false });
  assert.deepEqual(new Set(answered.values.keys()), new Set(values.map(({ digest }) => digest)));
});

Deno.test("serve() sends a value that a record holds itself", async () => {
  const cache = memoryCache();
  await cache.save(new Call({ name: "f", result: "a short one" }));
  await using client = await Client.start({ cache });
  const wanted = digest("a short one").hex;
  const params = { values: [{ digest: wanted, crc: 0, length: 0 }], parts: true };
  const { result, values } = await client.ask("value", params);
  assert.deepEqual(result.strings("missing"), []);
  assert.deepEqual([...values.keys()], [wanted]);
});

Deno.test("serve() says which values are not there, and sends the others", async () => {
  const cache = memoryCache();
  const key = await cache.save(new Call({ name: "f", result: numbers(500) }));
  const [there] = (await cache.load(key)).detach().resultReferences as [Reference];
  await using client = await Client.start({ cache });
  const absent = { digest: "a".repeat(64), crc: 0, length: 5 };
  const unknown = { digest: "b".repeat(64), crc: 0, length: 0 };
  const { result, values } = await client.ask("value", {
    values: [absent, there, unknown],
    parts: true,
  });
  assert.deepEqual(result.strings("missing"), [absent.digest, unknown.digest]);
  assert.deepEqual([...values.keys()], [there.digest]);
});

Deno.test("serve() tells which values are missing, lists, finds and evicts", async () => {
  const cache = memoryCache();
  const key = await cache.save(largeCall());
  const references = (await cache.load(key)).detach().references;
  await using client = await Client.start({ cache });
  const absent = { digest: "a".repeat(64), crc: 0, length: 5 };
  const has = await client.ask("has", { values: [...references, absent] });
  assert.deepEqual(has.result.strings("missing"), [absent.digest]);
  assert.deepEqual(await list(client, { prefix: key.slice(0, 6) }), [key]);
  assert((await list(client, { prefix: "", limit: 1 })).length >= 1);
  const shrunk = await client.ask("shrink", { keys: [key, absent.digest] });
  assert.deepEqual(shrunk.result.optionalStrings("prefixes"), [await cache.shrink(key), undefined]);
  const found = async () => (await client.ask("contains", { key })).result.boolean("found");
  const evict = async () => (await client.ask("evict", { key })).result.boolean("found");
  assert.deepEqual([await found(), await evict(), await found(), await evict()], [
    ...[true, true, false, false],
  ]);
});

Deno.test("serve() sends the records of a query one by one, before their number", async () => {
  const cache = memoryCache();
  const keys = new Set<string>();
  for (let x = 0; x < 50; x++) {
    keys.add(await cache.save(new Call({ name: "f", arguments: { x }, result: x })));
  }
  await cache.save(new Call({ name: "g", result: 1 }));
  await using client = await Client.start({ cache });
  for (const [name, count] of [["f", 50], [null, 51], ["h", 0]] as const) {
    const found: string[] = [];
    const onItem = (item: Params, used: () => void) => {
      found.push(item.digest("key"));
      used();
    };
    const { result } = await client.ask("query", { filter: name === null ? {} : { name } }, {
      onItem,
    });
    assert.equal(result.count("count"), count);
    assert.equal(found.length, count);
    if (name === "f") assert.deepEqual(new Set(found), keys);
  }
});

Deno.test("serve() refuses a method that it does not know, and goes on", async () => {
  await using client = await Client.start({ cache: memoryCache() });
  for (const method of ["fly", "constructor", "__proto__", "toString", ""]) {
    await assert.rejects(
      client.ask(method, {}),
      (error) => error instanceof ProtocolError && error.data.method === method,
    );
  }
  await client.ask("info", {});
});

Deno.test("serve() refuses parameters that are not as they should be, and goes on", async () => {
  await using client = await Client.start({ cache: memoryCache() });
  const wrong: [method: string, params: Record<string, unknown>][] = [
    ["load", {}],
    ["load", { key: "abcd" }],
    ["load", { key: 5 }],
    ["value", { values: [], parts: 1 }],
    ["value", { values: [{ digest: "../../etc/passwd", crc: 0, length: 1 }], parts: true }],
    ["value", { values: [{ digest: "a".repeat(64), crc: 0, length: -1 }], parts: true }],
    ["has", { values: 5 }],
    ["has", { values: [5] }],
    ["has", { values: [{ digest: "a".repeat(64) }] }],
    ["list", { prefix: "xyz" }],
    ["list", { prefix: "", limit: -1 }],
    ["query", { filter: { name: 5 } }],
    ["save", { key: "a".repeat(64) }],
    ["evict", {}],
    ["contains", { key: null }],
  ];
  for (const [method, params] of wrong) {
    await assert.rejects(client.ask(method, params), ProtocolError);
  }
  await client.ask("info", {});
});

Deno.test("serve() passes on why the cache fails, as the class of the error", async () => {
  const cache = memoryCache();
  const failing = new Map<string, Error>([
    ["a".repeat(64), new NotFoundError("Lost", { key: "abcd" })],
    ["b".repeat(64), new TypeError("No such thing")],
  ]);
  cache.find = (key) => Promise.reject(failing.get(key));
  await using client = await Client.start({ cache });
  await assert.rejects(
    client.ask("load", { key: "a".repeat(64) }),
    (error) => error instanceof NotFoundError && error.message === "Lost",
  );
  await assert.rejects(
    client.ask("load", { key: "b".repeat(64) }),
    (error) => error instanceof RemoteError && error.data.remoteName === "TypeError",
  );
});

Deno.test("serve() answers requests as they finish, not as they come", async () => {
  const cache = memoryCache();
  const slow = Promise.withResolvers<undefined>();
  const key = "a".repeat(64);
  cache.find = () => slow.promise;
  const server = new RawServer({ cache });
  await server.send(request(1, "load", { params: { key } }), request(2, "info"));
  await server.until((frames) => frames.length === 1);
  await server.send(request(3, "contains", { params: { key } }));
  await server.until((frames) => frames.length === 2);
  slow.resolve(undefined);
  await server.until((frames) => frames.length === 3);
  assert.deepEqual(server.frames.map(({ id }) => id), [2, 3, 1]);
  assert.deepEqual(await server.end(), {});
});

Deno.test("serve() lets a small answer pass while it sends a large value", async () => {
  const cache = memoryCache();
  const key = await cache.save(new Call({ name: "f", result: numbers(1_000_000) }));
  const [reference] = (await cache.load(key)).detach().resultReferences as [Reference];
  const server = new RawServer({ cache });
  await server.send(
    request(1, "value", { params: { values: [reference], parts: true } }),
    request(2, "info"),
  );
  assert.deepEqual(await server.end(), {});
  const ids = server.frames.filter(({ kind }) => kind === FRAME.answer).map(({ id }) => id);
  assert.deepEqual(ids, [2, 1]);
});

Deno.test("serve() refuses to store and to evict if it is told to", async () => {
  const cache = memoryCache();
  const key = await cache.save(new Call({ name: "f", result: 1 }));
  await using client = await Client.start({ cache, readOnly: true });
  const record = (await cache.load(key)).detach();
  await assert.rejects(client.ask("evict", { key }), RejectedError);
  assert.equal(await cache.contains(key), true);
  await cache.evict(key);
  const params = { key, record: record.bytes, values: [] };
  await assert.rejects(client.ask("save", params), RejectedError);
  assert.equal(await cache.contains(key), false);
});

Deno.test("serve() closes neither the cache nor what it is made of", async () => {
  let closed = 0;
  class Watched extends Cache {
    override close(): Promise<void> {
      closed++;
      return super.close();
    }
  }
  const cache = new Watched({ values: new ValueMemory(), calls: new CallMemory() });
  assert.deepEqual(await new RawServer({ cache }).end(), {});
  assert.equal(closed, 0);
});
