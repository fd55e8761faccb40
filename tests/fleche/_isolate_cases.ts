import { Environment, fleche, withCache } from "@fleche/core";
import assert from "node:assert";
import { memoryCache, settled, warningsOf } from "../_wrapper.ts";
import { Folder, PACKAGE } from "../_wrapper_program.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const isolate = true;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

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

Deno.test("isolate runs anew inside what is running outside, and shares all else", async () => {
  let runs = 0;
  const shared = fleche(async (x: number) => {
    runs++;
    await pause(30);
    return x;
  }, { name: "shared outside", version: 1 });
  const inside = fleche(async (x: number) => await shared(x), {
    name: "wants what runs outside",
    isolate,
  });
  await withCache(memoryCache(), async () => {
    assert.deepEqual(await settled(Promise.all([shared(1), inside(1)])), [1, 1]);
    assert.equal(runs, 2);
    // What an isolated call runs can be waited for, from inside and from outside.
    const running = inside(2);
    await pause(10);
    assert.deepEqual(await settled(Promise.all([running, shared(2)])), [2, 2]);
    assert.equal(runs, 3);
  });
});

Deno.test("isolate keeps the result where the caller's working directory is gone", async () => {
  const home = Deno.cwd();
  const above = await Deno.makeTempDir();
  const gone = `${above}/gone/deeper`;
  await Deno.mkdir(gone, { recursive: true });
  let runs = 0;
  const fn = fleche(async () => {
    runs++;
    await Deno.remove(`${above}/gone`, { recursive: true });
    return "kept";
  }, { name: "isolated gone", isolate });
  await withCache(memoryCache(), async () => {
    try {
      Deno.chdir(gone);
      const warnings = await warningsOf(async () => assert.equal(await fn(), "kept"));
      assert.equal(Deno.cwd(), await Deno.realPath(above));
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? "", /working directory .*gone.* is gone/);
    } finally {
      Deno.chdir(home);
      await Deno.remove(above);
    }
    assert.equal(await fn(), "kept");
  });
  assert.equal(runs, 1);
});

Deno.test("isolate gives a call its result whatever it has called and not awaited", async () => {
  const home = Deno.cwd();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const folders: string[] = [];
  const deeper = fleche(() => Deno.cwd(), { name: "deeper", isolate });
  const endless = fleche(async () => {
    folders.push(Deno.cwd());
    await released;
    return await deeper();
  }, { name: "endless", isolate });
  const queued = fleche(() => Deno.cwd(), { name: "queued", isolate });
  const left: Promise<string>[] = [];
  const outer = fleche(async () => {
    left.push(endless(), queued());
    await pause(20);
    return 1;
  }, { name: "has called both", isolate });
  const other = fleche(() => Deno.cwd(), { name: "comes after", isolate });
  await withCache(memoryCache(), async () => {
    const warnings = await warningsOf(async () => {
      assert.equal(await settled(outer()), 1);
    });
    assert.equal(warnings.filter((text) => text.includes("did not await")).length, 1);
    // Others have their turn, before it ends and after.
    folders.push(await settled(other()), await settled(left[1] ?? assert.fail()));
    assert.equal(Deno.cwd(), home);
    release();
    folders.push(await settled(left[0] ?? assert.fail()));
    assert.equal(Deno.cwd(), home);
  });
  assert.equal(new Set([home, ...folders]).size, 5);
  for (const folder of folders) assert.equal(await exists(folder), false);
});

Deno.test("isolate leaves no folder behind where the program ends in the middle", async () => {
  const ends = [
    "Deno.exit(0);",
    'throw new Error("Uncaught");',
    'Promise.reject(new Error("Unhandled"));',
    // Without anything to wait for, Deno ends the program.
    "",
  ];
  for (const end of ends) {
    await using folder = await Folder.make({
      "temporary/keep": "",
      "main.ts": `import { fleche, withCache } from ${JSON.stringify(PACKAGE)};
        const fn = fleche(async () => {
          Deno.writeTextFileSync("large", "x");
          console.log(Deno.cwd());
          setTimeout(() => { ${end} });
          await new Promise(() => {});
        }, { name: "ends", isolate: true });
        void withCache("memory", () => fn());`,
    });
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", "--no-lock", "--config", CONFIG, "main.ts"],
      cwd: folder.path,
      env: { TMPDIR: `${folder.path}/temporary`, NO_COLOR: "1" },
    }).output();
    assert.match(new TextDecoder().decode(stdout), /temporary\/fleche-/);
    const names = [...Deno.readDirSync(`${folder.path}/temporary`)].map(({ name }) => name);
    assert.deepEqual(names, ["keep"], end);
  }
});

Deno.test("isolate keeps its folder where an error does not end the program", async () => {
  const fn = fleche(async () => {
    await Deno.writeTextFile("mine", "");
    reportError(new Error("Of no consequence"));
    await Deno.readTextFile("mine");
    return 1;
  }, { name: "survives an error", isolate });
  const prevent = (event: Event) => event.preventDefault();
  globalThis.addEventListener("error", prevent);
  try {
    assert.equal(await withCache(memoryCache(), () => fn()), 1);
  } finally {
    globalThis.removeEventListener("error", prevent);
  }
});
