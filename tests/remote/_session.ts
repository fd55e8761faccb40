/**
 * A program that uses a cache, for tests that need a process of its own:
 *
 *     deno run _session.ts <action> <configuration of the cache as JSON>
 *
 * What it prints on standard output is one line of JSON.
 *
 * @module
 */

import { cacheFromConfig, Call, fleche, SshCache, withCache } from "@fleche/core";
import { CacheStack } from "@fleche/core";
import { numbers } from "./_calls.ts";

const [action = "", config = "{}"] = Deno.args;
const cache = cacheFromConfig(JSON.parse(config));

let runs = 0;
/** Returns a small table and a large array that is stored by itself. */
const analyse = fleche((seed: number) => {
  runs++;
  return { seed, mean: seed / 2, series: numbers(300_000, seed) };
}, { name: "analyse", module: "test/session", version: 1 });

async function analyseAll(seeds: readonly number[]): Promise<number[]> {
  const results = await withCache(cache, () => Promise.all(seeds.map((seed) => analyse(seed))));
  return results.map(({ mean, series }) => mean + (series.at(-1) ?? 0));
}

function remote(): SshCache {
  const found = cache instanceof CacheStack ? cache.stack.at(-1) : cache;
  if (!(found instanceof SshCache)) throw new TypeError("The configuration names no remote cache");
  return found;
}

async function connect(): Promise<unknown> {
  try {
    await remote().info();
    return null;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { name, message } = error;
    return { name, message, data: Reflect.get(error, "data") };
  }
}

const ACTIONS: Readonly<Record<string, () => Promise<unknown>>> = {
  /** Calls the function a few times; the connection is left open. */
  analyse: async () => ({ results: await analyseAll([1, 2, 3]), runs }),
  /** The same one after the other, twice: there are warnings to be counted. */
  insist: async () => {
    const results: number[] = [];
    for (const seed of [1, 2, 3, 1, 2, 3]) results.push(...await analyseAll([seed]));
    return { results, runs };
  },
  /** Connects, and leaves the connection open. */
  idle: async () => await remote().info(),
  /** Connects and closes. */
  close: async () => {
    const info = await remote().info();
    await remote().close();
    return info;
  },
  /** Connects and waits to be killed. */
  wait: async () => {
    console.log(JSON.stringify(await remote().info()));
    setTimeout(() => {}, 2 ** 30);
    return await new Promise(() => {});
  },
  /** Stores a large value, and says before that it begins to. */
  save: async () => {
    console.log(JSON.stringify(await remote().info()));
    return await remote().save(new Call({ name: "large", result: numbers(2_000_000) }));
  },
  /** What becomes of a connection. */
  connect,
  /** The same; and, once standard input ends, of another one. */
  recover: async () => {
    console.log(JSON.stringify(await connect()));
    await Array.fromAsync(Deno.stdin.readable);
    await remote().reconnect();
    return await remote().info();
  },
};

console.log(JSON.stringify(await ACTIONS[action]?.()));
