import assert from "node:assert";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { Call, ProtocolError } from "@fleche/core";
import { CallRecord } from "../../src/call_record.ts";
import { encodeFrame, FRAME, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS, type ProtocolLimits } from "../../src/remote/limits.ts";
import { toWireError } from "../../src/remote/wire_error.ts";
import { concat, cut } from "./_bytes.ts";
import { filed, numbers, saveParams } from "./_calls.ts";
import { valueFrames } from "./_frames.ts";
import { everythingIsSound, runBlock } from "./_fuzz_block.ts";
import { fuzzCalls } from "./_fuzz_corpus.ts";
import { LoneClient, memoryCache, RawServer } from "./_memory.ts";

const SEED = 1_977;

// Small, so that chance comes upon them.
const LIMITS: ProtocolLimits = { ...PROTOCOL_LIMITS, frame: 20_000, chunk: 500, requests: 8 };

const digest = "a".repeat(64);
const call = await filed(
  new Call({ name: "f", arguments: { x: numbers(200) }, result: ["r", numbers(150, 3)] }),
);

/** A stretch of bytes to change: where, and what takes its place. */
const change = fc.record({
  at: fc.nat(),
  removed: fc.nat({ max: 6 }),
  added: fc.uint8Array({ maxLength: 6 }),
});

function changed(
  bytes: Uint8Array,
  changes: readonly { at: number; removed: number; added: Uint8Array }[],
) {
  return changes.reduce((present, { at, removed, added }) => {
    const start = at % (present.length + 1);
    return concat([present.subarray(0, start), added, present.subarray(start + removed)]);
  }, bytes);
}

function framed(body: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, body.length);
  return concat([length, body]);
}

// Frames whose lengths are right, whatever is in them; else chance would hardly get past the length.
const requestFrames = [
  encodeFrame(FRAME.request, 1, "save", saveParams(call), true),
  ...[...call.values].flatMap(([digest, encoding]) => valueFrames(1, { digest, encoding }, LIMITS)),
  encodeFrame(FRAME.end, 1),
  encodeFrame(FRAME.request, 2, "load", { key: call.record.key }, false),
  encodeFrame(
    FRAME.request,
    3,
    "value",
    { values: [{ digest, crc: 0, length: 5 }], parts: true },
    false,
  ),
  encodeFrame(FRAME.request, 4, "has", { values: call.references }, false),
  encodeFrame(FRAME.request, 5, "query", { name: null }, false),
  encodeFrame(FRAME.request, 6, "list", { prefix: "" }, false),
  encodeFrame(FRAME.request, 7, "info", {}, false),
  encodeFrame(FRAME.request, 8, "evict", { key: digest }, false),
];
const answerFrames = [
  ...[...call.values].flatMap(([digest, encoding]) => valueFrames(1, { digest, encoding }, LIMITS)),
  encodeFrame(FRAME.answer, 1, { record: call.record.bytes }),
  encodeFrame(FRAME.error, 2, toWireError(new ProtocolError("no"))),
  encodeFrame(FRAME.item, 3, { key: call.record.key, record: call.record.bytes }),
  encodeFrame(FRAME.answer, 3, { count: 1 }),
  encodeFrame(FRAME.answer, 4, {}),
];

/** Frames of a talk: some left out, some twice, in another order, and a few bytes changed inside. */
function talk(frames: readonly Uint8Array[]) {
  const inside = fc.record({
    index: fc.nat({ max: frames.length - 1 }),
    changes: fc.array(change, { maxLength: 2 }),
  });
  const outside = fc.array(change, { maxLength: 1 });
  return fc.record({
    order: fc.oneof(
      fc.constant(frames.map((_, index) => index)),
      fc.array(fc.nat({ max: frames.length - 1 }), { maxLength: 20 }),
    ),
    inside: fc.array(inside, { maxLength: 3 }),
    outside,
    cuts: fc.array(fc.nat(), { maxLength: 4 }),
  }).map(({ order, inside, outside, cuts }) => {
    const bodies = frames.map((frame) => frame.subarray(4));
    for (const { index, changes } of inside) {
      bodies[index] = changed(bodies[index] as Uint8Array, changes);
    }
    const bytes = concat(order.map((index) => framed(bodies[index] as Uint8Array)));
    return cut(changed(bytes, outside), cuts);
  });
}

