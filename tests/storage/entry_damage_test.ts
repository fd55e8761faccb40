import {
  Cache,
  CallFile,
  CallMemory,
  fleche,
  NotFoundError,
  type SealOptions,
  ValueSqlite,
  withCache,
} from "@fleche/core";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { zstdCompressSync } from "node:zlib";
import { joined } from "../../src/codec/encoding.ts";
import { CALL_DOORS, DAMAGES, type Door, flipped, VALUE_DOORS } from "./_doors.ts";
import {
  assertAlike,
  bytesOf,
  recordOf,
  type Sample,
  sampleOf,
  sampleOfLength,
} from "./_samples.ts";
import { filesBelow, TemporaryFolder } from "./_temporary_folder.ts";
import { Warnings } from "./_warnings.ts";

const MIB = 1 << 20;

/** A gigabyte in a few kilobytes. */
const BOMB = zstdCompressSync(new Uint8Array(1024 * MIB - 1));

/** Forms of what is not signed. */
const FORMS: Readonly<Record<string, SealOptions>> = {
  "as it is": {},
  "with zstd": { compress: "zstd" },
  "with gzip": { compress: "gzip" },
};

/** Values that are read in different ways. */
const SAMPLES: Readonly<Record<string, () => Sample>> = {
  "2 kB": () => sampleOf(Array.from({ length: 500 }, (_, index) => index * index)),
  "1 MiB": () => sampleOf(Float64Array.from({ length: MIB / 8 }, (_, index) => index % 77)),
  "1 MiB of noise": () => sampleOfLength(MIB),
};

for (const door of VALUE_DOORS) {
  for (const [form, options] of Object.entries(FORMS)) {
    for (const size of ["2 kB", "1 MiB"]) {
      for (const [damage, harm] of Object.entries(DAMAGES)) {
        // Zeros unpack to more than there was: see below.
        if (form === "with gzip" && damage === "a tail of zeros") continue;
        Deno.test(`${door.name}, ${form}, puts ${size} with ${damage} aside`, async () => {
          using folder = new TemporaryFolder();
          await using storage = door.open(folder.path, options);
          const sample = SAMPLES[size]?.();
          assert(sample !== undefined);
          await storage.put(sample.reference, sample.encoding);
          const harmed = Uint8Array.from(harm(door.read(folder.path, sample.digest)));
          using warnings = new Warnings();
          for (const expected of [sample.reference, undefined]) {
            door.write(folder.path, sample.digest, harmed);
            assert.equal(await storage.get(sample.digest, expected), undefined);
            assert.equal(await storage.has(sample.digest), false);
            await storage.put(sample.reference, sample.encoding);
            const found = await storage.get(sample.digest, expected);
            assert(found !== undefined);
            assertAlike(joined(found), bytesOf(sample));
          }
          assert.equal(warnings.texts.length, 1, warnings.texts.join("\n"));
          assert.equal(warnings.about("quarantine"), 1);
          const aside = door.quarantined(folder.path);
          assert.equal(aside.length, 2);
          for (const bytes of aside) assertAlike(bytes, harmed);
        });
      }
    }

    Deno.test(`${door.name}, ${form}, keeps what is right, whatever a reference says`, async () => {
      for (const make of Object.values(SAMPLES)) {
        using folder = new TemporaryFolder();
        using warnings = new Warnings();
        await using storage = door.open(folder.path, options);
        const sample = make();
        await storage.put(sample.reference, sample.encoding);
        const stored = door.read(folder.path, sample.digest);
        const { digest, crc, length } = sample.reference;
        for (
          const wrong of [{ digest, crc: crc ^ 1, length }, { digest, crc, length: length + 1 }]
        ) {
          const found = await storage.get(digest, wrong);
          assert(found !== undefined);
          assertAlike(joined(found), bytesOf(sample));
        }
        assertAlike(door.read(folder.path, digest), stored);
        assert.deepEqual(door.quarantined(folder.path), []);
        assert.deepEqual(warnings.texts, []);
      }
    });
  }

  Deno.test(`${door.name} does not unpack more than a reference allows`, async () => {
    for (const options of Object.values(FORMS)) {
      using folder = new TemporaryFolder();
      using warnings = new Warnings();
      await using storage = door.open(folder.path, options);
      const sample = sampleOf("x".repeat(2000));
      await storage.put(sample.reference, sample.encoding);
      const bomb = Uint8Array.from(BOMB);
      door.write(folder.path, sample.digest, bomb);
      for (let round = 0; round < 2; round++) {
        assert.equal(await storage.get(sample.digest, sample.reference), undefined);
      }
      // It may be right, and the reference wrong: what it holds nobody knows.
      assertAlike(door.read(folder.path, sample.digest), bomb);
      assert.equal(warnings.texts.length, 1, warnings.texts.join("\n"));
      assert.equal(warnings.about(sample.digest), 1);
      await storage.put(sample.reference, sample.encoding);
      const found = await storage.get(sample.digest, sample.reference);
      assert(found !== undefined);
      assertAlike(joined(found), bytesOf(sample));
    }
  });

  for (const [from, to] of [[{}, FORMS["with zstd"]], [FORMS["with zstd"], {}]] as const) {
    Deno.test(`${door.name} takes ${JSON.stringify(from)} for ${JSON.stringify(to)}`, async () => {
      using folder = new TemporaryFolder();
      const samples = Object.values(SAMPLES).map((make) => make());
      for (const options of [from, to, from]) {
        await using storage = door.open(folder.path, options);
        for (const sample of samples) {
          await storage.put(sample.reference, sample.encoding);
          const found = await storage.get(sample.digest, sample.reference);
          assert(found !== undefined);
          assertAlike(joined(found), bytesOf(sample));
        }
        assert.equal((await storage.list("")).length, samples.length);
      }
      assert.deepEqual(door.quarantined(folder.path), []);
    });
  }
}

