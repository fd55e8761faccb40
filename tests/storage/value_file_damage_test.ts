import {
  Cache,
  CallMemory,
  CorruptValueError,
  fleche,
  NotFoundError,
  ValueFile,
  type ValueFileOptions,
  withCache,
} from "@fleche/core";
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { joined } from "../../src/codec/encoding.ts";
import { assertAlike, bytesOf, type Sample, sampleOf, sampleOfLength } from "./_samples.ts";
import { filesBelow, TemporaryFolder } from "./_temporary_folder.ts";
import { Warnings } from "./_warnings.ts";

const MIB = 1 << 20;

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 0x40;
  return copy;
}

/** What can befall the bytes of a file. */
const DAMAGES: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  "its first byte flipped": (bytes) => flipped(bytes, 0),
  "its middle byte flipped": (bytes) => flipped(bytes, bytes.length >> 1),
  "its last byte flipped": (bytes) => flipped(bytes, bytes.length - 1),
  "its last byte missing": (bytes) => bytes.subarray(0, -1),
  "its second half missing": (bytes) => bytes.subarray(0, bytes.length >> 1),
  "a tail of zeros": (bytes) => bytes.slice().fill(0, bytes.length >> 1),
  "all bytes missing": () => new Uint8Array(0),
  "a byte too many": (bytes) => concat(bytes, Uint8Array.of(0)),
  "another value's bytes": (bytes) => bytesOf(sampleOf(`other ${bytes.length}`)),
};

function concat(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

/** Values that are read in different ways. */
const SAMPLES: Readonly<Record<string, () => Sample>> = {
  "2 kB": () => sampleOf("x".repeat(2000)),
  "1 MiB - 1": () => sampleOfLength(MIB - 1),
  "1 MiB": () => sampleOfLength(MIB),
  "a string of 2 MiB": () => sampleOf("y".repeat(2 * MIB)),
};

/** A storage that holds one value, and the path of its file. */
function storedIn(
  folder: TemporaryFolder,
  sample: Sample,
  options: Partial<ValueFileOptions> = {},
) {
  const storage = new ValueFile({ root: folder.path, ...options });
  storage.put(sample.reference, sample.encoding);
  const path = folder.join("v1", sample.digest.slice(0, 2), sample.digest);
  assert.equal(Deno.statSync(path).size, sample.reference.length);
  return { storage, path };
}

async function assertWhole(storage: ValueFile, sample: Sample): Promise<void> {
  const found = await storage.get(sample.digest, sample.reference);
  assert(found !== undefined);
  assertAlike(joined(found), bytesOf(sample));
}

for (const [size, make] of Object.entries(SAMPLES)) {
  for (const [damage, harm] of Object.entries(DAMAGES)) {
    Deno.test(`ValueFile puts a file of ${size} with ${damage} aside`, async () => {
      using folder = new TemporaryFolder();
      const sample = make();
      const { storage, path } = storedIn(folder, sample);
      const harmed = harm(bytesOf(sample));
      for (const expected of [sample.reference, undefined]) {
        Deno.writeFileSync(path, harmed);
        using warnings = new Warnings();
        assert.equal(await storage.get(sample.digest, expected), undefined);
        assert.equal(await storage.get(sample.digest, expected), undefined);
        assert.equal(storage.has(sample.digest), false);
        // What befalls one file twice is said once.
        assert.equal(warnings.texts.length, expected === undefined ? 0 : 1);
        if (expected !== undefined) assert.equal(warnings.about("quarantine"), 1);
        storage.put(sample.reference, sample.encoding);
        await assertWhole(storage, sample);
      }
      const aside = filesBelow(folder.join("quarantine"));
      assert.equal(aside.length, 2);
      for (const name of aside) {
        assert(name.startsWith(sample.digest));
        const kept = Deno.readFileSync(folder.join("quarantine", name));
        assertAlike(kept, new Uint8Array(harmed));
      }
    });
  }
}

for (const size of ["2 kB", "1 MiB"]) {
  Deno.test(`ValueFile bears a folder in place of a file of ${size}`, async () => {
    using folder = new TemporaryFolder();
    const sample = SAMPLES[size]?.();
    assert(sample !== undefined);
    const { storage, path } = storedIn(folder, sample);
    for (const expected of [sample.reference, undefined]) {
      Deno.removeSync(path);
      Deno.mkdirSync(join(path, "inner"), { recursive: true });
      using _ = new Warnings();
      assert.equal(await storage.get(sample.digest, expected), undefined);
      storage.put(sample.reference, sample.encoding);
      await assertWhole(storage, sample);
    }
  });
}

Deno.test("a damaged value is computed again, with one warning", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  const cache = new Cache({
    values: new ValueFile({ root: folder.path }),
    calls: new CallMemory(),
  });
  let runs = 0;
  const ramp = fleche((length: number) => {
    runs++;
    return Float64Array.from({ length }, (_, index) => index / 7);
  }, { name: "ramp", version: 1 });

  await withCache(cache, async () => {
    const first = await ramp(1000);
    const [file = ""] = filesBelow(folder.join("v1"));
    const path = folder.join("v1", file);
    Deno.writeFileSync(path, flipped(Deno.readFileSync(path), 4321));
    assert.deepEqual(await ramp(1000), first);
    assert.deepEqual(await ramp(1000), first);
    assert.equal(runs, 2);
    assert.deepEqual(filesBelow(folder.join("v1")), [file]);
  });
  assert.equal(filesBelow(folder.join("quarantine")).length, 1);
  assert.equal(warnings.texts.length, 1, warnings.texts.join("\n"));
});

