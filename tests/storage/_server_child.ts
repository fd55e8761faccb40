/**
 * Uses calls on a server, as the first argument says, at the URL that the second one is.
 *
 * - fill: stores 20 calls of the number that the third one is, and one that others store as well.
 * - idle: stores a call, says so, and leaves the connection open.
 * - fail: tells the error that the first use ends with.
 * - lock: takes lines, "try NAME", "unlock NAME" and "holder NAME", and answers each.
 * - hold: begins to change the record of a key, says so, and never ends.
 */

import { CallSql } from "@fleche/core";
import { MYSQL } from "../../src/storage/_mysql.ts";
import { POSTGRES } from "../../src/storage/_postgres.ts";
import { ServerDriver } from "../../src/storage/_server_driver.ts";
import { databaseAddress } from "../../src/storage/_sql_url.ts";
import { recordOf } from "./_samples.ts";

const [what, url = "", third = ""] = Deno.args;

if (what === "fill") {
  await using storage = new CallSql({ url });
  for (let x = 0; x < 20; x++) {
    await storage.put(await recordOf({ name: "f", arguments: { third, x }, result: x }));
    await storage.put(await recordOf({ name: "shared", arguments: { x: 1 }, result: third }));
  }
} else if (what === "idle") {
  await new CallSql({ url }).put(await recordOf({ name: "f", result: 1 }));
  console.log("stored");
} else if (what === "fail") {
  await new CallSql({ url }).list("").catch((error) => console.log(String(error)));
} else {
  const address = databaseAddress(url);
  if (address.type === "sqlite") throw new Error("No server");
  const server = address.type === "postgresql" ? POSTGRES : MYSQL;
  const options = { lockTimeout: 30, durable: false, echo: false };
  await using stack = new AsyncDisposableStack();
  const driver = new ServerDriver(server, address, options);
  stack.defer(() => driver.close());
  if (what === "hold") await driver.transaction(() => hold(third));
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  for await (const line of lines) {
    const [verb, name = ""] = line.trim().split(" ");
    if (verb === "try") console.log(await driver.locks.tryLock(name));
    else if (verb === "unlock") console.log(await driver.locks.unlock(name));
    else console.log(await driver.locks.holder(name));
  }
}

function* hold(key: string): Generator<[string, string[]], void, number> {
  yield ['UPDATE calls SET filed = 0 WHERE "key" = ?', [key]];
  console.log("held");
  // Nothing else can happen in this process from here on.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}
