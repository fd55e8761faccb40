import { MYSQL } from "../../src/storage/_mysql.ts";
import { HAS_MARIADB, MariaDb } from "../_mariadb.ts";
import { testCallServer } from "./_call_server.ts";
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
