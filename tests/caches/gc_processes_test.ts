import { Cache, CallSql, ValueFile } from "@fleche/core";
import assert from "node:assert/strict";
import { beside, Child } from "../storage/_child.ts";
import { simple } from "./_cache_manifest.ts";
import { filesBelow, TemporaryFolder } from "../storage/_temporary_folder.ts";

const PROGRAM = beside(import.meta.url, "_gc_child.ts");

function open(folder: TemporaryFolder, number: number): Cache {
  return new Cache({
    values: new ValueFile({ root: folder.join("values") }),
    calls: new CallSql({ url: folder.join(`calls_${number}.db`) }),
  });
}

async function endAll(folder: TemporaryFolder, writers: readonly Child[]): Promise<void> {
  Deno.writeTextFileSync(folder.join("stop"), "");
  for (const writer of writers) await writer.end();
}

Deno.test("gc() removes nothing that is needed while four processes keep storing", async () => {
  using folder = new TemporaryFolder();
  const writers = [1, 2, 3, 4].map((number) =>
    new Child(PROGRAM, { args: [folder.path, "write", String(number)] })
  );
  await using _ = { [Symbol.asyncDispose]: () => endAll(folder, writers) };
  for (const writer of writers) assert.equal(await writer.line(), "ready");
  await using cache = open(folder, 0);
  let removed = 0;
  let rounds = 0;
  const end = performance.now() + 4000;
  while (performance.now() < end || removed === 0) {
    removed += (await cache.gc({ grace: 0 })).removed.entries;
    rounds++;
  }
  Deno.writeTextFileSync(folder.join("stop"), "");
  for (const writer of writers) {
    const said = await writer.line();
    const { code, errors } = await writer.end();
    assert.equal(errors, "");
    assert.match(said ?? "", /^saved \d+$/);
    assert.equal(code, 0);
  }
  assert(removed > 0);
  assert(rounds > 1);
  for (const number of [1, 2, 3, 4]) {
    await using written = open(folder, number);
    for await (const call of written.query()) await call.result();
    await written.query().evict();
  }
  // With the last calls the last values go.
  await cache.gc({ grace: 0 });
  assert.deepEqual(filesBelow(folder.join("values", "v1")), []);
});

Deno.test("gc() that is killed at any moment leaves all calls whole", async () => {
  using folder = new TemporaryFolder();
  await using cache = open(folder, 0);
  const kept = await cache.save(simple("kept", resultOf(0)));
  for (let round = 0; round < 6; round++) {
    for (let step = 1; step <= 40; step++) {
      await cache.evict(await cache.save(simple(step, resultOf(step))));
    }
    const child = new Child(PROGRAM, { args: [folder.path, "gc"] });
    assert.equal(await child.line(), "ready");
    // Later in each round; by then it is somewhere between marking and the next removal.
    await new Promise((resolve) => setTimeout(resolve, 15 * round));
    await child.kill();
    assert.equal((await cache.verify()).isClean, true);
    assert.deepEqual(await (await cache.load(kept)).result(), resultOf(0));
  }
  await cache.gc({ grace: 0 });
  assert.deepEqual((await cache.verify()).orphans, { entries: 0, bytes: 0 });
});

function resultOf(step: number): unknown {
  const part = new Float64Array(9000).fill(step);
  return [{ part, name: "p".repeat(70_000) }, new Array(500).fill(step), part];
}