Deno.test("compressed values take less room", async () => {
  for (const door of VALUE_DOORS) {
    for (const compress of ["zstd", "gzip"] as const) {
      using folder = new TemporaryFolder();
      await using storage = door.open(folder.path, { compress });
      const { reference, encoding, digest } = sampleOf(new Float64Array(20_000).fill(1.5));
      await storage.put(reference, encoding);
      const [entry] = await Array.fromAsync(storage.entries());
      assert.equal(entry?.length, door.read(folder.path, digest).length);
      assert((entry?.length ?? Infinity) < reference.length / 50);
    }
  }
});

const [FILES] = CALL_DOORS;

function filesDoor(): Door<CallFile> {
  assert(FILES !== undefined);
  return FILES as Door<CallFile>;
}

for (const [form, options] of Object.entries(FORMS)) {
  for (const [damage, harm] of Object.entries(DAMAGES)) {
    Deno.test(`CallFile, ${form}, puts a record with ${damage} aside`, async () => {
      using folder = new TemporaryFolder();
      const door = filesDoor();
      const storage = door.open(folder.path, options);
      const record = await recordOf({ name: "f", arguments: { x: 1 }, result: "y".repeat(900) });
      storage.put(record);
      const harmed = harm(door.read(folder.path, record.key));
      door.write(folder.path, record.key, harmed);
      using warnings = new Warnings();
      assert.equal(storage.get(record.key), undefined);
      assert.equal(storage.has(record.key), false);
      assert.equal(warnings.texts.length, 1);
      assert.equal(warnings.about("quarantine"), 1);
      assert.deepEqual(door.quarantined(folder.path), [Uint8Array.from(harmed)]);
      storage.put(record);
      assert.deepEqual(storage.get(record.key)?.fields, record.fields);
    });
  }
}

Deno.test("CallFile misses a record with any byte flipped, the time included", async () => {
  using folder = new TemporaryFolder();
  const door = filesDoor();
  const storage = door.open(folder.path);
  const record = await recordOf({ name: "f", arguments: { x: 1.5, y: "s" }, result: [1, 2] });
  storage.put(record);
  const stored = door.read(folder.path, record.key);
  assert.equal(stored.length, record.bytes.length + 15);
  using warnings = new Warnings();
  for (let at = 0; at < stored.length; at++) {
    door.write(folder.path, record.key, flipped(stored, at));
    assert.equal(storage.get(record.key), undefined, `byte ${at}`);
  }
  assert.equal(door.quarantined(folder.path).length, stored.length);
  assert.equal(warnings.texts.length, 1);
});

Deno.test("CallFile refuses a record that was moved to another key", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  const door = filesDoor();
  const storage = door.open(folder.path);
  const record = await recordOf({ name: "f", arguments: { x: 1 }, result: 2 });
  const { key } = await recordOf({ name: "f", arguments: { x: 9 }, result: 3 });
  storage.put(record);
  door.copy(folder.path, record.key, key);
  assert.equal(storage.get(key), undefined);
  assert.deepEqual(storage.get(record.key)?.fields, record.fields);
});

