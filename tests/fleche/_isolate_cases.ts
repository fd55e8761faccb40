import { Environment, fleche, withCache } from "@fleche/core";
import assert from "node:assert";
import { memoryCache, settled, warningsOf } from "../_wrapper.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const isolate = true;

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("isolate gives each call an empty working directory and removes it", async () => {
  const home = Deno.cwd();
  const fn = fleche(async (x: number) => {
    assert.deepEqual([...Deno.readDirSync(".")], []);
    await Deno.writeTextFile("result.txt", `${x}`);
    await pause(1);
    return [Deno.cwd(), await Deno.readTextFile("result.txt")];
  }, { name: "isolated", isolate });
  await withCache(memoryCache(), async () => {
    const results = await Promise.all([fn(1), fn(2), fn(3)]);
    assert.deepEqual(results.map(([, text]) => text), ["1", "2", "3"]);
    const folders = new Set(results.map(([folder]) => folder));
    assert.equal(folders.size, 3);
    assert(!folders.has(home));
    for (const folder of folders) assert.equal(await exists(folder ?? ""), false);
  });
  assert.equal(Deno.cwd(), home);
});

Deno.test("isolate runs one call after the other, of whatever function and cache", async () => {
  let running = 0;
  const body = async () => {
    assert.equal(++running, 1);
    await pause(2);
    running--;
    return 1;
  };
  const one = fleche((_: number) => body(), { name: "isolated one", isolate });
  const other = fleche((_: number) => body(), { name: "isolated other", isolate });
  await Promise.all(
    [0, 1, 2].flatMap((x) => [one, other].map((fn) => withCache(memoryCache(), () => fn(x)))),
  );
});

Deno.test("isolate goes back and cleans up where the body fails", async () => {
  const home = Deno.cwd();
  let folder = "";
  const fn = fleche(() => {
    folder = Deno.cwd();
    Deno.mkdirSync("deep/er", { recursive: true });
    throw new RangeError("No");
  }, { name: "isolated failure", isolate });
  await assert.rejects(withCache(memoryCache(), () => fn()), RangeError);
  assert.equal(Deno.cwd(), home);
  assert.equal(await exists(folder), false);
});

Deno.test("isolate also holds for calls that run uncached", async () => {
  const home = Deno.cwd();
  const fn = fleche((_: unknown) => Deno.cwd(), { name: "isolated uncached", isolate });
  await warningsOf(async () => {
    assert.notEqual(await withCache(memoryCache(), () => fn(Symbol("s"))), home);
  });
  assert.equal(Deno.cwd(), home);
});

Deno.test("isolate nests: inner calls have their own folders, in turn", async () => {
  const inner = fleche(async (x: number) => {
    const folder = Deno.cwd();
    await pause(2);
    assert.equal(Deno.cwd(), folder);
    return `${x} ${folder}`;
  }, { name: "isolated inner", isolate });
  const between = fleche((x: number) => inner(x), { name: "not isolated" });
  const outer = fleche(async () => {
    const own = Deno.cwd();
    await Deno.writeTextFile("mine", "");
    const folders = await Promise.all([inner(1), inner(2), between(3)]);
    assert.equal(Deno.cwd(), own);
    await Deno.readTextFile("mine");
    return [own, ...folders];
  }, { name: "isolated outer", isolate });
  await withCache(memoryCache(), async () => {
    const home = Deno.cwd();
    const [folders, alone] = await settled(Promise.all([outer(), inner(4)]));
    assert.equal(new Set([home, ...folders, alone]).size, 6);
    assert.equal(Deno.cwd(), home);
  });
});

Deno.test("isolate lets a call end whose own calls were not awaited", async () => {
  let late: Promise<string> | undefined;
  const inner = fleche(async () => (await pause(5), Deno.cwd()), { name: "left behind", isolate });
  const outer = fleche(() => {
    late = inner();
    return 1;
  }, { name: "does not wait", isolate });
  const home = Deno.cwd();
  await withCache(memoryCache(), async () => {
    await settled(outer());
    assert.notEqual(await settled(late ?? assert.fail()), home);
  });
  assert.equal(Deno.cwd(), home);
});

Deno.test("isolate does not deadlock with single flight", async () => {
  const wanted = fleche(async () => (await pause(5), 1), { name: "wanted by both", isolate });
  const through = fleche(() => wanted(), { name: "wants through" });
  const holder = fleche(async () => {
    await pause(5);
    return await wanted() + await through();
  }, { name: "holds and wants", isolate });
  await withCache(memoryCache(), async () => {
    // The holder has the working directory, for which the others wait while they are in flight.
    const running = [holder(), wanted(), through()];
    assert.deepEqual(await settled(Promise.all(running)), [2, 1, 1]);
  });
});

Deno.test("isolate notes the caller's working directory", async () => {
  const cache = memoryCache();
  const meta = [new Environment()];
  const inner = fleche(() => 1, { name: "noted inner", meta });
  const fn = fleche(async () => await inner() + 1, { name: "noted outer", isolate, meta });
  await withCache(cache, () => fn());
  for (const key of [fn.digest(), inner.digest()]) {
    assert.equal((await cache.load(key)).metadata["environment"]?.["cwd"], Deno.cwd());
  }
});
