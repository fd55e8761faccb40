import assert from "node:assert";
import { Call } from "@fleche/core";
import { Link, runProgram } from "./_run.ts";
import type { LoadJob, LoadReport } from "./_load_client.ts";
import { median, megabytes, printTable, quantile } from "./_figures.ts";
import { Site } from "../../tests/remote/_site.ts";

/** How the load of a large value is measured. */
export interface LargeOptions {
  /** Bytes of the value. */
  readonly size: number;
  /** Times that both ways are measured, in turn. */
  readonly rounds: number;
  /** What the link adds to a round trip while hits are measured, in milliseconds. */
  readonly delay: number;
  /** How long to wait between two of these hits, in milliseconds. */
  readonly pause: number;
}

interface Round {
  readonly load: LoadReport;
  /** What `ssh host cat file` took, in seconds. */
  readonly cat: number;
  /** What `ssh host true` took. */
  readonly login: number;
}

/** Loads a large value, next to `ssh host cat file`, and while small ones are asked for. */
export async function measureLargeValue(options: LargeOptions): Promise<void> {
  await using site = await Site.start();
  const keys = await fill(site, options.size);
  const rounds: Round[] = [];
  for (let round = 0; round < options.rounds; round++) {
    rounds.push(await measure(site, { ...keys, pause: 0 }));
  }
  console.log(`A Float64Array of ${megabytes(options.size)} over loopback`);
  printThroughput(rounds, options.size);
  printMemory(rounds);
  printTimes(rounds);

  await using link = await Link.start(site.sshd.port, options.delay);
  const slow = await measure(site, { ...keys, pause: options.pause }, link.port);
  console.log(`The same with ${options.delay} ms added, and a hit every ${options.pause} ms`);
  printThroughput([slow], options.size);
  printMemory([slow]);
  printHits(slow.load, options.delay);
}

async function fill(site: Site, size: number): Promise<Omit<LoadJob, "options" | "pause">> {
  const array = Float64Array.from({ length: size / 8 }, (_, index) => index * 1.000_1);
  Deno.writeFileSync(site.path("file"), new Uint8Array(array.buffer));
  await using cache = site.inPlace();
  return {
    large: await cache.save(new Call({ name: "large", result: array })),
    small: await cache.save(new Call({ name: "small", arguments: { x: 1 }, result: 1 })),
  };
}

async function measure(
  site: Site,
  job: Omit<LoadJob, "options">,
  port = site.sshd.port,
): Promise<Round> {
  const login = await ssh(site, port, ["true"]);
  const cat = await ssh(site, port, ["cat", site.path("file")]);
  const options = site.options({ port });
  return { login, cat, load: await runProgram<LoadReport>("_load_client.ts", { ...job, options }) };
}

async function ssh(site: Site, port: number, words: readonly string[]): Promise<number> {
  const start = performance.now();
  const command = new Deno.Command("ssh", {
    args: [...site.sshd.sshOptionsAt(port), "--", site.sshd.host, ...words],
    stdin: "null",
    stdout: "null",
  });
  assert((await command.output()).success);
  return (performance.now() - start) / 1000;
}

function printThroughput(rounds: readonly Round[], size: number): void {
  const cats = rounds.map(({ cat }) => cat);
  const bare = rounds.map(({ cat, login }) => cat - login);
  const loads = rounds.map(({ load }) => load.seconds);
  const share = (times: readonly number[]) =>
    median(times.map((time, index) => time / (loads[index] ?? NaN)));
  const row = (name: string, times: readonly number[], ratio?: number) => [
    name,
    median(times).toFixed(2),
    Math.min(...times).toFixed(2),
    (size / 1e6 / median(times)).toFixed(0),
    ratio === undefined ? "" : `${(100 * ratio).toFixed(0)} %`,
  ];
  printTable([
    ["", "median s", "least s", "MB/s", "load's share of its speed"],
    row("ssh host cat file", cats, share(cats)),
    row("the same without the login", bare, share(bare)),
    row("load().result()", loads),
  ]);
}

function printMemory(rounds: readonly Round[]): void {
  const rows = (["client", "server"] as const).map((name) => {
    const all = rounds.map(({ load }) => ({ ...load.memory[name], size: load.size }));
    const most = (of: (each: (typeof all)[number]) => number) =>
      megabytes(Math.max(...all.map(of)));
    return [
      name,
      most(({ before }) => before),
      most(({ most }) => most),
      most(({ before, most }) => most - before),
      most(({ before, most, size }) => most - before - size),
    ];
  });
  printTable([["memory", "before", "most", "growth", "growth beyond the value"], ...rows]);
}

function printTimes(rounds: readonly Round[]): void {
  const rows = (["client", "ssh", "sshd", "server"] as const).map((name) => {
    const times = rounds.map(({ load }) => load.time[name]);
    const share = median(rounds.map(({ load }) => load.time[name].main / load.seconds));
    return [
      name,
      ...(["user", "system", "main"] as const).map((kind) =>
        median(times.map((time) => time[kind])).toFixed(2)
      ),
      `${(100 * share).toFixed(0)} %`,
    ];
  });
  printTable([["processor s", "user", "system", "main thread", "main thread is busy"], ...rows]);
}

function printHits({ idle, busy }: LoadReport, delay: number): void {
  const row = (name: string, times: readonly number[]) => [
    name,
    String(times.length),
    ...[0.5, 0.95, 0.99, 1].map((share) => (quantile(times, share) / delay).toFixed(2)),
  ];
  printTable([
    ["hits, in round trips", "number", "median", "95 %", "99 %", "most"],
    row("before the load", idle),
    row("during the load", busy),
  ]);
}
