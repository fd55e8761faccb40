import assert from "node:assert/strict";
import { mapAhead } from "../src/map_ahead.ts";

/** Work whose ends the test decides on. */
class Work {
  readonly #ends: PromiseWithResolvers<number>[] = [];

  readonly begin = (each: number): Promise<number> => {
    assert.equal(each, this.#ends.length);
    const end = Promise.withResolvers<number>();
    this.#ends.push(end);
    return end.promise;
  };

  get begun(): number {
    return this.#ends.length;
  }

  end(index: number): void {
    this.#ends[index]?.resolve(10 * index);
  }

  fail(index: number): void {
    this.#ends[index]?.reject(new Error(`${index} failed`));
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("mapAhead() has sixteen under way at the most, and keeps the order", async () => {
  const work = new Work();
  const results = mapAhead(Array(40).keys(), work.begin);
  const all = Array.fromAsync(results);
  await settled();
  assert.equal(work.begun, 16);
  for (const index of [3, 2, 1]) work.end(index);
  await settled();
  // The first is still to be taken.
  assert.equal(work.begun, 16);
  work.end(0);
  await settled();
  assert.equal(work.begun, 20);
  for (let index = 4; index < 40; index++) {
    work.end(index);
    await settled();
  }
  assert.deepEqual(await all, Array.from({ length: 40 }, (_, index) => 10 * index));
});

Deno.test("mapAhead() passes on the first failure, once nothing is under way", async () => {
  const work = new Work();
  const results = mapAhead(Array(5).keys(), work.begin);
  let error: unknown;
  const failed = Array.fromAsync(results).catch((reason) => error = reason);
  await settled();
  for (const index of [4, 1]) work.fail(index);
  work.end(0);
  await settled();
  assert.equal(error, undefined);
  for (const index of [2, 3]) work.end(index);
  await failed;
  assert.match(String(error), /1 failed/);
});

Deno.test("mapAhead() begins nothing new once it is left", async () => {
  const work = new Work();
  const results = mapAhead(Array(40).keys(), work.begin);
  const left = (async () => {
    for await (const _ of results) break;
  })();
  await settled();
  for (let index = 0; index < 16; index++) work.end(index);
  await left;
  assert.equal(work.begun, 16);
});
