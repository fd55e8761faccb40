import {
  type AnyFunction,
  D,
  Digest,
  digest,
  fleche,
  type FlecheOptions,
  withCache,
} from "@fleche/core";
import fc from "fast-check";
import assert from "node:assert";
import { createHash } from "node:crypto";
import { KeyPrefix } from "../src/lookup_key.ts";
import { made, memoryCache } from "./_wrapper.ts";
import { expectedKey, type Identity, plainDigest, plainPairs } from "./_wrapper_key.ts";

const MODULE = "@fleche/core/tests/lookup_key_test.ts";

/** Checks that the function, the call and the record all come to a key. */
async function assertKey(
  fn: AnyFunction,
  options: FlecheOptions,
  call: { args: unknown[]; key: string },
): Promise<void> {
  const wrapped = fleche(fn, options);
  assert.equal(wrapped.digest(...call.args), call.key, "f.digest()");
  assert.equal(wrapped.describe(...call.args).key, call.key, "call.key");
  await using cache = memoryCache();
  await withCache(cache, () => wrapped(...call.args));
  const record = (await cache.load(call.key)).detach();
  assert.equal(record.key, call.key, "record.key");
  assert.equal(record.computeKey(), call.key, "record.computeKey()");
}

Deno.test("Fleche.digest() is the key of the formula", async () => {
  // d=$(printf '\x03' | sha256sum | cut -c1-64)
  // printf '\x98\xa6fleche\x01\xa6square\xb8@example/numbers/main.ts\x02\xc0\xc0\x91\x92\xa1x\xd9\x40'$d |
  //   sha256sum
  const key = "9a747c84e9145904b41aa99794af0e55d193c85d113a7954e697b9e8f4aa7838";
  const options = { name: "square", module: "@example/numbers/main.ts", version: 2 };
  await assertKey((x: number) => x * x, options, { args: [3], key });
});

const VERSIONS = [0, 1, 127, 128, 65536, -1, -129, 1.5, 1e300, "1", "", "2.0.0-β", "x".repeat(300)];

for (const version of VERSIONS) {
  const label = JSON.stringify(version).slice(0, 20);
  Deno.test(`Fleche.digest() holds the version ${label}`, async () => {
    const name = `versioned ${version}`;
    const key = expectedKey({ name, module: MODULE, version }, plainPairs({ x: 1 }));
    await assertKey((x: number) => x, { name, version }, { args: [1], key });
  });
}

interface Variant {
  readonly label: string;
  readonly options: FlecheOptions;
  readonly identity: Omit<Identity, "name">;
}

const TEXT = "(x) => x + 1";
const CODE = plainDigest(["(", "x", ")", "=>", "x", "+", "1"]);

const VARIANTS: readonly Variant[] = [
  { label: "no options", options: {}, identity: { module: MODULE } },
  { label: "module", options: { module: "npm:pure/ä.js" }, identity: { module: "npm:pure/ä.js" } },
  { label: "module null", options: { module: null }, identity: { code: CODE } },
  {
    label: "module null, hashModule false",
    options: { module: null, hashModule: false },
    identity: {},
  },
  { label: "hashModule false", options: { hashModule: false }, identity: {} },
  { label: "hashModule true", options: { hashModule: true }, identity: { module: MODULE } },
  {
    label: "hashVersion false",
    options: { version: 3, hashVersion: false },
    identity: { module: MODULE },
  },
  {
    label: "hashVersion without a version",
    options: { hashVersion: true },
    identity: { module: MODULE },
  },
  { label: "hashCode", options: { hashCode: true }, identity: { module: MODULE, code: CODE } },
  {
    label: "hashCode alone",
    options: { version: 1, hashCode: true, hashVersion: false, hashModule: false },
    identity: { code: CODE },
  },
  {
    label: "an array of deps",
    options: { deps: [1, { b: [null], a: "x" }] },
    identity: { module: MODULE, deps: plainDigest([1, { a: "x", b: [null] }]) },
  },
  {
    label: "no deps in the array",
    options: { deps: [] },
    identity: { module: MODULE, deps: plainDigest([]) },
  },
  {
    label: "everything at once",
    options: { module: "m", version: "v", hashCode: true, deps: () => ["d"] },
    identity: { module: "m", version: "v", code: CODE, deps: plainDigest(["d"]) },
  },
];

for (const { label, options, identity } of VARIANTS) {
  Deno.test(`Fleche.digest() follows the options: ${label}`, async () => {
    const name = `variant ${label}`;
    const key = expectedKey({ name, ...identity }, plainPairs({ x: 5 }));
    await assertKey(made(TEXT), { name, ...options }, { args: [5], key });
  });
}

Deno.test("Fleche.digest() asks a function of deps at each call", () => {
  let factor = 1;
  const name = "scaled by deps";
  const scaled = fleche((x: number) => x * factor, { name, deps: () => [factor] });
  for (factor of [1, 2, 3, 2]) {
    const identity = { name, module: MODULE, deps: plainDigest([factor]) };
    assert.equal(scaled.digest(4), expectedKey(identity, plainPairs({ x: 4 })));
  }
});

