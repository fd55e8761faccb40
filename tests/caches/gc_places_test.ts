import {
  Cache,
  CallFile,
  CallHdf5,
  CallSql,
  type CallStorage,
  RejectedError,
  ValueFile,
  ValueMemory,
} from "@fleche/core";
import assert from "node:assert/strict";
import { TemporaryFolder } from "../storage/_temporary_folder.ts";
import { Warnings } from "../storage/_warnings.ts";
import { LARGE, simple } from "./_cache_manifest.ts";

const OTHER = "y".repeat(5000);

const STORAGES: Record<string, (path: string) => CallStorage> = {
  CallFile: (root) => new CallFile({ root }),
  CallHdf5: (root) => new CallHdf5({ root }),
  CallSql: (url) => new CallSql({ url }),
};

const SIGNED: Record<string, (path: string, key: string) => CallStorage> = {
  CallFile: (root, key) => new CallFile({ root, secretKey: [key] }),
  CallHdf5: (root, key) => new CallHdf5({ root, secretKey: [key] }),
  CallSql: (url, key) => new CallSql({ url, secretKey: [key] }),
};

/** Makes caches that share values, with calls in one place or another. */
function opener(folder: TemporaryFolder, calls: (path: string) => CallStorage) {
  const values = new ValueFile({ root: folder.join("values") });
  return (name: string) => new Cache({ values, calls: calls(folder.join(name)) });
}

async function assertRefuses(cache: Cache, ...texts: readonly (string | RegExp)[]): Promise<void> {
  await assert.rejects(cache.gc({ grace: 0 }), (error: unknown) => {
    assert(error instanceof RejectedError);
    for (const text of texts) {
      assert(
        typeof text === "string" ? error.message.includes(text) : text.test(error.message),
        error.message,
      );
    }
    return true;
  });
}

for (const [name, calls] of Object.entries(STORAGES)) {
  Deno.test(`gc() refuses when another ${name} stands where calls were filed`, async () => {
    using folder = new TemporaryFolder();
    const open = opener(folder, calls);
    const before = open("calls");
    const key = await before.save(simple(1, LARGE));
    await before.close();
    Deno.renameSync(folder.join("calls"), folder.join("moved"));
    await using moved = open("moved");
    await using after = open("calls");
    const last = await after.save(simple(2, OTHER));
    const { values } = after;
    const forget = /values\.forget\("\w+:\/\/.*\/calls#[0-9a-f]{32}"\)/;
    await assertRefuses(after, "/calls#", "another one took its place", forget);
    await assertRefuses(moved, "another one took its place");
    assert.equal(await (await moved.load(key)).result(), LARGE);
    // Whoever passes it says where it is now.
    assert.equal((await after.gc({ grace: 0, also: [moved.calls] })).removed.entries, 0);
    await moved.evict(key);
    assert.equal((await after.gc({ grace: 0, also: [moved.calls] })).removed.entries, 1);
    const kept = await after.calls.findId?.() ?? "none";
    const [gone] = (await values.registered()).filter((each) => !each.endsWith(kept));
    await values.forget(gone ?? "");
    assert.equal((await after.gc({ grace: 0 })).storages, 1);
    assert.equal(await (await after.load(last)).result(), OTHER);
  });

  Deno.test(`gc() reads every ${name} that a link has led to`, async () => {
    using folder = new TemporaryFolder();
    const open = opener(folder, calls);
    for (const run of ["one", "two"]) Deno.mkdirSync(folder.join(run));
    Deno.symlinkSync(folder.join("one"), folder.join("current"));
    const first = open("current/calls");
    const key = await first.save(simple(1, LARGE));
    await first.close();
    Deno.removeSync(folder.join("current"));
    Deno.symlinkSync(folder.join("two"), folder.join("current"));
    await using second = open("current/calls");
    await second.save(simple(2, OTHER));
    const report = await second.gc({ grace: 0 });
    assert.deepEqual([report.storages, report.removed.entries], [2, 0]);
    await using again = open("one/calls");
    assert.equal(await (await again.load(key)).result(), LARGE);
  });
}

for (const calls of [STORAGES["CallFile"], STORAGES["CallHdf5"]]) {
  assert(calls !== undefined);
  const { name } = calls("x").constructor;
  Deno.test(`gc() refuses while what a ${name} stands on is not mounted`, async () => {
    using folder = new TemporaryFolder();
    const open = opener(folder, calls);
    await using there = open("mounted");
    const key = await there.save(simple(1, LARGE));
    await using other = open("other");
    await other.save(simple(2, OTHER));
    Deno.renameSync(folder.join("mounted"), folder.join("disk"));
    Deno.mkdirSync(folder.join("mounted"));
    await assertRefuses(other, "/mounted#", "is it mounted?");
    // What is filed there now is known by a number of its own.
    await there.save(simple(3, [LARGE]));
    Deno.removeSync(folder.join("mounted"), { recursive: true });
    Deno.renameSync(folder.join("disk"), folder.join("mounted"));
    await assertRefuses(other, "/mounted#");
    assert.equal(await (await there.load(key)).result(), LARGE);
  });
}

for (const [name, calls] of Object.entries(SIGNED)) {
  Deno.test(`gc() reads what others signed in a ${name}, whoever passes it`, async () => {
    using folder = new TemporaryFolder();
    using warnings = new Warnings();
    const values = new ValueFile({ root: folder.join("values") });
    const open = (place: string, key: string) =>
      new Cache({ values, calls: calls(folder.join(place), key.repeat(32)) });
    await using theirs = open("theirs", "aa");
    const key = await theirs.save(simple(1, LARGE));
    await using mine = open("theirs", "bb");
    await using other = open("other", "cc");
    await other.save(simple(2, OTHER));
    assert.equal((await mine.gc({ grace: 0 })).removed.entries, 0);
    assert.equal((await other.gc({ grace: 0, also: [mine.calls] })).removed.entries, 0);
    assert.equal(await (await theirs.load(key)).result(), LARGE);
    assert.deepEqual(warnings.texts, []);
  });
}

Deno.test("gc() keeps what signed calls in a database in memory need", async () => {
  const calls = new CallSql({ url: "sqlite://", secretKey: ["aa".repeat(32)] });
  await using cache = new Cache({ values: new ValueMemory(), calls });
  const key = await cache.save(simple(1, LARGE));
  assert.equal((await cache.gc({ grace: 0 })).removed.entries, 0);
  assert.equal(await (await cache.load(key)).result(), LARGE);
});
