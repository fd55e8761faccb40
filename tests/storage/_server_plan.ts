import { CallSql } from "@fleche/core";
import assert from "node:assert/strict";
import type { SqlServer, SqlSession } from "../../src/storage/_sql_session.ts";
import type { Statement } from "../../src/storage/_sql_driver.ts";
import * as queries from "../../src/storage/_sql_queries.ts";
import { databaseAddress } from "../../src/storage/_sql_url.ts";
import { recordOf, sampleOf } from "./_samples.ts";

function hex(number: number): string {
  return number.toString(16).padStart(64, "0");
}

const common: queries.Argument = ["common", sampleOf(0).digest];
const rare: queries.Argument = ["rare", hex(40)];

/** Searches, and the indexes of which one has to lead to what they find. */
export const SEARCHES: Readonly<Record<string, readonly [Statement, indexes: RegExp]>> = {
  "a record": [[queries.SELECT, [hex(10)]], /calls_key_key|"key":"key"/],
  "keys by prefix": [queries.listing(hex(10).slice(0, 63), 10), /calls_key_key|"key":"key"/],
  "records by their keys": [
    [queries.records({}).byKeys, new Array(queries.KEYS_AT_ONCE).fill(hex(10))],
    /calls_key_key|"key":"key"/,
  ],
  "records of a function": [
    queries.records({ name: "f" }).newest,
    // Where every other call is of the function, to go through all of them is as good.
    /calls_by_name|calls_pkey|"key":"PRIMARY"/,
  ],
  "records of a function with a result": [
    queries.records({ name: "f", result: hex(2) }).newest,
    /calls_by_result/,
  ],
  "records of a function with an argument": [
    queries.records({ name: "f", arguments: { rare: hex(40) } }, [rare]).newest,
    /arguments_by_digest/,
  ],
  "records of a function with two arguments and notes": [
    queries.records({
      ...{ name: "f", arguments: Object.fromEntries([common, rare]) },
      metadata: { runtime: { host: "h" } },
    }, [rare, common]).newest,
    /arguments_by_digest/,
  ],
  "records with an argument, of any function": [
    queries.records({ arguments: { rare: hex(40) } }, [rare]).newest,
    /arguments_by_digest/,
  ],
};

/** How a server is asked what it would do. */
export interface PlanOptions {
  readonly server: SqlServer;
  readonly url: string;
  /** Fills the tables with many calls, made of the two that are there with the ids 1 and 2. */
  readonly fill: readonly string[];
  /** What stands before a statement. */
  readonly explain: string;
  /** Says that a table is read from end to end. */
  readonly scan: RegExp;
}

/** Checks that every search is led by an index. */
export async function assertPlans(options: PlanOptions): Promise<void> {
  const { server, url, fill, explain, scan } = options;
  {
    await using storage = new CallSql({ url });
    const common = { module: "p/a.ts", version: 1, metadata: { runtime: { host: "h" } } };
    for (const name of ["f", "g"]) {
      const values = { common: 0, rare: "x" };
      await storage.put(await recordOf({ ...common, name, arguments: values, result: name }));
    }
  }
  const address = databaseAddress(url);
  assert(address.type !== "sqlite");
  const session = await server.connect(address, { lockTimeout: 30, durable: false });
  try {
    for (const statement of fill) await session.query(statement);
    for (const [what, [[sql, parameters], index]] of Object.entries(SEARCHES)) {
      const text = await planOf(session, `${explain} ${sql}`, parameters);
      assert.match(text, index, what);
      assert.doesNotMatch(text, scan, what);
    }
    for (const { newest: [sql, parameters] } of [queries.records({}), queries.ENTRIES]) {
      const text = await planOf(session, `${explain} ${sql}`, parameters);
      assert.match(text, /calls_pkey|"key":"PRIMARY"/);
      assert.doesNotMatch(text, /Sort|filesort/);
    }
  } finally {
    await session.close();
  }
}

async function planOf(
  session: SqlSession,
  sql: string,
  parameters: Statement[1],
): Promise<string> {
  const { rows } = await session.query(sql, parameters);
  return rows.map((row) => JSON.stringify(row)).join("\n");
}
