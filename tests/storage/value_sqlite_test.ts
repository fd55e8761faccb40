import { ConfigError, SaveError, ValueSqlite } from "@fleche/core";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { joined } from "../../src/codec/encoding.ts";
import { assertAlike, bytesOf, sampleOf, sampleOfLength } from "./_samples.ts";
import { filesBelow, TemporaryFolder } from "./_temporary_folder.ts";
import { Warnings } from "./_warnings.ts";

function sql(path: string, statements: string): void {
  using database = new DatabaseSync(path);
  database.exec(statements);
}

function value(path: string, statement: string): unknown {
  using database = new DatabaseSync(path);
  return Object.values(database.prepare(statement).get() ?? {})[0];
}

Deno.test("ValueSqlite keeps all values in one file, as they are encoded", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("values.db");
  await using storage = new ValueSqlite({ path });
  const samples = [null, "text", new Float64Array(20_000)].map(sampleOf);
  for (const { reference, encoding } of samples) await storage.put(reference, encoding);
  for (const sample of samples) {
    const select = `SELECT bytes FROM encoded_values WHERE digest = '${sample.digest}'`;
    assertAlike(value(path, select), Uint8Array.from(bytesOf(sample)));
  }
  await storage.close();
  assert.deepEqual(filesBelow(folder.path), ["values.db"]);
});

Deno.test("ValueSqlite opens nothing before it is used", () => {
  using folder = new TemporaryFolder();
  const storage = new ValueSqlite({ path: folder.join("a", "values.db") });
  assert.deepEqual(storage.capabilities, { persistent: true, shared: true });
  storage.close();
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("ValueSqlite makes no database for those who only look or remove", async () => {
  using folder = new TemporaryFolder();
  await using storage = new ValueSqlite({ path: folder.join("below", "values.db") });
  const { reference, encoding, digest } = sampleOf(1);
  assert.equal(await storage.get(digest), undefined);
  assert.equal(await storage.has(digest), false);
  assert.equal(await storage.check(digest), undefined);
  assert.equal(await storage.isLeaf(digest), undefined);
  assert.deepEqual(await storage.list(""), []);
  assert.deepEqual(await storage.registered(), []);
  assert.deepEqual(await Array.fromAsync(storage.entries()), []);
  assert.deepEqual(await storage.sweepLeftovers(Date.now(), false), { count: 0, bytes: 0 });
  assert.equal(await storage.delete(digest), false);
  await storage.forget("nobody");
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
  storage.put(reference, encoding);
  assert.equal(await storage.has(digest), true);
});

Deno.test("ValueSqlite numbers its schema and refuses a newer one", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("values.db");
  const storage = new ValueSqlite({ path });
  storage.put(sampleOf(0).reference, sampleOf(0).encoding);
  storage.close();
  assert.equal(value(path, "PRAGMA user_version"), 1);
  sql(path, "PRAGMA user_version = 2");
  const { digest } = sampleOf(1);
  const isNamed = (error: unknown) =>
    error instanceof ConfigError && error.message.includes(path) &&
    /newer version/.test(error.message);
  assert.throws(() => storage.get(digest), isNamed);
  assert.throws(() => storage.has(digest), isNamed);
  await assert.rejects(storage.list(""), isNamed);
});

for (const version of [0, 1, 7]) {
  Deno.test(`ValueSqlite refuses another program's database of version ${version}`, () => {
    using folder = new TemporaryFolder();
    const path = folder.join("other.db");
    sql(path, `CREATE TABLE calls (text TEXT); PRAGMA user_version = ${version};`);
    const before = Deno.readFileSync(path);
    assert.throws(() => new ValueSqlite({ path }).has(sampleOf(1).digest), (error) => {
      return error instanceof ConfigError && error.message.includes(path);
    });
    assertAlike(Deno.readFileSync(path), before);
    assert.deepEqual(filesBelow(folder.path), ["other.db"]);
  });
}

Deno.test("ValueSqlite names a file that is no database, and leaves it alone", () => {
  using folder = new TemporaryFolder();
  const path = folder.join("notes.txt");
  const text = "This is no database. ".repeat(300);
  Deno.writeTextFileSync(path, text);
  const storage = new ValueSqlite({ path });
  const { reference, encoding, digest } = sampleOf(1);
  const names = (error: unknown) => error instanceof Error && error.message.includes(path);
  assert.throws(() => storage.get(digest), names);
  assert.throws(() => storage.put(reference, encoding), (error) => {
    return error instanceof SaveError && error.data.key === digest && names(error);
  });
  assert.equal(Deno.readTextFileSync(path), text);
});

Deno.test("ValueSqlite says of a value that is too long where it can be kept", () => {
  using folder = new TemporaryFolder();
  const storage = new ValueSqlite({ path: folder.join("values.db") });
  const head = Uint8Array.of(0xc6, 0x3b, 0x9a, 0xca, 0x00);
  const body = new Uint8Array(1_000_000_000);
  const { digest } = sampleOf("its digest takes a second");
  const reference = { digest, crc: 0, length: head.length + body.length };
  assert.throws(() => storage.put(reference, { head, body }), (error) => {
    return error instanceof SaveError && error.data.key === digest &&
      /1000000005.*type = "file"/.test(error.message);
  });
  assert.equal(storage.has(digest), false);
  storage.close();
});

Deno.test("put() of a value that is there renews its age and leaves the row", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("values.db");
  await using storage = new ValueSqlite({ path });
  const { reference, encoding } = sampleOf("old");
  await storage.put(reference, encoding);
  sql(path, "UPDATE encoded_values SET stored = 5");
  const before = value(path, "SELECT id FROM encoded_values");
  await storage.put(reference, encoding);
  assert.equal(value(path, "SELECT id FROM encoded_values"), before);
  assert(Number(value(path, "SELECT stored FROM encoded_values")) > 5);
});

