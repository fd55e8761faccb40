import assert from "node:assert";
import { fileURLToPath } from "node:url";
import { Call, digest } from "@fleche/core";
import { errorsOf } from "../_errors.ts";
import { denoRun } from "./_program.ts";
import { Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";
import { inTime } from "./_wait.ts";

const ignore = !HAS_SSHD;

const program = (file: string) => denoRun(fileURLToPath(new URL(file, import.meta.url)));

Deno.test("SshCache searches by values, digests, metadata and keys", { ignore }, async () => {
  await using site = await Site.start();
  await using far = site.cache();
  const grid = new Float64Array(500).fill(2);
  for (let x = 0; x < 6; x++) {
    const metadata = { runtime: { timestop: 100 - x }, tags: { even: x % 2 === 0 } };
    await far.save(new Call({ name: "f", arguments: { x, grid }, result: { x }, metadata }));
  }
  assert.deepEqual(await far.query({ arguments: { x: 4, grid } }).results(), [{ x: 4 }]);
  assert.deepEqual(await far.query({ result: { x: 5 } }).results(), [{ x: 5 }]);
  const short = digest({ x: 3 }).hex.slice(0, 12);
  const { key } = await far.query({ result: digest({ x: 3 }) }).only();
  assert.equal((await far.query({ key: key.slice(0, 12) }).only()).key, key);
  assert.equal(await far.expand(short), digest({ x: 3 }).hex);
  const even = far.query({ tags: { even: true } });
  assert.deepEqual(await even.results(), [{ x: 4 }, { x: 2 }, { x: 0 }]);
  // The other side says that it gives what was filed last first.
  assert.equal(await far.isOrdered(), true);
  assert.deepEqual(await (await far.query().latest())?.result(), { x: 5 });
  const table = await even.table();
  assert.deepEqual(table.column("result"), ["{ x: 4 }", "{ x: 2 }", "{ x: 0 }"]);
  for (const [index, each] of table.column("shortKey").entries()) {
    assert.equal(await far.expand(each), table.column("key")[index]);
  }
  assert.equal(await even.skip(1).evict(), 2);
  assert.equal(await far.query().count(), 4);
});

Deno.test("SshCache lets go of a search that is left early", { ignore }, async () => {
  await using site = await Site.start();
  await using far = site.cache();
  for (let x = 0; x < 30; x++) {
    await far.save(new Call({ name: "f", arguments: { x }, result: x }));
  }
  for (let round = 0; round < 20; round++) {
    assert.deepEqual(await far.query().take(1).results(), [29]);
    assert.equal(await far.query({ name: "g" }).any(), undefined);
  }
  assert.equal(await far.query().count(), 30);
});

Deno.test("SshCache tells the other side of a search that is left early", { ignore }, async () => {
  await using site = await Site.start();
  await using far = site.cache({ command: program("./_endless_server.ts") });
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(await far.query().take(2).results(), [1, 1]);
    assert.equal(await (await far.query().latest())?.result(), 1);
    // Until then it answers nothing else.
    assert.equal(await inTime(far.contains("a".repeat(64)), "the end of the search"), true);
  }
});

Deno.test("SshCache looks through what comes of a search by itself", { ignore }, async () => {
  await using site = await Site.start();
  await using far = site.cache({ command: program("./_careless_server.ts") });
  const numbers = async (odd: number) => await far.query({ arguments: { odd } }).results();
  const errors = await errorsOf(async () => {
    const all = await far.query({ name: "f" }).results();
    assert.equal(all.length, 99);
    assert(all.every((x) => Number(x) % 2 === 0));
    const third = await numbers(3);
    assert.equal(third.length, 50);
    assert(third.every((x) => Number(x) % 4 === 3));
    assert.deepEqual(await far.query({ name: "g", arguments: { x: 2 } }).results(), []);
    assert.deepEqual(await far.query({ result: 7 }).results(), [7]);
    assert.equal(await far.query().take(2).count(), 2);
    assert.equal(await far.isOrdered(), false);
    assert.equal(await (await far.query().latest())?.result(), 0);
    assert.equal(await far.query().count(), 199);
  });
  // One record of each kind of search is damaged: that of 192 for f, of 193 for g, of 196 for all.
  assert.equal(errors.length, 3, errors.join("\n"));
  for (const error of errors) assert.match(error, /^fleche: Passing over a call on .*damaged/);
});
