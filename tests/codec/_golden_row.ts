/**
 * One case of the golden tables: a label, a value, and the hexadecimal digits of its encoding.
 *
 * The digits were not taken from the encoder: they come from a second reading of the specification,
 * written in Python over msgpack, struct and hashlib. Spaces stand between headers and contents.
 * Where a value reads back as something else, that comes last.
 */
export type GoldenRow = readonly [
  label: string,
  value: () => unknown,
  hex: string,
  back?: () => unknown,
];
