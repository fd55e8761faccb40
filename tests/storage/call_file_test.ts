import { CallFile, CallRecord, SaveError } from "@fleche/core";
import assert from "node:assert/strict";
import { Walk } from "../../src/codec/references.ts";
import { digestOf } from "../../src/codec/encoding.ts";
import { recordOf, sampleOf } from "./_samples.ts";
import { filesBelow, TemporaryFolder } from "./_temporary_folder.ts";
import { Warnings } from "./_warnings.ts";

function simple(x: number, name = "f"): Promise<CallRecord> {
  return recordOf({ name, arguments: { x }, result: -x });
}

function pathOf(folder: TemporaryFolder, { key }: CallRecord): string {
  return folder.join("v1", key.slice(0, 2), key);
}

async function keys(storage: CallFile): Promise<string[]> {
  return await Array.fromAsync(storage.records(), ({ key }) => key);
}

Deno.test("CallFile keeps each record in v1, followed by a MessagePack timestamp", async () => {
  using folder = new TemporaryFolder();
  const before = Date.now();
  await using storage = new CallFile({ root: folder.path });
  assert.equal(storage.identity, `file://${folder.path}`);
  const record = await simple(1);
  storage.put(record);
  assert.deepEqual(filesBelow(folder.path), [`v1/${record.key.slice(0, 2)}/${record.key}`]);
  const bytes = Deno.readFileSync(pathOf(folder, record));
  const end = new Walk(bytes).skip(0);
  assert.deepEqual(bytes.subarray(0, end), Uint8Array.from(record.bytes));
  // A timestamp 64 (https://github.com/msgpack/msgpack/blob/master/spec.md), then a check sum.
  const view = new DataView(bytes.buffer, end);
  assert.deepEqual([view.getUint16(0), view.getUint8(10), view.byteLength], [0xd7ff, 0xce, 15]);
  const parts = view.getBigUint64(2);
  const time = Number(parts & 0x3_ffff_ffffn) * 1000 + Number(parts >> 34n) / 1e6;
  assert(time >= before && time <= Date.now() + 1, String(time));
});

Deno.test("CallFile makes its folder when it first writes, not before", async () => {
  using folder = new TemporaryFolder();
  await using storage = new CallFile({ root: folder.join("a", "b") });
  const record = await simple(1);
  assert.equal(storage.get(record.key), undefined);
  assert.deepEqual(storage.list(""), []);
  assert.deepEqual(await keys(storage), []);
  storage.touch(record.key);
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
  storage.put(record);
  assert.equal(storage.has(record.key), true);
});

Deno.test("to touch a record does not make it a new one", async () => {
  using folder = new TemporaryFolder();
  await using storage = new CallFile({ root: folder.path });
  const records = await Promise.all([1, 2, 3, 4].map((x) => simple(x)));
  for (const record of records) storage.put(record);
  const newest = records.map(({ key }) => key).reverse();
  const [first] = records;
  assert(first !== undefined);
  const later = new Date(Date.now() + 60_000);
  Deno.utimeSync(pathOf(folder, first), later, later);
  assert.deepEqual(await keys(storage), newest);
  // As after copying everything in any order, at another time.
  for (const [index, record] of records.entries()) {
    const copied = new Date(Date.now() + 60_000 * (1 + (index * 7) % 4));
    Deno.utimeSync(pathOf(folder, record), copied, copied);
  }
  assert.deepEqual(await keys(storage), newest);
});

Deno.test("a search in CallFile reads no more than it takes", async () => {
  using folder = new TemporaryFolder();
  await using storage = new CallFile({ root: folder.path });
  const [newest, ...others] = await Promise.all(Array.from({ length: 20 }, (_, x) => simple(x)));
  assert(newest !== undefined);
  for (const record of others) {
    storage.put(record);
    // What is looked at would be put aside.
    Deno.writeTextFileSync(pathOf(folder, record), "");
  }
  // Longer than clocks are apart.
  await new Promise((resolve) => setTimeout(resolve, 200));
  storage.put(newest);
  for await (const { key } of storage.records()) {
    assert.equal(key, newest.key);
    break;
  }
  assert.deepEqual(filesBelow(folder.join("quarantine")), []);
});

Deno.test("the order of records outlives copies that change the times of files", async () => {
  using folder = new TemporaryFolder();
  await using storage = new CallFile({ root: folder.path });
  const records = await Promise.all(Array.from({ length: 10 }, (_, x) => simple(x)));
  for (const record of records) storage.put(record);
  const newest = records.map(({ key }) => key).reverse();
  // As tar does, which keeps whole seconds.
  for (const record of records) Deno.utimeSync(pathOf(folder, record), 1e9, 1e9);
  assert.deepEqual(await keys(storage), newest);
  // As zip does, from another time zone: the newer half seems to be the older one.
  for (const [index, record] of records.entries()) {
    const time = new Date(Date.now() - (index < 5 ? 1 : 2) * 3_600_000);
    Deno.utimeSync(pathOf(folder, record), time, time);
  }
  assert.deepEqual(await keys(storage), newest);
});

