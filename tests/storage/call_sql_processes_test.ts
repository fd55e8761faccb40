import { Cache, Call, CallSql, ValueFile } from "@fleche/core";
import assert from "node:assert/strict";
import { assertAlike } from "./_samples.ts";
import { DatabaseSync } from "node:sqlite";
import { beside, Child } from "./_child.ts";
import { TemporaryFolder } from "./_temporary_folder.ts";

const CACHE = beside(import.meta.url, "_cache_child.ts");
const WRITER = beside(import.meta.url, "_writer_child.ts");

async function startedCache(folder: string): Promise<Child> {
  const child = new Child(CACHE, { args: [folder] });
  assert.equal(await child.line(), "ready");
  return child;
}

Deno.test("two processes see each other's results at once", async () => {
  using folder = new TemporaryFolder();
  await using here = new Cache({
    values: new ValueFile({ root: folder.join("values") }),
    calls: new CallSql({ url: folder.join("calls.db") }),
  });
  await using there = await startedCache(folder.path);
  for (let n = 0; n < 20; n++) {
    const result = new Array(2000).fill(-1 - n);
    const mine = await here.save(new Call({ name: "g", arguments: { n }, result }));
    assertAlike(JSON.parse(await there.ask(`load ${mine}`)), result);
    const theirs = await there.ask(`save ${n}`);
    assert.deepEqual(await (await here.load(theirs)).result(), new Array(2000).fill(n));
    // The search is still right when the database has changed since it was opened.
    assert.equal(await here.query({ name: "f" }).count(), n + 1);
  }
  assert.match(await there.ask(`load ${"0".repeat(64)}`), /^NotFoundError/);
  await there.tell("quit");
});

Deno.test("eight processes that make and fill one database lose nothing", async () => {
  using folder = new TemporaryFolder();
  const children = await Promise.all(Array.from({ length: 8 }, () => startedCache(folder.path)));
  try {
    for (let round = 0; round < 8; round++) {
      const place = folder.join(`round ${round}`.replace(" ", "_"));
      const answers = await Promise.all(
        children.map((child, index) => child.ask(`burst ${place} ${index * 10} 10`)),
      );
      assert.deepEqual(answers, answers.map(() => "done"), `round ${round}`);
      await using calls = new CallSql({ url: `${place}/calls.db` });
      const found = await Array.fromAsync(calls.records({ name: "f" }), ({ key }) => key);
      assert.equal(found.length, 80);
      assert.equal(new Set(found).size, 80);
      for (const key of found) assert(await calls.get(key) !== undefined);
    }
    await Promise.all(children.map((child) => child.tell("quit")));
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
});

Deno.test("a writer that is killed leaves a whole database, with all that it had stored", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("calls.db");
  const stored: string[] = [];
  for (let round = 0; round < 4; round++) {
    const args = ["calls", path, "1500", String(round * 100_000)];
    const child = new Child(WRITER, { args });
    for (let count = 0; count < 5 + 17 * round; count++) stored.push(await child.line() ?? "");
    stored.push(...await child.kill());
    await using calls = new CallSql({ url: path });
    for (const key of stored) assert.equal((await calls.get(key))?.name, "f", key);
    using database = new DatabaseSync(path);
    const check = database.prepare("PRAGMA integrity_check").all().map((row) => ({ ...row }));
    assert.deepEqual(check, [{ integrity_check: "ok" }]);
    const halves = "SELECT count(*) AS n FROM calls WHERE " +
      "(SELECT count(*) FROM arguments WHERE call = id) <> 2";
    assert.equal(database.prepare(halves).get()?.["n"], 0);
  }
  assert(stored.length >= 5 + 22 + 39 + 56);
});
