import {
  type BaseCache,
  cache,
  ConfigError,
  fleche,
  loadCacheConfig,
  meta,
  project,
  Tags,
  tags,
  withCache,
  withMeta,
  withProject,
  withTags,
} from "@fleche/core";
import assert from "node:assert";
import { memoryCache, ticks } from "./_wrapper.ts";

const pause = () => new Promise((resolve) => setTimeout(resolve, 1));

Deno.test("withCache() gives what the function gives", async () => {
  assert.equal(withCache(memoryCache(), () => 5), 5);
  assert.equal(await withCache(memoryCache(), async () => (await pause(), 6)), 6);
  assert.throws(() =>
    withCache(memoryCache(), () => {
      throw new RangeError("No");
    }), RangeError);
});

Deno.test("withCache() holds over everything that is awaited, and ends with it", async () => {
  using _process = cache(memoryCache());
  const before = cache();
  const [one, other] = [memoryCache(), memoryCache()];
  await withCache(one, async () => {
    assert.equal(cache(), one);
    await pause();
    assert.equal(cache(), one);
    await withCache(other, async () => {
      assert.equal(cache(), other);
      await ticks(5);
      assert.equal(cache(), other);
    });
    assert.equal(cache(), one);
    assert.throws(() =>
      withCache(other, () => {
        throw new Error("No");
      })
    );
    assert.equal(cache(), one);
    const found = await Promise.all([1, 2].map(async () => (await pause(), cache())));
    assert.deepEqual(found.map((each) => each === one), [true, true]);
    setTimeout(() => assert.equal(cache(), one));
  });
  assert.equal(cache(), before);
  await pause();
});

Deno.test("withCache() keeps contexts apart that run at the same time", async () => {
  const where = fleche(async (x: number) => (await pause(), x), { name: "context" });
  const caches = Array.from({ length: 5 }, () => memoryCache());
  await Promise.all(caches.map((each, index) =>
    withCache(each, async () => {
      for (let round = 0; round < 5; round++) {
        await where(index * 10 + round);
        await ticks(index);
        assert.equal(cache(), each);
      }
    })
  ));
  for (const [index, each] of caches.entries()) {
    const expected = [0, 1, 2, 3, 4].map((round) => where.digest(index * 10 + round));
    assert.deepEqual((await each.calls.list("")).sort(), expected.sort());
  }
});

Deno.test("withCache() takes the name of a cache", () => {
  const inside = withCache("memory", () => cache());
  assert.equal(inside, loadCacheConfig("memory"));
  assert.equal(withCache("memory", () => cache()), inside);
  assert.throws(() => withCache("no such cache", () => assert.fail("It ran")), ConfigError);
});

Deno.test("withCache() holds inside the bodies of cached functions", async () => {
  const [one, other] = [memoryCache(), memoryCache()];
  const inner = fleche((x: number) => x, { name: "context inner" });
  const outer = fleche(async (x: number) => {
    await pause();
    return await inner(x) + await withCache(other, () => inner(x + 1));
  }, { name: "context outer" });
  assert.equal(await withCache(one, () => outer(1)), 3);
  assert.deepEqual(
    [await one.contains(inner.digest(1)), await one.contains(inner.digest(2))],
    [true, false],
  );
  assert.deepEqual(
    [await other.contains(inner.digest(1)), await other.contains(inner.digest(2))],
    [false, true],
  );
  assert.deepEqual([...(await one.load(outer.digest(1))).calls].sort(), [
    ...[inner.digest(1), inner.digest(2)].sort(),
  ]);
});

Deno.test("cache() switches the cache of the process until it is disposed", async () => {
  using _process = cache(memoryCache());
  const before = cache();
  const [one, other] = [memoryCache(), memoryCache()];
  const seen: BaseCache[] = [];
  {
    using _ = cache(one);
    seen.push(cache());
    {
      using _ = cache(other);
      seen.push(cache());
      // The surrounding function comes first.
      seen.push(withCache(one, () => cache()));
      await pause();
      seen.push(cache());
    }
    seen.push(cache());
  }
  assert.deepEqual(seen.map((each) => [one, other].indexOf(each as typeof one)), [0, 1, 0, 1, 0]);
  assert.equal(cache(), before);
});

Deno.test("cache() restores the cache where an error leaves the block", () => {
  using _process = cache(memoryCache());
  const before = cache();
  assert.throws(() => {
    using _ = cache(memoryCache());
    throw new RangeError("No");
  }, RangeError);
  assert.equal(cache(), before);
});

Deno.test("cache() takes the name of a cache, and refuses one that is not there", () => {
  using _process = cache(memoryCache());
  const before = cache();
  {
    using _ = cache("void");
    assert.equal(cache(), loadCacheConfig("void"));
  }
  assert.throws(() => cache("no such cache"), ConfigError);
  assert.equal(cache(), before);
});

