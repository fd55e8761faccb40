import assert from "node:assert/strict";
import { type Progress, progressLine } from "../../src/cli/_progress_bar.ts";

const MIB = 2 ** 20;

const LINES: readonly [progress: Progress, seconds: number, line: string][] = [
  [
    { start: 0, done: 0, total: 100 * MIB },
    0,
    "[........................]   0 %  0 B of 100 MiB",
  ],
  [
    { start: 0, done: 25 * MIB, total: 100 * MIB },
    5,
    "[######..................]  25 %  25 MiB of 100 MiB  5.0 MiB/s, 15 s left",
  ],
  // What was there before says nothing of how fast it goes.
  [
    { start: 50 * MIB, done: 60 * MIB, total: 100 * MIB },
    10,
    "[##############..........]  60 %  60 MiB of 100 MiB  1.0 MiB/s, 40 s left",
  ],
  [
    { start: 0, done: 100 * MIB, total: 100 * MIB },
    10,
    "[########################] 100 %  100 MiB of 100 MiB  10 MiB/s",
  ],
  [
    { start: 0, done: 100 * MIB - 1, total: 100 * MIB },
    10,
    "[#######################.]  99 %  100 MiB of 100 MiB  10 MiB/s, 1.0 s left",
  ],
  [{ start: 7, done: 7, total: 7 }, 0, "[########################] 100 %  7 B of 7 B"],
];

Deno.test("progressLine() says how far it is, how fast it goes and what is left", () => {
  for (const [progress, seconds, line] of LINES) {
    assert.equal(progressLine(progress, seconds), line);
  }
});
