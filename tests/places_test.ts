import assert from "node:assert";
import { Places } from "../src/places.ts";
import { inTime } from "./remote/_wait.ts";

/** Takes places one after the other; who has got some, in order. */
function taking(places: Places, counts: readonly number[]) {
  const got: number[] = [];
  const taken = counts.map(async (count, index) => {
    const place = await places.take(count);
    got.push(index);
    return place;
  });
  return { got, taken };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("Places gives as many as there are, and the next when they are given back, in turn", async () => {
  const { got, taken } = taking(new Places(2), [1, 1, 1, 1]);
  await settled();
  assert.deepEqual(got, [0, 1]);
  const first = await taken[0];
  first?.[Symbol.dispose]();
  first?.[Symbol.dispose]();
  await settled();
  // What is given back twice counts once.
  assert.deepEqual(got, [0, 1, 2]);
  (await taken[1])?.[Symbol.dispose]();
  await settled();
  assert.deepEqual(got, [0, 1, 2, 3]);
});

Deno.test("Places gives more than there are to one who is alone, and lets nobody overtake", async () => {
  const { got, taken } = taking(new Places(10), [4, 20, 1, 1]);
  await settled();
  assert.deepEqual(got, [0]);
  (await taken[0])?.[Symbol.dispose]();
  await settled();
  assert.deepEqual(got, [0, 1]);
  (await taken[1])?.[Symbol.dispose]();
  await settled();
  assert.deepEqual(got, [0, 1, 2, 3]);
});

Deno.test("Places lets everybody in once it is open", async () => {
  const places = new Places(1);
  const { got, taken } = taking(places, [1, 5, 1]);
  await settled();
  assert.deepEqual(got, [0]);
  places.open();
  await inTime(Promise.all(taken), "everybody");
  await inTime(places.take(100), "one more");
});
