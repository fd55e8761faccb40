import {
  Cache,
  Call,
  CallMemory,
  type CallOptions,
  D,
  digest,
  IndigestibleError,
  NotFoundError,
  PreparedCall,
  ValueFile,
} from "@fleche/core";
import assert from "node:assert";
import { memoryCache } from "./_wrapper.ts";
import { expectedKey, plainDigest, plainPairs } from "./_wrapper_key.ts";

const HASH = "ab".repeat(32);

Deno.test("Call has null for what is not given", () => {
  const { name, module, version, code, deps, hashed, source, ...rest } = new Call({ name: "bare" });
  assert.deepEqual([name, module, version, code, deps, hashed, source], [
    "bare",
    ...[null, null, null, null],
    [],
    null,
  ]);
  assert.deepEqual(rest, {
    arguments: {},
    argumentNames: [],
    result: undefined,
    metadata: {},
    calls: [],
  });
});

Deno.test("Call.key joins all fields that are given", () => {
  const identity = { name: "f", module: "m", version: 2, code: HASH, deps: plainDigest([]) };
  assert.equal(
    new Call({ ...identity, arguments: { b: 1, a: [2] } }).key,
    expectedKey(identity, plainPairs({ b: 1, a: [2] })),
  );
});

Deno.test("Call.key joins module, version and code only as hashed says", () => {
  const all = { module: "m", version: 2, code: HASH };
  for (const hashed of [[], ["module"], ["version"], ["code"], ["code", "module"]] as const) {
    const part = Object.fromEntries(hashed.map((field) => [field, all[field]]));
    assert.equal(
      new Call({ name: "f", ...all, hashed }).key,
      expectedKey({ name: "f", ...part }, []),
    );
  }
});

Deno.test("Call.key has no share in result, source, metadata and calls", () => {
  const options: CallOptions = { name: "f", version: 1, arguments: { x: 1 } };
  const more = { result: 5, source: HASH, metadata: { runtime: { walltime: 1 } }, calls: [HASH] };
  assert.equal(new Call({ ...options, ...more }).key, new Call(options).key);
});

Deno.test("Call.key leaves undefined arguments out, but not null", () => {
  const key = (args: Record<string, unknown>) => new Call({ name: "f", arguments: args }).key;
  assert.equal(key({ x: undefined, y: 1 }), key({ y: 1 }));
  assert.notEqual(key({ x: null, y: 1 }), key({ y: 1 }));
});

Deno.test("Call.key counts the order and the names of the arguments", () => {
  const key = (args: Record<string, unknown>) => new Call({ name: "f", arguments: args }).key;
  const keys = [{ a: 1, b: 2 }, { b: 2, a: 1 }, { a: 2, b: 1 }, { a: 1 }, { b: 1 }].map(key);
  assert.equal(new Set(keys).size, keys.length);
});

Deno.test("Call.key names the path to what has no encoding", () => {
  const call = new Call({ name: "f", arguments: { grid: { cells: [0, 1, Symbol("no")] } } });
  assert.throws(() => call.key, (error) => {
    assert(error instanceof IndigestibleError);
    assert.equal(error.data.path, "arguments.grid.cells[2]");
    assert.match(error.message, /arguments\.grid\.cells\[2\]/);
    return true;
  });
});

Deno.test("Call.key refuses a short digest, which may come to mean something else", () => {
  const call = new Call({ name: "f", arguments: { x: D("c0ffee") } });
  assert.throws(() => call.key, (error) => {
    return error instanceof IndigestibleError && error.data.path === "arguments.x" &&
      /expand/.test(error.message);
  });
});

Deno.test("BaseCache.save() files a call under its key", async () => {
  await using cache = memoryCache();
  const call = new Call({
    ...{ name: "f", module: "m", version: "v", deps: HASH, source: HASH },
    arguments: { b: [1, 2], a: undefined, "10": "ten" },
    result: new Map([["x", 1n]]),
    metadata: { notes: { deep: [{ a: null }] } },
    calls: ["cd".repeat(32)],
  });
  const key = await cache.save(call);
  assert.equal(key, call.key);
  const stored = await (await cache.load(key)).fetch();
  const { arguments: args, ...rest } = stored;
  const { arguments: given, ...others } = call;
  assert.deepEqual({ ...rest }, { ...others });
  delete given["a"];
  assert.deepEqual(args, given);
  assert.equal(stored.key, key);
});

