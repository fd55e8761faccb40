/**
 * A class of your own as the result of a cached function, and a function as its argument.
 *
 *     deno run --allow-read --allow-env --allow-sys examples/types.ts
 *
 * @module
 */

import { fleche, pure, registerType, withCache } from "@fleche/core";

/** A function on -1 to 1 as a sum of Chebyshev polynomials. */
class ChebyshevSeries {
  /** Takes the coefficients, that of the constant first. */
  constructor(readonly coefficients: Float64Array) {}

  /** The sum at a point: C. W. Clenshaw, Math. Comp. 9 (1955), 118. */
  at(x: number): number {
    let [next, current] = [0, 0];
    for (const coefficient of this.coefficients.toReversed()) {
      [next, current] = [current, coefficient + 2 * x * current - next];
    }
    return current - x * next;
  }
}

// The name and what is stored should never change: the digests of all results follow from them.
registerType<ChebyshevSeries, Float64Array>({
  name: "fleche-examples/ChebyshevSeries",
  match: (value) => value instanceof ChebyshevSeries,
  encode: (series) => series.coefficients,
  decode: (coefficients) => new ChebyshevSeries(coefficients),
});

/** The series that agrees with a function at the zeros of the first polynomial left out. */
const interpolate = fleche(
  function interpolate(fn: (x: number) => number, terms: number): ChebyshevSeries {
    console.log(`Interpolating with ${terms} terms`);
    const angles = Array.from({ length: terms }, (_, k) => Math.PI * (k + 0.5) / terms);
    const samples = angles.map((angle) => fn(Math.cos(angle)));
    const coefficients = Float64Array.from(angles, (_, order) => {
      const products = samples.map((sample, k) => sample * Math.cos(order * (angles[k] ?? NaN)));
      return products.reduce((sum, product) => sum + product) * (order === 0 ? 1 : 2) / terms;
    });
    return new ChebyshevSeries(coefficients);
  },
  { version: 1 },
);

// Two functions of one source may differ in what they close over, so plain ones are no arguments;
// pure() vouches that all that matters is the source and the values listed.
const gaussian = (width: number) => pure((x: number) => Math.exp(-((x / width) ** 2)), [width]);

await withCache("memory", async () => {
  for (const width of [0.5, 0.25, 0.5]) {
    const series = await interpolate(gaussian(width), 30);
    const error = series.at(0.2) - gaussian(width)(0.2);
    console.log(`At 0.2 the series for width ${width} is off by ${error.toExponential(0)}`);
  }
});
