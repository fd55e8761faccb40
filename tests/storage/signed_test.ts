import {
  Cache,
  CacheStack,
  Call,
  CallMemory,
  CallRecord,
  type CallStorage,
  digest,
  fleche,
  NotFoundError,
  type SealOptions,
  ValueMemory,
  type ValueStorage,
  withCache,
} from "@fleche/core";
import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import { joined } from "../../src/codec/encoding.ts";
import { MAX_UNCHECKED_CONTENT } from "../../src/storage/_value_check.ts";
import { makeSeal } from "../../src/storage/seal.ts";
import { referenceSlot } from "../../src/slot.ts";
import { CALL_DOORS, type Door, flipped, VALUE_DOORS } from "./_doors.ts";
import {
  assertAlike,
  bytesOf,
  recordOf,
  type Sample,
  sampleOf,
  sampleOfLength,
} from "./_samples.ts";
import { KEY, OTHER_KEY } from "./_seals.ts";
import { TemporaryFolder } from "./_temporary_folder.ts";
import { Warnings } from "./_warnings.ts";

/** Ways of signing, and the keys of somebody else. */
const SIGNED: Readonly<Record<string, SealOptions>> = {
  signed: { secretKey: [KEY] },
  "compressed and signed": { compress: "zstd", secretKey: [KEY] },
};
const OTHERS: SealOptions = { secretKey: [OTHER_KEY] };

/** Values that are read in different ways; the last one does not become shorter. */
const SAMPLES: Readonly<Record<string, () => Sample>> = {
  "2 kB": () => sampleOf("x".repeat(2000)),
  "1 MiB": () => sampleOf(new Float64Array(1 << 17).fill(0.5)),
  "1 MiB of noise": () => sampleOfLength(1 << 20),
};

function sealed(options: SealOptions, name: string, content: Uint8Array): Uint8Array {
  const seal = makeSeal("value", options);
  return seal === undefined ? content : joined(seal.close(name, { head: content })).slice();
}

/** What stands in the place of a value, although nobody with the key put it there. */
const FORGERIES: Readonly<
  Record<string, (sample: Sample, stored: Uint8Array, options: SealOptions) => Uint8Array>
> = {
  "without a signature": (sample) => bytesOf(sample),
  "compressed, without a signature": (sample) =>
    sealed({ compress: "zstd" }, sample.digest, bytesOf(sample)),
  "signed with another key": (sample) => sealed(OTHERS, sample.digest, bytesOf(sample)),
  "signed as another value": (sample, _, options) =>
    sealed(options, sampleOf("other").digest, bytesOf(sample)),
  "with another content": (_, stored) => flipped(stored, 10),
  "with another signature": (_, stored) => flipped(stored, stored.length - 5),
  "cut short": (_, stored) => stored.subarray(0, stored.length - 40),
  "shorter than a signature": (_, stored) => stored.subarray(0, 31),
  "empty": () => new Uint8Array(0),
};

async function assertFound(storage: ValueStorage, sample: Sample): Promise<void> {
  for (const expected of [sample.reference, undefined]) {
    const found = await storage.get(sample.digest, expected);
    assert(found !== undefined);
    assertAlike(joined(found), bytesOf(sample));
  }
}

