/**
 * Earthquake statistics: declustering, completeness, and the law of Gutenberg and Richter.
 *
 * @module
 */

import { at, mean } from "./statistics.ts";

/** Earthquakes in the order of time, a column for each quantity. */
export interface Catalogue {
  /** Origin times, in days since 1970-01-01 UTC. */
  readonly time: Float64Array;
  /** Latitudes of the epicentres, in degrees north. */
  readonly latitude: Float64Array;
  /** Longitudes of the epicentres, in degrees east. */
  readonly longitude: Float64Array;
  /** Magnitudes, of whatever scale the network prefers. */
  readonly magnitude: Float64Array;
  /** The networks that located them, as their codes at fdsn.org. */
  readonly network: readonly string[];
}

/** The earthquakes that some networks have located. */
export function locatedBy(catalogue: Catalogue, networks: readonly string[]): Catalogue {
  const isWanted = (_: unknown, index: number) => networks.includes(catalogue.network[index] ?? "");
  return {
    time: catalogue.time.filter(isWanted),
    latitude: catalogue.latitude.filter(isWanted),
    longitude: catalogue.longitude.filter(isWanted),
    magnitude: catalogue.magnitude.filter(isWanted),
    network: catalogue.network.filter(isWanted),
  };
}

/**
 * The windows within which an earthquake is taken for a foreshock or aftershock of a larger one:
 * J. K. Gardner and L. Knopoff, Bull. Seismol. Soc. Am. 64 (1974), 1363, in the approximation of their
 * table by T. van Stiphout, J. Zhuang and D. Marsan, "Seismicity declustering", CORSSA (2012),
 * https://doi.org/10.5078/corssa-52382934. Each pair is intercept and slope of the decimal logarithm
 * over the magnitude. The table begins at magnitude 2.5; below, the formula is extrapolated.
 */
export const GARDNER_KNOPOFF = {
  /** Kilometres. */
  distance: [0.983, 0.1238],
  /** Days, below magnitude 6.5. */
  time: [-0.547, 0.5409],
  /** Days, from magnitude 6.5 on. */
  timeOfLarge: [2.7389, 0.032],
} as const;

/** Mean radius of the Earth, in kilometres. */
const EARTH_RADIUS = 6371;

/**
 * Prepares to decluster a catalogue: from the largest earthquake down, those that no larger one has
 * claimed are mainshocks, and claim all within their window, before and after.
 *
 * @returns A function that takes magnitudes and returns, for each earthquake, the index of its
 *   mainshock, which is its own if it is one.
 */
export function declusterer(catalogue: Catalogue): (magnitudes: Float64Array) => Int32Array {
  const { time } = catalogue;
  const [x, y, z] = unitVectors(catalogue);
  // Called thousands of times: indices stay within the arrays, which are of one length.
  return (magnitudes) => {
    const mainshock = new Int32Array(time.length).fill(-1);
    const bySize = Uint32Array.from(time.keys()).sort((i, j) => magnitudes[j]! - magnitudes[i]!);
    for (const i of bySize) {
      if (mainshock[i] !== -1) continue;
      const { days, kilometres } = window(magnitudes[i]!);
      const chord = (2 * Math.sin(kilometres / EARTH_RADIUS / 2)) ** 2;
      const claim = (j: number) => {
        const distance = (x[i]! - x[j]!) ** 2 + (y[i]! - y[j]!) ** 2 + (z[i]! - z[j]!) ** 2;
        if (mainshock[j] === -1 && distance <= chord) mainshock[j] = i;
      };
      for (let j = i; j >= 0 && time[i]! - time[j]! <= days; j--) claim(j);
      for (let j = i; j < time.length && time[j]! - time[i]! <= days; j++) claim(j);
    }
    return mainshock;
  };
}

function window(magnitude: number): { days: number; kilometres: number } {
  const { distance, time, timeOfLarge } = GARDNER_KNOPOFF;
  const power = ([intercept, slope]: readonly [number, number]) =>
    10 ** (intercept + slope * magnitude);
  return {
    kilometres: power(distance),
    days: power(magnitude < 6.5 ? time : timeOfLarge),
  };
}

function unitVectors(
  { latitude, longitude }: Catalogue,
): [Float64Array, Float64Array, Float64Array] {
  const phi = latitude.map(radians);
  const lambda = longitude.map(radians);
  return [
    phi.map((angle, index) => Math.cos(angle) * Math.cos(at(lambda, index))),
    phi.map((angle, index) => Math.cos(angle) * Math.sin(at(lambda, index))),
    phi.map((angle) => Math.sin(angle)),
  ];
}

function radians(degrees: number): number {
  return degrees * Math.PI / 180;
}

/** The values that belong to mainshocks. */
export function ofMainshocks(values: Float64Array, mainshock: Int32Array): Float64Array {
  return values.filter((_, index) => mainshock[index] === index);
}

/** Magnitudes are counted in bins of 0.1; as integers, in tenths, they are exact. */
const BINS_PER_UNIT = 10;

/** Maximum curvature finds too low a completeness, by about this many bins. */
const CORRECTION = 2;

/**
 * The magnitude from which on a catalogue is complete: the fullest bin ("maximum curvature", S. Wiemer
 * and M. Wyss, Bull. Seismol. Soc. Am. 90 (2000), 859), and 0.2 more (J. Woessner and S. Wiemer, same
 * journal 95 (2005), 684). The lowest one, if several bins are equally full.
 */
export function completenessOf(magnitudes: Float64Array): number {
  const counts = new Map<number, number>();
  for (const bin of binned(magnitudes)) counts.set(bin, (counts.get(bin) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const fullest = [...counts].filter(([, count]) => count === most).map(([bin]) => bin);
  return (Math.min(...fullest) + CORRECTION) / BINS_PER_UNIT;
}

/** The magnitudes, rounded to tenths, that are at least as large as another one. */
export function magnitudesFrom(completeness: number, magnitudes: Float64Array): Float64Array {
  const first = Math.round(completeness * BINS_PER_UNIT);
  return binned(magnitudes).filter((bin) => bin >= first).map((bin) => bin / BINS_PER_UNIT);
}

/**
 * The b-value of the law of Gutenberg and Richter, log₁₀ N(≥ M) = a - b M: the estimate of maximum
 * likelihood by K. Aki, Bull. Earthq. Res. Inst. 43 (1965), 237, for magnitudes in bins of width ΔM
 * (T. Utsu, 1966; B. Bender, Bull. Seismol. Soc. Am. 73 (1983), 831),
 * b = log₁₀(e) / (mean of M - (Mc - ΔM / 2)).
 *
 * @param complete the magnitudes from Mc on, in bins
 * @param completeness Mc
 * @throws {RangeError} If there is no such magnitude.
 */
export function bValue(complete: Float64Array, completeness: number): number {
  if (complete.length === 0) throw new RangeError(`No earthquake has magnitude ${completeness}`);
  return Math.LOG10E / (mean(complete) - (completeness - 0.5 / BINS_PER_UNIT));
}

function binned(magnitudes: Float64Array): Float64Array {
  return magnitudes.map((magnitude) => Math.round(magnitude * BINS_PER_UNIT));
}
