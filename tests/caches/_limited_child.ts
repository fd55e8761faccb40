/**
 * A program that stores calls in a cache of at most 40 and reads each again.
 *
 * Arguments: a folder, a number for the calls, and how many; 150 by default.
 */

import { Call, CallSql, SizeLimitedCache, ValueFile } from "@fleche/core";
import assert from "node:assert/strict";

const [folder = "", number = "0", count = "150"] = Deno.args;
const cache = new SizeLimitedCache({
  values: new ValueFile({ root: `${folder}/values` }),
  calls: new CallSql({ url: `${folder}/calls.db` }),
  maxSize: 40,
});
for (let x = 0; x < Number(count); x++) {
  // Values that both processes have, and others.
  const result = [x % 7, "r".repeat(2000 + x % 7), x % 2 === 0 ? number : ""];
  const call = new Call({ name: `f${number}`, arguments: { x }, result });
  const found = await cache.find(await cache.save(call));
  // The other process may have evicted it since; but what is found is whole.
  if (found !== undefined) assert.deepEqual(await found.result(), result);
}
await cache.close();
console.log(`saved ${count}`);
