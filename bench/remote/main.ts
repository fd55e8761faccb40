// What a cache on another machine costs, with a real ssh server on loopback:
//
//     deno task bench:remote [load] [save] [latency] [--size MB] [--rounds N] [--delay MS] [--pause MS]
//
// The server is the compiled program if it is there, or if DENORT_BIN says that it can be compiled.
// Linux only, since it looks into /proc.

import { parseArgs } from "node:util";
import { PROGRAM } from "../../tests/remote/_site.ts";
import { measureLatency } from "./_latency.ts";
import { measureLoads, measureSaves } from "./_large_value.ts";

const { values, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    size: { type: "string", default: "500" },
    rounds: { type: "string", default: "5" },
    delay: { type: "string", default: "50" },
    pause: { type: "string", default: "5" },
  },
});
const delay = Number(values.delay);
const rounds = Number(values.rounds);
const large = { size: Number(values.size) * 1e6, rounds, delay, pause: Number(values.pause) };
const parts: Readonly<Record<string, () => Promise<void>>> = {
  load: () => measureLoads(large),
  save: () => measureSaves(large),
  latency: () => measureLatency({ rounds, delay }),
};

console.log(`The server is ${PROGRAM.length === 1 ? "compiled" : "run from its sources"}\n`);
for (const name of positionals.length === 0 ? Object.keys(parts) : positionals) {
  const part = parts[name];
  if (part === undefined) throw new TypeError(`Unknown part "${name}"`);
  await part();
}