for (const door of VALUE_DOORS) {
  for (const [how, options] of Object.entries(SIGNED)) {
    for (const [size, make] of Object.entries(SAMPLES)) {
      for (const [what, forge] of Object.entries(FORGERIES)) {
        Deno.test(`${door.name}, ${how}, does not see a value of ${size} ${what}`, async () => {
          using folder = new TemporaryFolder();
          await using storage = door.open(folder.path, options);
          const sample = make();
          await storage.put(sample.reference, sample.encoding);
          await assertFound(storage, sample);
          const forged = forge(sample, door.read(folder.path, sample.digest), options);
          door.write(folder.path, sample.digest, forged);
          using warnings = new Warnings();
          for (const expected of [sample.reference, undefined, sample.reference]) {
            assert.equal(await storage.get(sample.digest, expected), undefined);
          }
          assert.equal(warnings.texts.length, 1, warnings.texts.join("\n"));
          // By its name in programs, and by that in a configuration.
          assert.match(warnings.texts[0] ?? "", /\bsecretKey \(secret_key\b/);
          assert.equal(warnings.about(sample.digest), 1);
          assert.equal(warnings.about(KEY), 0);
          // It may be somebody else's.
          assertAlike(door.read(folder.path, sample.digest), Uint8Array.from(forged));
          assert.deepEqual(door.quarantined(folder.path), []);
          await storage.put(sample.reference, sample.encoding);
          await assertFound(storage, sample);
        });
      }
    }

    Deno.test(`${door.name}, ${how}, replaces what a former run finds forged`, async () => {
      using folder = new TemporaryFolder();
      const sample = sampleOf("x".repeat(2000));
      {
        await using storage = door.open(folder.path, options);
        await storage.put(sample.reference, sample.encoding);
      }
      const stored = door.read(folder.path, sample.digest);
      door.write(folder.path, sample.digest, flipped(stored, 10));
      // Of the same length, and never read: only the signature shows that it is not whole.
      await using storage = door.open(folder.path, options);
      await storage.put(sample.reference, sample.encoding);
      assertAlike(door.read(folder.path, sample.digest), stored);
    });
  }

  Deno.test(`${door.name} warns once of all that it cannot verify`, async () => {
    using folder = new TemporaryFolder();
    const samples = [1, 2, 3].map(sampleOf);
    {
      await using storage = door.open(folder.path, OTHERS);
      for (const { reference, encoding } of samples) await storage.put(reference, encoding);
    }
    await using storage = door.open(folder.path, SIGNED["signed"]);
    using warnings = new Warnings();
    for (const { digest, reference } of samples) {
      assert.equal(await storage.get(digest, reference), undefined);
    }
    assert.equal(warnings.texts.length, 1);
    assert.equal(warnings.about(folder.path), 1);
  });

  Deno.test(`${door.name} reads with a rotated key, and signs anew what is stored again`, async () => {
    using folder = new TemporaryFolder();
    const [one, two] = [sampleOf("one".repeat(100)), sampleOf("two".repeat(100))];
    {
      await using storage = door.open(folder.path, { secretKey: [KEY] });
      for (const { reference, encoding } of [one, two]) await storage.put(reference, encoding);
    }
    {
      using warnings = new Warnings();
      await using storage = door.open(folder.path, { secretKey: [OTHER_KEY, KEY] });
      for (const sample of [one, two]) await assertFound(storage, sample);
      await storage.put(one.reference, one.encoding);
      assert.deepEqual(warnings.texts, []);
    }
    using _ = new Warnings();
    await using storage = door.open(folder.path, { secretKey: [OTHER_KEY] });
    await assertFound(storage, one);
    assert.equal(await storage.get(two.digest, two.reference), undefined);
  });

  Deno.test(`${door.name} without keys leaves what is signed or compressed as it is`, async () => {
    for (const options of [...Object.values(SIGNED), { compress: "gzip" as const }]) {
      for (const make of Object.values(SAMPLES)) {
        using folder = new TemporaryFolder();
        const sample = make();
        {
          await using storage = door.open(folder.path, options);
          await storage.put(sample.reference, sample.encoding);
        }
        const stored = door.read(folder.path, sample.digest);
        await using storage = door.open(folder.path);
        for (let again = 0; again < 2; again++) {
          await storage.put(sample.reference, sample.encoding);
          assertAlike(door.read(folder.path, sample.digest), stored);
        }
        // But not what is damaged.
        door.write(folder.path, sample.digest, flipped(stored, 10).slice(0, -1));
        await storage.put(sample.reference, sample.encoding);
        assertAlike(door.read(folder.path, sample.digest), bytesOf(sample));
      }
    }
  });

  Deno.test(`${door.name} reads what was signed by its digest, even unverified`, async () => {
    for (const make of Object.values(SAMPLES)) {
      using folder = new TemporaryFolder();
      const sample = make();
      {
        await using storage = door.open(folder.path, SIGNED["signed"]);
        await storage.put(sample.reference, sample.encoding);
      }
      await using storage = door.open(folder.path, { verify: false });
      for (const reference of [undefined, sample.reference]) {
        const found = await storage.get(sample.digest, reference);
        assert(found !== undefined);
        assertAlike(joined(found), bytesOf(sample));
      }
    }
  });

  Deno.test(`${door.name} reads long compressed values by their digest`, async () => {
    const sample = sampleOf(new Uint8Array(MAX_UNCHECKED_CONTENT));
    for (
      const options of [{ compress: "gzip", secretKey: [KEY] }, {
        compress: "zstd",
        secretKey: [KEY],
      }] as const
    ) {
      using folder = new TemporaryFolder();
      {
        await using storage = door.open(folder.path, options);
        await storage.put(sample.reference, sample.encoding);
      }
      for (const own of [options, {}]) {
        await using storage = door.open(folder.path, own);
        assert.equal(await storage.check?.(sample.digest), true);
        const found = await storage.get(sample.digest);
        assert(found !== undefined);
        assertAlike(joined(found), bytesOf(sample));
      }
    }
  });

  Deno.test(`${door.name} puts aside what holds more than any value, and gc() goes on`, async () => {
    using folder = new TemporaryFolder();
    using _ = new Warnings();
    const frame = zstdCompressSync(new Uint8Array(1 << 28));
    const bomb = new Uint8Array(frame.length * 5);
    for (let at = 0; at < bomb.length; at += frame.length) bomb.set(frame, at);
    await using storage = door.open(folder.path);
    const garbage = sampleOf("x".repeat(2000));
    await storage.put(garbage.reference, garbage.encoding);
    const digest = "ab".repeat(32);
    door.copy(folder.path, garbage.digest, digest);
    door.write(folder.path, digest, bomb);
    assert.equal(await storage.check?.(digest), false);
    await using cache = new Cache({ values: storage, calls: new CallMemory() });
    const { removed } = await cache.gc({ grace: 0 });
    assert.equal(removed.entries, 1);
    assert.deepEqual(await storage.list(""), []);
    assert.equal(door.quarantined(folder.path).length, 1);
  });

  Deno.test(`${door.name} without keys reads what is signed or compressed`, async () => {
    for (
      const options of [...Object.values(SIGNED), { compress: true }, { compress: "gzip" as const }]
    ) {
      for (const make of Object.values(SAMPLES)) {
        using folder = new TemporaryFolder();
        using warnings = new Warnings();
        const sample = make();
        {
          await using storage = door.open(folder.path, options);
          await storage.put(sample.reference, sample.encoding);
        }
        const stored = door.read(folder.path, sample.digest);
        for (
          const own of [{}, { compress: "zstd" }, { compress: "gzip" }, {
            verify: "sha256",
          }] as const
        ) {
          await using storage = door.open(folder.path, own);
          await assertFound(storage, sample);
        }
        assertAlike(door.read(folder.path, sample.digest), stored);
        assert.deepEqual(door.quarantined(folder.path), []);
        assert.deepEqual(warnings.texts, []);
      }
    }
  });
}

function cacheOf(calls: CallStorage): Cache {
  return new Cache({ values: new ValueMemory(), calls });
}

async function assertMiss(
  door: Door<CallStorage>,
  { folder, key, options }: { folder: string; key: string; options: SealOptions },
): Promise<void> {
  await using storage = door.open(folder, options);
  using warnings = new Warnings();
  assert.equal(await storage.get(key), undefined);
  assert.equal(await storage.get(key), undefined);
  assert.deepEqual(await Array.fromAsync(storage.records(), (record) => record.key), []);
  assert.equal(await storage.getEmbedded(digest(1).hex), undefined);
  assert.equal(warnings.texts.length, 1, warnings.texts.join("\n"));
  assert.equal(warnings.about(key), 1);
  assert.deepEqual(door.quarantined(folder), []);
}

for (const door of CALL_DOORS) {
  for (const [how, options] of Object.entries(SIGNED)) {
    Deno.test(`${door.name}, ${how}, does not see a record with any byte changed`, async () => {
      using folder = new TemporaryFolder();
      await using storage = door.open(folder.path, options);
      const record = await recordOf({ name: "f", arguments: { x: 1 }, result: "y".repeat(300) });
      await storage.put(record);
      const stored = door.read(folder.path, record.key);
      using warnings = new Warnings();
      for (let at = 0; at < stored.length; at++) {
        const forged = flipped(stored, at);
        door.write(folder.path, record.key, forged);
        assert.equal(await storage.get(record.key), undefined, `byte ${at}`);
        assert.deepEqual(door.read(folder.path, record.key), Uint8Array.from(forged));
      }
      assert.equal(warnings.texts.length, 1);
      await storage.put(record);
      assert.deepEqual((await storage.get(record.key))?.fields, record.fields);
    });

    Deno.test(`${door.name}, ${how}, does not see a record that leads to another value`, async () => {
      using folder = new TemporaryFolder();
      const record = await recordOf({ name: "f", arguments: { x: 1 }, result: 2 });
      const lie = sampleOf("a lie".repeat(1000));
      const forged = CallRecord.build(record.key, {
        ...record.fields,
        result: referenceSlot(lie.reference),
      });
      // The forger has a storage of the same kind, but not the key.
      for (const own of [{}, OTHERS]) {
        {
          await using storage = door.open(folder.path, options);
          await storage.put(record);
        }
        {
          await using storage = door.open(folder.path, own);
          await storage.put(forged);
          const seen = await storage.get(record.key);
          assert.deepEqual(seen?.result, forged.result);
        }
        using moved = new TemporaryFolder();
        await Deno.rename(folder.path, moved.join("there"));
        await assertMiss(door, { folder: moved.join("there"), key: record.key, options });
        await Deno.rename(moved.join("there"), folder.path);
      }
    });

    Deno.test(`${door.name}, ${how}, does not take one call's record for another's`, async () => {
      using folder = new TemporaryFolder();
      const one = await recordOf({ name: "f", arguments: { x: 1 }, result: 2 });
      const two = await recordOf({ name: "f", arguments: { x: 5 }, result: 3 });
      {
        await using storage = door.open(folder.path, options);
        for (const record of [one, two]) await storage.put(record);
        door.copy(folder.path, one.key, two.key);
        await storage.delete(one.key);
      }
      await assertMiss(door, { folder: folder.path, key: two.key, options });
    });

    Deno.test(`a forged result in ${door.name}, ${how}, is computed again`, async () => {
      using folder = new TemporaryFolder();
      const options = { secretKey: [KEY] };
      let runs = 0;
      const square = fleche((x: number) => (runs++, x * x), { name: "square", version: 1 });
      const key = square.digest(12);
      {
        await using calls = door.open(folder.path, {});
        await withCache(cacheOf(calls), async () => {
          const record = (await recordOf({ name: "g", result: 145 })).result;
          await square(12);
          const known = await calls.get(key);
          assert(known !== undefined);
          await calls.put(CallRecord.build(key, { ...known.fields, result: record }));
          assert.equal(await square(12), 145);
        });
      }
      await using calls = door.open(folder.path, options);
      using warnings = new Warnings();
      const cache = cacheOf(calls);
      await assert.rejects(cache.load(key), NotFoundError);
      await withCache(cache, async () => {
        for (let round = 0; round < 3; round++) assert.equal(await square(12), 144);
      });
      assert.equal(runs, 2);
      assert.equal(warnings.texts.length, 1, warnings.texts.join("\n"));
    });
  }

  Deno.test(`${door.name} does not contain what nobody can load, and takes it anew`, async () => {
    using folder = new TemporaryFolder();
    using _ = new Warnings();
    const values = new ValueMemory();
    const call = new Call({ name: "f", arguments: { x: 1 }, result: 2 });
    const source = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
    await source.save(call);
    {
      await using forger = new Cache({ values, calls: door.open(folder.path, OTHERS) });
      await forger.save(call);
      assert.equal(await forger.contains(call.key), true);
    }
    await using cache = new Cache({ values, calls: door.open(folder.path, SIGNED["signed"]) });
    assert.equal(await cache.contains(call.key), false);
    assert.equal((await cache.verify()).unverifiedRecords.length, 1);
    assert.deepEqual(await source.transfer(cache), { moved: 1, skipped: 0, failed: 0 });
    assert.equal(await cache.contains(call.key), true);
    assert.equal(await (await cache.load(call.key)).result(), 2);
    assert.deepEqual(await source.transfer(cache), { moved: 0, skipped: 1, failed: 0 });
  });

  Deno.test(`${door.name} takes a call anew whose record is torn`, async () => {
    using folder = new TemporaryFolder();
    using _ = new Warnings();
    const call = new Call({ name: "f", arguments: { x: 1 }, result: 2 });
    const source = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
    await source.save(call);
    const calls = door.open(folder.path);
    await using cache = new Cache({ values: new ValueMemory(), calls });
    await cache.save(call);
    door.write(folder.path, call.key, door.read(folder.path, call.key).slice(0, 50));
    if (calls.capabilities.files === true) assert.equal(await cache.contains(call.key), false);
    const stack = new CacheStack([
      cache,
      new Cache({ values: new ValueMemory(), calls: new CallMemory() }),
    ]);
    for (const target of [stack, cache]) {
      assert.deepEqual(await source.transfer(target), { moved: 1, skipped: 0, failed: 0 });
      assert.equal(await (await target.load(call.key)).result(), 2);
      assert.deepEqual(await source.transfer(target), { moved: 0, skipped: 1, failed: 0 });
      door.write(folder.path, call.key, door.read(folder.path, call.key).slice(0, 50));
    }
  });

  Deno.test(`${door.name} reads records with a rotated key`, async () => {
    using folder = new TemporaryFolder();
    const record = await recordOf({ name: "f", arguments: { x: 1 }, result: 2 });
    {
      await using storage = door.open(folder.path, { secretKey: [KEY] });
      await storage.put(record);
    }
    {
      using warnings = new Warnings();
      await using storage = door.open(folder.path, { secretKey: [OTHER_KEY, KEY] });
      assert.deepEqual((await storage.get(record.key))?.fields, record.fields);
      assert.equal((await Array.fromAsync(storage.records())).length, 1);
      assert.deepEqual(warnings.texts, []);
    }
    await assertMiss(door, {
      folder: folder.path,
      key: record.key,
      options: { secretKey: [OTHER_KEY] },
    });
  });

  Deno.test(`${door.name} without keys reads records that are signed or compressed`, async () => {
    const record = await recordOf({ name: "f", arguments: { x: 1 }, result: "y".repeat(900) });
    for (
      const options of [...Object.values(SIGNED), { compress: true }, { compress: "gzip" as const }]
    ) {
      using folder = new TemporaryFolder();
      using warnings = new Warnings();
      {
        await using storage = door.open(folder.path, options);
        await storage.put(record);
      }
      for (const own of [{}, { compress: "gzip" }, { verify: "sha256" }] as const) {
        await using storage = door.open(folder.path, own);
        assert.deepEqual((await storage.get(record.key))?.fields, record.fields);
        assert.notEqual(await storage.getEmbedded(digest(1).hex), undefined);
      }
      assert.deepEqual(door.quarantined(folder.path), []);
      assert.deepEqual(warnings.texts, []);
    }
  });
}

Deno.test("a whole cache of signed files and SQLite serves who has the key, and nobody else", async () => {
  using folder = new TemporaryFolder();
  const [valueDoor] = VALUE_DOORS;
  const [, callDoor] = CALL_DOORS;
  assert(valueDoor !== undefined && callDoor !== undefined);
  const open = (options: SealOptions) =>
    new Cache({
      values: valueDoor.open(folder.path, options),
      calls: callDoor.open(folder.path, options),
    });
  const result = { series: new Float64Array(20_000).fill(0.25), text: "t".repeat(3000) };
  await using mine = open({ compress: true, secretKey: [KEY] });
  const key = await mine.save(new Call({ name: "f", arguments: { x: 1 }, result }));
  assert.deepEqual(await (await mine.load(key)).result(), result);
  using warnings = new Warnings();
  await using theirs = open(OTHERS);
  await assert.rejects(theirs.load(key), NotFoundError);
  await assert.rejects(theirs.loadValue(digest(result)), NotFoundError);
  assert.equal(warnings.texts.length, 2, warnings.texts.join("\n"));
  await using unsigned = new Cache({
    values: valueDoor.open(folder.path),
    calls: new CallMemory(),
  });
  assert.deepEqual(await unsigned.loadValue(digest(result)), result);
});
