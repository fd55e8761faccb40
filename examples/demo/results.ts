/**
 * What the demo found, in words.
 *
 * @module
 */

import type { CarbonDioxide, MonthlyRecord } from "./carbon_dioxide.ts";
import { FEWEST_EVENTS, type Seismicity } from "./earthquakes.ts";
import { grid, heading, interval, paragraph } from "./report.ts";
import type { Catalogue } from "./seismology.ts";
import type { Estimate } from "./statistics.ts";

/** The seismicity of a region. */
export interface RegionalSeismicity extends Seismicity {
  /** The region's name. */
  readonly region: string;
}

const MONTHS = [
  ...["January", "February", "March", "April", "May", "June", "July", "August", "September"],
  ...["October", "November", "December"],
];

/** Prints the b-values of the regions. */
export function printSeismicity(
  { time }: Catalogue,
  regions: readonly RegionalSeismicity[],
): void {
  const [first, last] = [time.at(0) ?? NaN, time.at(-1) ?? NaN].map((day) =>
    new Date(day * 86_400_000).toISOString().slice(0, 10)
  );
  heading(`Earthquakes: ${time.length} from ${first} to ${last}`);
  console.log(grid([
    ["", "events", "mainshocks", "Mc", "≥ Mc", "b all", "b (95 % interval)"],
    ...regions.map(({ region, events, mainshocks, completeness, count, bOfAll, b }) => [
      region,
      String(events),
      String(mainshocks),
      completeness.toFixed(1),
      String(count),
      bOfAll === null ? "-" : bOfAll.toFixed(2),
      b === null ? `needs ${FEWEST_EVENTS} or more` : interval(b),
    ]),
  ]));
  console.log();
  const fitted = regions.flatMap(({ region, b }) => b === null ? [] : [{ region, b }]);
  const times = fitted.map(({ region, b: { value, low, high } }) =>
    `${times10(value)} times in ${region} (${times10(low)} to ${times10(high)})`
  );
  const explained = [
    "From magnitude Mc on, the catalogue is taken to be complete.",
    ...times.length === 0 ? [] : [
      `There, each step of one magnitude makes mainshocks rarer 10^b times: ${times.join(", ")}.`,
    ],
    ...fitted.length < 2 ? [] : [
      doOverlap(fitted.map(({ b }) => b))
        ? "The intervals overlap: this one week does not show that b differs."
        : "The intervals do not all overlap: b differs.",
    ],
    'With the foreshocks and aftershocks ("b all") b tends to be larger, since a mainshock is the ' +
    "largest earthquake of its cluster (https://doi.org/10.1785/0220200231).",
  ];
  paragraph(explained.join(" "));
}

function doOverlap(estimates: readonly Estimate[]): boolean {
  const lows = estimates.map(({ low }) => low);
  const highs = estimates.map(({ high }) => high);
  return Math.max(...lows) <= Math.min(...highs);
}

function times10(b: number): string {
  return (10 ** b).toFixed(1);
}

/** Prints the growth and the seasons of carbon dioxide. */
export function printCarbonDioxide({ time }: MonthlyRecord, found: CarbonDioxide): void {
  const { growthOf1960s, growthOf2010s, swing, highest, lowest, scatter } = found;
  const [first, last] = [time.at(0) ?? NaN, time.at(-1) ?? NaN].map((year) =>
    `${MONTHS[Math.floor((year % 1) * 12)]} ${Math.floor(year)}`
  );
  heading(`Carbon dioxide at Mauna Loa: ${time.length} months from ${first} to ${last}`);
  console.log(grid([
    ["", "(95 % interval)"],
    ["growth from 1960 to 1969, ppm/year", interval(growthOf1960s)],
    ["growth from 2010 to 2019, ppm/year", interval(growthOf2010s)],
    ["from the lowest to the highest of the seasons, ppm", interval(swing)],
    ["scatter of the months about the fit, ppm", scatter.toFixed(2)],
  ]));
  console.log();
  const ratio = (growthOf2010s.value / growthOf1960s.value).toFixed(1);
  paragraph(
    `Carbon dioxide grew ${ratio} times as fast in the 2010s as in the 1960s. Within a year it falls ` +
      `by ${swing.value.toFixed(1)} ppm from ${dayOf(highest)} to ${
        dayOf(lowest)
      }, while the plants of ` +
      "the northern hemisphere grow, and rises again while they decay.",
  );
}

function dayOf(fraction: number): string {
  const date = new Date(Date.UTC(2019, 0, 1) + fraction * 365 * 86_400_000);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}