for (const length of [0, 3, 5000]) {
  Deno.test(`put() replaces a torn row of ${length} bytes`, async () => {
    using folder = new TemporaryFolder();
    const path = folder.join("values.db");
    await using storage = new ValueSqlite({ path });
    const sample = sampleOf("x".repeat(2000));
    await storage.put(sample.reference, sample.encoding);
    sql(path, `UPDATE encoded_values SET bytes = zeroblob(${length})`);
    await storage.put(sample.reference, sample.encoding);
    const found = await storage.get(sample.digest, sample.reference);
    assert(found !== undefined);
    assertAlike(joined(found), bytesOf(sample));
  });
}

Deno.test("put() waits for another writer, while the process goes on", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("values.db");
  await using storage = new ValueSqlite({ path, lockTimeout: 20 });
  storage.put(sampleOf(0).reference, sampleOf(0).encoding);
  const sample = sampleOfLength(100_000);
  const lent = { head: sample.encoding.head.slice(), body: sample.encoding.body?.slice() };
  let put: unknown;
  {
    using other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    put = storage.put(sample.reference, lent);
    // The memory is the caller's again.
    lent.head.fill(0xff);
    lent.body?.fill(0xff);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(await storage.has(sample.digest), false);
    other.exec("ROLLBACK");
  }
  assert(put instanceof Promise);
  await put;
  const found = await storage.get(sample.digest, sample.reference);
  assert(found !== undefined);
  assertAlike(joined(found), bytesOf(sample));
});

Deno.test("put() that cannot lock the database in time is a SaveError", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("values.db");
  await using storage = new ValueSqlite({ path, lockTimeout: 0.05 });
  const { reference, encoding, digest } = sampleOf(1);
  await storage.list("");
  using other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  await assert.rejects(async () => await storage.put(reference, encoding), (error) => {
    return error instanceof SaveError && error.data.key === digest &&
      error.message.includes(path) && /locked/.test(error.message);
  });
  other.exec("ROLLBACK");
});

Deno.test("a damaged value in a database that is locked is a miss only", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  const path = folder.join("values.db");
  await using storage = new ValueSqlite({ path, lockTimeout: 0.05 });
  const { reference, encoding, digest } = sampleOf("x".repeat(2000));
  await storage.put(reference, encoding);
  sql(path, "UPDATE encoded_values SET bytes = zeroblob(10)");
  using other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  assert.equal(await storage.get(digest, reference), undefined);
  other.exec("ROLLBACK");
  assert.equal(warnings.about("is ignored"), 1);
  assert.equal(value(path, "SELECT count(*) FROM quarantine"), 0);
});

Deno.test("a damaged value in a database that refuses to write is a miss only", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  const path = folder.join("values.db");
  await using storage = new ValueSqlite({ path });
  const { reference, encoding, digest } = sampleOf("x".repeat(2000));
  await storage.put(reference, encoding);
  const refuse = (what: string) =>
    `CREATE TRIGGER no_${what} BEFORE ${what} ON quarantine BEGIN SELECT RAISE(ABORT, 'no'); END;`;
  sql(path, `UPDATE encoded_values SET bytes = zeroblob(10); ${refuse("insert")}`);
  for (let round = 0; round < 2; round++) {
    assert.equal(await storage.get(digest, reference), undefined);
  }
  assert.equal(await storage.has(digest), true);
  assert.equal(warnings.about("is ignored"), 1);
});
