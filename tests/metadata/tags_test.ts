import { type Json, Tags } from "@fleche/core";
import assert from "node:assert";
import { noted } from "./_noted.ts";

Deno.test("Tags notes values by name, and names alone as true", async () => {
  const { tags } = await noted([new Tags({ a: [1, { b: null }] }), new Tags(["c", "d"])]);
  assert.deepEqual(tags, { a: [1, { b: null }], c: true, d: true });
});

Deno.test("Tags refuses what JSON cannot hold", () => {
  for (const value of [undefined, 1n, () => 1, new Date(), { deep: Symbol("s") }]) {
    const wrong: unknown = value;
    assert.throws(() => new Tags({ wrong: wrong as Json }), /Cannot use the tag "wrong"/);
  }
  const names: unknown = [1];
  assert.throws(() => new Tags(names as string[]), /Cannot use 1 as the name of a tag/);
});
