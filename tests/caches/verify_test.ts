import {
  Cache,
  CallFile,
  CallHdf5,
  CallMemory,
  CallRecord,
  CallSql,
  digest,
  ValueFile,
  ValueHdf5,
  ValueMemory,
  ValueSqlite,
  type VerifyProgress,
} from "@fleche/core";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { filesBelow, TemporaryFolder } from "../storage/_temporary_folder.ts";
import { KEY, OTHER_KEY } from "../storage/_seals.ts";
import { Warnings } from "../storage/_warnings.ts";
import { LARGE, simple } from "./_cache_manifest.ts";
import { memory } from "./_doubles.ts";

const PART = new Float64Array(20_000).fill(1);
const DEEP = [{ inner: { part: PART, text: LARGE } }, LARGE];

const CACHES: Record<string, (folder: TemporaryFolder) => Cache> = {
  "files": (folder) =>
    new Cache({
      values: new ValueFile({ root: folder.join("values") }),
      calls: new CallFile({ root: folder.join("calls") }),
    }),
  "HDF5 files": (folder) =>
    new Cache({
      values: new ValueHdf5({ root: folder.join("values") }),
      calls: new CallHdf5({ root: folder.join("calls") }),
    }),
};

function tear(path: string): void {
  Deno.truncateSync(path, Math.floor(Deno.statSync(path).size * 0.6));
}

// The file of an entry.
function fileOf(folder: TemporaryFolder, root: string, name: string): string {
  const found = filesBelow(folder.join(root, "v1")).find((file) => file.includes(name));
  assert(found !== undefined, `There is no file for ${name}`);
  return folder.join(root, "v1", found);
}

for (const [name, open] of Object.entries(CACHES)) {
  Deno.test(`verify() of ${name} reports each kind of damage, and changes nothing`, async () => {
    using folder = new TemporaryFolder();
    using warnings = new Warnings();
    await using cache = open(folder);
    const keys = [];
    for (const x of [1, 2, 3, 4]) keys.push(await cache.save(simple([x, LARGE], [x, ...DEEP])));
    const [first = "", second = "", third = "", fourth = ""] = keys;
    await cache.evict(await cache.save(simple(5, "o".repeat(4000))));
    const clean = await cache.verify();
    assert.equal(clean.isClean, true);
    assert.deepEqual([clean.records.entries, clean.values.entries], [4, 10]);
    assert.equal(clean.orphans.entries, 1);
    const files = filesBelow(folder.path);

    tear(fileOf(folder, "calls", first));
    const damaged = digest([2, ...DEEP]).hex;
    tear(fileOf(folder, "values", damaged));
    Deno.removeSync(fileOf(folder, "values", digest([3, ...DEEP]).hex));
    Deno.removeSync(fileOf(folder, "values", digest([4, LARGE]).hex));
    const report = await cache.verify();
    assert.equal(report.isClean, false);
    assert.deepEqual(report.damagedRecords, [first]);
    assert.deepEqual(report.damagedValues, [damaged]);
    assert.deepEqual(report.withoutResult.toSorted(), [second, third].toSorted());
    assert.equal(report.withoutArguments, 1);
    assert.deepEqual([report.records.entries, report.values.entries], [3, 8]);
    assert.equal(filesBelow(folder.path).length, files.length - 2);
    assert.deepEqual(warnings.texts, []);

    const repaired = await cache.verify({ repair: true });
    assert.deepEqual(repaired.damagedRecords, [first]);
    assert.deepEqual(repaired.damagedValues, [damaged]);
    assert.equal(filesBelow(folder.join("values", "quarantine")).length, 1);
    assert.equal(filesBelow(folder.join("calls", "quarantine")).length, 3);
    const after = await cache.verify();
    assert.equal(after.isClean, true);
    assert.deepEqual(await Array.fromAsync(cache.query(), ({ key }) => key), [fourth]);
  });
}

Deno.test("verify() finds a part that is missing deep inside of a result", async () => {
  const cache = memory();
  const key = await cache.save(simple(1, [DEEP, "y".repeat(3000)]));
  await cache.values.delete(digest(PART).hex);
  const report = await cache.verify();
  assert.deepEqual([report.withoutResult, report.isClean], [[key], false]);
  await cache.verify({ repair: true });
  assert.equal(await cache.contains(key), false);
});

