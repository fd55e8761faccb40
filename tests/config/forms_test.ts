import {
  type BaseCache,
  cacheFromConfig,
  CachePool,
  CacheStack,
  type CacheTable,
  cacheToConfig,
  CallFile,
  ConfigError,
  loadCacheConfig,
  SizeLimitedCache,
  storageFromConfig,
  storageToConfig,
  ValueFile,
} from "@fleche/core";
import assert from "node:assert/strict";

const KEY = "00112233445566778899aabbccddeeff";
const OTHER_KEY = "f".repeat(64);
const memory = { values: { type: "memory" }, calls: { type: "memory" } };

function built(config: CacheTable): unknown {
  return cacheToConfig(cacheFromConfig(config, { base: "/base" }));
}

Deno.test("a template with a root stands for values and calls below it", () => {
  const files = (root: string) => ({
    values: { type: "file", root: `${root}/values` },
    calls: { type: "file", root: `${root}/calls` },
  });
  assert.deepEqual(built({ template: "file", root: "/data" }), files("/data"));
  assert.deepEqual(built({ template: "file", root: "sub" }), files("/base/sub"));
  assert.deepEqual(built({ template: "file", root: "~/sub" }), files("~/sub"));
  assert.deepEqual(built({ template: "sqlite", root: "/data" }), {
    values: { type: "sqlite", path: "/data/values.db" },
    calls: { type: "sql", url: "/data/calls.db" },
  });
  assert.deepEqual(built({ template: "hdf5", root: "/data" }), {
    values: { type: "hdf5", root: "/data/values" },
    calls: { type: "hdf5", root: "/data/calls" },
  });
  assert.deepEqual(built({ template: "memory" }), memory);
});

Deno.test("the options of a template go to the storages that take them", () => {
  const options = { compress: "gzip", durability: "fsync", lock_timeout: 5, secret_key: [KEY] };
  const rest = { verify: "sha256", journal: "delete", echo: true };
  const table = { template: "sqlite", root: "/data", ...options, ...rest };
  assert.deepEqual(built({ ...table, save_timeout: 7, read_only: true }), {
    values: {
      ...{ type: "sqlite", path: "/data/values.db", ...options },
      ...{ verify: "sha256", journal: "delete" },
    },
    calls: { type: "sql", url: "/data/calls.db", ...options, journal: "delete", echo: true },
    ...{ save_timeout: 7, read_only: true },
  });
});

Deno.test("a compressed or signed storage is the inner one with more options", () => {
  const file = { type: "file", root: "/x" };
  const cases: [values: Record<string, unknown>, expected: Record<string, unknown>][] = [
    [{ type: "compressed", inner: file }, { ...file, compress: "zstd" }],
    [{ type: "compressed", compress: "gzip", inner: file }, { ...file, compress: "gzip" }],
    [{ type: "signed", secret_key: [KEY], inner: file }, { ...file, secret_key: [KEY] }],
    [
      { type: "signed", secret_key: [KEY, OTHER_KEY], inner: { type: "compressed", inner: file } },
      { ...file, compress: "zstd", secret_key: [KEY, OTHER_KEY] },
    ],
    [
      { type: "compressed", inner: { type: "signed", secret_key: [KEY], inner: file } },
      { ...file, compress: "zstd", secret_key: [KEY] },
    ],
    [
      { type: "compressed", inner: { type: "bagofholding_hdf", root: "/x" } },
      { type: "hdf5", root: "/x", compress: "gzip" },
    ],
    [{ ...file, compress: true }, { ...file, compress: "zstd" }],
    [{ ...file, compress: false }, file],
  ];
  for (const [config, expected] of cases) {
    for (const kind of ["value", "call"] as const) {
      const storage = kind === "value"
        ? storageFromConfig({ type: "", ...config }, "value")
        : storageFromConfig({ type: "", ...config }, "call");
      assert.deepEqual(storageToConfig(storage), expected, JSON.stringify(config));
    }
  }
});

