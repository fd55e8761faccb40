import { CallSql, ConfigError, D, LockTimeoutError, SaveError } from "@fleche/core";
import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { slotDigest } from "../../src/slot.ts";
import { databaseAddress } from "../../src/storage/_sql_url.ts";
import { findProgram, requirement } from "../_require.ts";
import { beside, runProgram } from "./_child.ts";
import { logged } from "./_logged.ts";
import { assertAlike, recordOf, sampleOf } from "./_samples.ts";
import { filesBelow, TemporaryFolder } from "./_temporary_folder.ts";

const SQLITE3 = requirement("sqlite3", findProgram("sqlite3") !== undefined);

/** Runs statements on a database without fleche. */
function sql(path: string, statements: string): void {
  using database = new DatabaseSync(path);
  database.exec(statements);
}

function query(path: string, statement: string): Record<string, SQLOutputValue>[] {
  using database = new DatabaseSync(path);
  return database.prepare(statement).all().map((row) => ({ ...row }));
}

function pragma(path: string, name: string): SQLOutputValue | undefined {
  return query(path, `PRAGMA ${name}`)[0]?.[name];
}

Deno.test({
  name: "a database shows names and arguments to the sqlite3 program",
  ignore: !SQLITE3,
  fn: async () => {
    using folder = new TemporaryFolder();
    const path = folder.join("calls.db");
    await using storage = new CallSql({ url: path });
    const options = { name: "simulate", module: "lab/src/sim.ts", version: 3 };
    const values = { steps: 1000, label: "it's é", grid: [1, { a: 2 }], large: "x".repeat(5000) };
    const metadata = { runtime: { walltime: 1.5 } };
    storage.put(await recordOf({ ...options, arguments: values, result: 0.25, metadata }));
    const output = async (statement: string) => {
      const args = ["-readonly", path, statement];
      const { stdout } = await new Deno.Command("sqlite3", { args }).output();
      return new TextDecoder().decode(stdout).trim().split("\n");
    };
    assert.deepEqual(
      await output(
        "SELECT name, module, version, result_text, metadata ->> '$.runtime.walltime' FROM calls",
      ),
      ["simulate|lab/src/sim.ts|3|0.25|1.5"],
    );
    assert.deepEqual(
      await output(
        "SELECT a.name, text FROM arguments a JOIN calls ON call = id ORDER BY position",
      ),
      ["steps|1000", 'label|"it\'s é"', "grid|[1, { a: 2 }]", "large|"],
    );
    const { digest } = sampleOf(values.large);
    assert.deepEqual(await output("SELECT digest FROM arguments WHERE name = 'large'"), [digest]);
  },
});

Deno.test("CallSql numbers its schema and refuses a newer one", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("calls.db");
  const storage = new CallSql({ url: path });
  storage.put(await recordOf({ name: "f", result: 1 }));
  storage.close();
  assert.equal(pragma(path, "user_version"), 3);
  sql(path, "PRAGMA user_version = 4");
  const key = sampleOf(1).digest;
  for (const method of ["get", "list", "has"] as const) {
    await assert.rejects(async () => await storage[method](key), (error) => {
      return error instanceof ConfigError && error.message.includes(path) &&
        /newer version/.test(error.message);
    });
  }
  assert.equal(pragma(path, "user_version"), 4);
});

/** A database as the first version of the schema had it. */
const FIRST_SCHEMA = `
  CREATE TABLE calls (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, module TEXT, version TEXT,
    code TEXT, deps TEXT, source TEXT, result TEXT NOT NULL, result_text TEXT,
    metadata TEXT NOT NULL, record BLOB NOT NULL
  ) STRICT;
  CREATE INDEX calls_by_name ON calls (name);
  CREATE INDEX calls_by_result ON calls (result);
  CREATE TABLE arguments (
    call INTEGER NOT NULL REFERENCES calls (id), position INTEGER NOT NULL, name TEXT NOT NULL,
    digest TEXT NOT NULL, text TEXT, PRIMARY KEY (call, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX arguments_by_digest ON arguments (digest, name);
  PRAGMA user_version = 1;`;

