import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { durationText, localTime, zonedTime } from "../src/time_text.ts";

const DURATIONS: readonly (readonly [seconds: number, text: string])[] = [
  [0, "0 s"],
  [1e-6, "1.0 µs"],
  [9.94e-6, "9.9 µs"],
  [9.96e-6, "10 µs"],
  [0.0012, "1.2 ms"],
  [0.0123, "12 ms"],
  [0.9994, "999 ms"],
  [0.9996, "1.0 s"],
  [1.25, "1.3 s"],
  [9.96, "10 s"],
  [59.4, "59 s"],
  [59.6, "1 min 0 s"],
  [184, "3 min 4 s"],
  [3599.4, "59 min 59 s"],
  [3599.6, "1 h 0 min"],
  [7384, "2 h 3 min"],
  [86_399, "1 d 0 h"],
  [200_000, "2 d 8 h"],
];

Deno.test("durationText() writes two units at the most, never 60 s or 1000 ms", () => {
  for (const [seconds, text] of DURATIONS) assert.equal(durationText(seconds), text);
});

Deno.test("localTime() and zonedTime() tell the same time by the same clock", () => {
  const date = new Date(2024, 1, 29, 7, 8, 9, 50);
  assert.equal(localTime(date), "2024-02-29 07:08:09");
  assert.match(zonedTime(date), /^2024-02-29T07:08:09\.050[+-]\d\d:\d\d$/);
  assert.equal(new Date(zonedTime(date)).getTime(), date.getTime());
});

const ZONES: readonly (readonly [zone: string, time: string])[] = [
  ["UTC", "2024-07-01T12:00:00.000+00:00"],
  ["Europe/Berlin", "2024-07-01T14:00:00.000+02:00"],
  ["America/St_Johns", "2024-07-01T09:30:00.000-02:30"],
  ["Asia/Kathmandu", "2024-07-01T17:45:00.000+05:45"],
];

Deno.test("zonedTime() writes the offset of every zone", async () => {
  const source = fileURLToPath(new URL("../src/time_text.ts", import.meta.url));
  const script = `import { zonedTime } from ${JSON.stringify(`file://${source}`)};
    console.log(zonedTime(new Date(Date.UTC(2024, 6, 1, 12))));
    for (const time of [-8.64e15, -5e12, 8.64e15]) {
      if (new Date(zonedTime(new Date(time))).getTime() !== time) throw new Error(String(time));
    }`;
  await Promise.all(ZONES.map(async ([TZ, time]) => {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", script],
      env: { TZ, NO_COLOR: "1" },
    }).output();
    const [printed, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.deepEqual([printed, errors], [`${time}\n`, ""]);
  }));
});
