import { CallFile, type SealOptions, ValueSqlite } from "@fleche/core";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { beside, Child, runProgram } from "./_child.ts";
import { assertAlike, bytesOf, noise, recordOf, sampleOf } from "./_samples.ts";
import { joined } from "../../src/codec/encoding.ts";
import { KEY } from "./_seals.ts";
import { filesBelow, TemporaryFolder } from "./_temporary_folder.ts";
import { Warnings } from "./_warnings.ts";

const WRITER = beside(import.meta.url, "_writer_child.ts");

const FORMS: Readonly<Record<string, { form: string; seal: SealOptions }>> = {
  "as they are": { form: "", seal: {} },
  sealed: { form: "sealed", seal: { compress: true, secretKey: [KEY] } },
};

/** Kills a writer again and again, after some entries; the names of all that it had stored. */
async function killWriters(
  kind: string,
  where: string,
  { length, form, check }: { length: number; form: string; check: () => Promise<void> },
): Promise<string[]> {
  const stored: string[] = [];
  for (let round = 0; round < 5; round++) {
    const args = [kind, where, String(length), String(round * 10_000), form];
    const child = new Child(WRITER, { args });
    for (let count = 0; count < 3 + 7 * round; count++) stored.push(await child.line() ?? "");
    stored.push(...await child.kill());
    await check();
  }
  assert(stored.length >= 5 * 3 + 7 * (1 + 2 + 3 + 4));
  return stored;
}

for (const [how, { form, seal }] of Object.entries(FORMS)) {
  Deno.test(`a writer of calls as files that is killed leaves whole ones only, ${how}`, async () => {
    using folder = new TemporaryFolder();
    using warnings = new Warnings();
    using errors = new Warnings("error");
    const check = async () => {
      await using storage = new CallFile({ root: folder.path, ...seal });
      const records = await Array.fromAsync(storage.records(), ({ key }) => key);
      assert.deepEqual(records.toSorted(), storage.list("").sort());
    };
    const stored = await killWriters("call files", folder.path, { length: 800, form, check });
    await using storage = new CallFile({ root: folder.path, ...seal });
    for (const key of stored) assert.equal(storage.get(key)?.name, "f", key);
    const entries = filesBelow(folder.path).filter((file) => !file.startsWith("tmp/"));
    assert(entries.every((file) => /^v1\/[0-9a-f]{2}\/[0-9a-f]{64}$/.test(file)));
    // Of each writer at most the one file that it was writing is left.
    assert(filesBelow(folder.join("tmp")).length <= 5);
    assert.deepEqual([...warnings.texts, ...errors.texts], []);
  });

  Deno.test(`a writer of values in SQLite that is killed leaves whole ones only, ${how}`, async () => {
    using folder = new TemporaryFolder();
    using warnings = new Warnings();
    const path = folder.join("values.db");
    const check = async () => {
      await using storage = new ValueSqlite({ path, ...seal });
      for (const digest of await storage.list("")) {
        assert.notEqual(await storage.get(digest), undefined, digest);
      }
    };
    const stored = await killWriters("sqlite values", path, { length: 30_000, form, check });
    await using storage = new ValueSqlite({ path, ...seal });
    for (const digest of stored) assert.equal(await storage.has(digest), true, digest);
    using database = new DatabaseSync(path);
    const integrity = database.prepare("PRAGMA integrity_check").all().map((row) => ({ ...row }));
    assert.deepEqual(integrity, [{ integrity_check: "ok" }]);
    assert.deepEqual(warnings.texts, []);
  });
}

Deno.test("two writers of the same records leave each of them once, and whole", async () => {
  using folder = new TemporaryFolder();
  const args = ["call files", folder.path, "500", "0"];
  const writers = [new Child(WRITER, { args }), new Child(WRITER, { args })];
  const stored = await Promise.all(writers.map(async (writer) => {
    const keys: string[] = [];
    for (let count = 0; count < 60; count++) keys.push(await writer.line() ?? "");
    return keys;
  }));
  await Promise.all(writers.map((writer) => writer.kill()));
  assert.deepEqual(stored[0], stored[1]);
  await using storage = new CallFile({ root: folder.path });
  for (const key of stored[0] ?? []) assert.equal(storage.get(key)?.key, key);
});

