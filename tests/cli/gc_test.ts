import { Cache, Call, CallFile, digest } from "@fleche/core";
import assert from "node:assert/strict";
import { join } from "node:path";
import { ramp, type Store, withStore } from "./_store.ts";

/** A call that stays and one that was evicted, with a value of 8 kB each; the digests of those. */
async function fill(store: Store): Promise<[kept: string, garbage: string]> {
  const [kept, garbage] = [ramp(1000), ramp(1000, 1)];
  await store.save({ name: "kept", result: kept });
  await store.cache.evict(await store.save({ name: "gone", result: garbage }));
  return [digest(kept).hex, digest(garbage).hex];
}

Deno.test("fleche gc removes the values that no call needs", () =>
  withStore(async (store) => {
    const [kept, garbage] = await fill(store);
    const has = async () => [
      await store.cache.values.has(kept),
      await store.cache.values.has(garbage),
    ];
    // Who has just stored it may still be filing a call.
    assert.match(await store.print("gc"), /^young +1 value, 7\.8 KiB$/m);
    assert.deepEqual(await has(), [true, true]);
    const tried = await store.print("gc", "--grace", "0", "--dry-run");
    assert.match(tried, /^needed +1 value, 7\.8 KiB$/m);
    assert.match(tried, /^garbage +1 value, 7\.8 KiB$/m);
    // All amounts stand in one column.
    for (const line of tried.trimEnd().split("\n").slice(1)) assert.match(line, /^.{8} \d/);
    assert.deepEqual(await has(), [true, true]);
    const [json] = await store.printJson("gc", "--grace", "0.0");
    const [report, ...others] = json?.["caches"] as Record<string, unknown>[];
    assert.deepEqual(others, []);
    assert.deepEqual(report?.["cache"], {
      values: { type: "file", root: join(store.home, "local/values") },
      calls: { type: "file", root: join(store.home, "local/calls") },
    });
    const { dryRun, calls, removed } = report as Record<string, { entries?: number }>;
    assert.deepEqual([dryRun, calls, removed?.entries], [false, 1, 1]);
    assert.deepEqual(await has(), [true, false]);
  }));

Deno.test("fleche gc reads calls that were signed with another key than the configuration has", () =>
  withStore(async (store) => {
    const path = join(store.home, "fleche.toml");
    const table = `[both]\nvalues = { type = "file", root = "local/values" }\n` +
      `calls = { type = "file", root = "signed", secret_key = ["${"bb".repeat(32)}"] }\n`;
    Deno.writeTextFileSync(path, Deno.readTextFileSync(path) + table);
    const root = join(store.home, "signed");
    const calls = new CallFile({ root, secretKey: ["aa".repeat(32)] });
    await using signed = new Cache({ values: store.cache.values, calls });
    const key = await signed.save(new Call({ name: "signed", result: ramp(1000, 5) }));
    await fill(store);
    for (const cache of ["local", "both"]) {
      await store.print("gc", "--grace", "0", "--cache", cache);
    }
    assert.deepEqual(await (await signed.load(key)).result(), ramp(1000, 5));
  }));

Deno.test("fleche gc refuses while calls that it cannot read may need values, unless it is told to forget", () =>
  withStore(async (store) => {
    await fill(store);
    const lost = `sqlite:///${store.home}/lost.db`;
    await store.cache.values.register(lost);
    const refused = await store.fail(1, "gc", "--grace", "0");
    assert(
      refused.includes(lost) && refused.includes(`(on the command line: --forget ${lost})`),
      refused,
    );
    assert(!refused.includes("--offline"), refused);
    const wrong = await store.fail(1, "gc", "--forget", `${lost}x`);
    assert(wrong.includes(`Cannot forget ${lost}x`) && wrong.includes(`${lost}`), wrong);
    assert.match(
      await store.print("gc", "--grace", "0", "--offline", "--forget", lost),
      /^removed +1 value/m,
    );
    assert(!(await store.cache.values.registered()).includes(lost));
  }));

Deno.test("fleche gc names --offline where locks do not work, and no option where none helps", () =>
  withStore(async (store) => {
    await fill(store);
    // A folder in place of the file that is locked.
    const lock = join(store.home, "local/values/gc.lock");
    Deno.removeSync(lock);
    Deno.mkdirSync(lock);
    const unlocked = await store.fail(1, "gc", "--grace", "0");
    assert.match(unlocked, /locks do not work .*\(on the command line: --offline\)$/m);
    Deno.removeSync(lock);
    // Which calls these values are kept for is not to be read any more.
    const folder = join(store.home, "local/values/calls");
    for (const { name } of Deno.readDirSync(folder)) Deno.writeTextFileSync(join(folder, name), "");
    const damaged = await store.fail(1, "gc", "--grace", "0");
    assert.match(damaged, /is damaged/);
    assert.doesNotMatch(damaged, /on the command line/);
  }));

Deno.test("fleche gc says what is wrong", () =>
  withStore(async (store) => {
    const path = join(store.home, "fleche.toml");
    Deno.writeTextFileSync(
      path,
      Deno.readTextFileSync(path) + "read_only = true\n[both]\npool = ['local']\n",
    );
    const wrong: [args: string[], code: number, says: RegExp][] = [
      [["--grace", "soon"], 2, /--grace.*It takes a number of seconds/],
      [["--forget", "x", "--dry-run"], 2, /--forget cannot be tried out with --dry-run/],
      [["--cache", "both"], 1, /Cannot remove values in this cache: it is read-only/],
      [["--cache", "other"], 1, /it is read-only/],
      [["--dry-rn"], 2, /Did you mean --dry-run/],
    ];
    await Promise.all(wrong.map(async ([args, code, says]) => {
      assert.match(await store.fail(code, "gc", ...args), says);
    }));
  }));