Deno.test("CallSql brings a database of the first schema up to date, records and all", async () => {
  using folder = new TemporaryFolder();
  const [path, fresh] = [folder.join("calls.db"), folder.join("new.db")];
  const records = await Promise.all(
    [1, 2].map((x) => recordOf({ name: "f", arguments: { x }, result: x })),
  );
  sql(path, FIRST_SCHEMA);
  {
    using database = new DatabaseSync(path);
    for (const { key, bytes, arguments: [[, slot] = []] } of records) {
      const call = database.prepare(`
        INSERT INTO calls (key, name, result, metadata, record) VALUES (?, 'f', '', '{}', ?)
        RETURNING id`).get(key, bytes)?.["id"] ?? 0;
      assert(slot !== undefined);
      database.prepare("INSERT INTO arguments (call, position, name, digest) VALUES (?, 0, 'x', ?)")
        .run(call, slotDigest(slot));
    }
  }
  await using after = new CallSql({ url: path });
  const keys = records.map(({ key }) => key).reverse();
  assert.deepEqual(await Array.fromAsync(after.records(), ({ key }) => key), keys);
  const filter = { name: "f", arguments: { x: sampleOf(1).digest } };
  assert.deepEqual(await Array.fromAsync(after.records(filter), ({ key }) => key), [keys[1]]);
  const ages = await Array.fromAsync(after.entries(), ({ modified }) => modified);
  assert.deepEqual(ages, [0, 0]);
  assert.equal(pragma(path, "user_version"), 3);
  await using made = new CallSql({ url: fresh });
  made.put(await recordOf({ name: "f", result: 1 }));
  const indexes = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' ORDER BY name";
  assert.deepEqual(query(path, indexes), query(fresh, indexes));
});

for (const version of [0, 1, 7]) {
  Deno.test(`CallSql refuses another program's database of version ${version}`, async () => {
    using folder = new TemporaryFolder();
    const path = folder.join("other.db");
    sql(path, `CREATE TABLE notes (text TEXT); PRAGMA user_version = ${version};`);
    const before = Deno.readFileSync(path);
    await assert.rejects(new CallSql({ url: path }).list(""), (error) => {
      return error instanceof ConfigError && error.message.includes(path);
    });
    assertAlike(Deno.readFileSync(path), before);
    assert.deepEqual(filesBelow(folder.path), ["other.db"]);
  });
}

Deno.test("CallSql names a file that is no database, and leaves it alone", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("notes.txt");
  const text = "This is no database. ".repeat(300);
  Deno.writeTextFileSync(path, text);
  const storage = new CallSql({ url: path });
  const record = await recordOf({ name: "f", result: 1 });
  const names = (error: unknown) => error instanceof Error && error.message.includes(path);
  assert.throws(() => storage.get(record.key), names);
  await assert.rejects(storage.list(""), names);
  assert.throws(() => storage.put(record), (error) => error instanceof SaveError && names(error));
  assert.equal(Deno.readTextFileSync(path), text);
  await assert.rejects(new CallSql({ url: folder.path }).list(""), /Cannot open the database \/.*/);
});

Deno.test("CallSql makes no database for those who only look or remove", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("below", "calls.db");
  await using storage = new CallSql({ url: path });
  const record = await recordOf({ name: "f", arguments: { x: 1, y: 1 }, result: 1 });
  const { digest } = sampleOf(1);
  assert.equal(await storage.get(record.key), undefined);
  assert.equal(await storage.has(record.key), false);
  assert.deepEqual(await storage.list(""), []);
  assert.deepEqual(await storage.listEmbedded(""), []);
  assert.equal(await storage.getEmbedded(digest), undefined);
  assert.deepEqual(await Array.fromAsync(storage.records()), []);
  const filter = { arguments: { x: digest, y: digest } };
  assert.deepEqual(await Array.fromAsync(storage.records(filter)), []);
  assert.deepEqual(await Array.fromAsync(storage.entries()), []);
  await storage.touch(record.key);
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
  storage.put(record);
  assert.equal(await storage.has(record.key), true);
});

Deno.test("CallSql names the database when its folder cannot be made", async () => {
  using folder = new TemporaryFolder();
  Deno.writeTextFileSync(folder.join("file"), "");
  const path = folder.join("file", "below", "calls.db");
  const storage = new CallSql({ url: path });
  await assert.rejects(storage.list(""), (error) => {
    return error instanceof Error && error.message.includes(folder.join("file"));
  });
  const record = await recordOf({ name: "f", result: 1 });
  assert.throws(() => storage.put(record), (error) => {
    return error instanceof SaveError && error.data.key === record.key &&
      error.message.includes(path);
  });
});

