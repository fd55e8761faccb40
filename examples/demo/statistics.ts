/**
 * The few statistics that both analyses need.
 *
 * @module
 */

/** An estimate with the interval that holds 95 % of its bootstrap distribution. */
export interface Estimate {
  /** The estimate from the data themselves. */
  readonly value: number;
  /** The 2.5th percentile. */
  readonly low: number;
  /** The 97.5th percentile. */
  readonly high: number;
}

/** Joins an estimate and its bootstrap replicates (the percentile interval of B. Efron, 1979). */
export function estimate(value: number, replicates: Float64Array): Estimate {
  const sorted = replicates.toSorted();
  return { value, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

/**
 * A quantile, interpolated as R and NumPy do by default: type 7 of R. J. Hyndman and Y. Fan, Am. Stat.
 * 50 (1996), 361.
 *
 * @param sorted at least one number, in ascending order
 * @param fraction from 0 to 1
 */
export function quantile(sorted: Float64Array, fraction: number): number {
  const position = fraction * (sorted.length - 1);
  const below = at(sorted, Math.floor(position));
  const above = at(sorted, Math.ceil(position));
  return below + (above - below) * (position - Math.floor(position));
}

/** The arithmetic mean. */
export function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The standard deviation, given how many parameters were fitted to the values. */
export function deviation(values: Float64Array, parameters = 1): number {
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(squares / (values.length - parameters));
}

/**
 * An element of an array of numbers.
 *
 * @throws {RangeError} If there is none, since a NaN would go unnoticed.
 */
export function at(values: { readonly [index: number]: number }, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`There is no number ${index}`);
  return value;
}

/**
 * Linear least squares by Householder's QR decomposition (G. H. Golub, Numer. Math. 7 (1965), 206),
 * which is done once for any number of right-hand sides.
 */
export class LeastSquares {
  readonly #rows: number;
  /** The columns of R, with the Householder vectors in place of its zeros. */
  readonly #columns: readonly Float64Array[];
  readonly #diagonal: Float64Array;

  /**
   * Decomposes a design matrix.
   *
   * @param columns one array for each parameter, one element for each observation
   */
  constructor(columns: readonly Float64Array[]) {
    this.#columns = columns.map((column) => column.slice());
    this.#rows = columns[0]?.length ?? 0;
    this.#diagonal = new Float64Array(columns.length);
    for (const [index, pivot] of this.#columns.entries()) {
      const norm = Math.sqrt(dot(pivot, pivot, index));
      const head = at(pivot, index);
      this.#diagonal[index] = head > 0 ? -norm : norm;
      pivot[index] = head - at(this.#diagonal, index);
      for (const column of this.#columns.slice(index + 1)) reflect(column, pivot, index);
    }
  }

  /** The parameters that fit some observations best. */
  solve(observations: Float64Array): Float64Array {
    if (observations.length !== this.#rows) {
      throw new RangeError(
        `Cannot fit ${observations.length} observations with ${this.#rows} rows`,
      );
    }
    const rotated = observations.slice();
    for (const [index, pivot] of this.#columns.entries()) reflect(rotated, pivot, index);
    const parameters = rotated.slice(0, this.#columns.length);
    for (let index = parameters.length - 1; index >= 0; index--) {
      const value = at(parameters, index) / at(this.#diagonal, index);
      parameters[index] = value;
      const column = this.#columns[index] as Float64Array;
      for (let row = 0; row < index; row++) {
        parameters[row] = at(parameters, row) - at(column, row) * value;
      }
    }
    return parameters;
  }
}

// Mirrors a vector at the plane that is perpendicular to another one, from an index on. Here and below
// the loop stays within both arrays, which are of one length.
function reflect(vector: Float64Array, normal: Float64Array, from: number): void {
  const factor = 2 * dot(vector, normal, from) / dot(normal, normal, from);
  for (let row = from; row < vector.length; row++) vector[row]! -= factor * normal[row]!;
}

function dot(left: Float64Array, right: Float64Array, from: number): number {
  let sum = 0;
  for (let row = from; row < left.length; row++) sum += left[row]! * right[row]!;
  return sum;
}
