/**
 * The near side of many kinds of work over a slow link, as a process of its own:
 *
 *     deno run --allow-all _latency_client.ts <job
 *
 * The job is a {@linkcode LatencyJob} as JSON. It prints the time of each kind as JSON.
 *
 * @module
 */

import assert from "node:assert";
import {
  type BaseCache,
  Cache,
  CacheStack,
  Call,
  CallMemory,
  fleche,
  SshCache,
  type SshCacheOptions,
  ValueMemory,
  withCache,
} from "@fleche/core";

/** What is on the far side: keys of calls, by what they are for. */
export interface LatencyKeys {
  /** Calls with small results. */
  readonly small: readonly string[];
  /** A call whose result has 20 parts of 8 kB, and one with parts of 160 kB. */
  readonly parts: string;
  readonly largeParts: string;
}

/** What is to be done. */
export interface LatencyJob {
  readonly options: SshCacheOptions;
  readonly keys: LatencyKeys;
  /** Differs from round to round, so that what is saved is new. */
  readonly round: number;
}

/** What each kind of work took, in milliseconds. */
export type LatencyReport = Readonly<Record<string, number>>;

/** Times that one thing is done after the other. */
const IN_SEQUENCE = 20;

/** Calls that are copied. */
const COPIED = 100;

async function run({ options, keys, round }: LatencyJob): Promise<LatencyReport> {
  const far = new SshCache(options);
  const report: Record<string, number> = {};
  const measure = async (name: string, work: () => Promise<unknown>, times = 1) => {
    const start = performance.now();
    for (let each = 0; each < times; each++) await work();
    report[name] = (performance.now() - start) / times;
  };
  const load = async (cache: BaseCache, key = "") => await (await cache.load(key)).result();
  const [first] = keys.small;
  const name = `round ${round}`;
  const save = (x: unknown, result: unknown) =>
    far.save(new Call({ name, arguments: { x }, result }));
  const square = fleche((x: number) => x * x, { name, module: "bench", version: 1 });
  const squares = () =>
    withCache(far, () => Promise.all(Array.from({ length: COPIED }, (_, x) => square(x))));
  const many = keys.small.slice(0, COPIED);
  const copied = far.query({ name: "small" }).take(COPIED);

  await measure("connecting", () => far.info());
  await measure("contains", () => far.contains(first ?? ""), IN_SEQUENCE);
  await measure("a hit", () => load(far, first), IN_SEQUENCE);
  const together = keys.small.slice(0, 1000);
  await measure("1,000 hits together", () => Promise.all(together.map((key) => load(far, key))));
  await measure("a result with 20 parts of 8 kB", () => load(far, keys.parts));
  await measure("a result with 20 parts of 160 kB", () => load(far, keys.largeParts));
  await measure("a save, small", () => save(1, 2));
  await measure("a save, 8 kB", () => save(2, numbers(1000, round)));
  await measure("a save, 1 MB", () => save(3, numbers(125_000, round)));
  await measure("the same value again", () => save(4, numbers(125_000, round)));
  await measure(`${COPIED} misses together, small`, squares);
  await measure(`${COPIED} hits together, small`, squares);
  await measure(`a query of ${keys.small.length} calls`, async () => {
    const found = await Array.fromAsync(far.query({ name: "small" }));
    assert.equal(found.length, keys.small.length);
  });
  await measure("a table of them", () => far.query({ name: "small" }).table());
  await using near = memoryCache();
  const stack = new CacheStack([near, far]);
  await measure(`a stack fills back ${COPIED} calls`, async () => {
    await Promise.all(many.map((key) => load(stack, key)));
  });
  await using other = memoryCache();
  await measure(`a transfer of ${COPIED} calls to here`, async () => {
    assert.equal(await copied.transfer(other), COPIED);
  });
  await save(5, 1);
  await using given = memoryCache();
  for (let x = 0; x < COPIED; x++) {
    await given.save(new Call({ name: `given ${name}`, arguments: { x }, result: x }));
  }
  await measure(`a transfer of ${COPIED} calls to there`, async () => {
    assert.equal((await given.transfer(far)).moved, COPIED);
  });
  await measure("the same once more, all skipped", async () => {
    assert.equal((await given.transfer(far)).skipped, COPIED);
  });
  await far.close();
  return report;
}

function memoryCache(): Cache {
  return new Cache({ values: new ValueMemory(), calls: new CallMemory() });
}

function numbers(length: number, seed: number): Float64Array {
  return Float64Array.from({ length }, (_, index) => index + seed);
}

if (import.meta.main) {
  const job = await new Response(Deno.stdin.readable).json();
  console.log(JSON.stringify(await run(job)));
}
