import { Call } from "@fleche/core";
import { Site } from "../../tests/remote/_site.ts";
import { median, printTable } from "./_figures.ts";
import type { LatencyKeys, LatencyReport } from "./_latency_client.ts";
import { Link, runProgram } from "./_run.ts";

/** How work over a slow link is measured. */
export interface LatencyOptions {
  readonly rounds: number;
  /** What the link adds to a round trip, in milliseconds. */
  readonly delay: number;
}

/** Calls that a query finds. */
const CALLS = 2000;

/** Does many kinds of work over a slow link, and counts each in the time of a round trip. */
export async function measureLatency({ rounds, delay }: LatencyOptions): Promise<void> {
  await using site = await Site.start();
  const keys = await fill(site);
  await using link = await Link.start(site.sshd.port, delay);
  const options = site.options({ port: link.port });
  const reports: LatencyReport[] = [];
  for (let round = 0; round < rounds; round++) {
    const job = { options, keys, round: round + 1 };
    reports.push(await runProgram<LatencyReport>("_latency_client.ts", job));
  }
  console.log(`Over a link that adds ${delay} ms to a round trip`);
  const rows = Object.keys(reports[0] ?? {}).map((name) => {
    const times = reports.map((report) => report[name] ?? NaN);
    return [
      name,
      (median(times) / delay).toFixed(2),
      (Math.min(...times) / delay).toFixed(2),
      (Math.max(...times) / delay).toFixed(2),
      median(times).toFixed(0),
    ];
  });
  printTable([["in round trips", "median", "least", "most", "median ms"], ...rows]);
}

async function fill(site: Site): Promise<LatencyKeys> {
  await using cache = site.inPlace();
  const save = (name: string, x: number, result: unknown) =>
    cache.save(new Call({ name, arguments: { x }, result }));
  const parts = (length: number) =>
    Array.from({ length: 20 }, (_, part) => new Float64Array(length).fill(part + 1));
  const small: string[] = [];
  for (let x = 0; x < CALLS; x++) small.push(await save("small", x, x / 7));
  return {
    small,
    parts: await save("parts", 1, parts(1000)),
    largeParts: await save("parts", 2, parts(20_000)),
  };
}
