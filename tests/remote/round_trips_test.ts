import assert from "node:assert";
import { type BaseCache, CacheStack, Call, fleche, withCache } from "@fleche/core";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { numbers } from "./_calls.ts";
import { memoryCache } from "./_memory.ts";
import { type Cost, SteppedLink } from "./_stepped_link.ts";

const { inline, unasked, window } = PROTOCOL_LIMITS;

/** Numbers that are not sent unless the other side asks for them. */
const MANY = unasked / 8 + 1;

/** Calls of one function, by an argument x. */
async function save(
  cache: BaseCache,
  results: readonly unknown[],
  name = "f",
): Promise<string[]> {
  return await Promise.all(
    results.map((result, x) => cache.save(new Call({ name, arguments: { x }, result }))),
  );
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

function loadAll(cache: BaseCache, keys: readonly string[]): Promise<unknown[]> {
  return Promise.all(keys.map(async (key) => (await cache.load(key)).result()));
}

Deno.test("SshCache finds a small result in one round trip, or that there is none", async () => {
  await using far = memoryCache();
  const [key = ""] = await save(far, [{ y: [2] }]);
  await using link = await SteppedLink.start(far);
  for (let each = 0; each < 3; each++) {
    const { trips } = await link.cost(async () => {
      assert.deepEqual(await (await link.cache.load(key)).result(), { y: [2] });
    });
    assert.equal(trips, 1);
  }
  const { trips } = await link.cost(() => link.cache.find("a".repeat(64)));
  assert.equal(trips, 1);
});

Deno.test("SshCache loads a value that has parts in one round trip", async () => {
  await using far = memoryCache();
  const leaf = (seed: number) => numbers(1000, seed);
  const results = [[range(20).map(leaf)], { a: [leaf(21), { b: leaf(22) }], c: leaf(23) }];
  const keys = await save(far, results);
  await using link = await SteppedLink.start(far);
  for (const [index, key] of keys.entries()) {
    const { trips } = await link.cost(async () => {
      assert.deepEqual(await (await link.cache.load(key)).result(), results[index]);
    });
    assert.equal(trips, 1);
  }
});

Deno.test("SshCache loads parts that are too much to come unasked in two", async () => {
  await using far = memoryCache();
  const result = [range(20).map((seed) => [numbers(inline / 8 / 10, seed)])];
  const [key = ""] = await save(far, [result]);
  await using link = await SteppedLink.start(far);
  const { trips, got } = await link.cost(async () => {
    assert.deepEqual(await (await link.cache.load(key)).result(), result);
  });
  assert.equal(trips, 2);
  assert.equal(new Set(got).size, got.length);
  // A value by its digest is known to be wanted.
  const { trips: byDigest } = await link.cost(() => link.cache.loadValue(got.at(-1) ?? ""));
  assert.equal(byDigest, 1);
});

Deno.test("SshCache loads a value of many windows without a round trip for each piece", async () => {
  await using far = memoryCache();
  const result = numbers(4 * window / 8);
  const [key = ""] = await save(far, [result]);
  await using link = await SteppedLink.start(far);
  const { trips } = await link.cost(() => loadAll(link.cache, [key]));
  assert(trips <= 8, `${trips} round trips`);
});

Deno.test("SshCache answers hits together in the time of one", async () => {
  await using far = memoryCache();
  const keys = await save(far, range(1000));
  await using link = await SteppedLink.start(far);
  const { trips } = await link.cost(async () => {
    assert.deepEqual(await loadAll(link.cache, keys), range(1000));
  });
  assert(trips <= 2, `${trips} round trips`);
});

const LONG: Record<string, (cache: BaseCache, large: string) => Promise<unknown>> = {
  "a large value comes": (cache, large) => loadAll(cache, [large]),
  "a large value goes": (cache) => save(cache, [numbers(4 * window / 8, 2)], "new"),
};

for (const [what, work] of Object.entries(LONG)) {
  Deno.test(`SshCache answers hits within three round trips while ${what}`, async () => {
    await using far = memoryCache();
    const [small = ""] = await save(far, [1], "small");
    const [large = ""] = await save(far, [numbers(4 * window / 8)], "large");
    await using link = await SteppedLink.start(far);
    let isDone = false;
    const working = work(link.cache, large).finally(() => isDone = true);
    let hits = 0;
    while (!isDone) {
      const { trips } = await link.cost(() => loadAll(link.cache, [small]));
      assert(trips <= 3, `${trips} round trips`);
      hits++;
    }
    await working;
    assert(hits > 1);
  });
}

Deno.test("SshCache answers hits in one round trip while nobody takes what a query found", async () => {
  await using far = memoryCache();
  const text = "x".repeat(1000);
  const [key = ""] = await save(far, range(6000).map((x) => `${x}${text}`));
  await using link = await SteppedLink.start(far);
  let found = 0;
  for await (const _ of link.cache.records()) {
    if (found++ > 0) continue;
    for (let each = 0; each < 10; each++) {
      assert.equal((await link.cost(() => loadAll(link.cache, [key]))).trips, 1);
    }
  }
  assert.equal(found, 6000);
});

Deno.test("SshCache saves in one round trip what is small, else in two", async () => {
  await using far = memoryCache();
  await using link = await SteppedLink.start(far);
  const trips = async (x: unknown, result: unknown) => {
    const call = new Call({ name: "f", arguments: { x }, result });
    let key = "";
    const cost = await link.cost(async () => key = await link.cache.save(call));
    assert.deepEqual(await (await far.load(key)).result(), result);
    return cost.trips;
  };
  assert.equal(await trips(1, 2), 1);
  assert.equal(await trips(2, [numbers(1000), [numbers(1000, 2)]]), 1);
  assert.equal(await trips(3, [numbers(MANY), [numbers(MANY, 2)]]), 2);
  assert.equal(await trips(numbers(MANY, 3), numbers(MANY, 4)), 2);
  // There already, all of it.
  assert.equal(await trips(numbers(MANY, 4), numbers(MANY, 3)), 1);
});

Deno.test("fleche() takes a round trip to look, and one to save what is small", async () => {
  await using far = memoryCache();
  await using link = await SteppedLink.start(far);
  const square = fleche((x: number) => x * x, { name: "square", module: "t", version: 1 });
  const costs: Cost[] = [];
  await withCache(link.cache, async () => {
    costs.push(await link.cost(() => square(2)));
    costs.push(await link.cost(() => square(2)));
    costs.push(await link.cost(() => Promise.all(range(500).map((x) => square(x)))));
    costs.push(await link.cost(() => Promise.all(range(500).map((x) => square(x)))));
  });
  const [miss, hit, misses, hits] = costs.map(({ trips }) => trips);
  assert.deepEqual([miss, hit], [2, 1]);
  assert(misses !== undefined && misses <= 4, `${misses} round trips`);
  assert(hits !== undefined && hits <= 2, `${hits} round trips`);
});

Deno.test("queries over a link stream, and a table adds one round trip for its short keys", async () => {
  await using far = memoryCache();
  await save(far, range(2000));
  await using link = await SteppedLink.start(far);
  const query = link.cache.query({ name: "f" });
  const found = await link.cost(() => Array.fromAsync(query));
  assert(found.trips <= 2, `${found.trips} round trips`);
  const table = await link.cost(async () => assert.equal((await query.table()).rows.length, 2000));
  assert(table.trips <= 3, `${table.trips} round trips`);
  // Small results are in the records.
  const results = await link.cost(async () => assert.equal((await query.results()).length, 2000));
  assert(results.trips <= 2, `${results.trips} round trips`);
});

Deno.test("a query over a link whose reader stops is not sent to its end", async () => {
  await using far = memoryCache();
  const text = "x".repeat(1000);
  await save(far, range(6000).map((x) => `${x}${text}`));
  await using link = await SteppedLink.start(far);
  const whole = await link.cost(() => Array.fromAsync(link.cache.query()));
  const begun = await link.cost(() => Array.fromAsync(link.cache.query().take(3)));
  // No more than may be on its way.
  assert(begun.down < window + 10_000, `${begun.down} bytes`);
  assert(whole.down > 1.4 * window, `${whole.down} bytes`);
});

Deno.test("a stack that fills back over a link takes as few round trips for many as for one", async () => {
  await using far = memoryCache();
  const results = range(100).map((x) => [numbers(500, x + 1), { x, deep: [numbers(500, -x - 1)] }]);
  const keys = await save(far, results);
  await using link = await SteppedLink.start(far);
  const near = memoryCache();
  const stack = new CacheStack([near, link.cache]);
  const [first = "", ...others] = keys;
  const one = await link.cost(() => loadAll(stack, [first]));
  assert.equal(one.trips, 1);
  const many = await link.cost(async () => {
    assert.deepEqual(await loadAll(stack, others), results.slice(1));
  });
  assert(many.trips <= 3, `${many.trips} round trips`);
  const again = await link.cost(async () => assert.deepEqual(await loadAll(near, keys), results));
  assert.equal(again.trips, 0);
});

Deno.test("a stack that cannot fill back takes what came with a call as it came", async () => {
  await using far = memoryCache();
  const results = [{ y: 1 }, [[numbers(500, 1)]], [numbers(200_000, 1), numbers(200_000, 2)]];
  const keys = await save(far, results);
  await using link = await SteppedLink.start(far);
  const stack = new CacheStack([memoryCache().readonly(), link.cache]);
  for (const [index, trips] of [1, 1, 2].entries()) {
    const cost = await link.cost(async () => {
      assert.deepEqual(await loadAll(stack, keys.slice(index, index + 1)), [results[index]]);
    });
    assert.equal(cost.trips, trips);
  }
});

Deno.test("transfers over a link pipeline, in both directions", async () => {
  await using far = memoryCache();
  await save(far, range(100).map((x) => [numbers(2000, x + 1), [numbers(2000, -x - 1)]]));
  await using link = await SteppedLink.start(far);
  await using near = memoryCache();
  const taken = await link.cost(async () => {
    assert.deepEqual(await link.cache.transfer(near), { moved: 100, skipped: 0, failed: 0 });
  });
  assert(taken.trips <= 4, `${taken.trips} round trips`);

  await using other = memoryCache();
  await using back = await SteppedLink.start(other);
  const given = await back.cost(async () => {
    assert.deepEqual(await near.transfer(back.cache), { moved: 100, skipped: 0, failed: 0 });
  });
  // Each is looked for, sent, and looked for again.
  assert(given.trips <= 4, `${given.trips} round trips`);
  const again = await back.cost(async () => {
    assert.deepEqual(await near.transfer(back.cache), { moved: 0, skipped: 100, failed: 0 });
  });
  assert(again.trips <= 2, `${again.trips} round trips`);
  assert.deepEqual(again.sent, []);
});
