/**
 * Asking a cache what has been computed: by arguments, by results, by how long it took.
 *
 *     deno run --allow-read --allow-env --allow-sys examples/query.ts
 *
 * @module
 */

import { cache, fleche, withCache } from "@fleche/core";

type State = readonly [angle: number, speed: number];

/** How a pendulum moves, in units of its length and of gravity. */
const motion = ([angle, speed]: State): State => [speed, -Math.sin(angle)];

const along = ([angle, speed]: State, [turn, pull]: State, time: number): State => [
  angle + time * turn,
  speed + time * pull,
];

const METHODS = {
  euler: (state: State, time: number): State => along(state, motion(state), time),
  midpoint: (state: State, time: number): State =>
    along(state, motion(along(state, motion(state), time / 2)), time),
};

/** The period of a pendulum that is let go at an angle: four times the fall to its lowest point. */
const period = fleche(
  function period(amplitude: number, method: keyof typeof METHODS, step = 1e-3): number {
    let state: State = [amplitude, 0];
    let time = 0;
    while (state[0] > 0) {
      state = METHODS[method](state, step);
      time += step;
    }
    // The last step went past the lowest point.
    return 4 * (time + state[0] / -state[1]);
  },
  { version: 1 },
);

/** The exact period, by the arithmetic-geometric mean: C. F. Gauss, Werke 3 (1866), 361. */
function exactPeriod(amplitude: number): number {
  let [a, b] = [1, Math.cos(amplitude / 2)];
  for (let round = 0; round < 6; round++) [a, b] = [(a + b) / 2, Math.sqrt(a * b)];
  return 2 * Math.PI / a;
}

await withCache("memory", async () => {
  for (const amplitude of [0.5, 1, 2]) {
    await period(amplitude, "euler");
    for (const step of [1e-2, 1e-3]) await period(amplitude, "midpoint", step);
  }

  // What is left out of a template matches everything; values are given as they are.
  const all = cache().query({ name: "period" });
  console.log(`${await all.count()} calls are stored`);
  const half = await cache().query(period.describe(0.5, "euler")).only();
  console.log(`One of them gave ${(await half.result() as number).toFixed(3)}`);

  // A query is lazy, and can be filtered, sorted and iterated again and again.
  const error = async (call: typeof half) => {
    const { amplitude } = await call.arguments() as { amplitude: number };
    return Math.abs(await call.result() as number - exactPeriod(amplitude));
  };
  const byMethod = await all.groupBy((call) => call.argument("method"));
  for (const [method, calls] of byMethod) {
    const [worst] = await Array.fromAsync(calls.sorted(error, { descending: true }).take(1));
    if (worst === undefined) continue;
    const { amplitude, step } = await worst.arguments();
    const off = (await error(worst)).toExponential(0);
    console.log(`${method} is off by ${off} at most: amplitude ${amplitude}, step ${step}`);
  }

  const coarse = all.filter(async (call) => await error(call) > 1e-4);
  console.log(`${await coarse.evict()} calls were not good enough, and are gone`);

  const table = await all.sorted((call) => call.argument("amplitude")).table();
  console.log(table.toString({ width: 80 }));
  // For other programs there are table.toCsv() and table.toJsonLines().
});
