import assert from "node:assert";
import { CorruptValueError } from "@fleche/core";
import { bytesOf, concat, decoded } from "./_bytes.ts";
import { GOLDEN } from "./_golden.ts";
import { SPLIT } from "./_golden_split.ts";
import { decodeStrictly, type Verdict } from "./_strict.ts";

/** Positions to damage in bytes of some length: all of them, or those near the ends. */
function positions(length: number): number[] {
  const all = Array.from({ length }, (_, at) => at);
  return length <= 600 ? all : [...all.slice(0, 12), ...all.slice(-3)];
}

const ROWS: readonly (readonly [string, Uint8Array])[] = [
  ...GOLDEN.map(([label, , hex]) => [label, bytesOf(hex)] as const),
  ...SPLIT.map(([label, , root]) => [label, bytesOf(root)] as const),
];

Deno.test("decode() refuses every row of the golden table that breaks off", () => {
  for (const [label, bytes] of ROWS) {
    for (const length of positions(bytes.length)) {
      const verdict = decodeStrictly(bytes.subarray(0, length));
      // That a type is unknown or a part missing can show before the end does.
      assert.notEqual(verdict, "read", `${label} cut at ${length}`);
    }
  }
});

Deno.test("decode() refuses every row of the golden table that goes on", () => {
  for (const [label, , hex] of GOLDEN) {
    const bytes = bytesOf(hex);
    for (const more of ["00", "c0", "90", "ff"]) {
      assert.throws(() => decoded(concat(bytes, bytesOf(more))), CorruptValueError, label);
    }
  }
});

Deno.test("decode() never takes a flipped bit for another form of a value", () => {
  const verdicts: Record<Verdict, number> = { read: 0, corrupt: 0, unknown: 0, missing: 0 };
  for (const [, bytes] of ROWS) {
    const damaged = bytes.slice();
    for (const at of positions(bytes.length)) {
      for (let bit = 0; bit < 8; bit++) {
        damaged[at] = (bytes[at] as number) ^ (1 << bit);
        verdicts[decodeStrictly(damaged)]++;
      }
      damaged[at] = bytes[at] as number;
    }
  }
  for (const [verdict, count] of Object.entries(verdicts)) {
    assert(count > 100, `too few inputs to mean anything: ${count} ${verdict}`);
  }
});

Deno.test("decode() never takes a byte too few or too many for another form of a value", () => {
  for (const [, bytes] of ROWS) {
    if (bytes.length > 600) continue;
    for (let at = 0; at < bytes.length; at++) {
      const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
      decodeStrictly(concat(before, after.subarray(1)));
      for (const extra of [0x00, 0x90, 0xc0, 0xff]) {
        decodeStrictly(concat(before, Uint8Array.of(extra), after));
      }
    }
  }
});

Deno.test("decode() reads or refuses every input of up to two bytes", () => {
  let read = 0;
  for (let first = 0; first < 256; first++) {
    if (decodeStrictly(Uint8Array.of(first)) === "read") read++;
    for (let second = 0; second < 256; second++) {
      if (decodeStrictly(Uint8Array.of(first, second)) === "read") read++;
    }
  }
  // One byte: 160 fixints, nil, two booleans, an empty string, array and object, 166 in all. Two
  // bytes: 128 uint 8, 96 int 8, 128 characters of ASCII, arrays of any of the 166, empty bytes.
  assert.equal(read, 166 + 128 + 96 + 128 + 166 + 1);
});
