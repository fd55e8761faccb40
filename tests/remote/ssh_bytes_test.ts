import assert from "node:assert";
import { CacheStack, Call } from "@fleche/core";
import { numbers } from "./_calls.ts";
import { LinkProxy } from "./_link_proxy.ts";
import { memoryCache } from "./_memory.ts";
import { Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";

const ignore = !HAS_SSHD;

const LARGE = numbers(250_000);

/** Bytes that requests and answers without large values take at most, encrypted. */
const LITTLE = 50_000;

Deno.test(
  "what passes over ssh holds a large value once, in each direction",
  { ignore },
  async () => {
    await using site = await Site.start();
    await using link = new LinkProxy(site.sshd.port);
    const bytes = async (direction: "up" | "down", work: () => Promise<unknown>) => {
      const before = link.bytes(direction);
      await work();
      return link.bytes(direction) - before;
    };
    await using cache = site.cache({ port: link.port });
    await cache.info();
    let key = "";
    const save = (x: number) => async () => {
      key = await cache.save(new Call({ name: "f", arguments: { x, LARGE }, result: [LARGE, x] }));
    };
    const first = await bytes("up", save(1));
    assert(first > LARGE.byteLength && first < LARGE.byteLength + LITTLE, `${first} bytes`);
    for (const x of [1, 2, 3]) assert(await bytes("up", save(x)) < LITTLE);
    // Neither does a connection that has not sent it.
    await cache.reconnect();
    assert(await bytes("up", save(4)) < LITTLE);

    await using near = memoryCache();
    const stack = new CacheStack([near, cache]);
    const load = async () => {
      assert.deepEqual(await (await stack.load(key)).result(), [LARGE, 4]);
    };
    const found = await bytes("down", load);
    assert(found > LARGE.byteLength && found < LARGE.byteLength + LITTLE, `${found} bytes`);
    assert(await bytes("down", load) < LITTLE);
  },
);
