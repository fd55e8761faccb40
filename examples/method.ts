/**
 * A cached method, its object as part of the key, and what explain() says of a call.
 *
 *     deno run --allow-read --allow-env --allow-sys examples/method.ts
 *
 * @module
 */

import { fleche, registerType, withCache } from "@fleche/core";

/** The Lotka-Volterra equations for prey and predators. */
class Population {
  constructor(
    readonly rates: { birth: number; hunt: number; feed: number; death: number },
    readonly start: readonly [prey: number, predators: number],
  ) {}

  /** Prey and predators after some time, by the midpoint method. */
  @fleche.method({ version: 1 })
  async after(time: number, steps = 10_000): Promise<[number, number]> {
    console.log(`Integrating to ${time}`);
    const { birth, hunt, feed, death } = this.rates;
    const slope = (x: number, y: number) => [birth * x - hunt * x * y, feed * x * y - death * y];
    const step = time / steps;
    let [x, y] = this.start;
    for (let each = 0; each < steps; each++) {
      const [dx = 0, dy = 0] = slope(x, y);
      const [ex = 0, ey = 0] = slope(x + step / 2 * dx, y + step / 2 * dy);
      [x, y] = [x + step * ex, y + step * ey];
    }
    return await Promise.resolve([x, y]);
  }
}

// `this` is an argument of the method, so its class has to say what makes two objects the same.
registerType<Population, Pick<Population, "rates" | "start">>({
  name: "fleche-examples/Population",
  match: (value) => value instanceof Population,
  encode: ({ rates, start }) => ({ rates, start }),
  decode: ({ rates, start }) => new Population(rates, start),
});

const rates = { birth: 1.1, hunt: 0.4, feed: 0.1, death: 0.4 };

await withCache("memory", async () => {
  for (const _ of ["computed", "loaded"]) {
    // A new object each time, but the same value.
    const [prey, predators] = await new Population(rates, [10, 10]).after(20);
    console.log(`${prey.toFixed(2)} prey and ${predators.toFixed(2)} predators`);
  }
  const other = new Population({ ...rates, hunt: 0.5 }, [10, 10]);
  console.log(String(await fleche.handles(other, other.after).explain(20)));
});
