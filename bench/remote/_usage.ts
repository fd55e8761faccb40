import assert from "node:assert";
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

/** Memory of a process, in bytes. */
export interface Memory {
  readonly before: number;
  readonly most: number;
}

/** What takes part in work over ssh. */
export type ProcessName = "client" | "ssh" | "sshd" | "server";

/** What work over ssh has taken. */
export interface Usage {
  readonly seconds: number;
  readonly memory: { readonly client: Memory; readonly server: Memory };
  readonly time: Readonly<Record<ProcessName, ProcessorTime>>;
}

/** What work takes that this process does with a server over ssh. */
export async function usageOf(server: number, work: () => Promise<void>): Promise<Usage> {
  const ssh = childrenOf(Deno.pid).find((pid) => nameOf(pid) === "ssh");
  assert(ssh !== undefined);
  const pids = { client: Deno.pid, ssh, sshd: sessionOf(server), server };
  for (const pid of [pids.client, server]) resetPeak(pid);
  const before = { client: peakMemory(pids.client), server: peakMemory(server) };
  const first = mapValues(pids, processorTime);
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const last = mapValues(pids, processorTime);
  return {
    seconds,
    memory: mapValues(before, (bytes, name) => ({ before: bytes, most: peakMemory(pids[name]) })),
    time: mapValues(first, (time, name) => timeBetween(time, last[name])),
  };
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
