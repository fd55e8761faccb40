/**
 * The cached steps from the file of carbon dioxide in the air at Mauna Loa to its growth and seasons,
 * with arguments and deps chosen as in earthquakes.ts.
 *
 * @module
 */

import { fleche } from "@fleche/core";
import type { Progress } from "./progress.ts";
import { Random } from "./random.ts";
import { at, deviation, type Estimate, estimate, LeastSquares } from "./statistics.ts";

/** Monthly means of carbon dioxide. */
export interface MonthlyRecord {
  /** The middles of the months, as decimal years. */
  readonly time: Float64Array;
  /** Mole fractions in dry air, in parts per million (ppm). */
  readonly concentration: Float64Array;
}

/** The model fitted to a record. */
export interface CarbonDioxideFit {
  /** The parameters of {@linkcode designOf}, in ppm, ppm/year and so on. */
  readonly parameters: Float64Array;
  /** What the model gives for each month, in ppm. */
  readonly fitted: Float64Array;
  /** What it leaves of each month, in ppm. */
  readonly residuals: Float64Array;
}

/** What the record tells. */
export interface CarbonDioxide {
  /** Mean growth from 1960 to 1969, in ppm/year. */
  readonly growthOf1960s: Estimate;
  /** Mean growth from 2010 to 2019, in ppm/year. */
  readonly growthOf2010s: Estimate;
  /** From the lowest to the highest of the seasons, in ppm. */
  readonly swing: Estimate;
  /** When in the year it is highest, from 0 to 1. */
  readonly highest: number;
  /** When in the year it is lowest, from 0 to 1. */
  readonly lowest: number;
  /** Standard deviation of the residuals, in ppm. */
  readonly scatter: number;
}

/** The middle of the record, from which the trend counts its years. */
const CENTRE = 1990;

/** Harmonics of the year: the annual and the semi-annual one. */
const HARMONICS = [1, 2];

/** Days at which the seasons are evaluated, as fractions of a year. */
const DAYS = Float64Array.from({ length: 365 }, (_, day) => (day + 0.5) / 365);

/** The seasonal columns of {@linkcode designOf}. */
function seasonsOf(time: Float64Array): Float64Array[] {
  return HARMONICS.flatMap((harmonic) => [
    time.map((year) => Math.cos(2 * Math.PI * harmonic * year)),
    time.map((year) => Math.sin(2 * Math.PI * harmonic * year)),
  ]);
}

/**
 * The columns of the model, a quadratic trend and the harmonics of the year:
 * c(t) = p₀ + p₁ τ + p₂ τ² + Σₖ (pₖ cos 2πkt + qₖ sin 2πkt), τ = t - 1990. K. W. Thoning, P. P. Tans and
 * W. D. Komhyr, J. Geophys. Res. 94 (1989), 8549, begin with such a function (and four harmonics).
 */
function designOf(time: Float64Array): Float64Array[] {
  const trend = [0, 1, 2].map((power) => time.map((year) => (year - CENTRE) ** power));
  return [...trend, ...seasonsOf(time)];
}

function combine(columns: readonly Float64Array[], parameters: Float64Array): Float64Array {
  const sum = new Float64Array(columns[0]?.length ?? 0);
  for (const [index, column] of columns.entries()) {
    const parameter = at(parameters, index);
    for (let row = 0; row < sum.length; row++) {
      sum[row] = at(sum, row) + parameter * at(column, row);
    }
  }
  return sum;
}

/** Growth at a time, in ppm/year; at the middle of a decade it is the mean growth of the decade. */
function growthAt(year: number, parameters: Float64Array): number {
  return at(parameters, 1) + 2 * at(parameters, 2) * (year - CENTRE);
}

/** The quantities that follow from the parameters. */
function quantitiesOf(parameters: Float64Array, seasons = seasonsOf(DAYS)) {
  const year = combine(seasons, parameters.subarray(3));
  const highest = Math.max(...year);
  const lowest = Math.min(...year);
  return {
    growthOf1960s: growthAt(1965, parameters),
    growthOf2010s: growthAt(2015, parameters),
    swing: highest - lowest,
    highest: at(DAYS, year.indexOf(highest)),
    lowest: at(DAYS, year.indexOf(lowest)),
  };
}