Deno.test("URLs name databases as SQLAlchemy has them", () => {
  const paths: Record<string, string> = {
    "sqlite://": ":memory:",
    "sqlite:///:memory:": ":memory:",
    ":memory:": ":memory:",
    "sqlite:///relative/calls.db": resolve("relative/calls.db"),
    "sqlite:////absolute/calls.db": "/absolute/calls.db",
    "sqlite:///~/in/home.db": join(homedir(), "in/home.db"),
    "relative/calls.db": resolve("relative/calls.db"),
    "/absolute/calls.db": "/absolute/calls.db",
    "~/in/home.db": join(homedir(), "in/home.db"),
    "sqlite:////with space/and%20sign/ü.db": "/with space/and%20sign/ü.db",
  };
  for (const [url, path] of Object.entries(paths)) {
    assert.deepEqual(databaseAddress(url), { type: "sqlite", path }, url);
  }
  for (const url of ["sqlite://host/calls.db", "mssql://host/db", "http://host/db"]) {
    assert.throws(() => new CallSql({ url }), (error) => {
      return error instanceof ConfigError && error.message.includes(url.split(":")[0] ?? "");
    });
  }
});

Deno.test("CallSql makes parent folders, in the home directory and below the working one", async () => {
  using folder = new TemporaryFolder();
  const home = folder.join("home");
  const cases = ["sqlite:///~/a/calls.db", "sqlite:///b/c/calls.db", "d/calls.db"];
  for (const url of [...cases, `sqlite:///${folder.join("e", "calls.db")}`]) {
    const args = [home, folder.join("values"), url];
    const script = beside(import.meta.url, "_home_child.ts");
    const { code, errors } = await runProgram(script, { args, cwd: folder.path });
    assert.equal(code, 0, errors);
  }
  assert.deepEqual(
    filesBelow(folder.path).filter((path) => path.endsWith(".db")),
    ["b/c/calls.db", "d/calls.db", "e/calls.db", "home/a/calls.db"],
  );
});

Deno.test("a database in memory touches no disk and is forgotten when it is closed", async () => {
  const storage = new CallSql();
  assert.equal(storage.url, "sqlite://");
  assert.deepEqual(storage.capabilities, { persistent: false, shared: false, ordered: true });
  const record = await recordOf({ name: "f", result: 1 });
  storage.put(record);
  assert.equal(await storage.has(record.key), true);
  storage.close();
  assert.equal(await storage.has(record.key), false);
  storage.close();
});

for (const [made, opened] of [["wal", "delete"], ["delete", "wal"]] as const) {
  Deno.test(`a database keeps its journal mode: ${made}, opened as ${opened}`, async () => {
    using folder = new TemporaryFolder();
    const path = folder.join("calls.db");
    for (const journal of [made, opened]) {
      await using storage = new CallSql({ url: path, journal });
      storage.put(await recordOf({ name: "f", arguments: { journal }, result: 1 }));
      assert.equal((await storage.list("")).length, journal === made ? 1 : 2);
      assert.equal(pragma(path, "journal_mode"), made);
    }
  });
}

Deno.test("CallSql refuses a journal mode that it does not know", () => {
  // A configuration may hold any text.
  const journal = "memory" as "wal";
  assert.throws(() => new CallSql({ url: "sqlite://", journal }), ConfigError);
});

Deno.test("records that are replaced or removed leave no arguments behind", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("calls.db");
  await using storage = new CallSql({ url: path });
  const one = await recordOf({ name: "f", arguments: { x: 1, y: 2 }, result: "old" });
  const two = await recordOf({ name: "f", arguments: { x: 1, y: 2 }, result: "new" });
  const other = await recordOf({ name: "g", arguments: { z: 3 }, result: 4 });
  for (const record of [one, other, two]) storage.put(record);
  const rows = "SELECT a.name FROM arguments a LEFT JOIN calls ON call = id ORDER BY a.name";
  const names = () => query(path, rows).map((row) => row["name"]);
  assert.deepEqual(names(), ["x", "y", "z"]);
  await storage.delete(two.key);
  assert.deepEqual(names(), ["z"]);
  await storage.delete(other.key);
  assert.deepEqual(names(), []);
});

