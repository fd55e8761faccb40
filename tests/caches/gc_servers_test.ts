import { Cache, CallSql, ValueFile } from "@fleche/core";
import assert from "node:assert/strict";
import { HAS_POSTGRES, Postgres } from "../_postgres.ts";
import { TemporaryFolder } from "../storage/_temporary_folder.ts";
import { LARGE, simple } from "./_cache_manifest.ts";

Deno.test({
  name: "gc() keeps what calls on a server need, whoever signed them",
  ignore: !HAS_POSTGRES,
  fn: async () => {
    using folder = new TemporaryFolder();
    await using server = await Postgres.start();
    const url = server.url(await server.create());
    const open = (key: string) =>
      new Cache({
        values: new ValueFile({ root: folder.path }),
        calls: new CallSql({ url, secretKey: [key.repeat(32)] }),
      });
    await using one = open("aa");
    await using other = open("bb");
    const key = await one.save(simple(1, LARGE));
    const report = await other.gc({ grace: 0 });
    assert.deepEqual([report.calls, report.removed.entries, report.kept.entries], [1, 0, 1]);
    assert.equal(await (await one.load(key)).result(), LARGE);
    await one.evict(key);
    assert.equal((await other.gc({ grace: 0 })).removed.entries, 1);
  },
});