Deno.test("embedded values of other processes are found, and those that go are not", async () => {
  using folder = new TemporaryFolder();
  await using storage = new CallFile({ root: folder.path });
  await using other = new CallFile({ root: folder.path });
  const has = (value: unknown) => storage.getEmbedded(sampleOf(value).digest) !== undefined;
  const listed = (value: unknown) =>
    storage.listEmbedded(sampleOf(value).digest.slice(0, 8)).length;
  for (let x = 1; x <= 20; x++) {
    const record = await simple(x);
    assert.equal(has(-x), false);
    other.put(record);
    assert.deepEqual([has(x), has(-x), listed(-x)], [true, true, 1]);
    other.put(await recordOf({ name: "f", arguments: { x }, result: `now ${x}` }));
    assert.deepEqual([has(x), has(-x), listed(-x), has(`now ${x}`)], [true, false, 0, true]);
  }
  // Long unchanged, so that only what is new is read again.
  const old = new Date(Date.now() - 3_600_000);
  for (const file of filesBelow(folder.path)) Deno.utimeSync(folder.join(file), old, old);
  for (const shard of Deno.readDirSync(folder.join("v1"))) {
    Deno.utimeSync(folder.join("v1", shard.name), old, old);
  }
  assert.equal(has("now 3"), true);
  const third = await simple(3);
  Deno.writeTextFileSync(pathOf(folder, third), "not read again");
  Deno.utimeSync(pathOf(folder, third), old, old);
  assert.equal(listed("now 3"), 1);
  for (const record of await Promise.all([1, 2].map((x) => simple(x)))) other.delete(record.key);
  assert.deepEqual([has("now 1"), has("now 2"), has("now 4")], [false, false, true]);
  Deno.removeSync(folder.join("v1"), { recursive: true });
  assert.equal(has("now 4"), false);
  assert.deepEqual(storage.listEmbedded(""), []);
});

Deno.test("a record of a newer version is an error to read, and passed over in a search", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  await using storage = new CallFile({ root: folder.path });
  const [one, two] = [await simple(1), await simple(2)];
  const newer = new Uint8Array(one.bytes);
  newer[8] = 9;
  // Its check sum is right: nothing but the format is new.
  const { crc32 } = await import("node:zlib");
  const end = newer.length - 4;
  new DataView(newer.buffer).setUint32(end, crc32(one.key, crc32(newer.subarray(0, end - 1))));
  Object.defineProperty(one, "bytes", { value: newer });
  storage.put(one);
  storage.put(two);
  assert.throws(() => storage.get(one.key), /newer version/);
  assert.deepEqual(await keys(storage), [two.key]);
  assert.equal(warnings.about("newer version"), 1);
  assert.equal(storage.has(one.key), true);
});

Deno.test("put() names the path of a record that cannot be written, and leaves nothing", async () => {
  using folder = new TemporaryFolder();
  await using storage = new CallFile({ root: folder.path });
  const record = await simple(1);
  Deno.mkdirSync(folder.join("v1"));
  Deno.writeTextFileSync(folder.join("v1", record.key.slice(0, 2)), "in the way");
  assert.throws(() => storage.put(record), (error) => {
    return error instanceof SaveError && error.data.key === record.key &&
      error.message.includes(pathOf(folder, record));
  });
  assert.deepEqual(filesBelow(folder.path), [`v1/${record.key.slice(0, 2)}`]);
});

Deno.test("verify decides whether the fields of a record have to add up to its key", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  const [one, two] = [await simple(1), await simple(2)];
  const forged = CallRecord.build(one.key, two.fields);
  for (const [verify, isFound] of [["crc", true], [false, true], ["sha256", false]] as const) {
    await using storage = new CallFile({ root: folder.path, verify });
    storage.put(forged);
    assert.equal(storage.get(one.key) !== undefined, isFound);
  }
  assert.equal(digestOf(forged.bytes) === digestOf(two.bytes), false);
});

Deno.test("list() and entries() pass over what is no record", async () => {
  using folder = new TemporaryFolder();
  await using storage = new CallFile({ root: folder.path });
  const record = await simple(1);
  storage.put(record);
  const shard = folder.join("v1", record.key.slice(0, 2));
  Deno.writeTextFileSync(`${shard}/${record.key}.orig`, "");
  Deno.writeTextFileSync(`${shard}/.nfs000000000001`, "");
  Deno.writeTextFileSync(folder.join("v1", ".DS_Store"), "");
  assert.deepEqual(storage.list(""), [record.key]);
  const entries = await Array.fromAsync(storage.entries(), ({ name }) => name);
  assert.deepEqual(entries, [record.key]);
  assert.deepEqual(await keys(storage), [record.key]);
  assert.equal(storage.listEmbedded("").length, 2);
});
