import assert from "node:assert";
import { CorruptValueError, NotFoundError, ProtocolError } from "@fleche/core";
import { encode } from "../../src/codec/encode.ts";
import { digestOf, referenceTo } from "../../src/codec/encoding.ts";
import { encodeFrame, FRAME } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { toWireError } from "../../src/remote/wire_error.ts";
import { answer, request, valueFrames, valuesIn } from "./_frames.ts";
import { LoneClient } from "./_memory.ts";
import { inTime, until } from "./_wait.ts";

Deno.test("Connection numbers its requests and gives each its answer, in any order", async () => {
  const client = new LoneClient();
  const names = ["one", "two", "three"];
  const requests = names.map((name) => client.connection.request(name, { name }));
  client.receive(answer(3, { name: "three" }), answer(1, { name: "one" }));
  client.receive(answer(2, { name: "two" }));
  const answers = await Promise.all(requests);
  assert.deepEqual(answers.map((result) => result.string("name")), names);
  assert.deepEqual(client.sent.map(({ kind, id, fields }) => [kind, id, ...fields]), [
    [FRAME.request, 1, "one", { name: "one" }, false],
    [FRAME.request, 2, "two", { name: "two" }, false],
    [FRAME.request, 3, "three", { name: "three" }, false],
  ]);
  assert.deepEqual(await client.end(), {});
});

Deno.test("Connection keeps apart the values of two answers that come piece by piece", async () => {
  const client = new LoneClient();
  const encodings = [1, 2].map((fill) => encode(new Uint8Array(600_000).fill(fill)));
  const [first, second] = encodings.map((encoding, index) =>
    valueFrames(index + 1, { digest: referenceTo(encoding).digest, encoding })
  );
  assert(first !== undefined && second !== undefined && first.length === second.length);
  const digests: string[][] = [[], []];
  const requests = digests.map((each) =>
    client.connection.request("value", {}, {
      onValue: ({ reference, encoding }, used) => {
        assert.equal(digestOf(encoding.head, encoding.body), reference.digest);
        each.push(reference.digest);
        used();
      },
    })
  );
  first.forEach((frame, index) => client.receive(frame, second[index] ?? new Uint8Array(0)));
  client.receive(answer(2), answer(1));
  await Promise.all(requests);
  assert.deepEqual(digests, encodings.map((encoding) => [referenceTo(encoding).digest]));
  await client.end();
});

Deno.test("Connection sends the values of a request, and an end", async () => {
  const client = new LoneClient();
  const encoding = encode("x".repeat(2000));
  const reference = referenceTo(encoding);
  const request = client.connection.request("save", {}, { values: [{ reference, encoding }] });
  await client.until((sent) => sent.length >= 4);
  client.receive(answer(1));
  await request;
  assert.deepEqual(client.sent.map(({ kind }) => kind), [
    FRAME.request,
    FRAME.item,
    FRAME.chunk,
    FRAME.end,
  ]);
  assert.deepEqual(client.sent[0]?.fields, ["save", {}, true]);
  assert.deepEqual(valuesIn(client.sent).map((each) => each.reference), [reference]);
  await client.end();
});

Deno.test("Connection fails a request with the error that comes, and no other", async () => {
  const client = new LoneClient();
  const [failing, fine] = [1, 2].map(() => client.connection.request("load", {}));
  const wire = toWireError(new NotFoundError("There is none", { key: "a".repeat(64) }));
  client.receive(encodeFrame(FRAME.error, 1, wire), answer(2, {}));
  await assert.rejects(failing as Promise<unknown>, NotFoundError);
  await fine;
  assert.deepEqual(await client.end(), {});
});

Deno.test("Connection fails a request whose value arrives damaged, and no other", async () => {
  const client = new LoneClient();
  const encoding = encode("x".repeat(2000));
  const damaged = valueFrames(1, { digest: "a".repeat(64), encoding });
  const [failing, fine] = [1, 2].map(() => client.connection.request("value", {}));
  const failed = assert.rejects(failing as Promise<unknown>, CorruptValueError);
  client.receive(...damaged, answer(1, {}), answer(2, {}));
  client.end();
  await inTime(fine as Promise<unknown>, "the other answer");
  await failed;
});

Deno.test("Connection fails a request whose items cannot be taken, and no other", async () => {
  const client = new LoneClient();
  const onItem = () => {
    throw new CorruptValueError("Not this one");
  };
  const failing = client.connection.request("query", {}, { onItem });
  const fine = client.connection.request("load", {});
  const failed = assert.rejects(failing, CorruptValueError);
  client.receive(encodeFrame(FRAME.item, 1, {}), answer(1, {}), answer(2, {}));
  client.end();
  await inTime(fine, "the other answer");
  await failed;
});

