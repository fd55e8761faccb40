import type { Bare } from "./_bare_ssh.ts";
import { median, megabytes, printTable, quantile } from "./_figures.ts";
import type { FloorReport } from "./_floor_client.ts";
import type { LoadReport } from "./_load_client.ts";
import type { ProcessorTime } from "./_processes.ts";
import type { ProcessName, Usage } from "./_usage.ts";

/** Work with a large value, and what is compared with it, measured one after the other. */
export interface Round<T extends Usage = Usage> {
  /** What `ssh host true` took. */
  readonly login: Bare;
  /** What `cat` over ssh took. */
  readonly cat: Bare;
  /** What the same took with a cache. */
  readonly done: T;
}

/** What the rounds were. */
export interface RoundsOf {
  /** The command over ssh, and what was done with a cache. */
  readonly cat: string;
  readonly done: string;
  /** Bytes of the value. */
  readonly size: number;
}

const PROCESS_NAMES: readonly ProcessName[] = ["client", "ssh", "sshd", "server"];

/** Prints how long it took. */
export function printThroughput(rounds: readonly Round[], of: RoundsOf): void {
  const cats = rounds.map(({ cat }) => cat.seconds);
  const bare = rounds.map(({ cat, login }) => cat.seconds - login.seconds);
  const done = rounds.map(({ done }) => done.seconds);
  const share = (times: readonly number[]) =>
    median(times.map((time, index) => time / (done[index] ?? NaN)));
  const row = (name: string, times: readonly number[], ratio?: number) => [
    name,
    median(times).toFixed(2),
    Math.min(...times).toFixed(2),
    (of.size / 1e6 / median(times)).toFixed(0),
    ratio === undefined ? "" : `${(100 * ratio).toFixed(0)} %`,
  ];
  printTable([
    ["", "median s", "least s", "MB/s", "share of its speed"],
    row(of.cat, cats, share(cats)),
    row("the same without the login", bare, share(bare)),
    row(of.done, done),
  ]);
}

/** Prints the most memory that either side had. */
export function printMemory(rounds: readonly Round[], size: number): void {
  const rows = (["client", "server"] as const).map((name) => {
    const all = rounds.map(({ done }) => done.memory[name]);
    const most = (of: (each: (typeof all)[number]) => number) =>
      megabytes(Math.max(...all.map(of)));
    return [
      name,
      most(({ before }) => before),
      most(({ most }) => most),
      most(({ before, most }) => most - before),
      most(({ before, most }) => most - before - size),
    ];
  });
  printTable([["memory", "before", "most", "growth", "growth beyond the value"], ...rows]);
}

/** Prints where the time went. */
export function printTimes(rounds: readonly Round[]): void {
  const of = (kind: keyof ProcessorTime, name: ProcessName) =>
    median(rounds.map(({ done }) => done.time[name][kind]));
  const rows = PROCESS_NAMES.map((name) => {
    const share = median(rounds.map(({ done }) => done.time[name].main / done.seconds));
    const cells = (["user", "system", "main"] as const).map((kind) => of(kind, name).toFixed(2));
    return [name, ...cells, `${(100 * share).toFixed(0)} %`];
  });
  printTable([["processor s", "user", "system", "main thread", "main thread is busy"], ...rows]);
}

/** Prints what is needed however well the processes work side by side. */
export function printFloor(rounds: readonly Round[], floors: readonly FloorReport[]): void {
  const cores = navigator.hardwareConcurrency;
  const cat = median(rounds.map(({ cat, login }) => cat.near + cat.far - login.near - login.far));
  const fastest = Math.min(...rounds.map(({ cat }) => cat.seconds));
  const done = median(
    rounds.map(({ done }) =>
      PROCESS_NAMES.reduce((sum, name) => sum + done.time[name].user + done.time[name].system, 0)
    ),
  );
  const names = Object.keys(floors[0] ?? {});
  const steps = names.map((name) => median(floors.map((floor) => floor[name] ?? NaN)));
  const row = (name: string, time: number) => [name, time.toFixed(2), "", ""];
  const sum = (name: string, time: number) => [
    name,
    time.toFixed(2),
    (time / cores).toFixed(2),
    `${(100 * fastest * cores / time).toFixed(0)} %`,
  ];
  printTable([
    ["processor s", "sum", `on ${cores} cores`, "share of cat's best speed then"],
    sum("cat over ssh, without the login", cat),
    ...names.map((name, index) => row(name, steps[index] ?? NaN)),
    sum("all of these", steps.reduce((whole, step) => whole + step, cat)),
    sum("what was needed", done),
  ]);
}

/** Prints how long hits took while a large value came. */
export function printHits({ idle, busy }: LoadReport, delay: number): void {
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
