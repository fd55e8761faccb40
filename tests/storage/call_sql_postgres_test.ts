import { POSTGRES } from "../../src/storage/_postgres.ts";
import { HAS_POSTGRES, Postgres } from "../_postgres.ts";
import { testCallServer } from "./_call_server.ts";
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
