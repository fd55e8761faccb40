/**
 * The near side of a load: a process of its own, so that its memory and time are known.
 *
 *     deno run --allow-all _load_client.ts <job
 *
 * The job is a {@linkcode LoadJob} as JSON. It prints a {@linkcode LoadReport} as JSON.
 *
 * @module
 */

import assert from "node:assert";
import { SshCache, type SshCacheOptions } from "@fleche/core";
import { type Usage, usageOf } from "./_usage.ts";

/** What is to be loaded. */
export interface LoadJob {
  readonly options: SshCacheOptions;
  /** The key of the call with the large result. */
  readonly large: string;
  /** The key of a call with a small result. */
  readonly small: string;
  /** How long to wait between two hits while the result comes, in milliseconds; 0 for no hits. */
  readonly pause: number;
}

/** What a load has taken. */
export interface LoadReport extends Usage {
  /** Bytes of the result. */
  readonly size: number;
  /** What hits took before the load, in milliseconds. */
  readonly idle: readonly number[];
  /** What hits took that were asked for during the load, in milliseconds. */
  readonly busy: readonly number[];
}

/** Hits before the load; they also bring the code on both sides up to speed. */
const IDLE_HITS = 40;

async function run({ options, large, small, pause }: LoadJob): Promise<LoadReport> {
  const cache = new SshCache(options);
  const server = (await cache.info()).pid;
  const hit = async () => {
    const start = performance.now();
    assert.equal(await (await cache.load(small)).result(), 1);
    return performance.now() - start;
  };
  const idle: number[] = [];
  for (let each = 0; each < IDLE_HITS; each++) idle.push(await hit());
  const busy: Promise<number>[] = [];
  let size = 0;
  const usage = await usageOf(server, async () => {
    let isDone = false;
    const loading = cache.load(large).then((call) => call.result()).finally(() => isDone = true);
    while (pause > 0 && !isDone) {
      busy.push(hit());
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    const result = await loading;
    assert(result instanceof Float64Array);
    size = result.byteLength;
  });
  const report = { ...usage, size, idle, busy: await Promise.all(busy) };
  await cache.close();
  return report;
}

if (import.meta.main) {
  const job = await new Response(Deno.stdin.readable).json();
  console.log(JSON.stringify(await run(job)));
}
