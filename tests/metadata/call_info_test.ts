import { CallInfo, fleche, withCache } from "@fleche/core";
import assert from "node:assert";
import { memoryCache } from "../_wrapper.ts";
import { noted } from "./_noted.ts";

const HERE = "@fleche/core/tests/metadata/call_info_test.ts";

Deno.test("CallInfo notes the line that waits for the call", async () => {
  await using cache = memoryCache();
  const fn = fleche((x: number) => x, { name: "called from", meta: [new CallInfo()] });
  await withCache(cache, async () => {
    await fn(1);
    await Promise.all([fn(2)]);
  });
  const callers = await Promise.all([1, 2].map(async (x) => {
    return String((await cache.load(fn.digest(x))).metadata["callinfo"]?.["caller"]).split(":");
  }));
  const [[file, first], [other, second]] = callers as [[string, string], [string, string]];
  assert.deepEqual([file, other], [HERE, HERE]);
  assert.equal(Number(second) - Number(first), 1);
});

Deno.test("CallInfo notes which cached call made it, and how deep", async () => {
  const outermost = await noted([new CallInfo()]);
  assert.deepEqual([outermost["callinfo"]?.["parent"], outermost["callinfo"]?.["depth"]], [
    null,
    0,
  ]);
  await using cache = memoryCache();
  const meta = [new CallInfo()];
  const leaf = fleche(() => 1, { name: "position leaf", meta });
  const branch = fleche(async () => await leaf() + 1, { name: "position branch", meta });
  const root = fleche(async () => await branch() + 1, { name: "position root", meta });
  await withCache(cache, () => root());
  const infoOf = async (key: string) => (await cache.load(key)).metadata["callinfo"];
  const info = await infoOf(leaf.digest());
  assert.deepEqual([info?.["parent"], info?.["depth"]], [branch.digest(), 2]);
  assert.equal((await infoOf(branch.digest()))?.["parent"], root.digest());
});
