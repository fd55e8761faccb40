import { Call } from "@fleche/core";
import { Site } from "../../tests/remote/_site.ts";
import { runBare } from "./_bare_ssh.ts";
import { megabytes } from "./_figures.ts";
import type { FloorReport } from "./_floor_client.ts";
import {
  printFloor,
  printHits,
  printMemory,
  printThroughput,
  printTimes,
  type Round,
} from "./_large_tables.ts";
import type { LoadJob, LoadReport } from "./_load_client.ts";
import { Link, runProgram } from "./_run.ts";
import type { Usage } from "./_usage.ts";

/** How work with a large value is measured. */
export interface LargeOptions {
  /** Bytes of the value. */
  readonly size: number;
  /** Times that what is compared is measured, in turn. */
  readonly rounds: number;
  /** What the link adds to a round trip while hits are measured, in milliseconds. */
  readonly delay: number;
  /** How long to wait between two of these hits, in milliseconds. */
  readonly pause: number;
}

type LoadKeys = Omit<LoadJob, "options" | "pause">;

/** Loads a large value, next to `cat` over ssh, and while small ones are asked for. */
export async function measureLoads(options: LargeOptions): Promise<void> {
  const { size, delay, pause } = options;
  await using site = await Site.start();
  const keys = await fill(site, size);
  const load = (port: number, pause: number) =>
    runProgram<LoadReport>("_load_client.ts", { ...keys, pause, options: site.options({ port }) });
  const of = { cat: "ssh host cat file", done: "load().result()", size };
  const rounds = await inTurn(site, options.rounds, (port) => load(port, 0));
  console.log(`Loading a Float64Array of ${megabytes(size)} over loopback`);
  printThroughput(rounds, of);
  printMemory(rounds, size);
  printTimes(rounds);
  const { sshOptions, host } = site.sshd;
  const cat = ["ssh", ...sshOptions, "--", host, `cat ${site.path("file")}`];
  const floors: FloorReport[] = [];
  for (let round = 0; round < options.rounds; round++) {
    floors.push(await runProgram<FloorReport>("_floor_client.ts", { size, cat }));
  }
  printFloor(rounds, floors);

  await using link = await Link.start(site.sshd.port, delay);
  const [slow] = await inTurn(site, 1, (port) => load(port, pause), link.port);
  if (slow === undefined) return;
  console.log(`The same with ${delay} ms added, and a hit every ${pause} ms`);
  printThroughput([slow], of);
  printMemory([slow], size);
  printHits(slow.done, delay);
}

async function fill(site: Site, size: number): Promise<LoadKeys> {
  const array = Float64Array.from({ length: size / 8 }, (_, index) => index * 1.000_1);
  Deno.writeFileSync(site.path("file"), new Uint8Array(array.buffer));
  await using cache = site.inPlace();
  return {
    large: await cache.save(new Call({ name: "large", result: array })),
    small: await cache.save(new Call({ name: "small", arguments: { x: 1 }, result: 1 })),
  };
}

async function inTurn<T extends Usage>(
  site: Site,
  rounds: number,
  work: (port: number) => Promise<T>,
  port = site.sshd.port,
): Promise<Round<T>[]> {
  const all: Round<T>[] = [];
  for (let round = 0; round < rounds; round++) {
    const login = await runBare(site, { port, command: "true" });
    const cat = await runBare(site, { port, command: `cat ${site.path("file")}` });
    all.push({ login, cat, done: await work(port) });
  }
  return all;
}

/** Saves a large value, next to `cat` over ssh into a file. */
export async function measureSaves({ size, rounds }: LargeOptions): Promise<void> {
  await using site = await Site.start();
  const input = site.path("file");
  Deno.writeFileSync(input, crypto.getRandomValues(new Uint8Array(1 << 16)));
  Deno.truncateSync(input, size);
  const { port } = site.sshd;
  const all: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    const login = await runBare(site, { port, command: "true" });
    const command = `cat >${site.path("copy")} && sync ${site.path("copy")}`;
    const cat = await runBare(site, { port, command, input });
    const job = { options: site.options(), size, round };
    all.push({ login, cat, done: await runProgram<Usage>("_save_client.ts", job) });
  }
  console.log(`Saving a Float64Array of ${megabytes(size)} over loopback`);
  printThroughput(all, { cat: "ssh host 'cat >file; sync file' <file", done: "save()", size });
  printMemory(all, size);
  printTimes(all);
}
