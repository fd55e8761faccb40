/**
 * Golden rows of Temporal.
 *
 * @module
 */

import type { GoldenRow } from "./_golden_row.ts";

/** Golden rows of Temporal. */
export const TEMPORAL: readonly GoldenRow[] = [
  [
    "Temporal.Instant 2021-03-04T05:06:07.089123456Z",
    () => Temporal.Instant.from("2021-03-04T05:06:07.089123456Z"),
    "c73109 92 b0 54656d706f72616c2e496e7374616e74 be" +
    "323032312d30332d30345430353a30363a30372e3038393132333435365a",
  ],
  [
    "Temporal.Instant -001000-01-01T00:00:00Z",
    () => Temporal.Instant.from("-001000-01-01T00:00:00Z"),
    "c72a09 92 b0 54656d706f72616c2e496e7374616e74 b7" +
    "2d3030313030302d30312d30315430303a30303a30305a",
  ],
  [
    "Temporal.ZonedDateTime 2021-03-04T05:06:07+01:00[Europe/Berlin]",
    () => Temporal.ZonedDateTime.from("2021-03-04T05:06:07+01:00[Europe/Berlin]"),
    "c74209 92 b6 54656d706f72616c2e5a6f6e65644461746554696d65 d928" +
    "323032312d30332d30345430353a30363a30372b30313a30305b4575726f70652f4265726c696e5d",
  ],
  [
    "Temporal.ZonedDateTime 2021-03-04T05:06:07+00:00[UTC]",
    () => Temporal.ZonedDateTime.from("2021-03-04T05:06:07+00:00[UTC]"),
    "c73709 92 b6 54656d706f72616c2e5a6f6e65644461746554696d65 be" +
    "323032312d30332d30345430353a30363a30372b30303a30305b5554435d",
  ],
  [
    "Temporal.PlainDate 2021-03-04",
    () => Temporal.PlainDate.from("2021-03-04"),
    "c71f09 92 b2 54656d706f72616c2e506c61696e44617465 aa 323032312d30332d3034",
  ],
  [
    "Temporal.PlainDate 2021-03-04[u-ca=hebrew]",
    () => Temporal.PlainDate.from("2021-03-04[u-ca=hebrew]"),
    "c72c09 92 b2 54656d706f72616c2e506c61696e44617465 b7" +
    "323032312d30332d30345b752d63613d6865627265775d",
  ],
  [
    "Temporal.PlainTime 05:06:07.5",
    () => Temporal.PlainTime.from("05:06:07.5"),
    "c71f09 92 b2 54656d706f72616c2e506c61696e54696d65 aa 30353a30363a30372e35",
  ],
  [
    "Temporal.PlainDateTime 2021-03-04T05:06:07",
    () => Temporal.PlainDateTime.from("2021-03-04T05:06:07"),
    "c72c09 92 b6 54656d706f72616c2e506c61696e4461746554696d65 b3" +
    "323032312d30332d30345430353a30363a3037",
  ],
  [
    "Temporal.PlainYearMonth 2021-03",
    () => Temporal.PlainYearMonth.from("2021-03"),
    "c72109 92 b7 54656d706f72616c2e506c61696e596561724d6f6e7468 a7 323032312d3033",
  ],
  [
    "Temporal.PlainMonthDay 03-04",
    () => Temporal.PlainMonthDay.from("03-04"),
    "c71e09 92 b6 54656d706f72616c2e506c61696e4d6f6e7468446179 a5 30332d3034",
  ],
  [
    "Temporal.Duration P1Y2M3W4DT5H6M7.089S",
    () => Temporal.Duration.from("P1Y2M3W4DT5H6M7.089S"),
    "c72809 92 b1 54656d706f72616c2e4475726174696f6e b4" +
    "503159324d33573444543548364d372e30383953",
  ],
  [
    "Temporal.Duration -PT1S",
    () => Temporal.Duration.from("-PT1S"),
    "c71909 92 b1 54656d706f72616c2e4475726174696f6e a5 2d50543153",
  ],
  [
    "Temporal.Duration PT0S",
    () => Temporal.Duration.from("PT0S"),
    "c71809 92 b1 54656d706f72616c2e4475726174696f6e a4 50543053",
  ],
];
