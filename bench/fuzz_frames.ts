// Random and changed frames for the server and the client, by the million: nothing but a breach of the
// protocol or the error of one request may come of them, in a bounded number of steps, and nothing may
// stay in memory. What goes wrong can be had again with the seed and the block that are printed:
//
//     deno task fuzz [--frames 10000000] [--seed 1] [--side server] [--block 123]

import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { FuzzReport, FuzzTask } from "./_fuzz_worker.ts";
import type { FuzzedSide } from "../tests/remote/_fuzz_block.ts";

/** Blocks between two looks at the memory. */
const TOGETHER = 100;

/** How long they may take at most, in seconds. */
const PATIENCE = 300;

/** By how much the memory may grow after the first look, in bytes. */
const GROWTH = 16 << 20;

const { values } = parseArgs({
  options: {
    frames: { type: "string", default: "10000000" },
    seed: { type: "string", default: "1" },
    side: { type: "string" },
    block: { type: "string" },
  },
});
const seed = Number(values.seed);
const frames = Number(values.frames);
const sides: FuzzedSide[] = values.side === undefined
  ? ["server", "client"]
  : [values.side === "server" ? "server" : "client"];

const worker = new Worker(new URL("_fuzz_worker.ts", import.meta.url));

async function run(task: FuzzTask): Promise<FuzzReport> {
  const { promise, resolve, reject } = Promise.withResolvers<FuzzReport>();
  const blocks = `${task.side}, seed ${seed}, blocks ${task.index} to ${
    task.index + task.count - 1
  }`;
  const late = setTimeout(() => reject(new Error(`No end: ${blocks}`)), PATIENCE * 1000);
  worker.once("message", resolve);
  worker.once("error", reject);
  worker.postMessage(task);
  return await promise.finally(() => {
    clearTimeout(late);
    worker.removeAllListeners();
  });
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

for (const side of sides) {
  const start = performance.now();
  const ends = new Map<string, number>();
  const heaps: number[] = [];
  let [taken, talks, breaches] = [0, 0, 0];
  const first = Number(values.block ?? 0);
  const count = values.block === undefined ? TOGETHER : 1;
  for (let index = first; taken < frames / sides.length; index += count) {
    const report = await run({ side, seed, index, count });
    if ("failure" in report) {
      console.error(`Failed: --side ${side} --seed ${seed} --block ${report.index}`);
      console.error(report.failure);
      Deno.exit(1);
    }
    taken += report.outcome.frames;
    talks += report.outcome.talks;
    breaches += report.outcome.breaches;
    for (const [name, more] of report.outcome.ends) ends.set(name, (ends.get(name) ?? 0) + more);
    heaps.push(report.heap);
    if (values.block !== undefined) break;
  }
  const seconds = (performance.now() - start) / 1000;
  const [before = 0] = heaps;
  const after = heaps.at(-1) ?? 0;
  console.log(`${side}: ${taken} frames in ${talks} talks (seed ${seed}), ${seconds.toFixed(0)} s`);
  console.log(`  breaches of the protocol: ${breaches}`);
  console.log(`  requests: ${[...ends].map(([name, each]) => `${name} ${each}`).join(", ")}`);
  console.log(`  heap: ${megabytes(before)} at first, ${megabytes(after)} at last`);
  console.log(`  resident: ${megabytes(Deno.memoryUsage().rss)}`);
  if (after - before > GROWTH) {
    console.error("The memory grows");
    Deno.exit(1);
  }
}
await worker.terminate();
