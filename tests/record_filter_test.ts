import assert from "node:assert/strict";
import type { Metadata } from "@fleche/core";
import { matchesFilter, type RecordFilter } from "../src/record_filter.ts";
import { recordOf, sampleOf } from "./storage/_samples.ts";

const METADATA: Metadata = {
  runtime: { walltime: 1.5 },
  tags: { run: "a", list: [1, { b: null }] },
};

const RECORD = await recordOf({
  ...{ name: "f", module: "p/m.ts", version: "2", code: "c".repeat(64) },
  arguments: { x: 1, y: "x".repeat(5000) },
  result: [1, 2],
  metadata: METADATA,
});

const LONG = sampleOf("x".repeat(5000)).digest;

const MATCHING: readonly RecordFilter[] = [
  {},
  { name: "f", module: "p/m.ts", version: "2", code: "c".repeat(64) },
  { arguments: {} },
  { arguments: { x: sampleOf(1).digest, y: LONG } },
  { result: sampleOf([1, 2]).digest },
  { metadata: { tags: { list: [1, { b: null }] }, runtime: {} } },
];

const OTHERS: readonly RecordFilter[] = [
  { name: "g" },
  { module: null },
  { version: 2 },
  { code: null },
  { arguments: { x: LONG } },
  { arguments: { z: LONG } },
  { arguments: { constructor: LONG } },
  { result: sampleOf([2, 1]).digest },
  { metadata: { tags: { run: "b" } } },
  { metadata: { tags: { list: [1] } } },
  { metadata: { toString: {} } },
  { metadata: { tags: { toString: null } } },
  { name: "f", version: "3" },
];

Deno.test("matchesFilter() takes a record that has all that is asked for", () => {
  for (const filter of MATCHING) {
    assert.equal(matchesFilter(RECORD, filter), true, JSON.stringify(filter));
  }
});

Deno.test("matchesFilter() takes no record that differs in one thing", () => {
  for (const filter of OTHERS) {
    assert.equal(matchesFilter(RECORD, filter), false, JSON.stringify(filter));
  }
});
