import {
  type BaseCache,
  Cache,
  CallFile,
  CallMemory,
  CallSql,
  digest,
  type GcProgress,
  LockTimeoutError,
  RejectedError,
  ValueFile,
  ValueHdf5,
  ValueMemory,
  ValueSqlite,
  type ValueStorage,
} from "@fleche/core";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { assertAlike } from "../storage/_samples.ts";
import { filesBelow, TemporaryFolder } from "../storage/_temporary_folder.ts";
import { Warnings } from "../storage/_warnings.ts";
import { LARGE, simple } from "./_cache_manifest.ts";
import { memory } from "./_doubles.ts";

const PART = new Float64Array(20_000).fill(1);
const DEEP = [{ inner: { part: PART, text: LARGE } }];

const STORAGES: Record<string, (folder: TemporaryFolder) => ValueStorage> = {
  ValueMemory: () => new ValueMemory(),
  ValueFile: (folder) => new ValueFile({ root: folder.join("values") }),
  "ValueFile, compressed": (folder) => new ValueFile({ root: folder.join("v"), compress: true }),
  "ValueFile, signed": (folder) =>
    new ValueFile({ root: folder.join("v"), secretKey: ["ab".repeat(32)] }),
  ValueSqlite: (folder) => new ValueSqlite({ path: folder.join("values.db") }),
  ValueHdf5: (folder) => new ValueHdf5({ root: folder.join("values") }),
};

for (const [name, open] of Object.entries(STORAGES)) {
  Deno.test(`gc() of ${name} removes what no call needs, and nothing else`, async () => {
    using folder = new TemporaryFolder();
    await using cache = new Cache({ values: open(folder), calls: new CallMemory() });
    const key = await cache.save(simple(DEEP, [LARGE, DEEP]));
    const other = await cache.save(simple([PART, LARGE], "y".repeat(5000)));
    await cache.evict(other);
    const gone = [digest("y".repeat(5000)), digest([PART, LARGE])];
    const dry = await cache.gc({ grace: 0, dryRun: true });
    assert.deepEqual([dry.dryRun, dry.removed.entries, dry.kept.entries], [true, 2, 3]);
    for (const { hex } of gone) assert.equal(await cache.values.has(hex), true);
    const report = await cache.gc({ grace: 0 });
    assert.deepEqual({ ...report, dryRun: true }, dry);
    assert.equal(report.files, cache.values.capabilities.files === true ? 2 : 0);
    assert(report.removed.bytes > 0);
    for (const { hex } of gone) assert.equal(await cache.values.has(hex), false);
    const call = await cache.load(key);
    assertAlike(await call.result(), [LARGE, DEEP]);
    assertAlike(await call.argument("x"), DEEP);
    await cache.evict(key);
    const rest = await cache.gc({ grace: 0 });
    assert.deepEqual([rest.removed.entries, rest.kept.entries], [3, 0]);
    assert.deepEqual(await cache.list(""), []);
  });
}

Deno.test("gc() leaves what is younger than the grace period, with its parts", async () => {
  using folder = new TemporaryFolder();
  const values = new ValueFile({ root: folder.path });
  await using cache = new Cache({ values, calls: new CallMemory() });
  await cache.evict(await cache.save(simple(1, DEEP)));
  await cache.evict(await cache.save(simple(2, LARGE)));
  const old = new Date(Date.now() - 2000_000);
  for (const value of [PART, LARGE]) {
    const { hex } = digest(value);
    Deno.utimeSync(folder.join("v1", hex.slice(0, 2), hex), old, old);
  }
  assert.deepEqual((await cache.gc()).young.entries, 3);
  const report = await cache.gc({ grace: 1000 });
  // The text is no part of the young value, which holds it itself.
  assert.deepEqual([report.young.entries, report.removed.entries], [2, 1]);
  assert.equal(values.has(digest(PART).hex), true);
  assert.equal(values.has(digest(LARGE).hex), false);
});

Deno.test("gc() keeps what any call storage needs that has filed calls with the values", async () => {
  using folder = new TemporaryFolder();
  const open = (calls: Cache["calls"]) =>
    new Cache({ values: new ValueFile({ root: folder.join("values") }), calls });
  await using one = open(new CallSql({ url: folder.join("one.db") }));
  await using two = open(new CallFile({ root: folder.join("two"), secretKey: ["cd".repeat(32)] }));
  const url = folder.join("three.db");
  await using three = open(new CallSql({ url, secretKey: ["ef".repeat(32)] }));
  const first = await one.save(simple(1, LARGE));
  const second = await two.save(simple(2, DEEP));
  const third = await three.save(simple(3, "z".repeat(4000)));
  await one.gc({ grace: 0 });
  await two.gc({ grace: 0 });
  await three.gc({ grace: 0 });
  assert.equal(await (await one.load(first)).result(), LARGE);
  assertAlike(await (await two.load(second)).result(), DEEP);
  assert.equal(await (await three.load(third)).result(), "z".repeat(4000));
  assert.equal((await one.gc({ dryRun: true })).storages, 3);
});

