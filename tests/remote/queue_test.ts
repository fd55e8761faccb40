import assert from "node:assert";
import { AsyncQueue } from "../../src/remote/_queue.ts";

Deno.test("AsyncQueue gives what was pushed, then why it ended first", async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  queue.push(2);
  queue.end(new RangeError("The first"));
  queue.end();
  queue.end(new TypeError("The last"));
  const taken: number[] = [];
  await assert.rejects(async () => {
    for await (const each of queue) taken.push(each);
  }, new RangeError("The first"));
  assert.deepEqual(taken, [1, 2]);
});

Deno.test("AsyncQueue that ended well stays so", async () => {
  const queue = new AsyncQueue<number>();
  const all = Array.fromAsync(queue);
  queue.push(1);
  queue.end();
  queue.end(new Error("Too late"));
  assert.deepEqual(await all, [1]);
});