Deno.test("meta() and withMeta() take the place of the metadata of the configuration", async () => {
  const notedBy = async (run: () => unknown) => {
    await using cache = memoryCache();
    await withCache(cache, () => run());
    return Object.keys((await cache.query({ name: "noted" }).only()).metadata);
  };
  const plain = fleche(() => 1, { name: "noted", deps: [1] });
  const own = fleche(() => 1, { name: "noted", deps: [2], meta: [{ name: "own", start }] });
  function start() {
    return { x: 1 };
  }
  const list = [{ name: "listed", start }];
  assert.deepEqual(await notedBy(plain), ["runtime"]);
  assert.deepEqual(await notedBy(() => withMeta(list, () => plain())), ["listed"]);
  assert.deepEqual(await notedBy(() => withMeta(list, () => own())), ["listed", "own"]);
  assert.deepEqual(await notedBy(() => withMeta(list, () => withMeta([], () => plain()))), []);
  {
    using _outer = meta(list);
    assert.deepEqual(await notedBy(plain), ["listed"]);
    {
      using _inner = meta([]);
      assert.deepEqual(await notedBy(own), ["own"]);
    }
    assert.deepEqual(await notedBy(plain), ["listed"]);
  }
  assert.deepEqual(await notedBy(plain), ["runtime"]);
});

Deno.test("tags() and withTags() add up, and the innermost of a name counts", async () => {
  await using cache = memoryCache();
  const fn = fleche((_: number) => 1, { name: "tagged", meta: [new Tags({ own: 1, same: "fn" })] });
  const tagsOf = async (x: number) => (await cache.load(fn.digest(x))).metadata["tags"];
  await withCache(cache, async () => {
    {
      using _process = tags({ process: 1, same: "process" });
      using _project = project("p");
      await withTags(["listed"], async () => {
        await pause();
        await withTags({ same: "scope" }, () => fn(1));
        await withProject("q", () => fn(2));
      });
      await fn(3);
    }
    await fn(4);
  });
  assert.deepEqual(await tagsOf(1), {
    listed: true,
    own: 1,
    process: 1,
    project: "p",
    same: "fn",
  });
  assert.equal((await tagsOf(2))?.["project"], "q");
  assert.deepEqual(await tagsOf(3), { own: 1, process: 1, project: "p", same: "fn" });
  assert.deepEqual(await tagsOf(4), { own: 1, same: "fn" });
});

Deno.test("Fleche.bound() fixes the metadata and tags of the present", async () => {
  await using cache = memoryCache();
  const fn = fleche((x: number) => x, { name: "bound tags" });
  const bound = withCache(cache, () => withMeta([], () => withTags(["then"], () => fn.bound(1))));
  await withTags(["now"], () => bound());
  assert.deepEqual((await cache.load(fn.digest(1))).metadata, { tags: { then: true } });
});

Deno.test("Fleche.bound() leaves out the tags that the process gets later", async () => {
  await using cache = memoryCache();
  const fn = fleche((x: number) => x, { name: "bound without later tags" });
  let bound: () => Promise<number>;
  {
    using _then = tags({ then: 1 });
    bound = withCache(cache, () => withMeta([], () => fn.bound(1)));
  }
  using _now = tags({ then: 2, now: 2 });
  await withTags(["inner"], () => bound());
  assert.deepEqual((await cache.load(fn.digest(1))).metadata, { tags: { then: 1 } });
});

Deno.test("cache(), meta() and tags() end in whatever order they are disposed", async () => {
  const [before, one, other] = [cache(), memoryCache(), memoryCache()];
  const start = () => ({ x: 1 });
  const fn = fleche((_: number) => 1, { name: "ended in any order" });
  const noted = async (x: number) => {
    await fn.rerun(x);
    return (await cache().load(fn.digest(x))).metadata;
  };
  const first = [cache(one), meta([{ name: "first", start }]), tags({ a: 1, b: 1 })];
  const second = [cache(other), meta([{ name: "second", start }]), project("p"), tags({ a: 2 })];
  for (const each of first) each[Symbol.dispose]();
  assert.equal(cache(), other);
  assert.deepEqual(await noted(1), { second: { x: 1 }, tags: { a: 2, project: "p" } });
  const third = [cache(one), meta([])];
  // Once more does no harm to others.
  for (const each of [...first, ...second, ...second]) each[Symbol.dispose]();
  assert.equal(cache(), one);
  assert.deepEqual(await noted(1), {});
  for (const each of third) each[Symbol.dispose]();
  assert.equal(cache(), before);
});
