import { Call, type CallRecord, type RecordFields, transformCalls } from "@fleche/core";
import assert from "node:assert/strict";
import { simple } from "./_cache_manifest.ts";
import { memory } from "./_doubles.ts";

function renamed(fields: RecordFields): RecordFields {
  return fields.name === "f" ? { ...fields, name: "g" } : fields;
}

Deno.test("transformCalls() files calls under the keys of their new fields", async () => {
  const cache = memory();
  const child = await cache.save(simple(1, "one"));
  const other = await cache.save(simple(2, "two", "other"));
  const calls = [child, other];
  const parent = await cache.save(new Call({ name: "parent", arguments: {}, result: 3, calls }));
  const dry = await transformCalls(cache.calls, renamed, { dryRun: true });
  assert.equal(await cache.contains(child), true);
  const report = await transformCalls(cache.calls, renamed);
  assert.deepEqual(report, { ...dry, dryRun: false });
  assert.deepEqual(report, {
    ...{ dryRun: false, calls: 3, unchanged: 1, rewritten: 1, moved: 1, removed: 0 },
  });
  assert.equal(await cache.contains(child), false);
  const { key } = simple(1, "one", "g");
  assert.equal(await (await cache.load(key)).result(), "one");
  assert.deepEqual((await cache.load(parent)).calls, [key, other]);
  assert.equal((await transformCalls(cache.calls, renamed)).unchanged, 3);
});

Deno.test("transformCalls() changes what does not join the key in place", async () => {
  const cache = memory();
  const metadata = { runtime: { walltime: 1 }, secret: { user: "me" } };
  const call = new Call({ name: "f", arguments: { x: 1 }, result: 2, metadata });
  const key = await cache.save(call);
  const report = await transformCalls(cache.calls, async (fields) => {
    const { secret: _, ...rest } = await Promise.resolve(fields.metadata);
    return { ...fields, metadata: rest };
  });
  assert.deepEqual([report.rewritten, report.moved], [1, 0]);
  assert.deepEqual((await cache.load(key)).metadata, { runtime: { walltime: 1 } });
});

Deno.test("transformCalls() removes the calls for which there is nothing", async () => {
  const cache = memory();
  for (const x of [1, 2, 3]) await cache.save(simple(x));
  const { key } = simple(2);
  const seen: unknown[] = [];
  const report = await transformCalls(
    cache.calls,
    (fields, each) => each === key ? undefined : fields,
    { onProgress: (progress) => seen.push(progress) },
  );
  assert.deepEqual([report.removed, report.unchanged], [1, 2]);
  assert.deepEqual(await cache.query().results(), [3, 1]);
  assert.deepEqual(seen, [1, 2, 3].map((done) => ({ done, of: 3 })));
});

Deno.test("transformCalls() leaves a call whose new key is another one's", async () => {
  const cache = memory();
  await cache.save(simple(1, "f's"));
  await cache.save(simple(1, "g's", "g"));
  const report = await transformCalls(cache.calls, renamed);
  assert.deepEqual([report.moved, report.unchanged], [0, 2]);
  assert.deepEqual((await cache.query().results()).toSorted(), ["f's", "g's"]);
});

Deno.test("transformCalls() names by the new key what was filed after the call that names it", async () => {
  const cache = memory();
  const { key: child } = simple(1);
  const parent = await cache.save(
    new Call({ name: "parent", arguments: {}, result: 3, calls: [child] }),
  );
  await cache.save(simple(1));
  await transformCalls(cache.calls, renamed);
  assert.deepEqual((await cache.load(parent)).calls, [simple(1, 1, "g").key]);
});

Deno.test("no reader finds a call missing while transformCalls() moves it", async () => {
  const cache = memory();
  const { key: before } = simple(1, "one");
  const { key: after } = simple(1, "one", "g");
  await cache.save(simple(1, "one"));
  const { calls } = cache;
  const seen: boolean[][] = [];
  const put = calls.put.bind(calls);
  const remove = calls.delete.bind(calls);
  const look = async () => {
    seen.push([await calls.has(before), await calls.has(after)]);
  };
  calls.put = async (record: CallRecord) => {
    await look();
    await put(record);
    await look();
  };
  calls.delete = async (key: string) => {
    const found = await remove(key);
    if (key === before) await look();
    return found;
  };
  await transformCalls(calls, renamed);
  assert.deepEqual(seen, [[true, false], [true, true], [false, true]]);
});

Deno.test("transformCalls() leaves alone what is stored anew while it runs", async () => {
  for (const become of ["other", "moved", "gone", "gone later"]) {
    const cache = memory();
    const key = await cache.save(simple(1, "old"));
    const later = await cache.save(simple(2, "last"));
    await transformCalls(cache.calls, async (fields, each) => {
      const isLater = become === "gone later";
      if (each === (isLater ? later : key)) await cache.save(simple(1, "new"));
      if (each === later) return fields;
      if (become === "other") return { ...fields, metadata: { note: { a: 1 } } };
      return become === "moved" ? { ...fields, name: "g" } : undefined;
    });
    assert.equal(await (await cache.load(key)).result(), "new");
    assert.equal(await cache.query().count(), 2);
  }
});
