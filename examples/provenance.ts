/**
 * Which commit, machine and project a stored result comes from.
 *
 *     deno run --allow-read --allow-env --allow-sys --allow-run=git examples/provenance.ts
 *
 * @module
 */

import {
  CallInfo,
  Environment,
  fleche,
  Git,
  Runtime,
  withCache,
  withMeta,
  withProject,
  withTags,
} from "@fleche/core";

/** The n-th partial sum of Leibniz's series for pi. */
const leibniz = fleche(function leibniz(terms: number): number {
  let sum = 0;
  for (let k = terms - 1; k >= 0; k--) sum += (k % 2 === 0 ? 4 : -4) / (2 * k + 1);
  return sum;
}, { version: 1 });

const noted = [new Runtime(), new Environment(), new Git(), new CallInfo()];

await withCache("memory", () =>
  withMeta(noted, () =>
    withProject("pi", async () => {
      for (const terms of [1000, 100_000]) {
        await withTags({ quality: terms > 10_000 ? "final" : "draft" }, () => leibniz(terms));
      }
      const final = await leibniz.query({ tags: { project: "pi", quality: "final" } }).only();
      console.log(`${final.name} gave ${await final.result()}`);
      for (const [namespace, notes] of Object.entries(final.metadata)) {
        console.log(`${namespace}: ${Object.keys(notes).join(", ")}`);
      }
      console.log(`called from ${final.metadata["callinfo"]?.["caller"]}`);
    })));