Deno.test("a signed storage without keys takes those of the environment, and does not write them", () => {
  const file = { type: "file", root: "/x" };
  const before = Deno.env.get("FLECHE_SECRET_KEY");
  try {
    Deno.env.set("FLECHE_SECRET_KEY", `${KEY}:${OTHER_KEY}`);
    for (const config of [{ type: "signed", inner: file }, { ...file, secret_key: [] }]) {
      const storage = storageFromConfig(config, "value");
      assert(storage instanceof ValueFile);
      assert.deepEqual(storageToConfig(storage), { ...file, secret_key: [] });
    }
    Deno.env.set("FLECHE_SECRET_KEY", "secret");
    assert.throws(() => storageFromConfig({ type: "signed", inner: file }, "call"), (error) => {
      assert(error instanceof ConfigError);
      assert.match(error.message, /secret key 1 in FLECHE_SECRET_KEY/);
      return true;
    });
    Deno.env.delete("FLECHE_SECRET_KEY");
    assert.throws(() => storageFromConfig({ ...file, secret_key: [] }, "value"), (error) => {
      assert(error instanceof ConfigError);
      assert.match(error.message, /secret_key: .*FLECHE_SECRET_KEY is not set/);
      assert.equal(error.cause, undefined);
      return true;
    });
    // What signs nothing needs no key.
    assert(storageFromConfig(file, "call") instanceof CallFile);
  } finally {
    if (before === undefined) Deno.env.delete("FLECHE_SECRET_KEY");
    else Deno.env.set("FLECHE_SECRET_KEY", before);
  }
});

Deno.test("limits make a cache that keeps to them", () => {
  const table = { template: "memory", max_size: 5, policy: "lru" };
  const cache = cacheFromConfig(table);
  assert(cache instanceof SizeLimitedCache);
  assert.deepEqual([cache.maxSize, cache.maxBytes, cache.policy], [5, Infinity, "lru"]);
  assert.deepEqual(cacheToConfig(cache), { ...memory, max_size: 5, policy: "lru" });
  assert.deepEqual(built({ ...memory, max_bytes: 10, policy: "oldest", read_only: true }), {
    ...{ ...memory, max_bytes: 10, read_only: true },
  });
});

Deno.test("sizes are numbers with units", () => {
  const sizes: Record<string, number> = {
    ...{ "1 B": 1, "2kB": 2000, "3 MB": 3e6, "4 GB": 4e9, "5 TB": 5e12 },
    ...{ "1 KiB": 1024, "2 MiB": 2 ** 21, "1.5 GiB": 1.5 * 2 ** 30, "0.25TiB": 2 ** 38 },
    ...{ "1.9 B": 1, "007 B": 7 },
  };
  for (const [text, bytes] of Object.entries(sizes)) {
    assert.deepEqual(built({ ...memory, max_bytes: text }), { ...memory, max_bytes: bytes }, text);
  }
  const wrong = [
    ...["", "10", "GiB", "10 gib", "10 KB", "10 kb", "10 K", "-1 B", "+1 B", "1e3 B", "1  B"],
    ...[" 1 B", "1 B ", "1. B", ".5 GB", "0 B", "0.5 B", "1,5 GB", "9000000 TB", "1 constructor"],
    ...[0, -1, 1.5, NaN, Infinity, true, null, 2 ** 53],
  ];
  for (const size of wrong) {
    assert.throws(() => built({ ...memory, max_bytes: size }), (error) => {
      assert(error instanceof ConfigError);
      assert.match(
        error.message,
        /max_bytes: should be a whole number above zero, or a text as "10 GiB"/,
      );
      return true;
    }, String(size));
  }
});

Deno.test("stacks and pools take tables and names", () => {
  const named: Record<string, BaseCache> = {
    a: cacheFromConfig(memory),
    b: cacheFromConfig([memory, memory]),
  };
  const options = { named: (name: string) => named[name] ?? loadCacheConfig("void") };
  const stack = cacheFromConfig(["a", memory, "b", "a"], options);
  assert(stack instanceof CacheStack && named["b"] instanceof CacheStack);
  assert.equal(stack.stack.length, 4);
  assert.deepEqual([stack.stack[0], ...stack.stack.slice(2)], [named["a"], ...named["b"].stack]);
  const pool = cacheFromConfig(
    { pool: [{ pool: ["a"] }, "a", { ...memory, read_only: true }] },
    options,
  );
  assert(pool instanceof CachePool);
  assert.equal(pool.pool[1], named["a"]);
  assert.deepEqual(cacheToConfig(pool), {
    pool: [{ pool: [memory] }, memory, { ...memory, read_only: true }],
  });
  assert.throws(
    () => cacheFromConfig(["a"]),
    new ConfigError('Bad configuration: [0]: no cache is named "a" here; write it out as a table'),
  );
});
