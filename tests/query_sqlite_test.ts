import {
  Cache,
  Call,
  type CallRecord,
  CallSql,
  D,
  digest,
  type Encoding,
  type QueryTemplate,
  type RecordFilter,
  ValueMemory,
} from "@fleche/core";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { matchesFilter } from "../src/record_filter.ts";
import { errorsOf } from "./_errors.ts";
import { TemporaryFolder } from "./storage/_temporary_folder.ts";
import { Warnings } from "./storage/_warnings.ts";

const COUNT = 10_000;

/** Records in SQLite that are counted as they are given out. */
class CountingCalls extends CallSql {
  read = 0;

  override async *records(filter?: RecordFilter): AsyncIterable<CallRecord> {
    for await (const record of super.records(filter)) {
      this.read++;
      yield record;
    }
  }
}

/** Values that can be stored, but must not be read. */
class SealedValues extends ValueMemory {
  override get(): Encoding | undefined {
    throw new Error("A value was read");
  }
}

/** What stands in no record. */
const LARGE = "r".repeat(2000);

function call(x: number): Call {
  return new Call({
    name: x % 10 === 0 ? "f" : "g",
    version: x % 3,
    arguments: { x, mode: x % 2 === 0 ? "fast" : "slow", grid: LARGE },
    result: `${LARGE}${x % 50}`,
    metadata: { runtime: { timestop: x, walltime: x / 7 }, tags: { batch: x % 100 } },
  });
}

async function withCalls(
  count: number,
  test: (cache: Cache, calls: CountingCalls, path: string) => Promise<void>,
): Promise<void> {
  using folder = new TemporaryFolder();
  const path = folder.join("calls.db");
  await using calls = new CountingCalls({ url: path });
  const cache = new Cache({ values: new SealedValues(), calls });
  for (let x = 0; x < count; x++) await cache.save(call(x));
  await test(cache, calls, path);
}

const numbers = (holds: (x: number) => boolean) =>
  Array.from({ length: COUNT }, (_, x) => x).filter(holds).reverse();

const SEARCHES: readonly (readonly [
  template: QueryTemplate,
  holds: (x: number) => boolean,
])[] = [
  [{}, () => true],
  [{ name: "f" }, (x) => x % 10 === 0],
  [{ name: "f", version: 2 }, (x) => x % 10 === 0 && x % 3 === 2],
  [{ arguments: { x: 4567 } }, (x) => x === 4567],
  [{ arguments: { x: "4567" } }, () => false],
  [{ name: "f", arguments: { mode: "slow" } }, () => false],
  [{ name: "g", arguments: { mode: "slow", grid: digest(LARGE) } }, (x) => x % 2 === 1],
  [{ result: `${LARGE}7` }, (x) => x % 50 === 7],
  [{ result: D(digest(`${LARGE}7`).hex.slice(0, 20)) }, (x) => x % 50 === 7],
  [{ tags: { batch: 41 }, version: 0 }, (x) => x % 100 === 41 && x % 3 === 0],
  [{ metadata: { runtime: { timestop: 9999 } } }, (x) => x === 9999],
  [{ key: call(77).key }, (x) => x === 77],
];

Deno.test("queries of ten thousand calls in SQLite read just what they give", async () => {
  await withCalls(COUNT, async (cache, calls) => {
    const at = ({ metadata }: { metadata: CallRecord["metadata"] }) =>
      Number(metadata["runtime"]?.["timestop"]);
    for (const [template, holds] of SEARCHES) {
      const expected = numbers(holds);
      calls.read = 0;
      const found = await Array.fromAsync(cache.query(template), at);
      assert.deepEqual(found, expected);
      if (template.key === undefined) assert.equal(calls.read, expected.length);
      assert.equal(await cache.query(template).count(), expected.length);
      assert.equal(await cache.query(template).empty(), expected.length === 0);
    }

    // None of these loads a value, and latest() reads no more than one record.
    calls.read = 0;
    const latest = await cache.query({ name: "f" }).latest();
    assert(latest !== undefined);
    assert.equal(at(latest), 9990);
    assert.equal(calls.read, 1);
    const oldest = await cache.query({ name: "f" }).oldest();
    assert.equal(oldest && at(oldest), 0);
    const groups = await cache.query().groupBy("tags.batch");
    assert.equal(groups.size, 100);
    assert.equal(await groups.get(41)?.count(), 100);
    const longest = cache.query().sorted("runtime.walltime", { descending: true }).take(3);
    assert.deepEqual(await Array.fromAsync(longest, at), [9999, 9998, 9997]);
    assert.equal(await cache.query().unique("version").count(), 3);

    const table = await cache.query().table();
    assert.equal(table.rows.length, COUNT);
    const short = table.column("shortKey");
    assert.equal(new Set(short).size, COUNT);
    assert(Math.max(...short.map(({ length }) => length)) < 16);
    assert.equal(table.toJsonLines().split("\n").length, COUNT + 1);

    assert.equal(await cache.query({ tags: { batch: 41 } }).evict(), 100);
    assert.equal(await cache.query().count(), COUNT - 100);
  });
});

Deno.test("a query passes over damaged and newer records, and finds all others", async () => {
  await withCalls(250, async (cache, _, path) => {
    const keys = await Array.fromAsync(cache.query(), ({ key }) => key);
    const damaged = [0, 1, 100, 101, 249].map((index) => keys[index] ?? "");
    {
      using database = new DatabaseSync(path);
      const statement = database.prepare("UPDATE calls SET record = ? WHERE key = ?");
      const wrong = [new Uint8Array(0), new Uint8Array(300).fill(0x91), Uint8Array.of(0xc0)];
      for (const [index, key] of damaged.entries()) {
        statement.run(wrong[index % wrong.length] ?? null, key);
      }
    }
    using warnings = new Warnings();
    const errors = await errorsOf(async () => {
      const found = await Array.fromAsync(cache.query(), ({ key }) => key);
      assert.deepEqual(found, keys.filter((key) => !damaged.includes(key)));
      for (const key of damaged) assert.equal(await cache.query({ key }).count(), 0);
      assert.equal((await cache.query().table()).rows.length, 245);
    });
    const said = [...errors, ...warnings.texts].join("\n");
    for (const key of damaged) assert(said.includes(key), said);
  });
});

Deno.test("records() of SQLite gives what matchesFilter() says, newest first", async () => {
  await withCalls(300, async (_, calls) => {
    const all = await Array.fromAsync(calls.records());
    const filters: RecordFilter[] = [
      ...[{}, { name: "f" }, { version: 0 }, { version: null }, { module: null, code: null }],
      ...all.slice(0, 20).flatMap((record): RecordFilter[] => {
        const [[name = "", slot] = []] = record.arguments;
        const digests = slot === undefined ? {} : { [name]: digest(299 - all.indexOf(record)).hex };
        const { name: fn, version, metadata } = record;
        return [{ name: fn, version, arguments: digests }, { metadata }, { arguments: digests }];
      }),
    ];
    for (const filter of filters) {
      const found = await Array.fromAsync(calls.records(filter), ({ key }) => key);
      const expected = all.filter((record) => matchesFilter(record, filter));
      assert.deepEqual(found, expected.map(({ key }) => key));
    }
  });
});
