import {
  type Call,
  fleche,
  type Json,
  type MetaData,
  type Notes,
  Runtime,
  withCache,
} from "@fleche/core";
import assert from "node:assert";
import { memoryCache, warningsOf } from "../_wrapper.ts";
import { noted } from "./_noted.ts";

class Steps implements MetaData {
  readonly name = "steps";
  constructor(readonly log: string[]) {}
  async before(call: Call): Promise<Notes> {
    this.log.push(`before ${call.name.split(" ")[0]}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { a: 1, b: 1, c: 1 };
  }
  start(): Notes {
    this.log.push("start");
    return { b: 2, c: 2 };
  }
  after(before: Notes): Notes {
    this.log.push("after");
    return { c: Number(before["b"]) + 1 };
  }
}

Deno.test("MetaData is asked before, at the start and after, and later notes win", async () => {
  const log: string[] = [];
  const { steps } = await noted([new Steps(log)], () => log.push("body"));
  assert.deepEqual(log, ["before noted", "start", "body", "after"]);
  assert.deepEqual(steps, { a: 1, b: 2, c: 3 });
});

Deno.test("Runtime does not count the time that other metadata takes", async () => {
  const { runtime } = await noted([new Runtime(), new Steps([])]);
  assert(Number(runtime?.["walltime"]) < 0.15);
});

Deno.test("MetaData that fails, or gives what cannot be stored, costs a warning only", async () => {
  const big: unknown = 1n;
  const broken: MetaData[] = [
    { name: "throws", before: () => assert.fail("No luck") },
    { name: "rejects", before: () => Promise.reject(new Error("No chance")) },
    { name: "late", after: () => assert.fail("No use") },
    { name: "wrong", start: () => ({ x: big as Json }) },
    { name: "right", start: () => ({ x: 1 }) },
  ];
  let found: unknown;
  const warnings = await warningsOf(async () => {
    found = await noted(broken);
  });
  assert.deepEqual(found, { right: { x: 1 }, runtime: (found as { runtime: Notes }).runtime });
  for (const text of [/No luck/, /No chance/, /No use/, /"wrong" gave what cannot be stored/]) {
    assert.equal(warnings.filter((warning) => text.test(warning)).length, 1, String(text));
  }
});

Deno.test("MetaData that waits does not let a changed argument into the body", async () => {
  let seen: number[] | undefined;
  const fn = fleche((list: number[]) => (seen = [...list]).length, {
    name: "changed while noted",
    meta: [new Steps([])],
  });
  await using cache = memoryCache();
  const warnings = await warningsOf(async () => {
    const list = [1];
    const running = withCache(cache, () => fn(list));
    setTimeout(() => list.push(2), 5);
    assert.equal(await running, 2);
  });
  assert.deepEqual(seen, [1, 2]);
  assert.match(warnings.join(), /argument that changed/);
  assert.equal(await cache.query().count(), 0);
});

Deno.test("MetaData that no record can hold is left out, and the call is stored", async () => {
  const evil: Json = JSON.parse('{"__proto__": 1}');
  const list: Json[] = [];
  const meta: MetaData[] = [
    { name: "proto", before: () => ({ evil }) },
    { name: "surrogate", start: () => ({ "\ud800": 1 }) },
    { name: "deep", after: () => ({ a: [{ "\ud800": 1 }] }) },
    { name: "__proto__", start: () => ({ x: 1 }) },
    { name: "\udc00", start: () => ({ x: 1 }) },
    { name: "later", before: () => ({ list }), start: () => (list.push(evil), {}) },
    {
      name: "changed",
      before: () => ({ list: [] }),
      after: ({ list }) => ((list as Json[]).push(evil), {}),
    },
    { name: "right", start: () => ({ x: 1 }) },
  ];
  let found: object = {};
  const warnings = await warningsOf(async () => {
    found = await noted(meta);
  });
  assert.deepEqual(Object.keys(found), ["changed", "later", "right", "runtime"]);
  const { changed, later } = { changed: {}, later: {}, ...found };
  assert.deepEqual([changed, later], [{ list: [] }, { list: [] }]);
  assert.equal(warnings.filter((text) => text.includes("metadata cannot be noted")).length, 5);
});
