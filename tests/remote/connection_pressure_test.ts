/**
 * Requests that are left early, that come in great numbers, or of which one waits for another.
 *
 * @module
 */

import assert from "node:assert";
import { Call, CorruptValueError } from "@fleche/core";
import type { Held } from "../../src/remote/_held_values.ts";
import { encodeFrame, FRAME } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS, type ProtocolLimits } from "../../src/remote/limits.ts";
import { filed, type FiledCall, heldOf, numbers, saveParams } from "./_calls.ts";
import { answer, ofKind, request, valueFrames } from "./_frames.ts";
import { Client, LoneClient, memoryCache, RawServer } from "./_memory.ts";
import { ScriptedServer } from "./_scripted_server.ts";
import { SteppedLink } from "./_stepped_link.ts";
import { inTime } from "./_wait.ts";

// What can go on has done so after some turns.
async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve));
}

Deno.test("SshCache keeps its connection when deep values are left in the middle of one", async () => {
  await using far = memoryCache();
  const { window } = PROTOCOL_LIMITS;
  const result = [numbers(1000), numbers(3 * window / 8, 2), numbers(3 * window / 8, 3)];
  const key = await far.save(new Call({ name: "f", result }));
  const references = (await far.load(key)).detach().resultReferences;
  await using link = await SteppedLink.start(far);
  for (let round = 0; round < 3; round++) {
    const { down } = await link.cost(async () => {
      for await (const { encoding } of link.cache.deep.readDeep(references)) {
        assert(encoding.head.length > 0);
        break;
      }
    });
    // The others were on their way, but not as a whole.
    assert(down < 2 * window, `${down} bytes`);
  }
  assert.deepEqual(await (await link.cache.load(key)).result(), result);
});

Deno.test("Connection takes the answer of a request that was given up inside a value", async () => {
  const client = new LoneClient();
  const left = new AbortController();
  const { answer: answered } = await client.connection.begin("value", {}, { signal: left.signal });
  const { references, values } = await filed(new Call({ name: "f", result: numbers(1000) }));
  const digest = references[0]?.digest ?? "";
  const encoding = values.get(digest);
  assert(encoding !== undefined);
  const [item, first] = valueFrames(1, { digest, encoding }, { ...PROTOCOL_LIMITS, chunk: 100 });
  assert(item !== undefined && first !== undefined);
  client.receive(item, first);
  await turns();
  left.abort(new Error("left"));
  await assert.rejects(answered, /left/);
  client.receive(answer(1, { missing: [] }));
  const ping = client.connection.request("ping", {});
  await client.until((sent) => ofKind(sent, "request").length === 2);
  client.receive(answer(2));
  await inTime(ping, "the answer to another request");
  assert.deepEqual(await client.end(), {});
});

Deno.test("Connection has thousands of requests at a time answered", async () => {
  await using client = await Client.start({ cache: memoryCache() });
  const count = PROTOCOL_LIMITS.requests + 904;
  const all = Array.from({ length: count }, () => client.connection.request("ping", {}));
  assert.equal((await inTime(Promise.all(all), "the answers")).length, count);
});

Deno.test("Connection has requests of more bytes than fit answered, many at a time", async () => {
  const limits = { ...PROTOCOL_LIMITS, requestBytes: 20_000 };
  await using client = await Client.start({ cache: memoryCache(), limits });
  const values = Array.from({ length: 100 }, (_, index) => {
    return { digest: index.toString(16).padStart(64, "0"), crc: 1, length: 1 };
  });
  const all = Array.from({ length: 20 }, () => client.connection.request("has", { values }));
  for (const result of await inTime(Promise.all(all), "the answers")) {
    assert.equal(result.strings("missing").length, values.length);
  }
});

const TIGHT: readonly Partial<ProtocolLimits>[] = [
  ...[2, 4, 8, 50].map((requests) => ({ requests })),
  ...[12_000, 30_000].map((requestBytes) => ({ requestBytes })),
];

for (const tight of TIGHT) {
  Deno.test(`Connection has uploads get on that all ask at once, with ${JSON.stringify(tight)}`, async () => {
    const cache = memoryCache();
    await using client = await Client.start({ cache, limits: { ...PROTOCOL_LIMITS, ...tight } });
    const calls = await Promise.all(
      Array.from({ length: 60 }, (_, x) => filed(new Call({ name: `f${x}`, result: [1, x] }))),
    );
    const asking: (() => void)[] = [];
    const upload = async (call: FiledCall) => {
      async function* values(): AsyncIterable<Held> {
        await new Promise<void>((resolve) => asking.push(resolve));
        const values = Array.from({ length: 20 }, (_, index) => {
          return { digest: `${index}`.padStart(64, "0"), crc: 1, length: 1 };
        });
        await client.connection.request("has", { values }, { isUrgent: true });
        yield* heldOf(call);
      }
      await client.ask("save", saveParams(call), { values: values() });
    };
    let isOver = false;
    const uploads = Promise.all(calls.map(upload)).finally(() => isOver = true);
    uploads.catch(() => {});
    while (!isOver) {
      // All that may are under way before the first one asks.
      await turns();
      for (const ask of asking.splice(0)) ask();
    }
    await uploads;
    for (const { record } of calls) assert.equal(await cache.contains(record.key), true);
  });
}

Deno.test("SshCache files thousands of calls together that all ask which values are there", async () => {
  const result = numbers(PROTOCOL_LIMITS.unasked / 8 + 1);
  await using far = memoryCache();
  await far.save(new Call({ name: "other", result }));
  await using link = await SteppedLink.start(far);
  await using near = memoryCache();
  for (let x = 0; x < PROTOCOL_LIMITS.requests; x++) {
    await near.save(new Call({ name: "f", arguments: { x }, result }));
  }
  const calls = await Array.fromAsync(near.query());
  const { sent } = await link.cost(() =>
    Promise.all(calls.map((call) => link.cache.accept(call.detach(), call.values)))
  );
  assert.deepEqual(sent, []);
  assert.equal(await far.query({ name: "f" }).count(), calls.length);
});

Deno.test("SshCache says that a value is damaged, and not that it is missing", async () => {
  const call = await filed(new Call({ name: "f", result: numbers(1000) }));
  const [reference] = call.record.resultReferences;
  assert(reference !== undefined);
  const { digest } = reference;
  const encoding = call.values.get(digest);
  assert(encoding !== undefined);
  await using server = await ScriptedServer.start(({ id, method }) => {
    if (method !== "value") return [answer(id)];
    const frames = valueFrames(id, { digest, encoding });
    const last = frames.at(-1) as Uint8Array;
    last[last.length - 1] = (last[last.length - 1] ?? 0) ^ 1;
    return [...frames, answer(id, { missing: [] })];
  });
  const read = Array.fromAsync(server.cache.deep.readDeep([reference]));
  await assert.rejects(read, CorruptValueError);
  await assert.rejects(server.cache.read(reference), CorruptValueError);
});

Deno.test("serve() answers a request whose number was given up and comes again", async () => {
  const server = new RawServer({ cache: memoryCache() });
  for (let round = 1; round <= 3; round++) {
    await server.send(request(1, "ping"), encodeFrame(FRAME.cancel, 1));
    await server.until((frames) => frames.length === round);
  }
  assert.deepEqual(await server.end(), {});
});
