const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A number of bytes as people read it: `512 B`, `1.5 GiB`. */
export function sizeText(bytes: number): string {
  let unit = 0;
  let amount = bytes;
  // What would be rounded up to the next unit is written in it.
  while (amount >= 1023.5 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit++;
  }
  const digits = unit === 0 || amount >= 9.95 ? 0 : 1;
  return `${amount.toFixed(digits)} ${UNITS[unit]}`;
}

/** A count with its noun: `1 call`, `2 calls`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
