import { CallSql } from "@fleche/core";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { RecordFilter } from "../../src/record_filter.ts";
import * as queries from "../../src/storage/_sql_queries.ts";
import type { Statement } from "../../src/storage/_sql_driver.ts";
import { recordOf, sampleOf } from "./_samples.ts";
import { TemporaryFolder } from "./_temporary_folder.ts";

/** Calls in the large database: of two functions, with an argument that is common and a rare one. */
const COUNT = 100_000;

/** A database with many calls, made of two by SQLite itself. */
async function fill(path: string): Promise<void> {
  await using storage = new CallSql({ url: path });
  const options = { module: "p/a.ts", version: 1, metadata: { runtime: { host: "h" } } };
  for (const name of ["f", "g"]) {
    const values = { common: 0, rare: "x" };
    await storage.put(await recordOf({ ...options, name, arguments: values, result: name }));
  }
  using database = new DatabaseSync(path);
  // What a record is copied to has the wrong key, so it is passed over when it is read.
  database.exec(`
    BEGIN;
    WITH RECURSIVE n (n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM n WHERE n < ${COUNT + 9})
    INSERT INTO calls
    SELECT n, printf('%064x', n), name, module, version, code, deps, source,
      printf('%064x', n % 1000), result_text, metadata, record, filed
    FROM n JOIN calls ON id = 1 + n % 2;
    WITH RECURSIVE n (n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM n WHERE n < ${COUNT + 9})
    INSERT INTO arguments (call, position, call_name, name, digest, text)
    SELECT n, position, call_name, name,
      CASE name WHEN 'rare' THEN printf('%064x', n % 5000) ELSE digest END, text
    FROM n JOIN arguments ON call = 1 + n % 2;
    COMMIT;`);
}

/** Steps of SQLite's plan for a statement. */
function plan(database: DatabaseSync, [sql, parameters]: Statement): string[] {
  return database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters)
    .map(({ detail }) => String(detail));
}

function hex(number: number): string {
  return number.toString(16).padStart(64, "0");
}

const common: queries.Argument = ["common", sampleOf(0).digest];
const rare: queries.Argument = ["rare", hex(40)];
const both = [rare, common];

