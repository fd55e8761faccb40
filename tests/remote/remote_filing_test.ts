/**
 * Calls that are copied to another machine, and values that are gone on one side or the other.
 *
 * @module
 */

import assert from "node:assert";
import { type BaseCache, Call, NotFoundError } from "@fleche/core";
import type { Encoding, Reference } from "../../src/codec/encoding.ts";
import { findReferences } from "../../src/codec/references.ts";
import type { ValueSource } from "../../src/lazy_call.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { filed, type FiledCall, numbers } from "./_calls.ts";
import { memoryCache } from "./_memory.ts";
import { SteppedLink } from "./_stepped_link.ts";

/** Numbers that are not sent unless the other side asks for them. */
const MANY = PROTOCOL_LIMITS.unasked / 8 + 1;

/** Counts what a cache is asked for. */
function counted(cache: BaseCache): { questions: Reference[][] } {
  const questions: Reference[][] = [];
  const missing = cache.missing.bind(cache);
  cache.missing = (references) => {
    if (references.length > 0) questions.push([...references]);
    return missing(references);
  };
  return { questions };
}

/** The values of a call, but for some. */
function sourceOf({ values }: FiledCall, without: readonly string[] = []): ValueSource {
  return { read: ({ digest }) => without.includes(digest) ? undefined : values.get(digest) };
}

function argumentsOf({ record }: FiledCall): Reference[] {
  const results = record.resultReferences.map(({ digest }) => digest);
  return record.references.filter(({ digest }) => !results.includes(digest));
}

function partsOf({ values }: FiledCall, { digest }: Reference): Reference[] {
  return findReferences(values.get(digest) as Encoding);
}

for (const part of [0, 1, 2]) {
  Deno.test(`SshCache files a call although part ${part} of an argument is gone here`, async () => {
    const x = [numbers(MANY, 1), numbers(MANY, 2), numbers(MANY, 3), "x".repeat(2000)];
    const call = await filed(new Call({ name: "f", arguments: { x }, result: numbers(MANY, 4) }));
    const [argument] = argumentsOf(call);
    assert(argument !== undefined);
    const gone = partsOf(call, argument)[part];
    assert(gone !== undefined);
    await using far = memoryCache();
    await using link = await SteppedLink.start(far);
    await link.cache.accept(call.record, sourceOf(call, [gone.digest]), { arguments: true });
    assert.deepEqual(await (await far.load(call.record.key)).result(), numbers(MANY, 4));
    // Nothing refers to what is not there.
    assert.deepEqual(await far.missing([gone, argument]), [gone, argument]);
  });
}

Deno.test("SshCache files no call of which a part of the result is gone here", async () => {
  const result = [numbers(MANY, 1), [numbers(MANY, 2), "x".repeat(2000)]];
  const call = await filed(new Call({ name: "f", arguments: { x: 1 }, result }));
  await using far = memoryCache();
  await using link = await SteppedLink.start(far);
  for (const gone of call.values.keys()) {
    await assert.rejects(
      link.cache.accept(call.record, sourceOf(call, [gone]), { arguments: true }),
      NotFoundError,
    );
    assert.equal(await far.contains(call.record.key), false);
  }
  await link.cache.accept(call.record, sourceOf(call), { arguments: true });
  assert.deepEqual(await (await far.load(call.record.key)).result(), result);
});

Deno.test("SshCache files a call whose argument is gone here and whose result was lost there", async () => {
  const x = [numbers(MANY, 1), numbers(MANY, 2), "x".repeat(2000)];
  const call = await filed(new Call({ name: "f", arguments: { x }, result: numbers(MANY, 4) }));
  const [argument] = argumentsOf(call);
  const [result] = call.record.resultReferences;
  assert(argument !== undefined && result !== undefined);
  const [gone] = partsOf(call, argument);
  assert(gone !== undefined);
  await using far = memoryCache();
  const other = await far.save(new Call({ name: "other", result: numbers(MANY, 4) }));
  await using link = await SteppedLink.start(far);
  // Removed between the question and the save.
  const missing = far.missing.bind(far);
  let isFirst = true;
  far.missing = async (references) => {
    const answered = await missing(references);
    if (isFirst) {
      await far.evict(other);
      await far.gc({ grace: 0 });
    }
    isFirst = false;
    return answered;
  };
  await link.cache.accept(call.record, sourceOf(call, [gone.digest]), { arguments: true });
  assert.deepEqual(await (await far.load(call.record.key)).result(), numbers(MANY, 4));
});

