/**
 * Times and durations as text.
 *
 * @module
 */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A time by the local clock, as people read it: `2024-05-06 07:08:09`. */
export function localTime(date: Date): string {
  const pad = (part: number) => String(part).padStart(2, "0");
  const day = [date.getFullYear(), pad(date.getMonth() + 1), pad(date.getDate())].join("-");
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(":")}`;
}

/** A time by the local clock, as programs read it (RFC 3339): `2024-05-06T07:08:09.000+02:00`. */
export function zonedTime(date: Date): string {
  const offset = -date.getTimezoneOffset();
  const shifted = new Date(date.getTime() + offset * MINUTE * 1000);
  // The last hours that a Date can hold.
  if (Number.isNaN(shifted.getTime())) return date.toISOString();
  const pad = (part: number) => String(Math.trunc(part)).padStart(2, "0");
  const [hours, minutes] = [Math.abs(offset) / 60, Math.abs(offset) % 60];
  const zone = `${offset < 0 ? "-" : "+"}${pad(hours)}:${pad(minutes)}`;
  return shifted.toISOString().replace("Z", zone);
}

/** A duration as people read it: `1.2 ms`, `34 s`, `3 min 4 s`, `2 d 5 h`. */
export function durationText(seconds: number): string {
  if (seconds === 0) return "0 s";
  for (const [unit, factor] of [["µs", 1e6], ["ms", 1e3], ["s", 1]] as const) {
    const amount = seconds * factor;
    // What would be rounded up to the next unit is written in it.
    if (amount < 9.95) return `${amount.toFixed(1)} ${unit}`;
    if (Math.round(amount) < (unit === "s" ? MINUTE : 1000)) return `${Math.round(amount)} ${unit}`;
  }
  if (Math.round(seconds) < HOUR) return inTwo(Math.round(seconds), MINUTE, "min", "s");
  const minutes = Math.round(seconds / MINUTE);
  if (minutes < DAY / MINUTE) return inTwo(minutes, HOUR / MINUTE, "h", "min");
  return inTwo(Math.round(seconds / HOUR), DAY / HOUR, "d", "h");
}

function inTwo(amount: number, size: number, large: string, small: string): string {
  return `${Math.floor(amount / size)} ${large} ${amount % size} ${small}`;
}
