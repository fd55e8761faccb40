import assert from "node:assert";
import { Places } from "../src/places.ts";

/** Somebody who wants places, and whether they have been given. */
function taker(places: Places, count: number) {
  const state: { given: Disposable | undefined } = { given: undefined };
  places.take(count).then((given) => state.given = given);
  return state;
}

// What can go on has done so after some turns.
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

Deno.test("Places gives as many as there are, and others as they are given back", async () => {
  const places = new Places(3);
  const takers = Array.from({ length: 5 }, () => taker(places, 1));
  const given = () => takers.map((each) => each.given !== undefined);
  await turns();
  assert.deepEqual(given(), [true, true, true, false, false]);
  takers[1]?.given?.[Symbol.dispose]();
  await turns();
  assert.deepEqual(given(), [true, true, true, true, false]);
  takers[0]?.given?.[Symbol.dispose]();
  await turns();
  assert.deepEqual(given(), [true, true, true, true, true]);
});

Deno.test("Places gives in the order in which was asked", async () => {
  const places = new Places(4);
  const first = taker(places, 3);
  const [large, small] = [taker(places, 2), taker(places, 1)];
  await turns();
  // One is free, but somebody waits for two.
  assert.deepEqual([large.given, small.given], [undefined, undefined]);
  first.given?.[Symbol.dispose]();
  await turns();
  assert(large.given !== undefined && small.given !== undefined);
});

Deno.test("Places gives one who wants more than there are all of them", async () => {
  const places = new Places(4);
  const [first, huge, next] = [taker(places, 1), taker(places, 100), taker(places, 1)];
  await turns();
  assert.equal(huge.given, undefined);
  first.given?.[Symbol.dispose]();
  await turns();
  assert(huge.given !== undefined && next.given === undefined);
  huge.given[Symbol.dispose]();
  await turns();
  assert(next.given !== undefined);
  const others = [taker(places, 3), taker(places, 1)];
  await turns();
  assert.deepEqual(others.map(({ given }) => given !== undefined), [true, false]);
});

Deno.test("Places takes places back once", async () => {
  const places = new Places(1);
  const first = taker(places, 1);
  await turns();
  first.given?.[Symbol.dispose]();
  first.given?.[Symbol.dispose]();
  const others = [taker(places, 1), taker(places, 1)];
  await turns();
  assert.deepEqual(others.map(({ given }) => given !== undefined), [true, false]);
});

Deno.test("Places.open() lets all in that wait, and all that come", async () => {
  const places = new Places(1);
  const takers = [1, 1, 50].map((count) => taker(places, count));
  await turns();
  assert.deepEqual(takers.map(({ given }) => given !== undefined), [true, false, false]);
  places.open();
  takers.push(taker(places, 7));
  await turns();
  assert(takers.every(({ given }) => given !== undefined));
});