Deno.test("gc() refuses where it cannot read a call storage, and says what to do", async () => {
  using folder = new TemporaryFolder();
  const values = new ValueFile({ root: folder.join("values") });
  await using gone = new Cache({ values, calls: new CallFile({ root: folder.join("gone") }) });
  await gone.save(simple(1, LARGE));
  const [own = ""] = values.registered();
  assert(own.startsWith(`file://${folder.join("gone")}#`));
  Deno.removeSync(folder.join("gone"), { recursive: true });
  values.register("postgresql://db.example:5432/calls");
  await using cache = new Cache({ values, calls: new CallSql({ url: folder.join("calls.db") }) });
  const refused = (text: string) =>
    assert.rejects(cache.gc({ grace: 0 }), (error: unknown) => {
      assert(error instanceof RejectedError);
      assert(error.message.includes(text), error.message);
      assert(error.message.includes("values.forget("));
      return true;
    });
  await refused(`${own} (it does not exist)`);
  await refused("postgresql://db.example:5432/calls");
  assert.equal(values.has(digest(LARGE).hex), true);
  values.forget(own);
  await refused("postgresql://db.example:5432/calls");
  class Server extends CallMemory {
    override readonly identity: undefined = undefined;
  }
  const server = Object.defineProperty(new Server(), "identity", {
    value: "postgresql://db.example:5432/calls",
  });
  assert.equal((await cache.gc({ grace: 0, also: [server] })).removed.entries, 1);
});

Deno.test("gc() makes no database where there was none", async () => {
  using folder = new TemporaryFolder();
  const values = new ValueFile({ root: folder.join("values") });
  values.register(`sqlite:///${folder.join("other.db")}`);
  await using cache = new Cache({ values, calls: new CallMemory() });
  await assert.rejects(cache.gc(), RejectedError);
  assert.equal(filesBelow(folder.path).includes("other.db"), false);
});

Deno.test("gc() needs offline where locks do not work", async () => {
  const cache = memory();
  await cache.evict(await cache.save(simple(1, LARGE)));
  const { gate } = cache.values;
  gate.shut = () => Promise.reject(new Deno.errors.NotSupported("No locks here"));
  await assert.rejects(
    cache.gc({ grace: 0 }),
    (error: unknown) => error instanceof RejectedError && /offline/.test(error.message),
  );
  assert.equal((await cache.gc({ grace: 0, dryRun: true })).removed.entries, 1);
  assert.equal((await cache.gc({ grace: 0, offline: true })).removed.entries, 1);
});

Deno.test("gc() waits for a call that is being stored, but not for good", async () => {
  const cache = memory();
  await cache.evict(await cache.save(simple(1, LARGE)));
  using inside = await cache.values.gate.enter();
  await assert.rejects(cache.gc({ grace: 0, lockTimeout: 0.02 }), LockTimeoutError);
  assert.equal(await cache.values.has(digest(LARGE).hex), true);
  const collected = cache.gc({ grace: 0 });
  inside[Symbol.dispose]();
  assert.equal((await collected).removed.entries, 1);
});

Deno.test("gc() sees what was filed after it began to mark", async () => {
  for (const calls of [new CallMemory(), new CallSql()]) {
    await using cache = new Cache({ values: new ValueMemory(), calls });
    for (let x = 0; x < 50; x++) await cache.evict(await cache.save(simple(x, [LARGE, x])));
    await cache.save(simple("other", [LARGE]));
    const { values } = cache;
    const { shut } = values.gate;
    let again: string | undefined;
    // The last moment before nobody gets in any more.
    values.gate.shut = async function (seconds) {
      again ??= await cache.save(simple(7, [LARGE, 7]));
      return await shut.call(this, seconds);
    };
    const report = await cache.gc({ grace: 0 });
    assert.equal(report.removed.entries, 49);
    assert.deepEqual(await (await cache.load(again ?? "")).result(), [LARGE, 7]);
  }
});

Deno.test("gc() removes each value before its parts", async () => {
  const removed: string[] = [];
  class Values extends ValueMemory {
    override delete(name: string): boolean {
      removed.push(name);
      return super.delete(name);
    }
  }
  await using cache = new Cache({ values: new Values(), calls: new CallMemory() });
  const parts = [1, 2, 3].map((x) => ({ data: new Float64Array(9000).fill(x), pad: LARGE }));
  const half = "m".repeat(40_000);
  const middle = parts.map((part) => ({ part, one: half, two: half }));
  const top = [...middle, LARGE];
  await cache.evict(await cache.save(simple(1, top)));
  await cache.gc({ grace: 0 });
  const places = [top, middle[1], parts[1]?.data].map((value) =>
    removed.indexOf(digest(value).hex)
  );
  assert.equal(removed.length, 7);
  assert(places.every((place) => place >= 0));
  assert.deepEqual(places, places.toSorted((a, b) => a - b));
});

