import {
  type BaseCache,
  Cache,
  type CacheConfig,
  cacheFromConfig,
  CacheStack,
  cacheToConfig,
  CallMemory,
  CallSql,
  ConfigError,
  ReadOnlyCache,
  RefreshingCache,
  SshCache,
  storageFromConfig,
  storageToConfig,
  ValueFile,
  ValueMemory,
} from "@fleche/core";
import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { parse, stringify } from "smol-toml";
import { TemporaryFolder } from "../storage/_temporary_folder.ts";
import { simple } from "../caches/_cache_manifest.ts";

const word = fc.string({ minLength: 1, maxLength: 8 });
const path = fc.stringMatching(/^\/[a-z ~.é]{1,8}\/[a-z]{1,5}$/);
const seconds = fc.constantFrom(0.5, 1, 2.25, 59, 61, 3600);

/** Keys that may be there or not. */
function partial(keys: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> {
  return fc.record(keys, { requiredKeys: [] });
}

const secretKeys = fc.array(fc.stringMatching(/^[0-9a-f]{32}$/), { minLength: 1, maxLength: 2 });
const journal = fc.constantFrom("wal", "delete", "truncate", "persist");

// Without what is the default: that is left out when a storage is written back.
const sealing = { secret_key: secretKeys, compress: fc.constantFrom("zstd", "gzip") };
const checking = {
  verify: fc.constantFrom("sha256", false),
  durability: fc.constant("fsync"),
  lock_timeout: fc.constantFrom(1, 0.5, 600),
};

function storage(
  required: Record<string, fc.Arbitrary<unknown>>,
  optional: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<{ type: string; [key: string]: unknown }> {
  return fc.tuple(fc.record(required), partial(optional))
    .map(([one, other]) => ({ type: "", ...one, ...other }));
}

const inFiles = [
  storage({ type: fc.constant("file"), root: path }, { ...sealing, ...checking }),
  storage({ type: fc.constant("hdf5"), root: path }, {
    ...{ ...sealing, compress: fc.constant("gzip") },
    ...checking,
  }),
];
const nowhere = storage({ type: fc.constantFrom("memory", "void") }, {});

const values = fc.oneof(
  nowhere,
  ...inFiles,
  storage({ type: fc.constant("sqlite"), path }, { ...sealing, ...checking, journal }),
);

const url = fc.oneof(
  path,
  path.map((each) => `sqlite:///${each}`),
  fc.constantFrom("~/calls.db", "postgresql://me:pass@host:5433/calls", "mysql://me@host/calls"),
);

const calls = fc.oneof(
  nowhere,
  ...inFiles,
  storage({ type: fc.constant("sql") }, {
    ...{ ...sealing, ...checking, verify: fc.constant(undefined) },
    ...{ url, echo: fc.constant(true) },
  }).map(({ verify: _, ...each }) => each),
  storage({ type: fc.constant("sql") }, { journal }),
);

const ssh = fc.tuple(
  fc.record({ type: fc.constant("ssh"), host: word.filter((host) => !host.startsWith("-")) }),
  partial({
    cache_name: word,
    command: fc.oneof(word, fc.array(word, { minLength: 1, maxLength: 3 })),
    ssh_options: fc.array(word, { maxLength: 3 }),
    setup_commands: fc.array(word, { maxLength: 3 }),
    workdir: word,
    timeout: seconds,
    connect_timeout: seconds,
    env: fc.dictionary(fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,5}$/), word),
  }),
).map(([one, other]) => ({ ...one, ...other }));

const one = fc.tuple(
  fc.oneof(fc.record({ values, calls }), ssh),
  partial({ read_only: fc.constant(true), save_timeout: seconds }),
).map(([one, other]): { [key: string]: unknown } => ({ ...one, ...other }));

const limited = fc.tuple(
  fc.record({ values, calls }),
  fc.oneof(
    fc.record({ max_size: fc.integer({ min: 1, max: 1e9 }) }),
    fc.record({ max_bytes: fc.integer({ min: 1 }), max_size: fc.integer({ min: 1 }) }),
  ),
  partial({ policy: fc.constantFrom("lru", "random", "cost"), save_timeout: seconds }),
).map(([one, limits, other]): { [key: string]: unknown } => ({ ...one, ...limits, ...other }));

const single = fc.oneof(
  { arbitrary: one, weight: 4 },
  limited,
  fc.record({ pool: fc.array(one, { minLength: 1, maxLength: 3 }) }),
);

const config: fc.Arbitrary<CacheConfig> = fc.oneof(
  single,
  fc.array(single, { minLength: 1, maxLength: 3 }),
);

Deno.test("cacheToConfig() gives back what cacheFromConfig() took", () => {
  const property = fc.property(config, (each) => {
    assert.deepEqual(cacheToConfig(cacheFromConfig(each)), plain(each));
  });
  fc.assert(property, { seed: 7, numRuns: 300 });
});

Deno.test("what cacheToConfig() writes is the same after a way through TOML", () => {
  const property = fc.property(config, (each) => {
    const text = stringify({ cache: cacheToConfig(cacheFromConfig(each)) });
    const { cache } = parse(text);
    assert.deepEqual(cacheToConfig(cacheFromConfig(cache as CacheConfig)), plain(each));
  });
  fc.assert(property, { seed: 8, numRuns: 200 });
});

