import assert from "node:assert";
import { type Cache, Call, NotFoundError } from "@fleche/core";
import type { Encoding, Reference } from "../../src/codec/encoding.ts";
import { findReferences } from "../../src/codec/references.ts";
import type { DeepSource, FoundValue, ValueSource } from "../../src/lazy_call.ts";
import { CarriedValues } from "../../src/remote/carried_values.ts";
import type { Awaitable } from "../../src/storage/storage.ts";
import { filed, type FiledCall, largeCall, numbers } from "./_calls.ts";
import { memoryCache } from "./_memory.ts";

/** A source that reads values with their parts in one go, and notes what it was asked for. */
class Deep implements ValueSource, DeepSource {
  readonly asked: string[][] = [];
  readonly read_: string[] = [];
  readonly sent: string[] = [];

  constructor(readonly values: ReadonlyMap<string, Encoding>) {}

  get deep(): DeepSource {
    return this;
  }

  read({ digest }: Reference): Encoding | undefined {
    this.read_.push(digest);
    return this.values.get(digest);
  }

  async *readDeep(
    references: readonly Reference[],
    has: (reference: Reference) => Awaitable<boolean> = () => false,
  ): AsyncIterable<FoundValue> {
    this.asked.push(references.map(({ digest }) => digest));
    const seen = new Set<string>();
    const waiting = references.toReversed();
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (seen.has(next.digest) || await has(next)) continue;
      seen.add(next.digest);
      const encoding = this.values.get(next.digest);
      if (encoding === undefined) continue;
      this.sent.push(next.digest);
      yield { reference: next, encoding };
      waiting.push(...findReferences(encoding).reverse());
    }
  }
}

// Lists that are long enough to be stored by themselves, each with parts; one part is in both.
const texts = Array.from({ length: 70 }, () => "x".repeat(1000));
const [one, two, three] = [1, 2, 3].map((seed) => numbers(9000, seed));
const nested = () =>
  new Call({ name: "f", result: [[one, two, ...texts], [two, three, ...texts, "y"]] });

const digestsOf = ({ references }: FiledCall) => references.map(({ digest }) => digest);

// Whether each is one of some roots, or a part of one before it.
function areReached(found: readonly FoundValue[], roots: readonly Reference[]): boolean {
  const known = new Set(roots.map(({ digest }) => digest));
  return found.every(({ reference, encoding }) => {
    for (const { digest } of findReferences(encoding)) known.add(digest);
    return known.has(reference.digest);
  });
}

Deno.test("CarriedValues gives what came along, and reads the rest in one go", async () => {
  const call = await filed(nested());
  const [first, second] = call.record.resultReferences as [Reference, Reference];
  // The one that both have.
  const parts = findReferences(call.values.get(first.digest) as Encoding);
  const [, part] = parts as [Reference, Reference];
  const carried = new Map([first, part].map(({ digest }) => {
    return [digest, call.values.get(digest) as Encoding];
  }));
  const source = new Deep(call.values);
  const values = new CarriedValues(carried, source);
  const found = await Array.fromAsync(values.readDeep([first, second]));
  const digests = found.map(({ reference }) => reference.digest);
  assert.deepEqual(new Set(digests), new Set(digestsOf(call)));
  assert.equal(digests.length, new Set(digests).size);
  assert(areReached(found, [first, second]));
  assert.equal(source.asked.length, 1);
  for (const { digest } of [first, part]) assert(!source.sent.includes(digest));
});

Deno.test("CarriedValues asks for nothing where all came along", async () => {
  const call = await filed(nested());
  const source = new Deep(new Map());
  const values = new CarriedValues(call.values, source);
  const found = await Array.fromAsync(values.readDeep(call.record.resultReferences));
  assert.deepEqual(
    new Set(found.map(({ reference }) => reference.digest)),
    new Set(digestsOf(call)),
  );
  assert.deepEqual(source.asked, []);
});

