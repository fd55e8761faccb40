import { CallSql, ConfigError } from "@fleche/core";
import assert from "node:assert/strict";
import { POSTGRES } from "../../src/storage/_postgres.ts";
import { HAS_POSTGRES, Postgres } from "../_postgres.ts";
import { testCallServer } from "./_call_server.ts";
import { recordOf } from "./_samples.ts";
import { assertPlans } from "./_server_plan.ts";

const server = testCallServer({
  name: "PostgreSQL",
  scheme: "postgresql",
  ignore: !HAS_POSTGRES,
  start: () => Postgres.start(),
});

Deno.test({
  name: "CallSql on PostgreSQL searches 100,000 calls by indexes only",
  ignore: !HAS_POSTGRES,
  fn: async () => {
    await assertPlans({
      server: POSTGRES,
      url: server().url(await server().create()),
      fill: [
        `INSERT INTO calls (id, "key", name, module, version, result, metadata, record)
          SELECT n, lpad(to_hex(n), 64, '0'), name, module, version,
            lpad(to_hex(n % 1000), 64, '0'), metadata, record
          FROM generate_series(10, 100009) AS n JOIN calls ON id = 1 + n % 2`,
        `INSERT INTO arguments ("call", position, call_name, name, digest, text)
          SELECT n, position, call_name, name,
            CASE name WHEN 'rare' THEN lpad(to_hex(n % 5000), 64, '0') ELSE digest END, text
          FROM generate_series(10, 100009) AS n JOIN arguments ON "call" = 1 + n % 2`,
        "ANALYZE",
      ],
      explain: "EXPLAIN",
      scan: /Seq Scan/,
    });
  },
});

for (const [durability, expected] of [["rename", "off"], ["fsync", "on"]] as const) {
  Deno.test({
    name: `durability ${durability} leaves PostgreSQL's synchronous commit ${expected}`,
    ignore: !HAS_POSTGRES,
    fn: async () => {
      const database = await server().create();
      await server().query(database, `ALTER DATABASE ${database} SET synchronous_commit = off`);
      const trigger = `
        CREATE TABLE noted (mode TEXT);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          INSERT INTO noted SELECT current_setting('synchronous_commit'); RETURN NEW; END $$;
        CREATE TRIGGER noting AFTER INSERT ON calls EXECUTE FUNCTION note()`;
      await using storage = new CallSql({ url: server().url(database), durability });
      await storage.list("");
      await server().query(database, trigger);
      await storage.put(await recordOf({ name: "f", result: 1 }));
      const rows = await server().query(database, "SELECT mode FROM noted");
      assert.deepEqual(rows.map(({ mode }) => mode), [expected]);
    },
  });
}

async function createEncoded(name: string, encoding: string): Promise<string> {
  const statement = `CREATE DATABASE ${name} ENCODING '${encoding}' TEMPLATE template0 LOCALE 'C'`;
  await server().query("postgres", statement);
  return server().url(name);
}

Deno.test({
  name: "CallSql refuses a PostgreSQL database that cannot take every character",
  ignore: !HAS_POSTGRES,
  fn: async () => {
    await using storage = new CallSql({ url: await createEncoded("latin", "LATIN1") });
    const record = await recordOf({ name: "f", result: "plain" });
    for (const use of [() => storage.list(""), () => storage.get(record.key)]) {
      await assert.rejects(async () => await use(), (error) => {
        return error instanceof ConfigError &&
          /encoding LATIN1 lacks .* createdb --encoding=UTF8/.test(error.message);
      });
    }
    // Nothing was made in it.
    const tables = await server().query(
      "latin",
      "SELECT 1 FROM pg_tables WHERE tablename = 'calls'",
    );
    assert.deepEqual(tables, []);
  },
});

Deno.test({
  name: "CallSql takes every character in a PostgreSQL database without an encoding",
  ignore: !HAS_POSTGRES,
  fn: async () => {
    await using storage = new CallSql({ url: await createEncoded("ascii", "SQL_ASCII") });
    const record = await recordOf({ name: "名", arguments: { "→": "😀" }, result: "5 Å" });
    await storage.put(record);
    const found = await Array.fromAsync(storage.records({ name: "名" }), ({ key }) => key);
    assert.deepEqual(found, [record.key]);
    assert.deepEqual((await storage.get(record.key))?.fields, record.fields);
  },
});
