import {
  Cache,
  CallSql,
  digest,
  fleche,
  NotFoundError,
  ValueMemory,
  withCache,
} from "@fleche/core";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { CallRecord } from "../../src/call_record.ts";
import { recordOf } from "./_samples.ts";
import { TemporaryFolder } from "./_temporary_folder.ts";
import { Warnings } from "./_warnings.ts";

/** Writes bytes in place of a record. */
function overwrite(path: string, key: string, bytes: Uint8Array): void {
  using database = new DatabaseSync(path);
  const { changes } = database.prepare("UPDATE calls SET record = ? WHERE key = ?").run(bytes, key);
  assert.equal(Number(changes), 1);
}

function flipped(bytes: Uint8Array, at: number, mask = 1): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ mask;
  return copy;
}

async function assertReplaced(storage: CallSql, record: CallRecord): Promise<void> {
  storage.put(record);
  assert.deepEqual((await storage.get(record.key))?.fields, record.fields);
  assert.deepEqual(await Array.fromAsync(storage.records(), ({ key }) => key), [record.key]);
}

Deno.test("a record with any byte flipped is a miss, with one warning", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("calls.db");
  await using storage = new CallSql({ url: path });
  const record = await recordOf({ name: "f", arguments: { x: 1.5, y: "s" }, result: [1, 2] });
  storage.put(record);
  using warnings = new Warnings();
  for (let at = 0; at < record.bytes.length; at++) {
    overwrite(path, record.key, flipped(record.bytes, at, 1 << (at % 8)));
    assert.equal(await storage.get(record.key), undefined, `byte ${at}`);
  }
  assert.deepEqual(await Array.fromAsync(storage.records()), []);
  assert.deepEqual(await Array.fromAsync(storage.records({ name: "f" })), []);
  assert.equal(await storage.getEmbedded(digest(1.5).hex), undefined);
  assert.equal(warnings.texts.length, 1, warnings.texts.join("\n"));
  assert.equal(warnings.about(record.key), 1);
  assert.equal(warnings.about(path), 1);
  await assertReplaced(storage, record);
});

Deno.test("a record that is torn, or not its own, is a miss", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  const path = folder.join("calls.db");
  await using storage = new CallSql({ url: path });
  const record = await recordOf({ name: "f", arguments: { x: 1 }, result: 2 });
  const other = await recordOf({ name: "f", arguments: { x: 2 }, result: 3 });
  storage.put(record);
  const { bytes, key } = record;
  const torn = [0, 1, 5, 6, bytes.length >> 1, bytes.length - 1].map((end) => bytes.slice(0, end));
  const longer = Uint8Array.of(...bytes, 0);
  const zeros = new Uint8Array(bytes.length);
  for (const damaged of [...torn, longer, zeros, other.bytes]) {
    overwrite(path, key, damaged);
    assert.equal(await storage.get(key), undefined, `${damaged.length} bytes`);
  }
  await assertReplaced(storage, record);
});

Deno.test("a record that was moved to another key is refused", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  const path = folder.join("calls.db");
  await using storage = new CallSql({ url: path });
  const record = await recordOf({ name: "f", arguments: { x: 1 }, result: 2 });
  const { key: wanted } = await recordOf({ name: "f", arguments: { x: 9 }, result: 3 });
  storage.put(record);
  {
    using database = new DatabaseSync(path);
    database.prepare("UPDATE calls SET key = ?").run(wanted);
  }
  assert.equal(await storage.get(wanted), undefined);
  assert.equal(warnings.about(wanted), 1);
  assert.equal(await storage.get(record.key), undefined);
});

Deno.test("a damaged record is computed again, with one warning", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("calls.db");
  await using cache = new Cache({ values: new ValueMemory(), calls: new CallSql({ url: path }) });
  let runs = 0;
  const square = fleche((x: number) => (runs++, x * x), { name: "square", version: 1 });
  using warnings = new Warnings();
  await withCache(cache, async () => {
    const key = square.digest(12);
    await square(12);
    overwrite(path, key, flipped((await cache.load(key)).detach().bytes, 40));
    await assert.rejects(cache.load(key), NotFoundError);
    for (let round = 0; round < 3; round++) assert.equal(await square(12), 144);
    assert.equal(runs, 2);
    assert.equal(await (await cache.load(key)).result(), 144);
  });
  assert.equal(warnings.texts.length, 1, warnings.texts.join("\n"));
});

Deno.test("digests of embedded values lead to them", async () => {
  using folder = new TemporaryFolder();
  const calls = new CallSql({ url: folder.join("calls.db") });
  await using cache = new Cache({ values: new ValueMemory(), calls });
  const add = fleche((a: number, b: { c: number }) => [a + b.c], { name: "add", version: 1 });
  await withCache(cache, () => add(1.5, { c: 2 }));
  assert.deepEqual(await cache.loadValue(digest([3.5])), [3.5]);
  assert.deepEqual(await cache.loadValue(digest({ c: 2 }).hex), { c: 2 });
  assert.equal(await cache.loadValue(digest(1.5).hex.slice(0, 8)), 1.5);
  await assert.rejects(cache.loadValue(digest("absent")), NotFoundError);
});

Deno.test("a damaged database never gives a wrong record, and errors name it", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  const path = folder.join("calls.db");
  const records: CallRecord[] = [];
  {
    await using storage = new CallSql({ url: path, journal: "delete" });
    for (let x = 0; x < 60; x++) {
      const record = await recordOf({ name: "f", arguments: { x }, result: "y".repeat(400) });
      storage.put(record);
      records.push(record);
    }
  }
  const whole = Deno.readFileSync(path);
  let failures = 0;
  for (let page = 1; page * 4096 < whole.length; page++) {
    Deno.writeFileSync(path, whole.slice().fill(0xa5, page * 4096 + 8, page * 4096 + 2000));
    await using storage = new CallSql({ url: path });
    for (const record of records) {
      try {
        const found = await storage.get(record.key);
        if (found !== undefined) assert.deepEqual(found.fields, record.fields);
      } catch (error) {
        assert(error instanceof Error && !(error instanceof assert.AssertionError), String(error));
        assert(error.message.includes(path), error.message);
        failures++;
      }
    }
  }
  assert(failures > 0);
});
