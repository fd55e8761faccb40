import { Cache, CallSql, digest, ValueFile } from "@fleche/core";
import assert from "node:assert/strict";
import { assertAlike } from "../storage/_samples.ts";
import { TemporaryFolder } from "../storage/_temporary_folder.ts";
import { Warnings } from "../storage/_warnings.ts";
import { simple } from "./_cache_manifest.ts";

/** Does something once, at the last moment before nobody gets in any more. */
function beforeShut(cache: Cache, act: () => Promise<unknown>): void {
  const { gate } = cache.values;
  const { shut } = gate;
  gate.shut = async function (seconds) {
    gate.shut = shut;
    await act();
    return await shut.call(this, seconds);
  };
}

for (const damage of ["damaged", "missing"]) {
  Deno.test(`gc() keeps parts that were ${damage} and have been stored again meanwhile`, async () => {
    using folder = new TemporaryFolder();
    using _ = new Warnings();
    const open = () =>
      new Cache({
        values: new ValueFile({ root: folder.join("values"), compress: true }),
        calls: new CallSql({ url: folder.join("calls.db") }),
      });
    await using cache = open();
    await using other = open();
    // Long enough to be stored by themselves, each inside the next.
    const part = new Float64Array(20_000).fill(1);
    const inner = [part, ...Array.from({ length: 20_000 }, (_, i) => i * 1000)];
    const result = [inner, ...Array.from({ length: 20_000 }, (_, i) => i * 2000)];
    const key = await cache.save(simple(1, result));
    assert.equal((await cache.values.list("")).length, 3);
    const { hex } = digest(inner);
    const path = folder.join("values/v1", hex.slice(0, 2), hex);
    if (damage === "damaged") Deno.writeTextFileSync(path, "x");
    else Deno.removeSync(path);
    let after: unknown;
    beforeShut(cache, async () => {
      await other.save(simple(1, result));
      after = await (await other.load(key)).result();
    });
    await cache.gc({ grace: 0 });
    assertAlike(after, result);
    assertAlike(await (await other.load(key)).result(), result);
  });
}
