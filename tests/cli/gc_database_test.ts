import { Cache, Call, CallSql, digest } from "@fleche/core";
import assert from "node:assert/strict";
import { join } from "node:path";
import { HAS_POSTGRES, Postgres } from "../_postgres.ts";
import { ramp, withStore } from "./_store.ts";

Deno.test("fleche gc and verify read calls in a database whose password the configuration knows", {
  ignore: !HAS_POSTGRES,
}, () =>
  withStore(async (store) => {
    await using server = await Postgres.start();
    const url = server.url(await server.create());
    const result = ramp(1000);
    {
      await using shared = new Cache({ values: store.cache.values, calls: new CallSql({ url }) });
      await shared.save(new Call({ name: "f", result }));
    }
    const has = () => store.cache.values.has(digest(result).hex);

    // Nobody can tell whether the calls there need the value.
    const { host } = new URL(url);
    const refused = await store.fail(1, "gc", "--grace", "0");
    assert(refused.includes(host) && !refused.includes(new URL(url).password), refused);
    assert(await has());

    const path = join(store.home, "fleche.toml");
    const table = `[shared]\nvalues = { type = "file", root = "local/values" }\n` +
      `calls = { type = "sql", url = ${JSON.stringify(url)} }\n`;
    Deno.writeTextFileSync(path, Deno.readTextFileSync(path) + table);
    assert.match(await store.print("gc", "--grace", "0"), /^read +1 call in 2 places$/m);
    assert.match(await store.print("verify"), /^unneeded 0 values, 0 B\nall is well$/m);
    assert(await has());
  }));
