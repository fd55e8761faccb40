import { Call, CallRecord, CallTable, LazyCall, UnknownTypeError } from "@fleche/core";
import assert from "node:assert/strict";
import { memory } from "./_doubles.ts";

Deno.test("a query searches when it is iterated, not when it is made", async () => {
  const cache = memory();
  const query = cache.query();
  await cache.save(new Call({ name: "f", result: 1 }));
  assert.deepEqual(await query.results(), [1]);
});

Deno.test("a table prints a line for each call", async () => {
  const cache = memory();
  // The table shows local time.
  const timestop = new Date(2024, 4, 6, 7, 8, 9).getTime() / 1000;
  const metadata = { runtime: { timestop, walltime: 0.0625 } };
  const first = new Call({ name: "f", arguments: { x: 1 }, result: 1 });
  const last = new Call({
    ...{ name: "simulate", version: "1.2", arguments: { text: "y".repeat(100), z: 2 } },
    ...{ result: 2, metadata },
  });
  for (const call of [first, last]) await cache.save(call);
  const table = await cache.query().table();
  assert(table instanceof CallTable);
  const shown = `text="${"y".repeat(53)}…`;
  assert.deepEqual(String(table).split("\n"), [
    `key   name      version  ${"arguments".padEnd(60)}  finished             took`,
    `${last.key.slice(0, 4)}  simulate  1.2      ${shown}  2024-05-06 07:08:09  63 ms`,
    `${first.key.slice(0, 4)}  f                  x=1`,
  ]);
  assert.equal(Deno.inspect(table), String(table));
});

Deno.test("a table of no calls prints its header", async () => {
  const table = await memory().query().table();
  assert.deepEqual(table.rows, []);
  assert.equal(String(table), "key  name  version  arguments  finished  took");
});

Deno.test("a table keeps to one line for each call, whatever a name or an argument holds", async () => {
  const cache = memory();
  const values = { "text\nname": "line\nbreak \u001b[31m \u009b31m", list: [["a\nb"]] };
  await cache.save(new Call({ name: "f\u001b[2J\nname", arguments: values, result: 1 }));
  const table = await cache.query().table();
  assert.equal(String(table).split("\n").length, 2);
  // What a record of someone else's holds must not control the terminal.
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(String(table), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});

Deno.test("arguments of a type that is not registered are shown, but not built", async () => {
  const cache = memory();
  const key = await cache.save(new Call({ name: "f", arguments: { p: 1 }, result: 1 }));
  const { fields } = (await cache.load(key)).detach();
  // Extension 8, of 7 bytes: ["Nope", 1].
  const slot = Uint8Array.of(0xc7, 7, 8, 0x92, 0xa4, 0x4e, 0x6f, 0x70, 0x65, 1);
  cache.calls.put(CallRecord.build(key, { ...fields, arguments: [["p", slot]] }));
  const [call] = await Array.fromAsync(cache.query());
  assert(call instanceof LazyCall);
  assert.equal(call.describeArguments(), "p=Nope 1");
  await assert.rejects(call.argument("p"), UnknownTypeError);
  assert.equal(await call.result(), 1);
});