Deno.test("Connection fails every pending and every later request once it has failed", async () => {
  const client = new LoneClient();
  const gone = new Error("gone");
  const pending = [1, 2, 3].map(() => client.connection.request("load", {}));
  client.connection.fail(gone);
  for (const each of pending) await assert.rejects(each, gone);
  await assert.rejects(client.connection.request("load", {}), gone);
  client.connection.fail(new Error("gone again"));
  await assert.rejects(client.connection.request("load", {}), gone);
  await client.end();
});

Deno.test("Connection says when its first request begins and its last one ends", async () => {
  const client = new LoneClient();
  const requests = [1, 2].map(() => client.connection.request("load", {}));
  assert.deepEqual(client.activity, [true]);
  client.receive(answer(2, {}));
  await requests[1];
  assert.deepEqual(client.activity, [true]);
  client.receive(answer(1, {}));
  await requests[0];
  assert.deepEqual(client.activity, [true, false]);
  const third = client.connection.request("load", {});
  client.connection.fail(new Error("gone"));
  await assert.rejects(third);
  assert.deepEqual(client.activity, [true, false, true, false]);
  await client.end();
});

Deno.test("Connection fails a request that cannot be written", async () => {
  const client = new LoneClient({ fault: new Deno.errors.BrokenPipe("Broken pipe") });
  await assert.rejects(client.connection.request("load", {}));
  await client.end();
});

Deno.test("Connection has as many requests under way as its limit leaves; others wait", async () => {
  // The fourth place is kept for what those that are under way ask for.
  const client = new LoneClient({ limits: { ...PROTOCOL_LIMITS, requests: 4 } });
  const requests = [1, 2, 3, 4].map(() => client.connection.request("load", {}));
  const outcome = Promise.all(requests);
  outcome.catch(() => {});
  await until(() => client.sent.length >= 3, "as many requests as the limit");
  client.receive(answer(2, {}));
  await requests[1];
  client.receive(answer(1, {}), answer(3, {}));
  await Promise.all([requests[0], requests[2]]);
  const fourth = until(() => client.sent.length >= 4, "the last request");
  await Promise.race([outcome, fourth]);
  client.receive(answer(4, {}));
  await inTime(outcome, "the last answer");
  assert.deepEqual(client.sent.map(({ id }) => id), [1, 2, 3, 4]);
  await client.end();
});

Deno.test("Connection reports what the server says of a breach of the protocol", async () => {
  const client = new LoneClient();
  const pending = client.connection.request("load", {});
  pending.catch(() => {});
  const notice = toWireError(new ProtocolError("Cannot take a frame of 17 bytes"));
  client.receive(encodeFrame(FRAME.error, 0, notice));
  const { error } = await client.end();
  assert(error instanceof ProtocolError);
  assert.match(error.message, /Cannot take a frame of 17 bytes/);
});

const BREACHES: readonly [label: string, frame: Uint8Array][] = [
  ["an answer to a request that was not sent", answer(9, {})],
  ["an answer that is no object", answer(1, 5)],
  ["an answer without a result", encodeFrame(FRAME.answer, 1)],
  ["a frame of an unknown kind", encodeFrame(99, 1)],
  ["a request", request(1, "load")],
  ["an end", encodeFrame(FRAME.end, 1)],
  ["a chunk without an item", encodeFrame(FRAME.chunk, 1, new Uint8Array(5))],
  ["an item that announces no value", encodeFrame(FRAME.item, 1, { digest: "a" })],
  ["a frame without end", Uint8Array.of(0xff, 0xff, 0xff, 0xff)],
];

for (const [label, frame] of BREACHES) {
  Deno.test(`Connection takes ${label} for a breach of the protocol`, async () => {
    const client = new LoneClient();
    const pending = client.connection.request("load", {});
    pending.catch(() => {});
    client.receive(frame);
    const { error } = await client.end();
    assert(error instanceof ProtocolError);
  });
}

Deno.test("Connection takes an answer inside a value for a breach of the protocol", async () => {
  const client = new LoneClient();
  client.connection.request("value", {}).catch(() => {});
  const item = encodeFrame(FRAME.item, 1, { digest: "a".repeat(64), length: 5 });
  client.receive(item, answer(1, {}));
  assert((await client.end()).error instanceof ProtocolError);
});