/** Searches, and the index that has to lead to what they find. */
const SEARCHES: Record<string, [Statement, index: RegExp]> = {
  "a record": [[queries.SELECT, [hex(10)]], /INDEX sqlite_autoindex_calls_1 \("?key"?=\?\)/],
  "whether there is a record": [
    [queries.EXISTS, [hex(10)]],
    /COVERING INDEX sqlite_autoindex_calls_1/,
  ],
  "keys by prefix": [
    queries.listing("00000", 10),
    /COVERING INDEX sqlite_autoindex_calls_1 \("?key"?>\? AND "?key"?<\?\)/,
  ],
  "digests by prefix": [queries.listingEmbedded("abcd", 10), /arguments_by_digest \(digest>\?/],
  "the age of a record": [queries.touching(hex(10), "1"), /sqlite_autoindex_calls_1/],
  "records by their keys": [
    [queries.records({}).byKeys, new Array(queries.KEYS_AT_ONCE).fill(hex(10))],
    /INDEX sqlite_autoindex_calls_1 \("?key"?=\?\)/,
  ],
  "records of a function": [
    queries.records({ name: "f" }).newest,
    /COVERING INDEX calls_by_name \(name=\?\)/,
  ],
  "records of a function with a result": [
    queries.records({ name: "f", result: hex(1) }).newest,
    /COVERING INDEX calls_by_result \(result=\? AND name=\?\)/,
  ],
  "records of a function with an argument": [
    queries.records({ name: "f", arguments: { rare: hex(40) } }, [rare]).newest,
    /COVERING INDEX arguments_by_digest \(digest=\? AND call_name=\? AND name=\?\)/,
  ],
  "records of a function with an argument, a version and notes": [
    queries.records({
      ...{ name: "f", version: 1, module: "p/a.ts", arguments: { rare: hex(40) } },
      metadata: { runtime: { host: "h" } },
    }, [rare]).newest,
    /COVERING INDEX arguments_by_digest \(digest=\? AND call_name=\? AND name=\?\)/,
  ],
  "records of a function with two arguments": [
    queries.records({ name: "f", arguments: Object.fromEntries([common, rare]) }, both).newest,
    /COVERING INDEX arguments_by_digest \(digest=\? AND call_name=\? AND name=\?\)/,
  ],
  "all keys": [queries.ENTRIES.all, /COVERING INDEX sqlite_autoindex_calls_1/],
  "all keys of a function": [queries.records({ name: "f" }).all, /calls_by_name \(name=\?\)/],
  "all keys of a function with an argument": [
    queries.records({ name: "f", arguments: { rare: hex(40) } }, [rare]).all,
    /COVERING INDEX arguments_by_digest \(digest=\? AND call_name=\? AND name=\?\)/,
  ],
  "how often an argument is there": [
    queries.counting({ name: "f" }, common),
    /COVERING INDEX arguments_by_digest \(digest=\? AND call_name=\? AND name=\?\)/,
  ],
};

/** Searches that put what they find in order before they read it. */
const SORTING: Record<string, [Statement, index: RegExp]> = {
  "records with an argument, of any function": [
    queries.records({ arguments: { rare: hex(40) } }, [rare]).newest,
    /COVERING INDEX arguments_by_digest \(digest=\?/,
  ],
  "records with a result, of any function": [
    queries.records({ result: hex(1) }).newest,
    /COVERING INDEX calls_by_result \(result=\?/,
  ],
};

Deno.test("CallSql searches 100,000 calls by indexes only", async (context) => {
  using folder = new TemporaryFolder();
  const path = folder.join("calls.db");
  await fill(path);
  using database = new DatabaseSync(path);
  for (const [what, [statement, index]] of Object.entries(SEARCHES)) {
    await context.step(`finds ${what} by an index, in order`, () => {
      const steps = plan(database, statement);
      assert(steps.some((step) => index.test(step)), steps.join("\n"));
      assert(
        !steps.some((step) => /^SCAN (?!m\b|.* COVERING)|TEMP B-TREE/.test(step)),
        steps.join("\n"),
      );
    });
  }
  for (const [what, [statement, index]] of Object.entries(SORTING)) {
    await context.step(`finds ${what} by an index`, () => {
      const steps = plan(database, statement);
      assert(steps.some((step) => index.test(step)), steps.join("\n"));
      assert(!steps.some((step) => /^SCAN (?!m\b)/.test(step)), steps.join("\n"));
    });
  }
  for (const listing of [queries.records({}), queries.ENTRIES]) {
    const steps = plan(database, listing.newest);
    assert(!steps.some((step) => /TEMP B-TREE/.test(step)), steps.join("\n"));
  }
  const embedding = queries.embedding(sampleOf("absent").digest);
  for (let next = embedding.next(); next.done !== true; next = embedding.next(0)) {
    const steps = plan(database, next.value);
    assert(!steps.some((step) => /^SCAN|TEMP B-TREE/.test(step)), steps.join("\n"));
  }
});

Deno.test("CallSql reads of 100,000 calls only those that match", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("calls.db");
  await fill(path);
  using database = new DatabaseSync(path);
  const found = (filter: RecordFilter, rarest: queries.Argument[] = []) => {
    const [sql, parameters] = queries.records(filter, rarest).newest;
    return database.prepare(sql).all(...parameters).length;
  };
  // Each of 5,000 values is there 20 times, always of the same function.
  assert.equal(found({ name: "f", arguments: { rare: hex(41) } }, [["rare", hex(41)]]), 0);
  assert.equal(found({ name: "f", arguments: { rare: hex(40) } }, [rare]), 20);
  assert.equal(found({ arguments: Object.fromEntries([common, rare]) }, both), 20);
  assert.equal(found({ name: "g", result: hex(1) }), 100);
  assert.equal(found({ name: "f", result: hex(1) }), 0);
});