Deno.test("verify() finds damage in SQLite, and repairs it", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  await using cache = new Cache({
    values: new ValueSqlite({ path: folder.join("values.db") }),
    calls: new CallSql({ url: folder.join("calls.db") }),
  });
  const [one, two] = [await cache.save(simple(1, LARGE)), await cache.save(simple(2, PART))];
  const three = await cache.save(simple(3));
  {
    using values = new DatabaseSync(folder.join("values.db"));
    values.prepare("UPDATE encoded_values SET bytes = zeroblob(100) WHERE digest = ?")
      .run(digest(LARGE).hex);
    using calls = new DatabaseSync(folder.join("calls.db"));
    calls.prepare("UPDATE calls SET record = zeroblob(100) WHERE key = ?").run(two);
  }
  for (const repair of [false, true]) {
    const report = await cache.verify({ repair });
    assert.deepEqual(report.damagedRecords, [two]);
    assert.deepEqual(report.damagedValues, [digest(LARGE).hex]);
    assert.deepEqual(report.withoutResult, [one]);
  }
  assert.equal((await cache.verify()).isClean, true);
  assert.deepEqual(await cache.query().results(), [3]);
  assert.equal(await cache.contains(three), true);
});

Deno.test("verify() finds a record that is filed under another key, and leaves it", async () => {
  const cache = memory();
  const key = await cache.save(simple(1));
  const other = "ab".repeat(32);
  await cache.calls.put(CallRecord.build(other, (await cache.load(key)).detach().fields));
  for (const repair of [false, true]) {
    const report = await cache.verify({ repair });
    assert.deepEqual([report.misfiledRecords, report.isClean], [[other], false]);
  }
  assert.equal(await cache.contains(other), true);
});

Deno.test("verify() looks at the bytes where the storage does not", async () => {
  using folder = new TemporaryFolder();
  const values = new ValueFile({ root: folder.path, verify: false });
  await using cache = new Cache({ values, calls: new CallMemory() });
  const key = await cache.save(simple(1, LARGE));
  tear(fileOf(folder, "", digest(LARGE).hex));
  assert.deepEqual((await cache.verify()).damagedValues, [digest(LARGE).hex]);
  const report = await cache.verify({ repair: true });
  assert.deepEqual([report.damagedValues, report.withoutResult], [[digest(LARGE).hex], [key]]);
  assert.equal(values.has(digest(LARGE).hex), false);
});

Deno.test("verify() counts what other calls need, where it can read them", async () => {
  using folder = new TemporaryFolder();
  const values = new ValueFile({ root: folder.join("values") });
  await using other = new Cache({ values, calls: new CallFile({ root: folder.join("other") }) });
  await other.save(simple(1, LARGE));
  await using cache = new Cache({ values, calls: new CallMemory() });
  const report = await cache.verify();
  assert.deepEqual([report.orphans.entries, report.unreadable], [0, []]);
  const registered = values.registered();
  Deno.removeSync(folder.join("other"), { recursive: true });
  const without = await cache.verify();
  assert.deepEqual(without.unreadable, registered);
  assert.deepEqual([without.orphans.entries, without.isClean], [1, true]);
});

Deno.test("verify() tells how far it is, and how long it took", async () => {
  const cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
  for (let x = 0; x < 1001; x++) await cache.save(simple(x));
  const seen: VerifyProgress[] = [];
  const { seconds } = await cache.verify({ onProgress: (progress) => seen.push(progress) });
  assert.deepEqual(seen, [
    { step: "records", done: 1000 },
    { step: "records", done: 1001 },
    { step: "values", done: 0 },
    { step: "references", done: 1000 },
    { step: "references", done: 1001 },
    { step: "orphans", done: 1 },
  ]);
  assert.deepEqual(Object.keys(seconds), ["records", "values", "references", "orphans"]);
  assert(Object.values(seconds).every((each) => each >= 0));
});

const SIGNED: Record<string, (folder: TemporaryFolder, key: string, callKey?: string) => Cache> = {
  "files": (folder, key, callKey = key) =>
    new Cache({
      values: new ValueFile({ root: folder.join("values"), secretKey: [key] }),
      calls: new CallFile({ root: folder.join("calls"), secretKey: [callKey] }),
    }),
  "HDF5 files": (folder, key, callKey = key) =>
    new Cache({
      values: new ValueHdf5({ root: folder.join("values"), secretKey: [key] }),
      calls: new CallHdf5({ root: folder.join("calls"), secretKey: [callKey] }),
    }),
  "SQLite": (folder, key, callKey = key) =>
    new Cache({
      values: new ValueSqlite({ path: folder.join("values.db"), secretKey: [key] }),
      calls: new CallSql({ url: folder.join("calls.db"), secretKey: [callKey] }),
    }),
};

