/**
 * What comes of a server that sends something else than it was asked for.
 *
 * @module
 */

import assert from "node:assert";
import { CacheStack, Call, D, digest, fleche, ProtocolError, withCache } from "@fleche/core";
import { encode } from "../../src/codec/encode.ts";
import { type Encoding, joined, type Reference, referenceTo } from "../../src/codec/encoding.ts";
import { encodeFrame, FRAME } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { filed, numbers } from "./_calls.ts";
import { answer, valueFrames } from "./_frames.ts";
import { memoryCache } from "./_memory.ts";
import { type Asked, type Script, ScriptedServer } from "./_scripted_server.ts";

const WRONG: Encoding = encode("wrong");
const WRONG_REFERENCE = referenceTo(WRONG);
const WANTED = digest("right").hex;

// Sends one value, whatever is asked for.
const sendsWrong: Script = ({ id, method }) => [
  ...method === "value" ? valueFrames(id, { digest: WRONG_REFERENCE.digest, encoding: WRONG }) : [],
  answer(id, method === "value" ? { missing: [] } : { record: null, found: false }),
];

// References to a value that is not the one that comes: by its digest alone, and with the length and
// the check sum of what comes.
const REFERENCES: readonly [label: string, reference: Reference][] = [
  ["its digest alone", { digest: WANTED, crc: 0, length: 0 }],
  ["a reference that fits otherwise", { ...WRONG_REFERENCE, digest: WANTED }],
];

for (const [label, reference] of REFERENCES) {
  Deno.test(`SshCache gives no other value than it was asked for by ${label}`, async () => {
    await using server = await ScriptedServer.start(sendsWrong);
    assert.equal(await server.cache.read(reference), undefined);
    await using near = memoryCache();
    const stack = new CacheStack([near, server.cache]);
    assert.equal(await stack.read(reference), undefined);
    assert.equal(await near.read(WRONG_REFERENCE), undefined);
    assert.equal(await near.readNamed(WANTED), undefined);
  });

  Deno.test(`SshCache refuses deep values that nobody asked for by ${label}`, async () => {
    await using server = await ScriptedServer.start(sendsWrong);
    await assert.rejects(
      Array.fromAsync(server.cache.deep.readDeep([reference])),
      (error) => error instanceof ProtocolError && error.message.includes("scripted sent a value"),
    );
  });
}

Deno.test("SshCache takes parts of what it asked for, and no others", async () => {
  const part = encode(numbers(100));
  const whole = await filed(new Call({ name: "f", result: [[numbers(10_000)]] }));
  const [root] = whole.record.resultReferences;
  assert(root !== undefined);
  const frames = (id: number) =>
    [...whole.values].flatMap(([digest, encoding]) => valueFrames(id, { digest, encoding }));
  const extra = (id: number) =>
    valueFrames(id, { digest: referenceTo(part).digest, encoding: part });
  for (const isSound of [true, false]) {
    await using server = await ScriptedServer.start(({ id }) => [
      ...[...frames(id), ...isSound ? [] : extra(id)],
      answer(id, { missing: [] }),
    ]);
    const read = Array.fromAsync(server.cache.deep.readDeep([root]));
    if (isSound) assert.equal((await read).length, whole.values.size);
    else await assert.rejects(read, ProtocolError);
  }
});

Deno.test("a function gets no other argument than the one named, by whatever cache", async () => {
  await using server = await ScriptedServer.start(sendsWrong);
  await using near = memoryCache();
  const seen: unknown[] = [];
  const f = fleche((text: unknown) => seen.push(text), { name: "f", version: 1 });
  for (const cache of [server.cache, new CacheStack([near, server.cache])]) {
    await assert.rejects(withCache(cache, () => f(D(WANTED))));
    await assert.rejects(cache.loadValue(WANTED));
  }
  assert.deepEqual(seen, []);
  assert.deepEqual(await near.list(""), []);
});

Deno.test("SshCache takes no more with a call than may come unasked", async () => {
  const room = PROTOCOL_LIMITS.inline;
  const part = numbers(room / 16 - 100);
  for (const count of [2, 3]) {
    const result = Array.from({ length: count }, (_, index) => part.map((x) => x + index));
    const call = await filed(new Call({ name: "f", result }));
    await using server = await ScriptedServer.start(({ id }) => [
      ...[...call.values].flatMap(([digest, encoding]) => valueFrames(id, { digest, encoding })),
      answer(id, { record: call.record.bytes }),
    ]);
    const bytes = [...call.values.values()].reduce((sum, each) => sum + joined(each).length, 0);
    assert.equal(bytes > room, count === 3);
    const found = server.cache.find(call.record.key);
    if (count === 2) assert.deepEqual(await (await found)?.result(), result);
    else await assert.rejects(found, ProtocolError);
  }
});

const LISTS: readonly [label: string, keys: readonly unknown[]][] = [
  ["a path", ["ab/../../../../victim"]],
  ["a prefix alone", ["ab"]],
  ["text", ["ab" + "x".repeat(62)]],
  ["upper case", ["ab" + "A".repeat(62)]],
  ["a number", [5]],
  ["a key that begins otherwise", ["ac".padEnd(64, "0")]],
  ["a sound key and another", ["ab".padEnd(64, "0"), "ac".padEnd(64, "0")]],
];

for (const [label, keys] of LISTS) {
  Deno.test(`SshCache takes no list that holds ${label}`, async () => {
    await using server = await ScriptedServer.start(({ id }) => [
      encodeFrame(FRAME.item, id, { keys }),
      answer(id, { count: keys.length }),
    ]);
    await using near = memoryCache();
    await assert.rejects(server.cache.list("ab"), ProtocolError);
    await using stacked = await ScriptedServer.start(({ id, method }) => [
      ...method === "list" ? [encodeFrame(FRAME.item, id, { keys })] : [],
      answer(id, { count: keys.length, found: false }),
    ]);
    const stack = new CacheStack([near, stacked.cache]);
    await assert.rejects(stack.evict("ab"));
  });
}

const SHORTENED: readonly [label: string, prefix: string | null][] = [
  ["none", null],
  ["another prefix", "cd"],
  ["more than the key", "ab".padEnd(64, "0") + "0"],
];

for (const [label, prefix] of SHORTENED) {
  Deno.test(`SshCache takes no short key that is ${label}`, async () => {
    const key = "ab".padEnd(64, "0");
    await using server = await ScriptedServer.start(({ id }: Asked) => [
      answer(id, { prefixes: [prefix] }),
    ]);
    assert.deepEqual(await server.cache.shorten([key]), new Map());
  });
}

Deno.test("SshCache takes the short keys that fit", async () => {
  const keys = ["ab", "cd"].map((start) => start.padEnd(64, "0"));
  await using server = await ScriptedServer.start(({ id }: Asked) => [
    answer(id, { prefixes: ["ab", "ab", "cd"] }),
  ]);
  assert.deepEqual(await server.cache.shorten(keys), new Map([[keys[0], "ab"]]));
});