Deno.test("BaseCache.save() throws TypeError for a call without a result", async () => {
  await using cache = memoryCache();
  await assert.rejects(cache.save(new Call({ name: "f" })), TypeError);
});

Deno.test("BaseCache.save() stores nothing of a call that cannot be stored", async () => {
  await using cache = memoryCache();
  const big = "x".repeat(2000);
  const calls = [
    new Call({ name: "f", arguments: { big, x: () => 1 }, result: 1 }),
    new Call({ name: "f", arguments: { x: 1 }, result: [Symbol("no")] }),
    new Call({ name: "f", arguments: { x: 1 }, result: () => 1 }),
  ];
  const paths = ["arguments.x", "result[0]", "result"];
  for (const [index, call] of calls.entries()) {
    await assert.rejects(cache.save(call), (error) => {
      return error instanceof IndigestibleError && error.data.path === paths[index];
    });
  }
  assert.deepEqual(await cache.calls.list(""), []);
  assert.equal(await cache.values.has(digest(big).hex), false);
});

Deno.test("LazyCall loads arguments and result only when they are asked for", async () => {
  await using cache = memoryCache();
  const grid = Float64Array.from({ length: 5000 }, (_, index) => index);
  const call = new Call({ name: "f", arguments: { grid, x: 1 }, result: { total: 5 } });
  const lazy = await cache.load(await cache.save(call));
  await cache.values.delete(digest(grid).hex);
  assert.deepEqual(lazy.argumentNames, ["grid", "x"]);
  assert.deepEqual([await lazy.result(), await lazy.argument("x")], [{ total: 5 }, 1]);
  assert.equal(await lazy.argument("other"), undefined);
  for (const load of [() => lazy.argument("grid"), () => lazy.arguments(), () => lazy.fetch()]) {
    await assert.rejects(load(), (error) => {
      return error instanceof NotFoundError && error.data.key === digest(grid).hex;
    });
  }
});

