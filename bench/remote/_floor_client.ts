/**
 * What a load over ssh cannot do without besides what ssh does, each by itself:
 *
 *     deno run --allow-all _floor_client.ts <job
 *
 * The job is a {@linkcode FloorJob} as JSON. It prints a {@linkcode FloorReport} as JSON.
 *
 * @module
 */

import assert from "node:assert";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { ByteReader } from "../../src/remote/_byte_reader.ts";
import { endedTime, processorTime } from "./_processes.ts";

/** What is to be measured. */
export interface FloorJob {
  /** Bytes that are loaded. */
  readonly size: number;
  /** What prints as many over ssh. */
  readonly cat: readonly string[];
}

/** The processor's time for each step, in seconds. */
export type FloorReport = Readonly<Record<string, number>>;

/** Bytes that are looked at together, as a piece of a value. */
const PIECE = 256 << 10;

async function run({ size, cat }: FloorJob): Promise<FloorReport> {
  const report: Record<string, number> = {};
  const measure = async (name: string, work: () => Promise<void> | void) => {
    const start = ownTime();
    await work();
    report[name] = ownTime() - start;
  };
  const piece = new Uint8Array(PIECE).map((_, index) => index * 7);
  const each = (work: (at: number) => void) => {
    for (let at = 0; at + PIECE <= size; at += PIECE) work(at);
  };

  const toNowhere = await timeOf(cat, "null", (child) => child.status);
  let toPipe = 0;
  await measure("client: read a pipe", async () => {
    toPipe = await timeOf(cat, "piped", async (child) => {
      const reader = new ByteReader(child.stdout);
      while (await reader.read() !== undefined);
    });
  });
  report["ssh: write a pipe"] = toPipe - toNowhere;
  let sum = 0;
  await measure("server: CRC-32", () => each(() => sum ^= crc32(piece)));
  const hash = createHash("sha256");
  await measure("client: SHA-256", () => each(() => hash.update(piece)));
  await measure("client: fill memory", () => {
    const memory = new Uint8Array(size);
    each((at) => memory.set(piece, at));
    sum += memory[size - PIECE] ?? 0;
  });
  return report;
}

// The processor's time of a program.
async function timeOf(
  [program = "", ...args]: readonly string[],
  stdout: "null" | "piped",
  work: (child: Deno.ChildProcess) => Promise<unknown>,
): Promise<number> {
  const ended = endedTime(Deno.pid);
  const child = new Deno.Command(program, { args, stdin: "null", stdout }).spawn();
  await work(child);
  assert((await child.status).success);
  return endedTime(Deno.pid) - ended;
}

function ownTime(): number {
  const { user, system } = processorTime(Deno.pid);
  return user + system;
}

if (import.meta.main) {
  const job = await new Response(Deno.stdin.readable).json();
  console.log(JSON.stringify(await run(job)));
}
