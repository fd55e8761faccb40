/**
 * Where the measurements come from: two files of the npm package vega-datasets, which says in its
 * datapackage.json how each was obtained.
 *
 * - `earthquakes.json`: the U.S. Geological Survey's feed "All Earthquakes, Past Week" as it was on
 *   2018-02-07 (https://earthquake.usgs.gov/earthquakes/feed/v1.0/geojson.php), public domain.
 * - `co2-concentration.csv`: monthly CO₂ at Mauna Loa, 1958 to 2020, of the Scripps CO₂ Program (C. D.
 *   Keeling et al., https://scrippsco2.ucsd.edu, CC BY 4.0), on the 2012 SIO manometric scale.
 *
 * @module
 */

// The version is part of the analysis, and no dependency of the library.
// deno-lint-ignore no-import-prefix
import datasets from "npm:vega-datasets@3.2.1";

/** The package and its version. */
export const DATA_PACKAGE = `vega-datasets ${datasets.version}`;

/** Reads a data file of the package, as it is. */
export async function readDataFile(
  name: "earthquakes.json" | "co2-concentration.csv",
): Promise<Uint8Array> {
  // The package does not export its data files, but its main module stands beside them.
  const main = import.meta.resolve("npm:vega-datasets@3.2.1");
  return await Deno.readFile(new URL(`../data/${name}`, main));
}