Deno.test("LazyCall builds equal parts apart, each with memory of its own", async () => {
  const root = await Deno.makeTempDir();
  try {
    await using cache = new Cache({ values: new ValueFile({ root }), calls: new CallMemory() });
    const grid = new Float64Array(20_000);
    const key = await cache.save(new Call({ name: "f", result: [grid, { again: grid }] }));
    const [one, { again }] = await (await cache.load(key)).result() as [
      Float64Array,
      { again: Float64Array },
    ];
    one.fill(1);
    assert.deepEqual(again, grid);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

const DESCRIPTIONS: readonly (readonly [value: unknown, text: string])[] = [
  [0, "0"],
  [127, "127"],
  [128, "128"],
  [65536, "65536"],
  [2 ** 53 - 1, "9007199254740991"],
  [-1, "-1"],
  [-33, "-33"],
  [-129, "-129"],
  [-32769, "-32769"],
  [-(2 ** 40), "-1099511627776"],
  [-0, "-0"],
  [1.5, "1.5"],
  [-Infinity, "-Infinity"],
  [true, "true"],
  [null, "null"],
  ['a "b"\n', '"a \\"b\\"\\n"'],
  ["début", '"début"'],
  [[], "[]"],
  [[1, [undefined, "x"]], '[1, [undefined, "x"]]'],
  [{}, "{}"],
  [{ b: 1, "a c": null }, '{ "a c": null, b: 1 }'],
  [new Map([["k", [1]]]), 'Map { "k" => [1] }'],
  [new Set([1, 2]), "Set { 1, 2 }"],
  [-(2n ** 70n), "-1180591620717411303424n"],
  [255n, "255n"],
  [new Date("2024-02-29T12:34:56.789Z"), "2024-02-29T12:34:56.789Z"],
  [new Date("1969-12-31T23:59:59.999Z"), "1969-12-31T23:59:59.999Z"],
  [new Date("2300-01-01T00:00:00.000Z"), "2300-01-01T00:00:00.000Z"],
  [Uint8Array.of(1, 2, 3), "Uint8Array(3) [1, 2, 3]"],
  [Float64Array.of(1, 2), "Float64Array(2) [1, 2]"],
  [Array(25).fill(0), `[${"0, ".repeat(20)}… 5 more]`],
];

for (const [value, text] of DESCRIPTIONS) {
  Deno.test(`LazyCall.describeArguments() shows ${text}`, async () => {
    await using cache = memoryCache();
    const call = new Call({ name: "f", arguments: { a: value, b: [value] }, result: 1 });
    const lazy = await cache.load(await cache.save(call));
    assert.equal(lazy.describeArguments(), `a=${text}, b=[${text}]`);
  });
}

Deno.test("LazyCall.describeArguments() shows digests of what the record does not hold", async () => {
  await using cache = memoryCache();
  const large = "x".repeat(5000);
  const parts = ["y".repeat(70_000)];
  const call = new Call({ name: "f", arguments: { large, parts }, result: 1 });
  const lazy = await cache.load(await cache.save(call));
  const [whole, part] = [large, parts[0]].map((each) => digest(each).hex.slice(0, 8));
  assert.equal(lazy.describeArguments(), `large=<${whole}>, parts=[<${part}>]`);
});

Deno.test("LazyCall.describeArguments() cuts what is long", async () => {
  await using cache = memoryCache();
  const call = new Call({ name: "f", arguments: { text: "z".repeat(500) }, result: 1 });
  const shown = (await cache.load(await cache.save(call))).describeArguments();
  assert.equal(shown, `text="${"z".repeat(198)}…`);
});

Deno.test("PreparedCall ends once only", async () => {
  await using cache = memoryCache();
  const prepare = () => cache.prepare(new Call({ name: "f", arguments: { x: 1 } }));
  const committed = await prepare();
  assert(committed instanceof PreparedCall);
  assert.equal(await committed.commit({ result: 1 }), committed.key);
  await assert.rejects(committed.commit({ result: 2 }), TypeError);
  assert.throws(() => committed.abandon(), TypeError);
  const abandoned = await prepare();
  abandoned.abandon();
  await assert.rejects(abandoned.commit({ result: 2 }), TypeError);
  assert.equal(await (await cache.load(committed.key)).result(), 1);
});

Deno.test("Cache.prepare() keeps the arguments as they were", async () => {
  await using cache = memoryCache();
  const small = [1, 2];
  const large = new Float64Array(20_000).fill(1);
  const call = new Call({ name: "f", arguments: { small, large } });
  const key = call.key;
  const prepared = await cache.prepare(call);
  small.push(3);
  large.fill(9);
  await prepared.commit({ result: 1 });
  const lazy = await cache.load(key);
  assert.deepEqual(await lazy.argument("small"), [1, 2]);
  assert.deepEqual(await lazy.argument("large"), new Float64Array(20_000).fill(1));
  assert.equal(lazy.detach().computeKey(), key);
});

Deno.test("Cache.prepare() stores arguments over 64 MiB at once, and smaller ones not", async () => {
  await using cache = memoryCache();
  const halves = [1, 2].map((each) => new Uint8Array(33 << 20).fill(each));
  const digests = halves.map((each) => digest(each).hex);
  const one = await cache.prepare(new Call({ name: "f", arguments: { a: halves[0] } }));
  assert.equal(await cache.values.has(digests[0] ?? ""), false);
  one.abandon();
  const [a, b] = halves;
  const both = await cache.prepare(new Call({ name: "f", arguments: { a, b } }));
  assert.deepEqual(await Promise.all(digests.map((each) => cache.values.has(each))), [true, true]);
  both.abandon();
  assert.deepEqual(await cache.calls.list(""), []);
});
