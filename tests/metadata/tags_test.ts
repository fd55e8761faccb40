import { type Json, Tags, tags } from "@fleche/core";
import assert from "node:assert";
import { noted } from "./_noted.ts";

Deno.test("Tags notes values by name, and names alone as true", async () => {
  const { tags: found } = await noted([new Tags({ a: [1, { b: null }] }), new Tags(["c", "d"])]);
  assert.deepEqual(found, { a: [1, { b: null }], c: true, d: true });
});

Deno.test("Tags refuses what JSON cannot hold", () => {
  for (const value of [undefined, 1n, () => 1, new Date(), { deep: Symbol("s") }]) {
    const wrong: unknown = value;
    assert.throws(() => new Tags({ wrong: wrong as Json }), /Cannot use the tag "wrong"/);
  }
  const names: unknown = [1];
  assert.throws(() => new Tags(names as string[]), /Cannot use 1 as the name of a tag/);
});

Deno.test("Tags refuses what no record can hold", () => {
  const evil = (): Json => JSON.parse('{"__proto__": 1}');
  for (
    const value of [evil(), [evil()], { "\ud800": 1 }, new Array(2), Object.assign([1], { x: 1 })]
  ) {
    assert.throws(() => new Tags({ wrong: value as Json }), TypeError);
    assert.throws(() => tags({ wrong: value as Json }), TypeError);
  }
  for (const wrong of ["__proto__", "\udc00"]) {
    assert.throws(() => new Tags([wrong]), /as the name of a tag/);
    assert.throws(() => new Tags(Object.fromEntries([[wrong, 1]])), /as the name of a tag/);
  }
});

Deno.test("Tags keeps the values that it was given", async () => {
  const steps: Json[] = [1];
  const given = new Tags({ steps });
  steps.push(JSON.parse('{"__proto__": 1}'));
  assert.deepEqual((await noted([given]))["tags"], { steps: [1] });
});
