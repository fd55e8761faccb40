/**
 * One cache on two machines: results are looked for here first, then on another host over SSH, and
 * what is found there is kept here.
 *
 *     deno run --allow-read --allow-write --allow-env --allow-sys --allow-run=ssh \
 *       examples/remote.ts user@host [program]
 *
 * The host needs the program fleche (`deno task compile` makes it), and nothing else.
 *
 * @module
 */

import { Cache, CacheStack, CallSql, fleche, SshCache, ValueFile, withCache } from "@fleche/core";

/** The logistic map x ← r x (1 - x), in the limit of many steps (R. M. May, Nature 261 (1976), 459). */
const orbit = fleche(
  function orbit(r: number, points: number): Float64Array {
    console.log(`Computing the orbit of r = ${r}`);
    let x = 0.5;
    const step = () => x = r * x * (1 - x);
    for (let transient = 0; transient < 1_000_000; transient++) step();
    return Float64Array.from({ length: points }, step);
  },
  { version: 1 },
);

async function main(host: string, command = "fleche"): Promise<void> {
  await using near = new Cache({
    values: new ValueFile({ root: "~/.cache/fleche-example/values" }),
    calls: new CallSql({ url: "~/.cache/fleche-example/calls.db" }),
  });
  await using far = new SshCache({ host, command });
  const { hostname, executable, version, readOnly } = await far.info();
  console.log(`${executable} ${version} on ${hostname}${readOnly ? ", read-only" : ""}`);

  // What runs with the far cache active is stored there, as it is by programs that run on that host.
  await withCache(far, () => orbit(3.83, 3));
  // From now on the near cache has it too, and finds it when the host is out of reach.
  const found = await withCache(new CacheStack([near, far]), () => orbit(3.83, 3));
  console.log(`The orbit of r = 3.83 has three points: ${found.toSorted().join(", ")}`);
  console.log(`It is here now: ${await withCache(near, () => orbit.contains(3.83, 3))}`);
}

const [host, command] = Deno.args;
if (host !== undefined) await main(host, command);
else {
  console.error("Usage: deno run [permissions] examples/remote.ts user@host [remote program]");
  Deno.exitCode = 2;
}