Deno.test("readers find all of a record or none of it while it is written", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  const writer = new Child(WRITER, { args: ["call files", folder.path, "900", "0"] });
  await using storage = new CallFile({ root: folder.path });
  const expected = await Promise.all(
    Array.from({ length: 30 }, (_, number) =>
      recordOf({
        name: "f",
        arguments: { number, text: noise(900, number + 1) },
        result: number,
      })),
  );
  let misses = 0;
  for (const record of expected) {
    for (;;) {
      const found = storage.get(record.key);
      if (found !== undefined) {
        assert.deepEqual(Uint8Array.from(found.bytes), Uint8Array.from(record.bytes));
        break;
      }
      misses++;
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  await writer.kill();
  assert(misses > 0);
  assert.deepEqual(warnings.texts, []);
});

Deno.test("eight processes fill one database of values, and lose nothing", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("deep", "values.db");
  const writers = Array.from({ length: 8 }, (_, index) => {
    // Neighbours store the same values.
    const args = ["sqlite values", path, "3000", String(1000 * (index >> 1))];
    return new Child(WRITER, { args });
  });
  const stored = await Promise.all(writers.map(async (writer) => {
    const digests: string[] = [];
    for (let count = 0; count < 25; count++) digests.push(await writer.line() ?? "");
    return digests;
  }));
  await Promise.all(writers.map((writer) => writer.kill()));
  await using storage = new ValueSqlite({ path });
  for (const [index, digests] of stored.entries()) {
    for (const [number, digest] of digests.entries()) {
      const sample = sampleOf(noise(3000, 1000 * (index >> 1) + number + 1));
      assert.equal(digest, sample.digest);
      const found = await storage.get(digest, sample.reference);
      assert(found !== undefined);
      assertAlike(joined(found), bytesOf(sample));
    }
  }
  assert.deepEqual(
    filesBelow(folder.path).filter((file) => !/values\.db(-wal|-shm)?$/.test(file)),
    [],
  );
});

Deno.test("what a writer left when it was killed is removed a day later", async () => {
  using folder = new TemporaryFolder();
  Deno.mkdirSync(folder.join("tmp"));
  const [young, old] = ["host-1-0-abc", "host-2-0-def"];
  for (const name of [young, old]) Deno.writeTextFileSync(folder.join("tmp", name), "half a file");
  const now = Date.now() / 1000;
  Deno.utimeSync(folder.join("tmp", young), now, now - 86_000);
  Deno.utimeSync(folder.join("tmp", old), now, now - 87_000);
  await using storage = new CallFile({ root: folder.path });
  assert.deepEqual(storage.list(""), []);
  assert.deepEqual(filesBelow(folder.join("tmp")), [young, old]);
  storage.put(await recordOf({ name: "f", result: 1 }));
  assert.deepEqual(filesBelow(folder.join("tmp")), [young]);
});

const REFUSED = beside(import.meta.url, "_refused_child.ts");

Deno.test("what does not fit into record files and SQLite costs a SaveError, and nothing else", async () => {
  using folder = new TemporaryFolder();
  // No file may be longer than 6,000 blocks of 512 bytes; the signal would end the process.
  const runner = ["sh", "-c", "trap '' XFSZ; ulimit -f 6000; exec \"$@\"", "sh"];
  const args = [folder.path, "full"];
  const { lines, errors } = await runProgram(REFUSED, { args, runner });
  assert(lines[0] !== undefined, errors);
  const report = JSON.parse(lines[0]);
  assert.match(report.large, /^SaveError: Cannot write the record file .*\/calls\/v1\//);
  assert.deepEqual([report.put, report.kept, report.records], ["undefined", true, 1]);
  assert.match(report.value, /^SaveError: Cannot write value .*\/values\.db/);
  assert.equal(report.refusedIsThere, false);
  assert(report.values > 3);
  assert.equal(report.valuesKept, report.values);
  assert.equal(filesBelow(folder.join("calls")).length, 1);
});

Deno.test("without permission to write, a damaged record is a miss only", async () => {
  using folder = new TemporaryFolder();
  const metadata = { note: { text: "y".repeat(1000) } };
  const record = await recordOf({ name: "f", arguments: { length: 1000 }, result: 1, metadata });
  new CallFile({ root: folder.join("calls") }).put(record);
  const path = folder.join("calls", "v1", record.key.slice(0, 2), record.key);
  const harmed = Deno.readFileSync(path).fill(0, 200, 300);
  Deno.writeFileSync(path, harmed);
  const permissions = ["--allow-read", "--allow-env", "--allow-sys"];
  const args = [folder.path, "denied"];
  const { lines, errors } = await runProgram(REFUSED, { args, permissions });
  assert(lines[0] !== undefined, errors);
  const report = JSON.parse(lines[0]);
  assert.equal(report.get, "undefined");
  assert(report.put.startsWith("SaveError: ") && report.put.includes(path), report.put);
  assert.equal(errors.trim().split("\n").length, 1, errors);
  assert(errors.includes(path));
  assertAlike(Deno.readFileSync(path), harmed);
  assert.deepEqual(filesBelow(folder.path).length, 1);
});