Deno.test("a put that fails half-way leaves the record as it was", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("calls.db");
  await using storage = new CallSql({ url: path });
  const before = await recordOf({ name: "f", arguments: { x: 1 }, result: "old" });
  const after = await recordOf({ name: "f", arguments: { x: 1 }, result: "new" });
  storage.put(before);
  const trigger =
    "CREATE TRIGGER no BEFORE INSERT ON arguments BEGIN SELECT RAISE(ABORT, 'no'); END";
  sql(path, trigger);
  for (let round = 0; round < 2; round++) {
    assert.throws(() => storage.put(after), (error) => {
      return error instanceof SaveError && error.message.includes(path);
    });
    assert.deepEqual((await storage.get(before.key))?.fields, before.fields);
    assert.deepEqual(query(path, "SELECT name FROM arguments"), [{ name: "x" }]);
  }
  sql(path, "DROP TRIGGER no");
  storage.put(after);
  assert.deepEqual((await storage.get(after.key))?.fields, after.fields);
});

Deno.test("a put that cannot lock the database in time is a SaveError", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("calls.db");
  await using storage = new CallSql({ url: path, lockTimeout: 0.05 });
  const record = await recordOf({ name: "f", arguments: { x: 1 }, result: 1 });
  storage.put(await recordOf({ name: "g", result: 1 }));
  {
    using other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const begin = performance.now();
    await assert.rejects(Promise.resolve(storage.put(record)), (error) => {
      return error instanceof SaveError && error.data.key === record.key &&
        error.message.includes(path) && /locked/.test(error.message) &&
        error.cause instanceof LockTimeoutError;
    });
    assert(performance.now() - begin >= 45);
    // Readers are not kept waiting.
    assert.equal(await storage.get(record.key), undefined);
  }
  storage.put(record);
  assert.equal(await storage.has(record.key), true);
});

Deno.test("a put that waits for another process lets this one go on", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("calls.db");
  await using storage = new CallSql({ url: path });
  const record = await recordOf({ name: "f", arguments: { x: 1 }, result: 1 });
  storage.put(await recordOf({ name: "g", result: 1 }));
  using other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  const puts = Array.from({ length: 5 }, () => storage.put(record));
  let ticks = 0;
  const timer = setInterval(() => {
    if (++ticks === 20) other.exec("COMMIT");
  }, 10);
  await Promise.all(puts);
  clearInterval(timer);
  assert(ticks >= 20);
  assert.equal(await storage.has(record.key), true);
});

for (const lockTimeout of [0.0015, 1.001, 1e9, Infinity]) {
  Deno.test(`CallSql takes a lock timeout of ${lockTimeout} seconds`, async () => {
    await using storage = new CallSql({ url: "sqlite://", lockTimeout });
    assert.deepEqual(await storage.list(""), []);
  });
}

Deno.test("echo logs statements and what is put into them", async () => {
  const record = await recordOf({ name: "f", arguments: { x: 1 }, result: 1 });
  for (const echo of [true, false]) {
    await using storage = new CallSql({ url: "sqlite://", echo });
    const records = await logged(async () => {
      storage.put(record);
      storage.get(record.key);
      await storage.getEmbedded(sampleOf(1).digest);
      await Array.fromAsync(storage.records());
    });
    const statements = records.map(({ message }) => message.join(""));
    if (!echo) assert.deepEqual(statements, []);
    else for (const each of ["INSERT", "SELECT"]) assert(statements.join().includes(each), each);
  }
});

Deno.test("a Digest is a digest in every column", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("calls.db");
  await using storage = new CallSql({ url: path });
  const { digest } = sampleOf("named");
  storage.put(await recordOf({ name: "f", arguments: { x: D(digest), y: "named" }, result: 1 }));
  assert.deepEqual(
    query(path, "SELECT name, digest FROM arguments ORDER BY name"),
    [{ name: "x", digest }, { name: "y", digest }],
  );
});

Deno.test("entries() gives what is replaced meanwhile once, and the newest first", async () => {
  await using storage = new CallSql();
  const all = await Promise.all(
    Array.from({ length: 1200 }, (_, x) => recordOf({ name: "f", arguments: { x }, result: x })),
  );
  for (const record of all) await storage.put(record);
  const names = all.map(({ key }) => key).reverse();
  assert.deepEqual(await Array.fromAsync(storage.entries(), ({ name }) => name), names);
  const seen: string[] = [];
  for await (const { name } of storage.entries()) {
    if (seen.push(name) === 500) {
      for (const record of all.slice(0, 100)) await storage.put(record);
    }
  }
  assert.deepEqual(seen.slice(0, 1000), names.slice(0, 1000));
  assert.deepEqual(seen.sort(), names.toSorted());
});
