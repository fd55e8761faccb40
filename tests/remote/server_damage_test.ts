/**
 * What a server does with values that it stores ahead of their call, and with damaged ones.
 *
 * @module
 */

import assert from "node:assert";
import { Cache, CacheStack, Call, CallMemory, digest, ValueFile } from "@fleche/core";
import { decode } from "../../src/codec/decoder.ts";
import type { Reference } from "../../src/codec/encoding.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { TemporaryFolder } from "../storage/_temporary_folder.ts";
import { Warnings } from "../storage/_warnings.ts";
import { filed, heldOf, numbers, saveFrames, saveParams } from "./_calls.ts";
import { chunkBytes, request, valuesIn } from "./_frames.ts";
import { Client, memoryCache, RawServer } from "./_memory.ts";

/** A result that is stored in one file, large enough to be sent as it is read. */
const LARGE = 300_000;

function fileCache(root: string): Cache {
  return new Cache({ values: new ValueFile({ root }), calls: new CallMemory() });
}

function damage(folder: TemporaryFolder, name: string, at: number): void {
  const path = folder.join("v1", name.slice(0, 2), name);
  const bytes = Deno.readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ 1;
  Deno.writeFileSync(path, bytes);
}

async function storedIn(cache: Cache, result: unknown): Promise<{ key: string; name: string }> {
  return { key: await cache.save(new Call({ name: "f", result })), name: digest(result).hex };
}

const valueParams = (reference: Reference) => ({ values: [reference], parts: true });

for (const at of [100, 8 * LARGE - 100]) {
  Deno.test(`serve() withdraws a value whose byte ${at} is damaged, and says that it is missing`, async () => {
    using folder = new TemporaryFolder();
    using warnings = new Warnings();
    await using cache = fileCache(folder.path);
    const { key, name } = await storedIn(cache, numbers(LARGE));
    const [reference] = (await cache.load(key)).detach().resultReferences as [Reference];
    damage(folder, name, at);
    const server = new RawServer({ cache });
    await server.send(request(1, "value", { params: valueParams(reference) }));
    const frames = await server.answered(1);
    assert.deepEqual(valuesIn(frames), []);
    // Its end never goes out.
    assert(chunkBytes(frames) < reference.length);
    assert.deepEqual(frames.at(-1)?.fields, [{ missing: [name] }]);
    assert.deepEqual(await server.end(), {});
    assert.equal(warnings.about("damaged"), 1);
    // It has been put aside.
    assert.equal(await cache.values.has(name), false);
  });
}

Deno.test("serve() sends a damaged value as another layer has it", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  const near = fileCache(folder.join("near"));
  const far = fileCache(folder.join("far"));
  const { name } = await storedIn(far, numbers(LARGE));
  const { key } = await storedIn(near, numbers(LARGE));
  const path = folder.join("near", "v1", name.slice(0, 2), name);
  const bytes = Deno.readFileSync(path);
  bytes[1000] = (bytes[1000] as number) ^ 1;
  Deno.writeFileSync(path, bytes);
  await using stack = new CacheStack([near, far]);
  const [reference] = (await near.load(key)).detach().resultReferences as [Reference];
  await using client = await Client.start({ cache: stack });
  const { result, values } = await client.ask("value", valueParams(reference));
  assert.deepEqual(result.strings("missing"), []);
  const value = values.get(name);
  assert(value !== undefined);
  assert.deepEqual(decode(value.encoding), numbers(LARGE));
});

Deno.test("serve() sends a large value of a file as it is read, with what stands in the file", async () => {
  using folder = new TemporaryFolder();
  await using cache = fileCache(folder.path);
  const { key, name } = await storedIn(cache, numbers(LARGE));
  const [reference] = (await cache.load(key)).detach().resultReferences as [Reference];
  cache.read = () => assert.fail("It was read as a whole");
  const server = new RawServer({ cache });
  await server.send(request(1, "value", { params: valueParams(reference) }));
  const [value] = valuesIn(await server.answered(1));
  assert(value !== undefined);
  assert.deepEqual(value.reference, reference);
  assert.deepEqual(decode(value.encoding), numbers(LARGE));
  assert.equal(name, reference.digest);
  assert.deepEqual(await server.end(), {});
});

const parts = [1, 2, 3, 4, 5].map((seed) => numbers(9000, seed));
const call = () => new Call({ name: "f", result: parts });

Deno.test("serve() stores what would take too much memory ahead of its call", async () => {
  const sent = await filed(call());
  // Room for two of the parts.
  for (const [held, count] of [[150_000, 3], [80_000, 4], [0, 5], [1_000_000, 0]] as const) {
    const cache = memoryCache();
    const staged: string[] = [];
    const { stage } = cache;
    cache.stage = (reference, encoding) => {
      staged.push(reference.digest);
      return stage.call(cache, reference, encoding);
    };
    await using client = await Client.start({ cache, limits: { ...PROTOCOL_LIMITS, held } });
    const { result } = await client.ask("save", saveParams(sent), { values: heldOf(sent) });
    assert.deepEqual(result.strings("missing"), []);
    assert.equal(staged.length, count);
    assert.deepEqual(await (await cache.load(sent.record.key)).result(), parts);
  }
});

Deno.test("serve() keeps in memory what its cache has no place for", async () => {
  const sent = await filed(call());
  const cache = memoryCache();
  cache.stage = () => Promise.resolve(false);
  await using client = await Client.start({ cache, limits: { ...PROTOCOL_LIMITS, held: 0 } });
  await client.ask("save", saveParams(sent), { values: heldOf(sent) });
  assert.deepEqual(await (await cache.load(sent.record.key)).result(), parts);
});

Deno.test("serve() asks again for what was removed before its call was stored", async () => {
  const sent = await filed(call());
  const cache = memoryCache();
  const { stage } = cache;
  let removed: string | undefined;
  cache.stage = async (reference, encoding) => {
    const isStored = await stage.call(cache, reference, encoding);
    if (removed === undefined) await cache.values.delete(removed = reference.digest);
    return isStored;
  };
  await using client = await Client.start({ cache, limits: { ...PROTOCOL_LIMITS, held: 0 } });
  const first = await client.ask("save", saveParams(sent), { values: heldOf(sent) });
  assert.deepEqual(first.result.strings("missing"), [removed]);
  assert.equal(await cache.contains(sent.record.key), false);
  const values = heldOf(sent, [removed ?? ""]);
  const second = await client.ask("save", saveParams(sent), { values });
  assert.deepEqual(second.result.strings("missing"), []);
  assert.deepEqual(await (await cache.load(sent.record.key)).result(), parts);
});

Deno.test("serve() files no call whose values it has stored if it breaks off", async () => {
  const sent = await filed(call());
  const frames = saveFrames(1, sent);
  const cache = memoryCache();
  const server = new RawServer({ cache, limits: { ...PROTOCOL_LIMITS, held: 0 } });
  await server.send(...frames.slice(0, -1));
  assert.deepEqual(await server.end(), {});
  assert.equal(await cache.contains(sent.record.key), false);
  assert.deepEqual(await cache.query().count(), 0);
});
