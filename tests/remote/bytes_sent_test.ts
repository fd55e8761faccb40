import assert from "node:assert";
import fc from "fast-check";
import { CacheStack, Call, digest } from "@fleche/core";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { numbers } from "./_calls.ts";
import { memoryCache } from "./_memory.ts";
import { SteppedLink } from "./_stepped_link.ts";

const { unasked, window } = PROTOCOL_LIMITS;

/** Numbers that are not sent unless the other side asks for them. */
const MANY = unasked / 8 + 1;

/** Bytes that a request takes which sends no values. */
const REQUEST = 2000;

Deno.test("SshCache sends a value once", async () => {
  await using far = memoryCache();
  await using link = await SteppedLink.start(far);
  for (const length of [1000, MANY]) {
    const value = numbers(length);
    const save = (name: string, x: number) =>
      link.cost(() => link.cache.save(new Call({ name, arguments: { x, value }, result: value })));
    const first = await save("f", 1);

    assert.deepEqual(first.sent.filter((each) => each === digest(value).hex), [digest(value).hex]);
    assert(first.up >= value.byteLength && first.up < value.byteLength + REQUEST);
    for (const [name, x] of [["f", 1], ["f", 2], ["g", 1]] as const) {
      const { sent, up } = await save(name, x);
      assert(!sent.includes(digest(value).hex));
      assert(up < REQUEST, `${up} bytes`);
    }
  }
});

Deno.test("SshCache sends no large value that others have stored, on whatever connection", async () => {
  await using far = memoryCache();
  const [one, two] = [numbers(MANY), numbers(MANY, 2)];
  await far.save(new Call({ name: "f", arguments: { x: [one] }, result: 1 }));
  await using link = await SteppedLink.start(far);
  const call = new Call({ name: "g", arguments: { x: one }, result: { one: [one], two } });
  let key = "";
  const { sent, up } = await link.cost(async () => key = await link.cache.save(call));
  assert(!sent.includes(digest(one).hex));
  assert(sent.includes(digest(two).hex));
  assert(up < two.byteLength + REQUEST, `${up} bytes`);
  assert.deepEqual(await (await far.load(key)).result(), { one: [one], two });
});

Deno.test("SshCache sends no value back that it has loaded", async () => {
  await using far = memoryCache();
  for (const length of [1000, MANY]) {
    const value = numbers(length);
    const key = await far.save(new Call({ name: "f", result: value }));
    await using link = await SteppedLink.start(far);
    const x = await (await link.cache.load(key)).result();
    const call = new Call({ name: "g", arguments: { x }, result: length });
    const { sent, up, trips } = await link.cost(() => link.cache.save(call));
    assert.deepEqual(sent, []);
    assert(up < REQUEST, `${up} bytes`);
    assert.equal(trips, 1);
  }
});

Deno.test("a transfer sends no value that is there", async () => {
  await using near = memoryCache();
  await using far = memoryCache();
  const shared = numbers(MANY);
  for (const [x, own] of [numbers(MANY, 2), numbers(MANY, 3)].entries()) {
    await near.save(new Call({ name: "f", arguments: { x, shared }, result: [[shared], own] }));
  }
  await far.save(new Call({ name: "other", result: shared }));
  await using link = await SteppedLink.start(far);
  const { sent, up } = await link.cost(() => near.transfer(link.cache));
  assert(!sent.includes(digest(shared).hex));
  assert(up < 3 * shared.byteLength, `${up} bytes`);
  const again = await link.cost(() => near.transfer(link.cache, { overwrite: true }));
  assert.deepEqual(again.sent, []);
});

// With a part that leads to others only when it comes, and without.
for (const inner of [[], Array.from({ length: 20_000 }, (_, index) => `${index}`.padEnd(100))]) {
  const name = inner.length === 0 ? "known at once" : "found on the way";
  Deno.test(`a stack that fills back takes little of what the first cache has, ${name}`, async () => {
    await using near = memoryCache();
    await using far = memoryCache();
    const parts = Array.from({ length: 8 }, (_, seed) => numbers(window / 8, seed + 1));
    const result = [parts, inner, numbers(1000)].flat();
    await near.save(new Call({ name: "f", arguments: { x: 1 }, result: parts }));
    const key = await far.save(new Call({ name: "g", result }));
    await using link = await SteppedLink.start(far);
    const stack = new CacheStack([near, link.cache]);
    const { down } = await link.cost(async () => {
      assert.deepEqual(await (await stack.load(key)).result(), result);
    });
    // What is on its way when the server hears of it.
    assert(down < 3 * window, `${down} bytes`);
    assert.deepEqual(await (await near.load(key)).result(), result);
  });
}

Deno.test("SshCache never sends a large value that is there, whatever is saved by whom", async () => {
  const seeds = [1, 2, 3, 4];
  // Numbers stand for arrays of numbers.
  const leaf = fc.constantFrom(...seeds);
  const value = fc.array(fc.oneof(leaf, fc.array(leaf, { maxLength: 2 })), { maxLength: 3 });
  const filled = (shape: unknown): unknown =>
    Array.isArray(shape) ? shape.map(filled) : numbers(MANY, Number(shape));
  const save = fc.record({ who: fc.nat(1), x: value, result: value });
  const large = seeds.map((seed) => digest(numbers(MANY, seed)).hex);
  const property = fc.asyncProperty(fc.array(save, { maxLength: 6 }), async (saves) => {
    await using far = memoryCache();
    await using first = await SteppedLink.start(far);
    await using second = await SteppedLink.start(far);
    const sent: string[] = [];
    for (const { who, x, result } of saves) {
      const link = who === 0 ? first : second;
      const call = new Call({ name: "f", arguments: { x: filled(x) }, result: filled(result) });
      let key = "";
      sent.push(...(await link.cost(async () => key = await link.cache.save(call))).sent);
      assert.deepEqual(await (await far.load(key)).result(), call.result);
    }
    const ofLarge = sent.filter((each) => large.includes(each));
    assert.equal(new Set(ofLarge).size, ofLarge.length);
  });
  await fc.assert(property, { numRuns: 10, seed: 1 });
});
