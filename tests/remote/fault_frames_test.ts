/**
 * Clients that do not keep to the protocol.
 *
 * @module
 */

import assert from "node:assert";
import { Call } from "@fleche/core";
import { encodeFrame, FRAME } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { quoteWord } from "../../src/remote/ssh_command.ts";
import { VERSION } from "../../src/version.ts";
import { concat } from "./_bytes.ts";
import { filed, type FiledCall, numbers, saveParams } from "./_calls.ts";
import { assertClean, assertWorks } from "./_fault.ts";
import { frameHead, RawClient } from "./_raw_client.ts";
import { PROGRAM, Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";

const ignore = !HAS_SSHD;

const KEY = "ab".repeat(32);

function request(id: number, method: string, params: unknown, hasValues = false): Uint8Array {
  return encodeFrame(FRAME.request, id, method, params, hasValues);
}

/** A call with one value that crosses in a single piece. */
const SAVED: FiledCall = await filed(new Call({ name: "wrong", result: numbers(10_000) }));
const [[DIGEST, ENCODING] = assert.fail()] = SAVED.values;
const BYTES = concat([ENCODING.head, ENCODING.body ?? new Uint8Array()]);

function announcement(digest: string, length: number): Uint8Array {
  return encodeFrame(FRAME.item, 1, { digest, length });
}

const SAVE = request(1, "save", saveParams(SAVED), true);
const END = encodeFrame(FRAME.end, 1);

interface Breach {
  readonly label: string;
  readonly sent: readonly Uint8Array[];
  readonly message: string;
  readonly data?: Record<string, unknown>;
}

// What ends the connection.
const BREACHES: readonly Breach[] = [
  {
    label: "a frame that is too long",
    sent: [frameHead(PROTOCOL_LIMITS.frame + 1)],
    message: "Cannot take a frame of 16777217 bytes: at most 16777216",
    data: { limit: "frame" },
  },
  {
    label: "a chunk that is too long",
    sent: [SAVE, encodeFrame(FRAME.chunk, 1, new Uint8Array(PROTOCOL_LIMITS.chunk + 1))],
    message: "Cannot take a chunk of 262145 bytes: at most 262144",
    data: { limit: "chunk" },
  },
  {
    label: "what is no frame",
    sent: [frameHead(5), new TextEncoder().encode("hello")],
    message: "Cannot read a frame: Not a canonical encoding: bytes follow the value (at byte 1)",
  },
  {
    label: "a frame of an unknown kind",
    sent: [encodeFrame(77, 1)],
    message: "Cannot take a frame of the unknown kind 77",
  },
  {
    label: "a piece of no value",
    sent: [encodeFrame(FRAME.chunk, 5, new Uint8Array(9))],
    message: "Cannot take a frame of kind 4 for request 5",
  },
  {
    label: "more of a value than it has announced",
    sent: [SAVE, announcement(DIGEST, 10), encodeFrame(FRAME.chunk, 1, new Uint8Array(11)), END],
    message: "Cannot take more of a value than was announced",
  },
  {
    label: "a value that is too long",
    sent: [SAVE, announcement(DIGEST, PROTOCOL_LIMITS.value + 1)],
    message: "Cannot take a value of 8589934593 bytes: at most 8589934592",
    data: { limit: "value" },
  },
  {
    label: "too many requests at a time",
    sent: Array.from(
      { length: PROTOCOL_LIMITS.requests + 1 },
      (_, index) => request(index + 1, "save", saveParams(SAVED), true),
    ),
    message: "Cannot take more than 4096 requests at a time",
    data: { limit: "requests" },
  },
];

Deno.test(
  "a server over ssh tells a client what it has done wrong, and ends",
  { ignore },
  async (test) => {
    await using site = await Site.start();
    for (const { label, sent, message, data = {} } of BREACHES) {
      await test.step(label, async () => {
        await using client = await RawClient.connect(site);
        await client.send(...sent);
        const { kind, id, fields } = await client.next() ?? assert.fail("nothing came");
        const error = { name: "ProtocolError", code: "PROTOCOL", message, data };
        assert.deepEqual([kind, id, ...fields], [FRAME.error, 0, error]);
        assert.equal(await client.answers(), false);
        assert.deepEqual(await client.end(), { exitCode: 1, stderr: `fleche: ${message}` });
        await assertNothingFiled(site);
      });
    }
    await assertUsable(site);
  },
);

interface Refusal {
  readonly label: string;
  readonly sent: readonly Uint8Array[];
  /** What comes back: an error, or an answer. */
  readonly error?: { name: string; code: string; message: string; data: unknown };
  readonly answer?: unknown;
  readonly readOnly?: boolean;
}

function refused(operation: string) {
  const message = `Cannot ${operation}: the cache is read-only`;
  return { name: "RejectedError", code: "REJECTED", message, data: { operation } };
}

// What fails one request alone.
const REFUSALS: readonly Refusal[] = [
  {
    label: "an unknown method",
    sent: [request(1, "constructor", {})],
    error: {
      ...{ name: "ProtocolError", code: "PROTOCOL", data: { method: "constructor" } },
      message: `The server (version ${VERSION}) does not know the method "constructor"`,
    },
  },
  {
    label: "a path in the place of a key",
    sent: [request(1, "load", { key: "../../../../etc/passwd" })],
    error: {
      ...{ name: "ProtocolError", code: "PROTOCOL", data: {} },
      message: 'Cannot read the parameters of load: "key" should be 64 hexadecimal digits',
    },
  },
  {
    label: "a record under a wrong key",
    sent: [request(1, "save", { ...saveParams(SAVED), key: KEY })],
    error: {
      ...{ name: "CorruptValueError", code: "CORRUPT_VALUE", data: { digest: KEY } },
      message: `The record of call ${KEY} is damaged`,
    },
  },
  {
    label: "a value under a wrong digest",
    sent: [
      ...[SAVE, announcement(DIGEST, BYTES.length)],
      ...[encodeFrame(FRAME.chunk, 1, BYTES.with(5, 7)), END],
    ],
    error: {
      ...{ name: "CorruptValueError", code: "CORRUPT_VALUE", data: { digest: DIGEST } },
      message: `The value ${DIGEST} arrived damaged`,
    },
  },
  {
    label: "a call without its value",
    sent: [SAVE, END],
    answer: { missing: [DIGEST] },
  },
  {
    label: "a save where nothing may be stored",
    sent: [request(1, "save", saveParams(SAVED))],
    error: refused("store a call"),
    readOnly: true,
  },
  {
    label: "an eviction where nothing may be stored",
    sent: [request(1, "evict", { key: KEY })],
    error: refused("evict a call"),
    readOnly: true,
  },
];

for (const [what, isReadOnly] of [["one request", false], ["to store", true]] as const) {
  Deno.test(`a server over ssh refuses ${what} and goes on`, { ignore }, async (test) => {
    await using site = await Site.start();
    const options = isReadOnly ? { command: reading(site) } : {};
    await using client = await RawClient.connect(site, options);
    for (const { label, sent, error, answer, readOnly = false } of REFUSALS) {
      if (readOnly !== isReadOnly) continue;
      await test.step(label, async () => {
        await client.send(...sent);
        const { kind, id, fields } = await client.next() ?? assert.fail("nothing came");
        const expected = error === undefined ? [FRAME.answer, 1, answer] : [FRAME.error, 1, error];
        assert.deepEqual([kind, id, ...fields], expected);
        assert.equal(await client.answers(), true);
        await assertNothingFiled(site);
      });
    }
    assert.deepEqual(await client.end(), { exitCode: 0, stderr: "" });
    await assertUsable(site);
  });
}

// What breaks off.
const BROKEN_OFF: readonly [label: string, sent: readonly Uint8Array[]][] = [
  ["a length", [frameHead(100).subarray(0, 2)]],
  ["a frame", [SAVE.subarray(0, SAVE.length >> 1)]],
  ["a save", [SAVE]],
  ["a value", [
    ...[SAVE, announcement(DIGEST, BYTES.length)],
    encodeFrame(FRAME.chunk, 1, BYTES.subarray(0, 1000)),
  ]],
  ["a save whose values have come", [
    ...[SAVE, announcement(DIGEST, BYTES.length), encodeFrame(FRAME.chunk, 1, BYTES)],
  ]],
];

Deno.test("a server over ssh keeps nothing of what breaks off", { ignore }, async (test) => {
  await using site = await Site.start();
  for (const [label, sent] of BROKEN_OFF) {
    await test.step(label, async () => {
      await using client = await RawClient.connect(site);
      await client.send(...sent);
      assert.equal((await client.end()).exitCode, 0);
      await assertNothingFiled(site);
    });
  }
  await assertUsable(site);
});

// A command that serves without storing anything.
function reading(site: Site): string[] {
  return [site.script("reading", `exec ${PROGRAM.map(quoteWord).join(" ")} "$@" --read-only`)];
}

async function assertNothingFiled(site: Site): Promise<void> {
  await using there = site.inPlace();
  assert.equal(await there.contains(SAVED.record.key), false);
  await assertClean(site);
}

// Whether another client can use what there is.
async function assertUsable(site: Site): Promise<void> {
  await using cache = site.cache();
  await assertWorks(cache);
  await assertClean(site);
}