Deno.test("a search in CallFile passes damaged records over, each with one error", async () => {
  using folder = new TemporaryFolder();
  const door = filesDoor();
  const storage = door.open(folder.path);
  const records = await Promise.all(
    [1, 2, 3, 4].map((x) => recordOf({ name: "f", arguments: { x }, result: x })),
  );
  for (const record of records) storage.put(record);
  const [one, two, three, four] = records.map(({ key }) => key);
  assert(one !== undefined && two !== undefined && three !== undefined);
  door.write(folder.path, two, flipped(door.read(folder.path, two), 30));
  using errors = new Warnings("error");
  const keys = () => Array.fromAsync(storage.records({ name: "f" }), ({ key }) => key);
  assert.deepEqual(await keys(), [four, three, one]);
  assert.deepEqual(await keys(), [four, three, one]);
  assert.equal(errors.texts.length, 1, errors.texts.join("\n"));
  assert.equal(errors.about(two), 1);
});

Deno.test("CallFile bears a folder in place of a file", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  const storage = new CallFile({ root: folder.path });
  const record = await recordOf({ name: "f", arguments: { x: 1 }, result: 2 });
  Deno.mkdirSync(folder.join("v1", record.key.slice(0, 2), record.key, "inner"), {
    recursive: true,
  });
  assert.deepEqual(await Array.fromAsync(storage.records()), []);
  assert.equal(storage.get(record.key), undefined);
  storage.put(record);
  assert.deepEqual(storage.get(record.key)?.fields, record.fields);
});

Deno.test("a damaged record file is computed again, with one warning", async () => {
  using folder = new TemporaryFolder();
  const door = filesDoor();
  await using cache = new Cache({
    values: new ValueSqlite({ path: folder.join("values.db") }),
    calls: door.open(folder.join("calls")),
  });
  let runs = 0;
  const square = fleche((x: number) => (runs++, x * x), { name: "square", version: 1 });
  using warnings = new Warnings();
  await withCache(cache, async () => {
    const key = square.digest(12);
    await square(12);
    const stored = door.read(folder.join("calls"), key);
    door.write(folder.join("calls"), key, flipped(stored, 40));
    await assert.rejects(cache.load(key), NotFoundError);
    for (let round = 0; round < 3; round++) assert.equal(await square(12), 144);
  });
  assert.equal(runs, 2);
  assert.equal(warnings.texts.length, 1, warnings.texts.join("\n"));
  assert.equal(filesBelow(folder.join("calls", "quarantine")).length, 1);
});

Deno.test("a damaged value in SQLite is computed again, with one warning", async () => {
  using folder = new TemporaryFolder();
  const path = folder.join("values.db");
  await using cache = new Cache({ values: new ValueSqlite({ path }), calls: new CallMemory() });
  let runs = 0;
  const ramp = fleche((length: number) => {
    runs++;
    return Float64Array.from({ length }, (_, index) => index / 7);
  }, { name: "ramp", version: 1 });
  using warnings = new Warnings();
  await withCache(cache, async () => {
    const first = await ramp(1000);
    using database = new DatabaseSync(path);
    database.exec("UPDATE encoded_values SET bytes = zeroblob(length(bytes))");
    for (let round = 0; round < 3; round++) assert.deepEqual(await ramp(1000), first);
  });
  assert.equal(runs, 2);
  assert.equal(warnings.texts.length, 1, warnings.texts.join("\n"));
});

Deno.test("a damaged database of values never gives a wrong one, and errors name it", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  const path = folder.join("values.db");
  const samples = Array.from({ length: 40 }, (_, x) => sampleOf(`${x} `.repeat(400)));
  {
    await using storage = new ValueSqlite({ path, journal: "delete" });
    for (const { reference, encoding } of samples) await storage.put(reference, encoding);
  }
  const whole = Deno.readFileSync(path);
  let failures = 0;
  let misses = 0;
  for (let page = 1; page * 4096 < whole.length; page++) {
    Deno.writeFileSync(path, whole.slice().fill(0xa5, page * 4096 + 8, page * 4096 + 2000));
    await using storage = new ValueSqlite({ path });
    for (const sample of samples) {
      try {
        const found = await storage.get(sample.digest, sample.reference);
        if (found === undefined) misses++;
        else assertAlike(joined(found), bytesOf(sample));
      } catch (error) {
        assert(error instanceof Error && !(error instanceof assert.AssertionError), String(error));
        assert(error.message.includes(path), error.message);
        failures++;
      }
    }
  }
  assert(failures + misses > 0);
});
