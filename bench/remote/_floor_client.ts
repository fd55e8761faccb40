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
  /** A file of the size that is loaded. */
  readonly path: string;
}

/** The processor's time for each step, in seconds. */
export type FloorReport = Readonly<Record<string, number>>;

/** Bytes that are looked at together, as a piece of a value. */
const PIECE = 256 << 10;

async function run({ path }: FloorJob): Promise<FloorReport> {
  const size = Deno.statSync(path).size;
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

  const ended = endedTime(Deno.pid);
  await measure("client: read a pipe", async () => {
    const child = new Deno.Command("cat", { args: [path], stdout: "piped" }).spawn();
    const reader = new ByteReader(child.stdout);
    while (await reader.read() !== undefined);
    assert((await child.status).success);
  });
  report["server: read a file, write a pipe"] = endedTime(Deno.pid) - ended;
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

function ownTime(): number {
  const { user, system } = processorTime(Deno.pid);
  return user + system;
}

if (import.meta.main) {
  const job = await new Response(Deno.stdin.readable).json();
  console.log(JSON.stringify(await run(job)));
}