// fast-check makes objects without a prototype, too.
function plain(value: CacheConfig): unknown {
  return JSON.parse(JSON.stringify(value));
}

Deno.test("cacheFromConfig() makes of a written cache one that does the same", async () => {
  using folder = new TemporaryFolder();
  const original = new CacheStack([
    new Cache({
      values: new ValueFile({ root: folder.join("values"), verify: "sha256" }),
      calls: new CallSql({ url: folder.join("calls.db") }),
    }),
    new ReadOnlyCache(new Cache({ values: new ValueMemory(), calls: new CallMemory() })),
  ]);
  const key = await original.save(simple(1, "x".repeat(3000)));
  await original.close();
  await using again = cacheFromConfig(cacheToConfig(original));
  assert(again instanceof CacheStack);
  assert.deepEqual(again.stack.map(({ isReadOnly }) => isReadOnly), [false, true]);
  assert.equal(await (await again.load(key)).result(), "x".repeat(3000));
});

Deno.test("what has its default value is left out", () => {
  const written = {
    values: { type: "file", root: "/x", verify: "crc", durability: "rename" },
    calls: {
      ...{ type: "sql", url: "sqlite://", echo: false, durability: "rename" },
      lock_timeout: 30,
    },
    ...{ save_timeout: 60, read_only: false },
  };
  assert.deepEqual(cacheToConfig(cacheFromConfig(written)), {
    values: { type: "file", root: "/x" },
    calls: { type: "sql" },
  });
  assert.deepEqual(cacheToConfig(new SshCache({ host: "h", saveTimeout: 60 })), {
    type: "ssh",
    host: "h",
  });
});

Deno.test("cacheFromConfig() gives every option to what it makes", () => {
  const cache = cacheFromConfig({
    values: { type: "file", root: "v", verify: false, durability: "fsync" },
    calls: { type: "sql", url: "c.db", echo: true, journal: "delete", lock_timeout: 5 },
    save_timeout: 7,
  }, { base: "/base" });
  assert(cache instanceof Cache);
  const { values, calls } = cache;
  assert(values instanceof ValueFile && calls instanceof CallSql);
  assert.equal(values.root, join("/base", "v"));
  assert.equal(values.verify, false);
  assert.equal(values.durability, "fsync");
  assert.equal(calls.url, join("/base", "c.db"));
  assert.equal(calls.echo, true);
  assert.equal(calls.journal, "delete");
  assert.equal(calls.durability, "rename");
  assert.equal(calls.lockTimeout, 5);
  assert.equal(cache.saveTimeout, 7);
});

Deno.test("a faulty configuration that is in no file is named by its path", () => {
  const memory = { values: { type: "memory" }, calls: { type: "memory" } };
  const faults: readonly (readonly [unknown, string])[] = [
    [{ ...memory, calls: { type: "slq" } }, 'Bad configuration: calls.type: "slq" is none of'],
    [{ ...memory, red_only: true }, "Bad configuration: red_only: unknown key"],
    [{}, "Bad configuration: should have"],
    [[], "Bad configuration: should list at least one cache"],
    [[memory, { ...memory, values: 1 }], "Bad configuration: [1].values: should be a table"],
    [[memory, [memory]], "Bad configuration: [1]: should be a table"],
    [null, "Bad configuration: should be a table"],
    ["memory", "Bad configuration: should be a table"],
    [{ type: "ssh", host: "" }, "Bad configuration"],
    [{ ...memory, save_timeout: "1" }, "Bad configuration: save_timeout: should be a number"],
  ];
  for (const [each, message] of faults) {
    // A configuration may come from anywhere.
    const given = each as CacheConfig;
    assert.throws(() => cacheFromConfig(given), (error) => {
      assert(error instanceof ConfigError);
      assert(error.message.startsWith(message), error.message);
      assert.deepEqual(error.data, {});
      return true;
    });
  }
});

Deno.test("storageFromConfig() and storageToConfig() convert storages", () => {
  const file = { type: "file", root: "/x", verify: "sha256" };
  const sql = { type: "sql", url: "/calls.db", journal: "delete" };
  assert.deepEqual(storageToConfig(storageFromConfig(file, "value")), file);
  assert.deepEqual(storageToConfig(storageFromConfig(sql, "call")), sql);
  for (const kind of ["value", "call"] as const) {
    for (const type of ["memory", "void"]) {
      const storage = kind === "value"
        ? storageFromConfig({ type }, "value")
        : storageFromConfig({ type }, "call");
      assert.deepEqual(storageToConfig(storage), { type });
    }
  }
  assert.throws(() => storageFromConfig(sql, "value"), ConfigError);
  assert.throws(() => storageFromConfig({ type: "sqlite", path: "/x" }, "call"), ConfigError);
});

Deno.test("cacheToConfig() refuses what no configuration can say", () => {
  const memory = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
  const caches: BaseCache[] = [
    new RefreshingCache(memory),
    new ReadOnlyCache(new ReadOnlyCache(memory)),
    new ReadOnlyCache(new CacheStack([memory])),
  ];
  for (const each of caches) assert.throws(() => cacheToConfig(each), TypeError);
});