/** Reads the record from the bytes of a table of dates (`1958-03-01`), ppm, and adjusted ppm. */
export const readCarbonDioxide = fleche(
  function readCarbonDioxide(csv: Uint8Array): MonthlyRecord {
    const [, ...rows] = new TextDecoder().decode(csv).trim().split("\n");
    const months = rows.map((row) => {
      const [date = "", concentration] = row.split(",");
      const [year, month] = date.split("-").map(Number);
      return {
        time: Number(year) + (Number(month) - 0.5) / 12,
        concentration: Number(concentration),
      };
    });
    return {
      time: Float64Array.from(months, ({ time }) => time),
      concentration: Float64Array.from(months, ({ concentration }) => concentration),
    };
  },
  { version: 1 },
);

/** Fits the model by least squares. */
export const fitCarbonDioxide = fleche(
  function fitCarbonDioxide({ time, concentration }: MonthlyRecord): CarbonDioxideFit {
    const design = designOf(time);
    const parameters = new LeastSquares(design).solve(concentration);
    const fitted = combine(design, parameters);
    const residuals = concentration.map((each, month) => each - at(fitted, month));
    return { parameters, fitted, residuals };
  },
  { version: 1, deps: [CENTRE, HARMONICS] },
);

/** What {@linkcode bootstrapCarbonDioxide} takes. */
export interface BlockBootstrapOptions {
  /** When the months were, as decimal years. */
  readonly time: Float64Array;
  /** The model fitted to them. */
  readonly fit: CarbonDioxideFit;
  /** How many months in a row are drawn together. */
  readonly blockMonths: number;
  /** How many replicates. */
  readonly replicates: number;
  /** Where the random numbers begin. */
  readonly seed: number;
  /** Is told how far the work is; makes no difference to the result. */
  readonly progress?: Progress | undefined;
}

/**
 * The distributions of growth and seasons, by fitting the model to itself plus residuals drawn in
 * blocks (H. R. Künsch, Ann. Stat. 17 (1989), 1217): warm and cold years in the Pacific and volcanic
 * eruptions push the air off the trend for years, so that neighbouring months are far from independent.
 */
export const bootstrapCarbonDioxide = fleche(
  function bootstrapCarbonDioxide(
    { blockMonths, replicates, seed, time, fit, progress }: BlockBootstrapOptions,
  ) {
    const random = new Random(seed);
    const model = new LeastSquares(designOf(time));
    const seasons = seasonsOf(DAYS);
    const growthOf1960s = new Float64Array(replicates);
    const growthOf2010s = new Float64Array(replicates);
    const swing = new Float64Array(replicates);
    for (let replicate = 0; replicate < replicates; replicate++) {
      let start = 0;
      const drawn = fit.fitted.map((value, month) => {
        const inBlock = month % blockMonths;
        if (inBlock === 0) start = random.below(fit.residuals.length - blockMonths + 1);
        return value + at(fit.residuals, start + inBlock);
      });
      const quantities = quantitiesOf(model.solve(drawn), seasons);
      growthOf1960s[replicate] = quantities.growthOf1960s;
      growthOf2010s[replicate] = quantities.growthOf2010s;
      swing[replicate] = quantities.swing;
      progress?.((replicate + 1) / replicates);
    }
    return { growthOf1960s, growthOf2010s, swing };
  },
  { version: 1, ignore: ["progress"], deps: [CENTRE, HARMONICS] },
);

/** What {@linkcode analyseCarbonDioxide} takes. */
export interface CarbonDioxideOptions extends Omit<BlockBootstrapOptions, "time" | "fit"> {
  /** The measurements. */
  readonly record: MonthlyRecord;
}

/** Growth and seasons with their uncertainties; all it does itself is to call the steps above. */
export const analyseCarbonDioxide = fleche(
  async function analyseCarbonDioxide(
    { blockMonths, replicates, seed, record, progress }: CarbonDioxideOptions,
  ): Promise<CarbonDioxide> {
    const { time } = record;
    const fit = await fitCarbonDioxide(record);
    const spread = await bootstrapCarbonDioxide({
      ...{ time, fit, blockMonths, replicates, seed, progress },
    });
    const { parameters, residuals } = fit;
    const quantities = quantitiesOf(parameters);
    return {
      ...quantities,
      growthOf1960s: estimate(quantities.growthOf1960s, spread.growthOf1960s),
      growthOf2010s: estimate(quantities.growthOf2010s, spread.growthOf2010s),
      swing: estimate(quantities.swing, spread.swing),
      scatter: deviation(residuals, parameters.length),
    };
  },
  { version: 1, ignore: ["progress"], deps: [fitCarbonDioxide, bootstrapCarbonDioxide] },
);