Deno.test("SshCache sends an argument again that was collected on the other side", async () => {
  for (const length of [500, MANY]) {
    const [x, result] = [numbers(length, 1), numbers(length, 2)];
    const call = await filed(new Call({ name: "f", arguments: { x }, result }));
    await using far = memoryCache();
    await using link = await SteppedLink.start(far);
    const { key } = call.record;
    const accept = () => link.cache.accept(call.record, sourceOf(call), { arguments: true });
    await accept();
    assert.deepEqual(await far.missing(call.references), []);
    await far.evict(key);
    await far.gc({ grace: 0 });
    assert.equal((await far.missing(call.references)).length, 2);
    await accept();
    assert.deepEqual(await far.missing(call.references), []);
    assert.deepEqual(await (await far.load(key)).argument("x"), x);
  }
});

Deno.test("SshCache asks once for each level of a value's parts", async () => {
  // Each row is a value of its own, with two parts.
  const rows = Array.from({ length: 20 }, (_, row) => [
    ...Array.from({ length: 30_000 }, (_, column) => column + row),
    numbers(MANY, 2 * row + 1),
    numbers(MANY, 2 * row + 2),
  ]);
  const call = await filed(new Call({ name: "f", arguments: { x: 1 }, result: rows }));
  await using far = memoryCache();
  await using link = await SteppedLink.start(far);
  const { questions } = counted(far);
  const levels = levelsOf(call);
  assert(levels > 1);
  const { sent } = await link.cost(() => link.cache.accept(call.record, sourceOf(call)));
  assert.deepEqual(new Set(sent), new Set(call.values.keys()));
  assert.equal(sent.length, call.values.size);
  // Small levels are not asked for, and the save looks for what was not sent.
  assert(questions.length <= levels, `${questions.length} questions for ${levels} levels`);
});

function levelsOf(call: FiledCall): number {
  let count = 0;
  for (let level = call.record.resultReferences; level.length > 0; count++) {
    level = level.flatMap((each) => partsOf(call, each));
  }
  return count;
}

Deno.test("SshCache reads the small parts of a level together where each takes a round trip", async () => {
  const result = Array.from({ length: 20 }, (_, index) => numbers(MANY, index + 1));
  const call = await filed(new Call({ name: "f", arguments: { x: 1 }, result }));
  assert.equal(call.record.resultReferences.length, 20);
  for (const isSlow of [true, false]) {
    await using far = memoryCache();
    await using link = await SteppedLink.start(far);
    let underWay = 0;
    let most = 0;
    const plain = sourceOf(call);
    const source: ValueSource = {
      read: async (reference) => {
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => setTimeout(resolve));
        underWay--;
        return await plain.read(reference);
      },
      ...isSlow ? { deep: { readDeep: () => assert.fail("More was read than is missing") } } : {},
    };
    await link.cache.accept(call.record, source);
    assert.deepEqual(await (await far.load(call.record.key)).result(), result);
    // What takes no round trip takes memory.
    assert.equal(most > 1, isSlow, `${most} at a time`);
    assert(most <= 20);
  }
});

Deno.test("SshCache copies from one machine to another in few round trips", async () => {
  await using from = memoryCache();
  await using to = memoryCache();
  const result = Array.from({ length: 30 }, (_, index) => numbers(MANY, index + 1));
  const key = await from.save(new Call({ name: "f", result }));
  await using source = await SteppedLink.start(from);
  await using target = await SteppedLink.start(to);
  const call = await source.cache.peek(key);
  assert(call !== undefined);
  const { trips } = await source.cost(() =>
    target.cache.accept(call.detach(), call.values, { arguments: true })
  );
  assert.deepEqual(await (await to.load(key)).result(), result);
  assert(trips < 15, `${trips} round trips`);
});
