import {
  Cache,
  Call,
  CallFile,
  D,
  digest,
  RejectedError,
  ValueFile,
  ValueHdf5,
  type ValueStorage,
} from "@fleche/core";
import assert from "node:assert/strict";
import { filesBelow, TemporaryFolder } from "../storage/_temporary_folder.ts";
import { Warnings } from "../storage/_warnings.ts";
import { LARGE, simple } from "./_cache_manifest.ts";

const STORAGES: Record<string, (root: string) => ValueStorage> = {
  ValueFile: (root) => new ValueFile({ root }),
  ValueHdf5: (root) => new ValueHdf5({ root }),
};

for (const [name, values] of Object.entries(STORAGES)) {
  const open = (folder: TemporaryFolder, calls = "calls") =>
    new Cache({
      values: values(folder.join("values")),
      calls: new CallFile({ root: folder.join(calls) }),
    });

  Deno.test(`gc() of ${name} says what to do about a torn registration, which a save mends`, async () => {
    using folder = new TemporaryFolder();
    await using cache = open(folder);
    const key = await cache.save(simple(1, LARGE));
    const [torn = ""] = filesBelow(folder.join("values/calls"));
    const path = folder.join("values/calls", torn);
    Deno.writeTextFileSync(path, "");
    await assert.rejects(cache.gc({ grace: 0 }), (error: unknown) => {
      assert(error instanceof RejectedError);
      return error.message.includes(path) && error.message.includes("mends it");
    });
    await cache.save(simple(2, [LARGE]));
    assert.equal((await cache.gc({ grace: 0 })).removed.entries, 0);
    assert.equal(await (await cache.load(key)).result(), LARGE);
  });

  Deno.test(`gc() of ${name} passes over a folder in place of a value`, async () => {
    using folder = new TemporaryFolder();
    using _ = new Warnings();
    await using cache = open(folder);
    await cache.save(simple(1, LARGE));
    const long = new Float64Array(10_000);
    await cache.save(simple(2, long));
    for (const file of filesBelow(folder.join("values/v1"))) {
      Deno.removeSync(folder.join("values/v1", file));
      Deno.mkdirSync(folder.join("values/v1", file));
    }
    assert.equal((await cache.gc({ grace: 0 })).calls, 2);
  });

  Deno.test(`gc() of ${name} writes nothing when it is tried out`, async () => {
    using folder = new TemporaryFolder();
    await using cache = open(folder);
    await cache.evict(await cache.save(simple(1, LARGE)));
    const before = filesBelow(folder.path);
    const { openSync } = Deno;
    Deno.openSync = (path, options) => {
      assert.notEqual(options?.write, true, String(path));
      return openSync(path, options);
    };
    try {
      assert.equal((await cache.gc({ grace: 0, dryRun: true })).removed.entries, 1);
    } finally {
      Deno.openSync = openSync;
    }
    assert.deepEqual(filesBelow(folder.path), before);
  });

  Deno.test(`gc() of ${name} keeps what calls elsewhere only name by a digest`, async () => {
    using folder = new TemporaryFolder();
    await using one = open(folder, "one");
    await using two = open(folder, "two");
    const first = await one.save(simple(1, LARGE));
    const value = D(digest(LARGE).hex);
    const key = await two.save(new Call({ name: "g", arguments: { value }, result: 5 }));
    assert.equal((await one.values.registered()).length, 2);
    await one.evict(first);
    assert.equal((await one.gc({ grace: 0 })).removed.entries, 0);
    assert.equal(await (await two.load(key)).argument("value"), LARGE);
  });
}
