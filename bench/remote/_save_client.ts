/**
 * The near side of a save: a process of its own, so that its memory and time are known.
 *
 *     deno run --allow-all _save_client.ts <job
 *
 * The job is a {@linkcode SaveJob} as JSON. It prints what the save took as JSON.
 *
 * @module
 */

import { Call, SshCache, type SshCacheOptions } from "@fleche/core";
import { type Usage, usageOf } from "./_usage.ts";

/** What is to be saved. */
export interface SaveJob {
  readonly options: SshCacheOptions;
  /** Bytes of the value. */
  readonly size: number;
  /** Differs from round to round, so that what is saved is new. */
  readonly round: number;
}

/** Saves before the large one, which bring the code on both sides up to speed. */
const SMALL_SAVES = 20;

async function run({ options, size, round }: SaveJob): Promise<Usage> {
  const cache = new SshCache(options);
  const server = (await cache.info()).pid;
  const save = (x: number, result: unknown) =>
    cache.save(new Call({ name: `round ${round}`, arguments: { x }, result }));
  for (let x = 0; x < SMALL_SAVES; x++) await save(x, new Float64Array(1000).fill(x));
  const array = Float64Array.from({ length: size / 8 }, (_, index) => index * 1.000_1 + round);
  const usage = await usageOf(server, async () => {
    await save(SMALL_SAVES, array);
  });
  await cache.close();
  return usage;
}

if (import.meta.main) {
  const job = await new Response(Deno.stdin.readable).json();
  console.log(JSON.stringify(await run(job)));
}