Deno.test("gc() keeps what a call refers to by its digest alone", async () => {
  const cache = memory();
  await cache.save(simple(1, LARGE));
  const prepared = await cache.prepare(simple(LARGE), { storeArguments: false });
  await prepared.commit({ result: 1 });
  await cache.evict(simple(1).key);
  assert.equal((await cache.gc({ grace: 0 })).removed.entries, 0);
});

Deno.test("gc() removes what was left behind, and what was put aside", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  const values = new ValueFile({ root: folder.join("values") });
  const calls = new CallFile({ root: folder.join("calls") });
  await using cache = new Cache({ values, calls });
  const key = await cache.save(simple(1, LARGE));
  const { hex } = digest(LARGE);
  Deno.writeTextFileSync(folder.join("values", "v1", hex.slice(0, 2), hex), "damaged");
  await assert.rejects((await cache.load(key)).result());
  const old = new Date(Date.now() - 100_000);
  for (const root of ["values", "calls"]) {
    for (const name of ["old", "new"]) {
      Deno.mkdirSync(folder.join(root, "tmp"), { recursive: true });
      Deno.writeTextFileSync(folder.join(root, "tmp", name), "12345");
    }
    Deno.utimeSync(folder.join(root, "tmp", "old"), old, old);
  }
  assert.deepEqual((await cache.gc()).leftovers.entries, 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const before = filesBelow(folder.path);
  const dry = await cache.gc({ grace: 0, dryRun: true });
  assert.deepEqual(filesBelow(folder.path).filter((file) => !file.endsWith("gc.lock")), [
    ...before.filter((file) => !file.endsWith("gc.lock")),
  ]);
  const report = await cache.gc({ grace: 0 });
  assert.deepEqual(report.leftovers, { entries: 3, bytes: 5 + 5 + 7 });
  assert.deepEqual(dry.leftovers, report.leftovers);
  assert.equal(report.files, 3);
  const left = filesBelow(folder.path);
  assert.deepEqual(left.filter((file) => /tmp|quarantine/.test(file)), [
    "calls/tmp/new",
    "values/tmp/new",
  ]);
});

Deno.test("gc() refuses where a newer version has filed calls", async () => {
  using folder = new TemporaryFolder();
  const url = folder.join("calls.db");
  await using cache = new Cache({ values: new ValueMemory(), calls: new CallSql({ url }) });
  const key = await cache.save(simple(1, LARGE));
  await cache.evict(await cache.save(simple(2, [LARGE])));
  await makeNewer(cache, url, key);
  using _ = new Warnings();
  await assert.rejects(cache.gc({ grace: 0 }), /newer version/);
  assert.equal(await cache.values.has(digest(LARGE).hex), true);
});

// Gives a record the number of a format that does not exist yet.
async function makeNewer(cache: BaseCache, url: string, key: string): Promise<void> {
  const { crc32 } = await import("node:zlib");
  const bytes = (await cache.load(key)).detach().bytes.slice();
  bytes[8] = 2;
  const end = bytes.length - 5;
  const crc = crc32(key, crc32(bytes.subarray(0, end)));
  new DataView(bytes.buffer).setUint32(end + 1, crc);
  using database = new DatabaseSync(url);
  database.prepare("UPDATE calls SET record = ? WHERE key = ?").run(bytes, key);
}

Deno.test("gc() tells how far it is, and refuses a negative grace period", async () => {
  const cache = memory();
  for (let x = 0; x < 1001; x++) await cache.save(simple(x));
  await cache.evict(await cache.save(simple(1, LARGE)));
  const seen: GcProgress[] = [];
  await cache.gc({ grace: 0, onProgress: (progress) => seen.push(progress) });
  assert.deepEqual(seen, [
    { step: "mark", done: 1000, of: undefined },
    { step: "remove", done: 1, of: 1 },
  ]);
  await assert.rejects(cache.gc({ grace: -1 }), RangeError);
  await assert.rejects(cache.gc({ grace: NaN }), RangeError);
});

Deno.test("gc() removes what nobody needs although it was signed with another key", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  const open = (key: string) =>
    new Cache({
      values: new ValueFile({
        root: folder.join("v"),
        secretKey: [key.repeat(32)],
        compress: true,
      }),
      calls: new CallFile({ root: folder.join("c"), secretKey: [key.repeat(32)] }),
    });
  await using former = open("aa");
  await using present = open("bb");
  const key = await former.save(simple(1, [LARGE, "z".repeat(5000)]));
  await assert.rejects(present.gc({ grace: 0 }), RejectedError);
  assert.deepEqual(await (await former.load(key)).result(), [LARGE, "z".repeat(5000)]);
  await former.evict(key);
  const report = await present.gc({ grace: 0 });
  assert.equal(report.removed.entries, 1);
});
