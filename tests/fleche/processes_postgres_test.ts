import { CallSql } from "@fleche/core";
import assert from "node:assert/strict";
import { HAS_POSTGRES, Postgres } from "../_postgres.ts";
import { PERMISSIONS } from "../storage/_child.ts";
import { testProcesses } from "./_process_tests.ts";
import { Shared } from "./_processes.ts";

testProcesses("PostgreSQL", { ignore: !HAS_POSTGRES, start: () => Postgres.start(), callers: 8 });

Deno.test({
  name: "fleche() runs a call once for users of PostgreSQL who may make no tables",
  ignore: !HAS_POSTGRES,
  async fn() {
    await using server = await Postgres.start();
    const database = await server.create();
    await using owned = new CallSql({ url: server.url(database) });
    assert.deepEqual(await owned.list(""), []);
    await server.query(database, "CREATE ROLE guest LOGIN PASSWORD 'guest'");
    await server.query(
      database,
      "GRANT SELECT, INSERT, UPDATE, DELETE ON calls, arguments, fleche_schema TO guest",
    );
    const url = `postgresql://guest:guest@127.0.0.1:${server.port}/${database}`;
    using shared = new Shared({ url, permissions: [...PERMISSIONS, "--allow-net=127.0.0.1"] });
    const [first, second] = await shared.start(2);
    assert(first !== undefined && second !== undefined);
    await first.tell("call hold 1");
    await first.until("warning");
    await second.tell("call hold 1");
    await second.tell("call hold 2");
    await second.until("running hold 2");
    await first.tell("go");
    assert.equal(await first.result("hold 1"), "held 1");
    assert.equal(await second.result("hold 1"), "held 1");
    await second.tell("go");
    assert.equal(await second.result("hold 2"), "held 2");
    for (const caller of [first, second]) {
      await caller.end();
      const [warning = "", ...others] = caller.warnings;
      assert.match(
        warning,
        /Cannot keep the table fleche_claims in postgresql:/,
      );
      assert.deepEqual(others, []);
    }
    assert.deepEqual(shared.runs(), ["hold 1", "hold 2"]);
  },
});
