import { Cache, Call, CallSql, ValueSqlite } from "@fleche/core";
import assert from "node:assert/strict";
import { join } from "node:path";
import { findProgram, requirement } from "../_require.ts";
import { CLI } from "../remote/_program.ts";
import { run } from "./_run.ts";
import { keysIn, ramp, type Store, withStore } from "./_store.ts";

/** Adds a cache of two databases to the configuration of a store. */
function addDatabases(store: Store, more = ""): Cache {
  const path = join(store.home, "fleche.toml");
  const table = `[rows]\ntemplate = "sqlite"\nroot = "rows"\n${more}`;
  Deno.writeTextFileSync(path, `${Deno.readTextFileSync(path)}\n${table}`);
  return open(store);
}

function open({ home }: Store, journal: "wal" | "delete" = "wal"): Cache {
  return new Cache({
    values: new ValueSqlite({ path: join(home, "rows/values.db"), journal }),
    calls: new CallSql({ url: join(home, "rows/calls.db"), journal }),
  });
}

async function fill(cache: Cache, count: number): Promise<void> {
  for (let x = 0; x < count; x++) {
    await cache.save(new Call({ name: "f", arguments: { x }, result: ramp(1000, x) }));
  }
  await cache.close();
}

/** Overwrites pages of a database, but for the first ones. */
function damage(path: string): void {
  const bytes = Deno.readFileSync(path);
  for (let page = 6; page < bytes.length / 4096; page++) {
    bytes.fill(0xaa, page * 4096, page * 4096 + 64);
  }
  Deno.writeFileSync(path, bytes);
}

for (const command of ["ls", "stats", "verify", "config"]) {
  Deno.test(`fleche ${command} makes no database`, () =>
    withStore(async (store) => {
      const cache = addDatabases(store, "read_only = true\n");
      await store.print(command, "--cache", "rows");
      assert.throws(() => Deno.statSync(join(store.home, "rows")), Deno.errors.NotFound);
      await cache.close();
    }));
}

for (const name of ["values.db", "calls.db"]) {
  Deno.test(`fleche verify --repair moves a damaged ${name} aside, and the cache works again`, () =>
    withStore(async (store) => {
      await fill(addDatabases(store), 60);
      const path = join(store.home, "rows", name);
      damage(path);
      const damaged = Deno.readFileSync(path);
      const { code, text, stderr } = await store.run("verify", "--cache", "rows");
      assert.deepEqual([code, stderr], [3, ""]);
      assert(text.startsWith(`damaged database ${path} (`) && text.includes("add --repair"), text);
      const json = await store.run("verify", "--cache", "rows", "--json");
      assert.equal(json.code, 3);
      const { damagedDatabases: [report] } = JSON.parse(json.text);
      assert.deepEqual([report.path, report.movedTo], [path, null]);
      // To look changes nothing.
      assert.deepEqual(Deno.readFileSync(path), damaged);

      const repaired = await store.run("verify", "--cache", "rows", "--repair");
      assert.equal(repaired.code, 3, repaired.stderr);
      const [, aside = ""] = /it was moved to (.*\.damaged-[\w-]+),/.exec(repaired.text) ?? [];
      assert(aside.startsWith(`${path}.damaged-`), repaired.text);
      assert.deepEqual(Deno.readFileSync(aside), damaged);
      assert.match(await store.print("verify", "--cache", "rows"), /all is well\n$/);
      const cache = open(store);
      await fill(cache, 2);
      assert.equal((await keysIn(cache)).length, 2);
      await cache.close();
    }));
}

Deno.test("a damaged database is named with the remedy", () =>
  withStore(async (store) => {
    await fill(addDatabases(store), 60);
    const path = join(store.home, "rows/calls.db");
    damage(path);
    const malformed = await store.fail(1, "ls", "--cache", "rows");
    assert(malformed.includes(`Cannot use the database ${path}: `), malformed);
    assert.match(malformed, /fleche verify --repair, .* moves it aside, and what was in it is/);
    Deno.writeTextFileSync(path, "no database at all".repeat(1000));
    const none = await store.fail(1, "ls", "--cache", "rows");
    assert(none.includes(`Cannot open the database ${path}: `), none);
    assert.match(none, /fleche verify --repair, .*another program's file/);
  }));

const DROP = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"];
const CAN_DROP = Deno.uid() !== 0 || findProgram("setpriv") !== undefined;

Deno.test({
  name: "a database that may only be read is read, unless it is in WAL mode, which is said",
  ignore: !requirement("setpriv", CAN_DROP, "the superuser may do everything"),
  fn: () =>
    withStore(async (store) => {
      const runner = Deno.uid() === 0 ? DROP : [];
      const list = () => run([...runner, ...CLI, "ls", "--cache", "rows"], { home: store.home });
      const folder = join(store.home, "rows");
      const close = (mode: number) => {
        Deno.chmodSync(join(folder, "calls.db"), mode & 0o666);
        Deno.chmodSync(folder, mode);
      };
      await addDatabases(store).close();
      for (const journal of ["wal", "delete"] as const) {
        await fill(open(store, journal), 1);
        close(0o555);
        const { code, stderr } = await list();
        if (journal === "delete") assert.deepEqual([code, stderr], [0, ""]);
        else {
          assert.equal(code, 1);
          assert(stderr.includes(`the database ${folder}/calls.db: `), stderr);
          assert.match(stderr, /in WAL mode .* write access .*journal = "delete"/);
        }
        close(0o755);
        if (journal === "wal") Deno.removeSync(folder, { recursive: true });
      }
      Deno.chmodSync(folder, 0);
      const hidden = await list();
      Deno.chmodSync(folder, 0o755);
      assert.equal(hidden.code, 1);
      assert.match(
        hidden.stderr,
        /^fleche: Cannot open the database .*calls\.db: .*; get .* access/,
      );
    }),
});
