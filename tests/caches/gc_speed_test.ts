import { Cache, Call, CallRecord, CallSql, ValueFile } from "@fleche/core";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { keyOf } from "../../src/caches/_refile.ts";
import { fillSlot } from "../../src/slot.ts";
import { TemporaryFolder } from "../storage/_temporary_folder.ts";

const CALLS = 100_000;

/** Calls that share a value. */
const SHARING = 100;

// Rows made from one that was stored, all in one transaction: to save so many calls would take long.
function addCalls(path: string, record: CallRecord): void {
  using database = new DatabaseSync(path);
  const columns = database.prepare("SELECT name FROM pragma_table_info('calls')").all()
    .map(({ name }) => String(name))
    .filter((name) => !["id", "key", "record"].includes(name))
    .map((name) => `"${name}"`).join(", ");
  const insert = database.prepare(
    `INSERT INTO calls ("key", record, ${columns}) SELECT ?, ?, ${columns} FROM calls WHERE "key" = ?`,
  );
  const { fields } = record;
  // Nothing here looks anything up by them.
  const indexes = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";
  for (const { name } of database.prepare(indexes).all()) database.exec(`DROP INDEX ${name}`);
  database.exec("PRAGMA synchronous = OFF; BEGIN");
  for (let x = 1; x < CALLS / SHARING; x++) {
    const { slot } = fillSlot(x, {});
    const changed = { ...fields, arguments: [["x", slot] as const] };
    const key = keyOf(changed);
    insert.run(key, CallRecord.build(key, changed).bytes, record.key);
  }
  database.exec("COMMIT");
}

Deno.test("gc() takes seconds for 100,000 calls", async () => {
  using folder = new TemporaryFolder();
  const url = folder.join("calls.db");
  const values = new ValueFile({ root: folder.join("values") });
  await using cache = new Cache({ values, calls: new CallSql({ url }) });
  for (let group = 0; group < SHARING; group++) {
    const result = [group, new Float64Array(9000).fill(group), "r".repeat(2000)];
    const name = `f${group}`;
    const key = await cache.save(new Call({ name, arguments: { x: 0 }, result }));
    addCalls(url, (await cache.load(key)).detach());
    const garbage = new Call({ name: "garbage", arguments: { group }, result: [result, name] });
    await cache.evict(await cache.save(garbage));
  }
  const start = performance.now();
  const report = await cache.gc({ grace: 0 });
  const seconds = (performance.now() - start) / 1000;
  console.log(`gc of ${report.calls} calls: ${seconds.toFixed(2)} s`);
  assert.equal(report.calls, CALLS);
  assert.deepEqual([report.kept.entries, report.removed.entries], [2 * SHARING, SHARING]);
});
