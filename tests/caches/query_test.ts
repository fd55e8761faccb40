import {
  cache,
  CacheStack,
  Call,
  CallRecord,
  CallTable,
  fleche,
  LazyCall,
  RefreshingCache,
  UnknownTypeError,
  withCache,
} from "@fleche/core";
import assert from "node:assert/strict";
import { errorsOf } from "../_errors.ts";
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

function ended(x: number, timestop: number | null): Call {
  const metadata = { runtime: { timestop } };
  return new Call({ name: "f", arguments: { x }, result: x, metadata });
}

Deno.test("latest() and oldest() of a stack go by the end of the calls", async () => {
  const [near, far] = [memory(), memory()];
  for (const call of [ended(1, 20), ended(2, 10)]) await near.save(call);
  for (const call of [ended(3, null), ended(4, 30), ended(5, 25)]) await far.save(call);
  const stack = new CacheStack([near, far]);
  assert.equal(await (await stack.query().latest())?.result(), 4);
  assert.equal(await (await stack.query().oldest())?.result(), 3);
  const noted = stack.query().filter(({ metadata }) => metadata["runtime"]?.["timestop"] !== null);
  assert.equal(await (await noted.oldest())?.result(), 2);
  // A cache by itself knows the order of filing.
  for (const cache of [near, near.readonly(), new RefreshingCache(near)]) {
    assert.equal(await (await cache.query().latest())?.result(), 2);
    assert.equal(await (await cache.query().oldest())?.result(), 1);
  }
});

Deno.test("a query keeps to the cache that it was made in", async () => {
  const [one, other] = [memory(), memory()];
  const next = fleche((x: number) => x + 1, { name: "next", version: 1 });
  await withCache(one, () => next(1));
  const query = withCache(one, () => cache().query(next.describe(1)));
  await withCache(other, async () => {
    assert.deepEqual(await query.results(), [2]);
    assert.equal(await query.evict(), 1);
    assert.equal(await cache().query().count(), 0);
  });
  assert.equal(await one.query().count(), 0);
});

Deno.test("a query by a key passes over what cannot be read", async () => {
  const cache = memory();
  const key = await cache.save(new Call({ name: "f", result: 1 }));
  const newer = new UnknownTypeError(`Cannot read ${key}: too new`, { type: "record" });
  cache.calls.get = () => {
    throw newer;
  };
  const errors = await errorsOf(async () => {
    assert.equal(await cache.query({ key }).count(), 0);
  });
  assert.deepEqual(errors, [`fleche: Passing over a call: ${newer.message}`]);
  cache.calls.get = () => {
    throw new RangeError("something else");
  };
  await assert.rejects(cache.query({ key }).count(), RangeError);
});

Deno.test("transfer() of a query copies between caches of any kind", async () => {
  const [from, near, far] = [memory(), memory(), memory()];
  const large = new Float64Array(20_000).fill(3);
  for (const x of [1, 2]) {
    await from.save(new Call({ name: "f", arguments: { x, large }, result: { x, large } }));
  }
  const stack = new CacheStack([near, far]);
  assert.equal(await from.query().transfer(stack), 2);
  assert.equal(await near.query().count(), 2);
  const refreshing = new RefreshingCache(far);
  // What a RefreshingCache has it does not tell of, so that it is replaced.
  assert.equal(await stack.query({ arguments: { x: 2 } }).transfer(refreshing), 1);
  assert.deepEqual(await far.query().results(), [{ x: 2, large }]);
  assert.deepEqual(await (await far.query().only()).argument("large"), large);
});