function isBreach(error: unknown): boolean {
  return error === undefined || error instanceof ProtocolError;
}

Deno.test("FrameReader takes any bytes for frames or for a breach of the protocol", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, whole) => {
      try {
        for (const frame of new FrameReader(LIMITS).push(whole ? framed(bytes) : bytes)) {
          assert(Number.isSafeInteger(frame.kind) && Number.isSafeInteger(frame.id));
        }
      } catch (error) {
        assert(isBreach(error), String(error));
      }
    }),
    { seed: SEED, numRuns: 5000 },
  );
});

Deno.test("FrameReader takes any changed frames for frames or for a breach of the protocol", () => {
  fc.assert(
    fc.property(talk([...requestFrames, ...answerFrames]), (pieces) => {
      const reader = new FrameReader(LIMITS);
      try {
        for (const piece of pieces) [...reader.push(piece)];
      } catch (error) {
        assert(isBreach(error), String(error));
      }
    }),
    { seed: SEED, numRuns: 2000 },
  );
});

Deno.test("serve() survives any bytes, and files nothing that is not sound", async () => {
  await fc.assert(
    fc.asyncProperty(talk(requestFrames), async (pieces) => {
      const cache = memoryCache();
      const server = new RawServer({ cache, limits: LIMITS });
      for (const piece of pieces) await server.send(piece);
      const { error } = await server.end();
      assert(isBreach(error), String(error));
      await everythingIsSound(cache);
    }),
    { seed: SEED, numRuns: 1000 },
  );
});

Deno.test("serve() files no record that was changed and given a new check sum", async () => {
  const { key, bytes } = call.record;
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const body = changed(bytes.subarray(0, -4), changes);
      const sum = new Uint8Array(4);
      new DataView(sum.buffer).setUint32(0, crc32(key, crc32(body.subarray(0, -1))));
      const cache = memoryCache();
      const server = new RawServer({ cache });
      const params = { ...saveParams(call), record: concat([body, sum]) };
      await server.send(
        encodeFrame(FRAME.request, 1, "save", params, true),
        ...[...call.values].flatMap(([digest, encoding]) => valueFrames(1, { digest, encoding })),
        encodeFrame(FRAME.end, 1),
      );
      assert.deepEqual(await server.end(), {});
      const [{ kind, fields } = { kind: -1, fields: [] }] = server.frames;
      // Nothing but an error that has a class, or a record as this package writes them.
      if (kind === FRAME.error) assert.notEqual(Reflect.get(fields[0] as object, "code"), null);
      for await (const record of cache.records()) {
        // A result is whatever the client says, so that only its structure is looked at.
        assert.deepEqual(CallRecord.build(key, record.fields).bytes, record.bytes);
        await (await cache.load(key)).arguments();
      }
    }),
    { seed: SEED, numRuns: 1500 },
  );
});

Deno.test("Connection survives any bytes, and leaves no request waiting", async () => {
  await fc.assert(
    fc.asyncProperty(talk(answerFrames), async (pieces) => {
      const client = new LoneClient({ limits: LIMITS });
      const requests = ["load", "value", "query", "has"].map((method) => {
        const options = method === "query"
          ? { onItem: (_: unknown, used: () => void) => used() }
          : {};
        return client.connection.request(method, {}, options).then(() => {}, () => {});
      });
      client.receive(...pieces);
      const { error } = await client.end();
      assert(isBreach(error), String(error));
      client.connection.fail(new Error("the end"));
      await Promise.all(requests);
      assert.deepEqual(client.activity, [true, false]);
    }),
    { seed: SEED, numRuns: 1000 },
  );
});

// Many more with `deno task fuzz`.
const BLOCKS = 4;

const calls = await fuzzCalls();

for (const side of ["server", "client"] as const) {
  Deno.test(`The ${side} answers or ends any talk, and nothing of it stays`, async () => {
    for (let index = 0; index < BLOCKS; index++) {
      const { talks, breaches, ends } = await runBlock({ side, seed: SEED, index, calls });
      assert(breaches > 0 && breaches < talks);
      assert((ends.get("answer") ?? 0) > 0 && (ends.get("PROTOCOL") ?? 0) > 0);
    }
  });
}

Deno.test("A talk goes the same way again with the same seed", async () => {
  const block = { side: "server", seed: SEED, index: 7, calls } as const;
  assert.deepEqual(await runBlock(block), await runBlock(block));
});
