/** Bytes of each unit: powers of 1000 by the SI, of 1024 by IEC 80000-13. */
const UNITS: Readonly<Record<string, number>> = {
  ...{ B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
};

/** What sizes look like, for messages. */
export const SIZES = `"10 GiB" (units: ${Object.keys(UNITS).join(", ")})`;

/**
 * The bytes that a size means: a decimal number, a space or none, and a unit.
 *
 * ```text
 * size   = digits [ "." digits ] [ " " ] unit
 * unit   = "B" | "kB" | "MB" | "GB" | "TB" | "KiB" | "MiB" | "GiB" | "TiB"
 * ```
 *
 * Fractions of a byte are left out. Units are told apart by case, so that none is taken for another.
 *
 * @returns undefined if it is no size, less than a byte, or more than can be counted
 */
export function parseSize(text: string): number | undefined {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/.exec(text) ?? [];
  if (!Object.hasOwn(UNITS, unit)) return undefined;
  const bytes = Math.floor(Number(number) * (UNITS[unit] ?? 0));
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}
