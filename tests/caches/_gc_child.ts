/**
 * A program that uses a cache of files and SQLite while values are removed.
 *
 * Arguments: a folder and what to do. `write NUMBER` saves calls whose results share parts with those
 * of other writers, reads each again, and evicts most, until there is a file `stop` in the folder; then
 * it reads all that are left and prints how many it saved. `gc` removes values again and again.
 */

import { Cache, Call, CallSql, ValueFile } from "@fleche/core";
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

const [folder = "", task, number = "0"] = Deno.args;
const cache = new Cache({
  values: new ValueFile({ root: `${folder}/values` }),
  calls: new CallSql({ url: `${folder}/calls_${task === "gc" ? 0 : number}.db` }),
});

/** Calls that a writer keeps. */
const KEPT = 5;

function resultOf(step: number): unknown {
  // Parts that come again and again, some of them in other parts; and one that is new.
  const part = new Float64Array(9000).fill(step % 3);
  return [{ part, name: "p".repeat(70_000 + step % 5) }, new Array(500).fill(step), part];
}

async function check(key: string, step: number): Promise<void> {
  const result = await (await cache.load(key)).result();
  assert(isDeepStrictEqual(result, resultOf(step)), `The result of ${key} is another one`);
}

async function write(): Promise<void> {
  const live: { key: string; step: number }[] = [];
  let saved = 0;
  for (let step = 0; !existsSync(`${folder}/stop`); step++) {
    const call = { name: `writer ${number}`, arguments: { step }, result: resultOf(step) };
    const key = await cache.save(new Call(call));
    saved++;
    await check(key, step);
    live.push({ key, step });
    // Now and then nothing at all is left, so that every part goes.
    const keep = step % 20 === 0 ? 0 : KEPT;
    while (live.length > keep) await cache.evict(live.shift()?.key ?? "");
  }
  for (const { key, step } of live) await check(key, step);
  console.log(`saved ${saved}`);
}

console.log("ready");
if (task === "write") await write();
while (task === "gc") {
  await cache.gc({ grace: 0 });
  console.log("collected");
}
await cache.close();