Deno.test("a file that is right is never moved, whatever a reference says", async () => {
  for (const sample of [sampleOf("x".repeat(2000)), sampleOfLength(2 * MIB)]) {
    using folder = new TemporaryFolder();
    using warnings = new Warnings();
    const { storage, path } = storedIn(folder, sample);
    const { digest, crc, length } = sample.reference;
    const changed = Deno.statSync(path).ctime?.getTime();
    for (const wrong of [{ digest, crc: crc ^ 1, length }, { digest, crc, length: length + 1 }]) {
      const found = await storage.get(digest, wrong);
      assert(found !== undefined);
      assertAlike(joined(found), bytesOf(sample));
      assertAlike(Deno.readFileSync(path), bytesOf(sample));
    }
    // Moved and put back, it would have been away for a moment.
    assert.equal(Deno.statSync(path).ctime?.getTime(), changed);
    assert.equal(existsSync(folder.join("quarantine")), false);
    assert.deepEqual(warnings.texts, []);
  }
});

/**
 * CRC-32's generator polynomial as a pattern of bits: what is exclusively or'ed with it keeps its
 * check sum (IEEE 802.3; zlib sends the lowest bit of each byte first).
 */
const GENERATOR = Uint8Array.of(0x41, 0x06, 0x71, 0xdb, 0x01);

function withSameCrc(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  GENERATOR.forEach((byte, index) => copy[at + index] = (copy[at + index] ?? 0) ^ byte);
  return copy;
}

for (const length of [80_000, MIB, 2 * MIB]) {
  Deno.test(`verify decides how ${length} bytes are checked`, async () => {
    using _ = new Warnings();
    const sample = sampleOfLength(length);
    const forged = withSameCrc(bytesOf(sample), length >> 1);
    assert.equal(crc32(forged), sample.reference.crc);

    const outcome = async (
      options: Partial<ValueFileOptions>,
      bytes: Uint8Array,
      known: boolean,
    ) => {
      using folder = new TemporaryFolder();
      const { storage, path } = storedIn(folder, sample, options);
      Deno.writeFileSync(path, bytes);
      const found = await storage.get(sample.digest, known ? sample.reference : undefined);
      if (found !== undefined) assertAlike(joined(found), new Uint8Array(bytes));
      return found === undefined ? "put aside" : "returned";
    };
    const harmed = flipped(bytesOf(sample), 20);

    assert.equal(await outcome({}, harmed, true), "put aside");
    assert.equal(await outcome({}, forged, true), "returned");
    assert.equal(await outcome({}, forged, false), "put aside");
    assert.equal(await outcome({ verify: "crc" }, forged, true), "returned");
    assert.equal(await outcome({ verify: "sha256" }, forged, true), "put aside");
    assert.equal(await outcome({ verify: "sha256" }, forged, false), "put aside");
    assert.equal(await outcome({ verify: false }, harmed, true), "returned");
    // Nothing else tells a value from what only stands under its name.
    assert.equal(await outcome({ verify: false }, harmed, false), "put aside");
  });
}

for (const size of ["2 kB", "1 MiB", "a string of 2 MiB"]) {
  Deno.test(`a torn file of ${size} is no value even where verify is false`, async () => {
    using folder = new TemporaryFolder();
    using _ = new Warnings();
    const sample = SAMPLES[size]?.();
    assert(sample !== undefined);
    const { storage, path } = storedIn(folder, sample, { verify: false });
    await using cache = new Cache({ values: storage, calls: new CallMemory() });
    Deno.truncateSync(path, sample.reference.length - 9);
    await assert.rejects(
      cache.loadValue(sample.digest),
      (error) => error instanceof CorruptValueError || error instanceof NotFoundError,
    );
  });
}
