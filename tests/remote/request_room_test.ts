import assert from "node:assert";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { RequestRoom } from "../../src/remote/request_room.ts";

const LIMITS = { ...PROTOCOL_LIMITS, requests: 8, requestBytes: 1000 };

/** Starts requests and tells which have been started. */
class Requests {
  readonly started: string[] = [];
  readonly room = new RequestRoom(LIMITS);

  /** One request of some bytes. */
  start(name: string, size = 1, isUrgent = false): Promise<number> {
    return this.room.take(size, () => this.started.push(name), { isUrgent });
  }
}

Deno.test("RequestRoom starts a request at once where there is room", () => {
  const requests = new Requests();
  for (const name of "abcdef") requests.start(name);
  assert.equal(requests.started.join(""), "abcdef");
});

Deno.test("RequestRoom leaves a part of its room to those that others wait for", async () => {
  const requests = new Requests();
  const waiting = [..."abcdefgh"].map((name) => requests.start(name));
  assert.equal(requests.started.join(""), "abcdef");
  for (const name of "ABC") waiting.push(requests.start(name, 1, true));
  assert.equal(requests.started.join(""), "abcdefAB");
  // The urgent one that waits goes first; only the third that ends makes room for an ordinary one.
  requests.room.give(1);
  assert.equal(requests.started.join(""), "abcdefABC");
  requests.room.give(1);
  requests.room.give(1);
  assert.equal(requests.started.join(""), "abcdefABC");
  requests.room.give(1);
  assert.equal(requests.started.join(""), "abcdefABCg");
  requests.room.give(1);
  await Promise.all(waiting);
  assert.equal(requests.started.join(""), "abcdefABCgh");
});

Deno.test("RequestRoom counts bytes, and takes one that is longer by itself", () => {
  const requests = new Requests();
  requests.start("a", 5000);
  requests.start("b", 1);
  assert.equal(requests.started.join(""), "a");
  requests.room.give(5000);
  requests.start("c", 749);
  requests.start("d", 1);
  assert.equal(requests.started.join(""), "abc");
  requests.start("E", 250, true);
  assert.equal(requests.started.join(""), "abcE");
});

Deno.test("RequestRoom keeps the order of those that wait", () => {
  const requests = new Requests();
  requests.start("a", 700);
  requests.start("b", 600);
  requests.start("c", 1);
  assert.equal(requests.started.join(""), "a");
  requests.room.give(700);
  assert.equal(requests.started.join(""), "abc");
});

Deno.test("RequestRoom lets go of one that is not wanted any more, and fails those that wait", async () => {
  const { room } = new Requests();
  room.take(1000, () => 0, { isUrgent: false });
  const left = new AbortController();
  const reason = new Error("left");
  const gone = room.take(1, () => 1, { isUrgent: false, signal: left.signal });
  const failed = room.take(1, () => 2, { isUrgent: false });
  left.abort(reason);
  await assert.rejects(gone, reason);
  room.fail(new Error("lost"));
  await assert.rejects(failed, /lost/);
  room.give(1000);
});