for (const [name, open] of Object.entries(SIGNED)) {
  Deno.test(`verify() of ${name} leaves alone what is signed with a key that is not given`, async () => {
    using folder = new TemporaryFolder();
    using _ = new Warnings();
    await using cache = open(folder, KEY);
    const key = await cache.save(simple(1, DEEP));
    const values = (await cache.values.list("")).toSorted();
    for (const repair of [false, true]) {
      await using other = open(folder, OTHER_KEY);
      const report = await other.verify({ repair });
      assert.deepEqual([report.unverifiedRecords, report.isClean], [[key], false]);
      assert.deepEqual(report.unverifiedValues.toSorted(), values);
      assert.deepEqual([report.damagedRecords, report.damagedValues], [[], []]);
      assert.equal(report.orphans.entries, 0);
    }
    // Only that of the values is not the right one.
    await using half = open(folder, OTHER_KEY, KEY);
    const report = await half.verify({ repair: true });
    assert.deepEqual([report.unverifiedRecords, report.withoutResult], [[], []]);
    assert.deepEqual(report.unverifiedValues.toSorted(), values);
    assert.equal((await cache.verify()).isClean, true);
    assert.deepEqual(await (await cache.load(key)).result(), DEEP);
  });
}

Deno.test("verify() tells damage in signed entries from signatures of others", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  await using cache = new Cache({
    values: new ValueFile({ root: folder.join("values"), secretKey: [KEY] }),
    calls: new CallFile({ root: folder.join("calls"), secretKey: [KEY] }),
  });
  const [one, two] = [await cache.save(simple(1, LARGE)), await cache.save(simple(2, PART))];
  tear(fileOf(folder, "calls", one));
  tear(fileOf(folder, "values", digest(PART).hex));
  const report = await cache.verify({ repair: true });
  assert.deepEqual(report.damagedRecords, [one]);
  assert.deepEqual(report.damagedValues, [digest(PART).hex]);
  assert.deepEqual([report.unverifiedRecords, report.unverifiedValues], [[], []]);
  assert.deepEqual(report.withoutResult, [two]);
  assert.equal(filesBelow(folder.join("calls", "quarantine")).length, 2);
  assert.deepEqual(cache.calls.list(""), []);
});

Deno.test("verify() keeps what it repairs in SQL in a table of its own", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  await using cache = new Cache({
    values: new ValueFile({ root: folder.join("values") }),
    calls: new CallSql({ url: folder.join("calls.db") }),
  });
  const [one, two] = [await cache.save(simple(1, LARGE)), await cache.save(simple(2))];
  await cache.values.delete(digest(LARGE).hex);
  using calls = new DatabaseSync(folder.join("calls.db"));
  calls.prepare("UPDATE calls SET record = zeroblob(100) WHERE key = ?").run(two);
  const records = calls.prepare("SELECT record FROM calls ORDER BY record").all();
  await cache.verify({ repair: true });
  assert.deepEqual(await cache.calls.list(""), []);
  assert.deepEqual(
    calls.prepare("SELECT record FROM quarantined_calls ORDER BY record").all(),
    records,
  );
  assert.equal(calls.prepare("SELECT key FROM quarantined_calls WHERE key = ?").all(one).length, 1);
  assert.equal(calls.prepare("SELECT * FROM arguments").all().length, 0);
});

Deno.test("verify() leaves damaged records of other call storages where they are", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  const values = new ValueFile({ root: folder.join("values") });
  await using other = new Cache({ values, calls: new CallFile({ root: folder.join("other") }) });
  const key = await other.save(simple(1, LARGE));
  await other.save(simple(2, PART));
  tear(fileOf(folder, "other", key));
  await using cache = new Cache({ values, calls: new CallFile({ root: folder.join("calls") }) });
  await cache.save(simple(3));
  for (const repair of [false, true]) {
    const { orphans } = await cache.verify({ repair });
    assert.equal(orphans.entries, 1);
  }
  assert.notEqual(fileOf(folder, "other", key), "");
  assert.deepEqual(warnings.texts, []);
});

Deno.test("verify() keeps a call that is stored anew while it repairs others", async () => {
  using folder = new TemporaryFolder();
  const open = () =>
    new Cache({
      values: new ValueFile({ root: folder.join("values") }),
      calls: new CallFile({ root: folder.join("calls") }),
    });
  await using cache = open();
  for (const x of [1, 2]) await cache.save(simple(x, LARGE));
  cache.values.delete(digest(LARGE).hex);
  const { calls } = cache;
  assert(calls instanceof CallFile);
  const setAside = calls.setAside.bind(calls);
  let healed: Promise<unknown> = Promise.resolve();
  calls.setAside = (key, record) => {
    // Once nobody keeps it from storing.
    healed = (async () => {
      await using other = open();
      for (const x of [1, 2]) await other.save(simple(x, LARGE));
    })();
    calls.setAside = setAside;
    return setAside(key, record);
  };
  const { gate } = cache.values;
  const shut = gate.shut.bind(gate);
  gate.shut = async (seconds) => {
    await healed;
    return await shut(seconds);
  };
  const { withoutResult } = await cache.verify({ repair: true });
  assert.equal(withoutResult.length, 1);
  assert.equal((await cache.verify()).isClean, true);
  assert.deepEqual(await cache.query().results(), [LARGE, LARGE]);
});