Deno.test("CarriedValues leaves out what is not needed, with its parts", async () => {
  const call = await filed(nested());
  const [first, second] = call.record.resultReferences as [Reference, Reference];
  const carried = new Map([[second.digest, call.values.get(second.digest) as Encoding]]);
  const source = new Deep(call.values);
  const values = new CarriedValues(carried, source);
  const has = ({ digest }: Reference) => digest === first.digest;
  const found = await Array.fromAsync(values.readDeep([first, second], has));
  const parts = findReferences(call.values.get(second.digest) as Encoding);
  assert.deepEqual(
    new Set(found.map(({ reference }) => reference.digest)),
    new Set([second, ...parts].map(({ digest }) => digest)),
  );
});

Deno.test("CarriedValues takes nothing that does not match the reference that leads to it", async () => {
  const call = await filed(nested());
  const [first, second] = call.record.resultReferences as [Reference, Reference];
  const wrong = new Map([[first.digest, call.values.get(second.digest) as Encoding]]);
  const source = new Deep(call.values);
  const values = new CarriedValues(wrong, source);
  assert.equal(await values.read(first), call.values.get(first.digest));
  assert.deepEqual(source.read_, [first.digest]);
  const [found] = await Array.fromAsync(values.readDeep([first]));
  assert.equal(found?.encoding, call.values.get(first.digest));
});

async function holds(cache: Cache, digests: readonly string[]): Promise<boolean> {
  for (const digest of digests) if (!await cache.values.has(digest)) return false;
  return true;
}

Deno.test("Cache.accept() reads all that it lacks in one go, and nothing that it has", async () => {
  const call = await filed(nested());
  await using cache = memoryCache();
  // Everything of the second list is here already.
  await cache.save(new Call({ name: "g", result: [[two, three, ...texts, "y"], "other"] }));
  const source = new Deep(call.values);
  await cache.accept(call.record, source);
  assert.deepEqual(await (await cache.load(call.record.key)).result(), nested().result);
  const [first, second] = call.record.resultReferences as [Reference, Reference];
  assert.deepEqual(source.asked, [[first.digest]]);
  const [part] = findReferences(call.values.get(first.digest) as Encoding) as [Reference];
  assert.deepEqual(source.sent, [first.digest, part.digest]);
  assert.deepEqual(source.read_, []);
  assert(!source.sent.includes(second.digest));
});

Deno.test("Cache.accept() reads the values of arguments in the same go, if they are wanted", async () => {
  const call = await filed(largeCall());
  const isResult = new Set(
    digestsOf(await filed(new Call({ name: "f", result: largeCall().result }))),
  );
  for (const wanted of [true, false]) {
    await using cache = memoryCache();
    const source = new Deep(call.values);
    await cache.accept(call.record, source, { arguments: wanted });
    assert.equal(source.asked.length, 1);
    const expected = digestsOf(call).filter((digest) => wanted || isResult.has(digest));
    assert.deepEqual(new Set(source.sent), new Set(expected));
    assert.equal(await holds(cache, expected), true);
  }
});

Deno.test("Cache.accept() files nothing of a call of whose result a part is missing", async () => {
  const call = await filed(nested());
  const leaves = call.references.filter(({ digest }) =>
    findReferences(call.values.get(digest) as Encoding).length === 0
  );
  for (const { digest } of leaves) {
    const values = new Map(call.values);
    values.delete(digest);
    await using cache = memoryCache();
    await assert.rejects(cache.accept(call.record, new Deep(values)), NotFoundError);
    assert.equal(await cache.contains(call.record.key), false);
    // What refers to parts is not stored before they are.
    for (const each of await cache.values.list("")) {
      const reference = call.references.find((other) => other.digest === each) as Reference;
      const encoding = await cache.read(reference) as Encoding;
      assert(await holds(cache, findReferences(encoding).map((part) => part.digest)));
    }
  }
});

Deno.test("Cache.accept() files a call although the value of an argument is missing", async () => {
  const call = await filed(largeCall());
  const values = new Map(call.values);
  const [, grid] = call.record.arguments[0] ?? [];
  assert(grid !== undefined);
  const result = new Set(
    digestsOf(await filed(new Call({ name: "f", result: largeCall().result }))),
  );
  for (const digest of digestsOf(call)) if (!result.has(digest)) values.delete(digest);
  await using cache = memoryCache();
  await cache.accept(call.record, new Deep(values), { arguments: true });
  const loaded = await cache.load(call.record.key);
  assert.deepEqual(await loaded.result(), largeCall().result);
  await assert.rejects(loaded.argument("grid"), NotFoundError);
});
