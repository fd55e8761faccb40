import assert from "node:assert";
import { Call } from "@fleche/core";
import { Link, runProgram } from "./_run.ts";
import type { FloorReport } from "./_floor_client.ts";
import type { LoadJob, LoadReport, ProcessName } from "./_load_client.ts";
import { childrenOf, endedTime, nameOf, type ProcessorTime } from "./_processes.ts";
import { median, megabytes, printTable, quantile } from "./_figures.ts";
import { Site } from "../../tests/remote/_site.ts";
import { until } from "../../tests/remote/_wait.ts";

const PROCESS_NAMES: readonly ProcessName[] = ["client", "ssh", "sshd", "server"];

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

/** What a command over ssh has taken, in seconds. */
interface Bare {
  readonly seconds: number;
  /** Of the processor: by ssh, and by sshd and the command. */
  readonly near: number;
  readonly far: number;
}

interface Round {
  readonly load: LoadReport;
  /** What `ssh host cat file` took. */
  readonly cat: Bare;
  /** What `ssh host true` took. */
  readonly login: Bare;
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
  const floors: FloorReport[] = [];
  for (let round = 0; round < options.rounds; round++) {
    floors.push(await runProgram<FloorReport>("_floor_client.ts", { path: site.path("file") }));
  }
  printFloor(rounds, floors);

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

async function ssh(site: Site, port: number, words: readonly string[]): Promise<Bare> {
  const sshd = childrenOf(Deno.pid).find((pid) => nameOf(pid) === "sshd") ?? 0;
  const [near, far] = [endedTime(Deno.pid), endedTime(sshd)];
  const start = performance.now();
  const command = new Deno.Command("ssh", {
    args: [...site.sshd.sshOptionsAt(port), "--", site.sshd.host, ...words],
    stdin: "null",
    stdout: "null",
  });
  assert((await command.output()).success);
  const seconds = (performance.now() - start) / 1000;
  // The server waits for what it has started, and only then is the time known.
  await until(() => childrenOf(sshd).length === 0, "the end of the session");
  return { seconds, near: endedTime(Deno.pid) - near, far: endedTime(sshd) - far };
}

function printThroughput(rounds: readonly Round[], size: number): void {
  const cats = rounds.map(({ cat }) => cat.seconds);
  const bare = rounds.map(({ cat, login }) => cat.seconds - login.seconds);
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
  const of = (kind: keyof ProcessorTime, name: ProcessName) =>
    median(rounds.map(({ load }) => load.time[name][kind]));
  const rows = PROCESS_NAMES.map((name) => {
    const share = median(rounds.map(({ load }) => load.time[name].main / load.seconds));
    const cells = (["user", "system", "main"] as const).map((kind) => of(kind, name).toFixed(2));
    return [name, ...cells, `${(100 * share).toFixed(0)} %`];
  });
  printTable([["processor s", "user", "system", "main thread", "main thread is busy"], ...rows]);
}

// However well the processes work side by side, they need this.
function printFloor(rounds: readonly Round[], floors: readonly FloorReport[]): void {
  const cores = navigator.hardwareConcurrency;
  const cat = median(rounds.map(({ cat, login }) => cat.near + cat.far - login.near - login.far));
  const fastest = Math.min(...rounds.map((round) => round.cat.seconds));
  const load = median(
    rounds.map(({ load }) =>
      PROCESS_NAMES.reduce((sum, name) => sum + load.time[name].user + load.time[name].system, 0)
    ),
  );
  const names = Object.keys(floors[0] ?? {});
  const steps = names.map((name) => median(floors.map((floor) => floor[name] ?? NaN)));
  const floor = steps.reduce((sum, step) => sum + step, cat);
  const row = (name: string, time: number, isWhole = false) => [
    name,
    time.toFixed(2),
    ...isWhole
      ? [(time / cores).toFixed(2), `${(100 * fastest * cores / time).toFixed(0)} %`]
      : ["", ""],
  ];
  printTable([
    ["processor s", "sum", `on ${cores} cores`, "share of cat's best speed then"],
    row("ssh host cat file, without the login", cat, true),
    ...names.map((name, index) => row(name, steps[index] ?? NaN)),
    row("all of these", floor, true),
    row("load().result()", load, true),
  ]);
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
