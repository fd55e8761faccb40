/**
 * The cached steps from the file of earthquakes to b-values.
 *
 * The cache can tell that a step has to run again if all that its result depends on is
 * - an argument: the data, the options, the seed;
 * - or named in `deps`: constants, and the cached functions that it calls, which stand there with their
 *   version, source and own deps;
 * - or a plain helper, for which the version stands: raise it when they come to compute something else.
 *
 * @module
 */

import { fleche } from "@fleche/core";
import type { Progress } from "./progress.ts";
import { Random } from "./random.ts";
import {
  bValue,
  type Catalogue,
  completenessOf,
  declusterer,
  GARDNER_KNOPOFF,
  locatedBy,
  magnitudesFrom,
  ofMainshocks,
} from "./seismology.ts";
import { at, type Estimate, estimate } from "./statistics.ts";

/** The seismicity that some networks saw. */
export interface Seismicity {
  /** How many earthquakes they located. */
  readonly events: number;
  /** How many of them are mainshocks. */
  readonly mainshocks: number;
  /** The b-value before declustering; null if the earthquakes are too few. */
  readonly bOfAll: number | null;
  /** The magnitude from which on the mainshocks are complete. */
  readonly completeness: number;
  /** How many mainshocks have at least that magnitude. */
  readonly count: number;
  /** The b-value of the mainshocks; null if they are too few. */
  readonly b: Estimate | null;
}

/** Fewest earthquakes from which a b-value is estimated. */
export const FEWEST_EVENTS = 30;

/** Standard error of a magnitude; an assumption, since the feed does not give it. */
const MAGNITUDE_ERROR = 0.1;

/** The parts of the USGS format that are used (GeoJSON; times in milliseconds since 1970). */
interface Feed {
  readonly features: readonly {
    readonly properties: {
      readonly mag: number | null;
      readonly time: number;
      readonly net: string;
      readonly type: string;
    };
    readonly geometry: { readonly coordinates: readonly [number, number, number] };
  }[];
}

/** Reads the earthquakes, without explosions and quarry blasts, from the bytes of a USGS feed. */
export const readEarthquakes = fleche(
  function readEarthquakes(geojson: Uint8Array): Catalogue {
    const feed: Feed = JSON.parse(new TextDecoder().decode(geojson));
    const events = feed.features
      .filter(({ properties: { type, mag } }) => type === "earthquake" && mag !== null)
      .toSorted((one, other) => one.properties.time - other.properties.time);
    const column = (of: (event: Feed["features"][number]) => number) =>
      Float64Array.from(events, of);
    return {
      time: column(({ properties }) => properties.time / 86_400_000),
      latitude: column(({ geometry }) => geometry.coordinates[1]),
      longitude: column(({ geometry }) => geometry.coordinates[0]),
      magnitude: column(({ properties }) => Number(properties.mag)),
      network: events.map(({ properties }) => properties.net),
    };
  },
  { version: 1 },
);

/** Finds the mainshock of each earthquake. */
export const decluster = fleche(
  function decluster(catalogue: Catalogue): Int32Array {
    return declusterer(catalogue)(catalogue.magnitude);
  },
  { version: 1, deps: [GARDNER_KNOPOFF] },
);

/** A fit of the law of Gutenberg and Richter. */
export interface GutenbergRichter {
  /** The magnitude from which on the catalogue is complete. */
  readonly completeness: number;
  /** How many earthquakes have at least that magnitude. */
  readonly count: number;
  /** The b-value; null if they are too few. */
  readonly b: number | null;
}

/** Fits the law from a magnitude on, which is estimated if none is given. */
export const fitBValue = fleche(
  function fitBValue(magnitudes: Float64Array, minMagnitude?: number): GutenbergRichter {
    const completeness = minMagnitude ?? completenessOf(magnitudes);
    const complete = magnitudesFrom(completeness, magnitudes);
    const b = complete.length < FEWEST_EVENTS ? null : bValue(complete, completeness);
    return { completeness, count: complete.length, b };
  },
  { version: 1, deps: [FEWEST_EVENTS] },
);

/** What {@linkcode bootstrapBValue} takes. */
export interface BootstrapOptions {
  /** The earthquakes. */
  readonly catalogue: Catalogue;
  /** The magnitude of completeness; estimated anew in each replicate if it is left out. */
  readonly minMagnitude?: number | undefined;
  /** How many replicates. */
  readonly replicates: number;
  /** Where the random numbers begin. */
  readonly seed: number;
  /** Is told how far the work is; makes no difference to the result. */
  readonly progress?: Progress | undefined;
}

/**
 * The distribution of the b-value, one number for each replicate: the magnitudes get errors, the
 * catalogue is declustered anew, and its mainshocks are drawn with replacement (B. Efron, Ann. Stat. 7
 * (1979), 1).
 */
export const bootstrapBValue = fleche(
  function bootstrapBValue(
    { minMagnitude, replicates, seed, catalogue, progress }: BootstrapOptions,
  ): Float64Array {
    const random = new Random(seed);
    const declusterAnew = declusterer(catalogue);
    return new Float64Array(replicates).map((_, replicate) => {
      const noisy = catalogue.magnitude.map((each) => each + MAGNITUDE_ERROR * random.normal());
      const mainshocks = ofMainshocks(noisy, declusterAnew(noisy));
      const drawn = mainshocks.map(() => at(mainshocks, random.below(mainshocks.length)));
      const from = minMagnitude ?? completenessOf(drawn);
      progress?.((replicate + 1) / replicates);
      return bValue(magnitudesFrom(from, drawn), from);
    });
  },
  { version: 1, ignore: ["progress"], deps: [GARDNER_KNOPOFF, MAGNITUDE_ERROR] },
);

/** What {@linkcode analyseSeismicity} takes. */
export interface SeismicityOptions extends BootstrapOptions {
  /** The networks whose earthquakes are wanted. */
  readonly networks: readonly string[];
}

/** The seismicity that some networks saw; all it does itself is to call the steps above. */
export const analyseSeismicity = fleche(
  async function analyseSeismicity(
    { networks, minMagnitude, replicates, seed, catalogue, progress }: SeismicityOptions,
  ): Promise<Seismicity> {
    const region = locatedBy(catalogue, networks);
    const mainshocks = ofMainshocks(region.magnitude, await decluster(region));
    const everything = await fitBValue(region.magnitude, minMagnitude);
    const { completeness, count, b } = await fitBValue(mainshocks, minMagnitude);
    const found = {
      events: region.magnitude.length,
      mainshocks: mainshocks.length,
      bOfAll: everything.b,
      count,
    };
    if (b === null) return { ...found, completeness, b };
    const options = { catalogue: region, minMagnitude, replicates, seed, progress };
    return { ...found, completeness, b: estimate(b, await bootstrapBValue(options)) };
  },
  { version: 1, ignore: ["progress"], deps: [decluster, fitBValue, bootstrapBValue] },
);
