// Goes through blocks of talks, apart from the thread that watches whether it comes to an end with them.

import { parentPort } from "node:worker_threads";
import { type FuzzBlock, type FuzzOutcome, runBlock } from "../tests/remote/_fuzz_block.ts";
import { fuzzCalls } from "../tests/remote/_fuzz_corpus.ts";

/** Blocks to go through. */
export interface FuzzTask extends Omit<FuzzBlock, "calls"> {
  readonly count: number;
}

/** What came of them, or what went wrong in one. */
export type FuzzReport =
  | { readonly outcome: FuzzOutcome; readonly heap: number }
  | { readonly index: number; readonly failure: string };

const calls = await fuzzCalls();

async function run({ side, seed, index: first, count }: FuzzTask): Promise<FuzzReport> {
  const total: FuzzOutcome = { frames: 0, talks: 0, breaches: 0, ends: new Map() };
  for (let index = first; index < first + count; index++) {
    try {
      const { frames, talks, breaches, ends } = await runBlock({ side, seed, index, calls });
      total.frames += frames;
      total.talks += talks;
      total.breaches += breaches;
      for (const [name, more] of ends) total.ends.set(name, (total.ends.get(name) ?? 0) + more);
    } catch (error) {
      const failure = error instanceof Error ? error.stack ?? error.message : String(error);
      return { index, failure };
    }
  }
  Reflect.get(globalThis, "gc")();
  return { outcome: total, heap: Deno.memoryUsage().heapUsed };
}

parentPort?.on("message", async (task: FuzzTask) => {
  parentPort?.postMessage(await run(task));
});
