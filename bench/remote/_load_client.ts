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
import {
  childrenOf,
  nameOf,
  parentOf,
  peakMemory,
  type ProcessorTime,
  processorTime,
  resetPeak,
  timeBetween,
} from "./_processes.ts";

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

/** Memory of a process, in bytes. */
export interface Memory {
  readonly before: number;
  readonly most: number;
}

/** What takes part in a load. */
export type ProcessName = "client" | "ssh" | "sshd" | "server";

/** What a load has taken. */
export interface LoadReport {
  readonly seconds: number;
  /** Bytes of the result. */
  readonly size: number;
  readonly memory: { readonly client: Memory; readonly server: Memory };
  readonly time: Readonly<Record<ProcessName, ProcessorTime>>;
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
  const ssh = childrenOf(Deno.pid).find((pid) => nameOf(pid) === "ssh");
  assert(ssh !== undefined);
  const pids = { client: Deno.pid, ssh, sshd: sessionOf(server), server };
  const hit = async () => {
    const start = performance.now();
    assert.equal(await (await cache.load(small)).result(), 1);
    return performance.now() - start;
  };
  const idle: number[] = [];
  for (let each = 0; each < IDLE_HITS; each++) idle.push(await hit());

  const times = () => mapValues(pids, processorTime);
  for (const pid of [pids.client, server]) resetPeak(pid);
  const before = { client: peakMemory(pids.client), server: peakMemory(server) };
  const first = times();
  const start = performance.now();
  let isDone = false;
  const loading = cache.load(large).then((call) => call.result()).finally(() => isDone = true);
  const busy: Promise<number>[] = [];
  while (pause > 0 && !isDone) {
    busy.push(hit());
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  const result = await loading;
  const seconds = (performance.now() - start) / 1000;
  const last = times();
  assert(result instanceof Float64Array);
  const report = {
    seconds,
    size: result.byteLength,
    memory: mapValues(before, (bytes, name) => ({ before: bytes, most: peakMemory(pids[name]) })),
    time: mapValues(first, (time, name) => timeBetween(time, last[name])),
    idle,
    busy: await Promise.all(busy),
  };
  await cache.close();
  return report;
}

// The process of sshd that passes bytes to a server and from it.
function sessionOf(server: number): number {
  let pid = parentOf(server);
  while (!nameOf(pid).startsWith("sshd")) pid = parentOf(pid);
  return pid;
}

function mapValues<K extends string, T, U>(
  of: Readonly<Record<K, T>>,
  map: (value: T, name: K) => U,
): Record<K, U> {
  const names = Object.keys(of) as K[];
  return Object.fromEntries(names.map((name) => [name, map(of[name], name)])) as Record<K, U>;
}

if (import.meta.main) {
  const job = await new Response(Deno.stdin.readable).json();
  console.log(JSON.stringify(await run(job)));
}