Deno.test("Fleche.digest() remembers no more than it may of many deps", () => {
  let factor = 0;
  const name = "scaled by many deps";
  const scaled = fleche((x: number) => x * factor, { name, deps: () => [factor] });
  const all = Array.from({ length: 100 }, (_, index) => index);
  const keys = all.map((each) => (factor = each, scaled.digest(1)));
  assert.equal(new Set(keys).size, 100);
  assert.deepEqual(all.map((each) => (factor = each, scaled.digest(1))), keys);
});

for (const count of [0, 1, 15, 16, 17, 100, 300]) {
  Deno.test(`Fleche.digest() holds ${count} arguments`, async () => {
    const names = Array.from({ length: count }, (_, index) => `p${index}`);
    const args = names.map((_, index) => index * 100);
    const name = `with ${count} arguments`;
    const pairs = plainPairs(Object.fromEntries(names.map((each, index) => [each, args[index]])));
    const key = expectedKey({ name, module: MODULE }, pairs);
    // What is made from text stands in no file, so it says where it belongs.
    await assertKey(made(`(${names}) => 1`), { name, module: MODULE }, { args, key });
  });
}

const NAMES = [
  "x".repeat(31),
  "x".repeat(32),
  "x".repeat(255),
  "x".repeat(256),
  "x".repeat(70_000),
  "a \"b\" 'c' \\ \n\t\0 {d} %s",
  "naïve 変数 🜁",
  "\ufeffmarked",
];

for (const each of NAMES) {
  const label = JSON.stringify(each.slice(0, 30));
  Deno.test(`Fleche.digest() holds names as they are: ${label} (${each.length})`, async () => {
    const identity = { name: `name ${each}`, module: `module ${each}` };
    const key = expectedKey(identity, plainPairs({ [each]: 1 }));
    await assertKey(made("(x) => x"), { ...identity, params: [each] }, { args: [1], key });
  });
}

Deno.test("Fleche.digest() tells names apart that are no proper Unicode", () => {
  const keys = ["\ud800", "\udc00", "\ufffd"].flatMap((each) => [
    fleche(made("(x) => x"), { name: each, hashCode: true }).digest(1),
    fleche(made("(x) => x"), { name: "lone", hashCode: true, params: [each] }).digest(1),
    fleche(made("({ ...x }) => x"), { name: "lone", hashCode: true }).digest({ [each]: 1 }),
  ]);
  assert.equal(new Set(keys).size, keys.length);
});

Deno.test("Fleche.digest() takes a digest for the value that it names", async () => {
  const name = "given a digest";
  const fn = fleche((x: unknown, y = 1) => [x, y], { name });
  const value = { a: [1, 2, 3] };
  const key = expectedKey({ name, module: MODULE }, plainPairs({ x: value, y: 1 }));
  assert.equal(fn.digest(digest(value)), key);
  assert.equal(fn.digest(D(plainDigest(value).toUpperCase())), key);
  assert.equal(fn.describe(new Digest(plainDigest(value))).key, key);
  assert.equal(fn.digest(value), key);
  // Inside another value a digest is only itself.
  assert.notEqual(fn.digest([digest(value)]), fn.digest([value]));
  await withCache(memoryCache(), async () => {
    await fn(value);
    assert.equal(await fn.contains(digest(value)), true);
  });
});

Deno.test("Fleche.digest() is that of the bytes, whatever they are", () => {
  // Float64Array.of(1): extension 8 of 9 bytes, kind 11, little-endian.
  const bytes = Uint8Array.of(0xc7, 9, 4, 11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f);
  const name = "of memory";
  const pairs: [string, string][] = [["x", createHash("sha256").update(bytes).digest("hex")]];
  const fn = fleche((x: Float64Array) => x, { name });
  assert.equal(fn.digest(Float64Array.of(1)), expectedKey({ name, module: MODULE }, pairs));
});

Deno.test("KeyPrefix.key() is the key of the formula for any identity and arguments", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 40 });
  const hex = fc.string({
    unit: fc.constantFrom(..."0123456789abcdef"),
    minLength: 64,
    maxLength: 64,
  });
  const option = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary);
  const version = fc.oneof(text, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
    .filter((each) => !Object.is(each, -0));
  const fields = {
    name: text,
    module: option(text),
    version: option(version),
    code: option(hex),
    deps: option(hex),
  };
  const pairs = fc.array(fc.tuple(text, hex), { maxLength: 20 });
  fc.assert(
    fc.property(fc.record(fields), pairs, (identity, pairs) => {
      const { name, module, version, code, deps } = identity;
      const expected = plainDigest(["fleche", 1, name, module, version, code, deps, pairs]);
      const prefix = new KeyPrefix(identity);
      for (let time = 0; time < 2; time++) {
        const key = prefix.key(pairs.map(([each]) => each), pairs.map(([, each]) => each));
        assert.equal(key, expected);
      }
    }),
    { seed: 32, numRuns: 300 },
  );
});
