/**
 * Stores one call through a value storage and a call storage.
 *
 * Arguments: the home directory to have, the root of the values, the URL of the database.
 */

import { Cache, Call, CallSql, ValueFile } from "@fleche/core";

const [home = "", root = "", url = ""] = Deno.args;
Deno.env.set("HOME", home);
await using cache = new Cache({ values: new ValueFile({ root }), calls: new CallSql({ url }) });
await cache.save(new Call({ name: "f", result: "x".repeat(2000) }));
