import { CallSql, SaveError } from "@fleche/core";
import assert from "node:assert/strict";
import { MYSQL } from "../../src/storage/_mysql.ts";
import { HAS_MARIADB, MariaDb } from "../_mariadb.ts";
import { testCallServer } from "./_call_server.ts";
import { recordOf } from "./_samples.ts";
import { assertPlans } from "./_server_plan.ts";

const server = testCallServer({
  name: "MariaDB",
  scheme: "mysql",
  ignore: !HAS_MARIADB,
  start: () => MariaDb.start(),
});

Deno.test({
  name: "CallSql on MariaDB searches 20,000 calls by indexes only",
  ignore: !HAS_MARIADB,
  fn: async () => {
    await assertPlans({
      server: MYSQL,
      url: server().url(await server().create()),
      fill: [
        `INSERT INTO calls (id, "key", name, module, version, result, metadata, record)
          SELECT seq, lpad(lower(hex(seq)), 64, '0'), name, module, version,
            lpad(lower(hex(seq % 1000)), 64, '0'), metadata, record
          FROM seq_10_to_20009 JOIN calls ON id = 1 + seq % 2`,
        `INSERT INTO arguments ("call", position, call_name, name, digest, text)
          SELECT seq, position, call_name, name,
            CASE name WHEN 'rare' THEN lpad(lower(hex(seq % 5000)), 64, '0') ELSE digest END, text
          FROM seq_10_to_20009 JOIN arguments ON "call" = 1 + seq % 2`,
        "ANALYZE TABLE calls, arguments",
      ],
      explain: "EXPLAIN",
      scan: /"table":"(?!<derived)[^"]*","type":"(ALL|index)"/,
    });
  },
});

Deno.test({
  name: "CallSql on MariaDB says that a record is longer than the server takes",
  ignore: !HAS_MARIADB,
  fn: async () => {
    await using storage = new CallSql({ url: server().url(await server().create()) });
    // As text each of these characters takes six.
    const metadata = { notes: { text: "\u0001".repeat(4 << 20) } };
    const record = await recordOf({ name: "f", result: 1, metadata });
    await assert.rejects(async () => await storage.put(record), (error) => {
      return error instanceof SaveError && /raise its max_allowed_packet/.test(error.message);
    });
    const short = await recordOf({ name: "f", result: 1 });
    await storage.put(short);
    assert.equal(await storage.has(short.key), true);
  },
});
