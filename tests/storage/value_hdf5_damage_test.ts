import {
  Cache,
  CallHdf5,
  CallMemory,
  ConfigError,
  fleche,
  SaveError,
  ValueHdf5,
  type ValueHdf5Options,
  withCache,
} from "@fleche/core";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { joined } from "../../src/codec/encoding.ts";
import { loadLibrary, runLibrary } from "../../src/storage/_hdf5_library.ts";
import { fileOfValue } from "../../src/storage/_hdf5_value.ts";
import { assertAlike, bytesOf, recordOf, type Sample, sampleOf } from "./_samples.ts";
import { KEY, OTHER_KEY } from "./_seals.ts";
import { filesBelow, TemporaryFolder } from "./_temporary_folder.ts";
import { Warnings } from "./_warnings.ts";

const library = await loadLibrary();

const SAMPLE = sampleOf({ series: Float64Array.from({ length: 500 }, Math.sqrt), name: "damage" });

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 0x40;
  return copy;
}

/** The file of another value. */
function otherFile(): Uint8Array {
  const { reference, encoding } = sampleOf({ series: new Float64Array(500), name: "other" });
  return fileOfValue(library, reference, encoding, false);
}

/** What can befall the bytes of a file. */
const DAMAGES: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  "its first byte flipped": (bytes) => flipped(bytes, 0),
  "a number flipped": (bytes) => {
    const number = new Uint8Array(Float64Array.of(Math.sqrt(300)).buffer);
    return flipped(bytes, Buffer.from(bytes).indexOf(number) + 3);
  },
  "its name flipped": (bytes) => flipped(bytes, Buffer.from(bytes).indexOf("damage") + 2),
  "its last byte missing": (bytes) => bytes.subarray(0, -1),
  "its second half missing": (bytes) => bytes.subarray(0, bytes.length >> 1),
  "a tail of zeros": (bytes) => bytes.slice().fill(0, bytes.length >> 1),
  "all bytes missing": () => new Uint8Array(0),
  "text in place of all": () => new TextEncoder().encode("not HDF5 at all"),
  "another value's bytes": otherFile,
};

async function storedIn(
  folder: TemporaryFolder,
  sample: Sample,
  options: Partial<ValueHdf5Options> = {},
): Promise<{ storage: ValueHdf5; path: string }> {
  const storage = new ValueHdf5({ root: folder.path, ...options });
  await storage.put(sample.reference, sample.encoding);
  return { storage, path: folder.join("v1", sample.digest.slice(0, 2), `${sample.digest}.h5`) };
}

async function assertWhole(storage: ValueHdf5, sample: Sample): Promise<void> {
  const found = await storage.get(sample.digest, sample.reference);
  assert(found !== undefined);
  assertAlike(joined(found), bytesOf(sample));
}

for (const [damage, harm] of Object.entries(DAMAGES)) {
  Deno.test(`ValueHdf5 puts a file with ${damage} aside`, async () => {
    using folder = new TemporaryFolder();
    const { storage, path } = await storedIn(folder, SAMPLE);
    const harmed = harm(Deno.readFileSync(path));
    for (const expected of [SAMPLE.reference, undefined]) {
      Deno.writeFileSync(path, harmed);
      using warnings = new Warnings();
      assert.equal(await storage.get(SAMPLE.digest, expected), undefined);
      assert.equal(await storage.get(SAMPLE.digest, expected), undefined);
      assert.equal(storage.has(SAMPLE.digest), false);
      // What befalls one file twice is said once.
      assert.equal(warnings.about("quarantine"), expected === undefined ? 0 : 1);
      await storage.put(SAMPLE.reference, SAMPLE.encoding);
      await assertWhole(storage, SAMPLE);
    }
    const aside = filesBelow(folder.join("quarantine"));
    assert.equal(aside.length, 2);
    for (const name of aside) {
      assertAlike(Deno.readFileSync(folder.join("quarantine", name)), new Uint8Array(harmed));
    }
  });
}

Deno.test("no flipped byte of a file gives another value, or takes long", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  const { storage, path } = await storedIn(folder, SAMPLE, { compress: true });
  const bytes = Deno.readFileSync(path);
  let damaged = 0;
  for (let at = 0; at < bytes.length; at += 7) {
    Deno.writeFileSync(path, flipped(bytes, at));
    const found = await storage.get(SAMPLE.digest, SAMPLE.reference);
    // Not every byte of a file means something.
    if (found === undefined) damaged++;
    else assert.equal(Buffer.compare(joined(found), bytesOf(SAMPLE)), 0);
  }
  assert(damaged > 200, `${damaged}`);
  Deno.writeFileSync(path, bytes);
  await assertWhole(storage, SAMPLE);
});

Deno.test("ValueHdf5 bears a folder in place of a file", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  const { storage, path } = await storedIn(folder, SAMPLE);
  Deno.removeSync(path);
  Deno.mkdirSync(join(path, "inner"), { recursive: true });
  assert.equal(await storage.get(SAMPLE.digest, SAMPLE.reference), undefined);
  await storage.put(SAMPLE.reference, SAMPLE.encoding);
  await assertWhole(storage, SAMPLE);
});

for (const length of [0, 30, 3000]) {
  Deno.test(`put() replaces a torn HDF5 file of ${length} bytes`, async () => {
    using folder = new TemporaryFolder();
    const { storage, path } = await storedIn(folder, SAMPLE);
    Deno.truncateSync(path, length);
    await storage.put(SAMPLE.reference, SAMPLE.encoding);
    await assertWhole(storage, SAMPLE);
    assert.deepEqual(filesBelow(folder.join("tmp")), []);
  });
}

Deno.test("put() leaves a whole HDF5 file alone, signed by another storage or not", async () => {
  using folder = new TemporaryFolder();
  for (const options of [{}, { secretKey: [KEY] }]) {
    const { storage, path } = await storedIn(folder, SAMPLE, options);
    const { ino } = Deno.statSync(path);
    await storage.put(SAMPLE.reference, SAMPLE.encoding);
    await new ValueHdf5({ root: folder.path }).put(SAMPLE.reference, SAMPLE.encoding);
    assert.equal(Deno.statSync(path).ino, ino);
  }
});

Deno.test("an HDF5 file that is right stays, whatever a reference says", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  const { storage, path } = await storedIn(folder, SAMPLE);
  const { digest, crc, length } = SAMPLE.reference;
  for (const wrong of [{ digest, crc: crc ^ 1, length }, { digest, crc, length: length + 1 }]) {
    const found = await storage.get(digest, wrong);
    assert(found !== undefined);
    assertAlike(joined(found), bytesOf(SAMPLE));
    assert(Deno.statSync(path).isFile);
  }
  assert.deepEqual(warnings.texts, []);
});

Deno.test("verify decides how HDF5 files are checked", async () => {
  const other = sampleOf({ series: new Float64Array(500), name: "others" });
  const outcome = async (options: Partial<ValueHdf5Options>, sample: Sample) => {
    using folder = new TemporaryFolder();
    using _ = new Warnings();
    const { storage, path } = await storedIn(folder, SAMPLE, options);
    Deno.writeFileSync(path, fileOfValue(library, sample.reference, sample.encoding, false));
    const { digest, length } = SAMPLE.reference;
    // A reference to another value of the same length and check sum.
    const reference = { digest, crc: sample.reference.crc, length };
    return await storage.get(digest, reference) === undefined ? "put aside" : "returned";
  };
  assert.equal(other.reference.length, SAMPLE.reference.length);
  assert.equal(await outcome({}, other), "returned");
  assert.equal(await outcome({ verify: "crc" }, other), "returned");
  assert.equal(await outcome({ verify: "sha256" }, other), "put aside");
  assert.equal(await outcome({ verify: false }, other), "returned");
  assert.equal(await outcome({ verify: false }, sampleOf("shorter")), "put aside");
});

Deno.test("only what a key of its own has signed is a value of a signed storage", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  const open = (...secretKey: string[]) => new ValueHdf5({ root: folder.path, secretKey });
  const get = async (storage: ValueHdf5) =>
    await storage.get(SAMPLE.digest, SAMPLE.reference) !== undefined;
  const { path } = await storedIn(folder, SAMPLE, { secretKey: [KEY] });
  assert.equal(await get(open(KEY)), true);
  // A rotated key still verifies; who does not sign reads what is signed.
  assert.equal(await get(open(OTHER_KEY, KEY)), true);
  assert.equal(await get(new ValueHdf5({ root: folder.path })), true);
  assert.deepEqual(warnings.texts, []);
  // A wrong key, no signature, and a signature of other bytes: a miss, and the file stays.
  const signed = Deno.readFileSync(path);
  assert.equal(await get(open(OTHER_KEY)), false);
  for (const bytes of [signed.subarray(0, -32), flipped(signed, 2000)]) {
    Deno.writeFileSync(path, bytes);
    assert.equal(await get(open(KEY)), false);
    assertAlike(Deno.readFileSync(path), bytes.slice());
  }
  assert.equal(warnings.about("secretKey"), 1);
  // The next save replaces it, and what an old key has signed.
  await open(KEY).put(SAMPLE.reference, SAMPLE.encoding);
  assert.equal(await get(open(KEY)), true);
  await open(OTHER_KEY, KEY).put(SAMPLE.reference, SAMPLE.encoding);
  assert.equal(await get(open(OTHER_KEY)), true);
});

Deno.test("a signed file under another name is no value", async () => {
  using folder = new TemporaryFolder();
  using _ = new Warnings();
  const { storage, path } = await storedIn(folder, SAMPLE, { secretKey: [KEY], verify: false });
  const other = sampleOf({ series: new Float64Array(500), name: "others" });
  const { path: otherPath } = await storedIn(folder, other, { secretKey: [KEY] });
  Deno.copyFileSync(otherPath, path);
  assert.equal(await storage.get(SAMPLE.digest, SAMPLE.reference), undefined);
});

Deno.test("a damaged or forged HDF5 record is a miss, and the next save replaces it", async () => {
  const record = await recordOf({ name: "f", arguments: { x: 1 }, result: 2 });
  const { key } = record;
  for (const secretKey of [undefined, [KEY]]) {
    using folder = new TemporaryFolder();
    using _ = new Warnings();
    const options = secretKey === undefined ? {} : { secretKey };
    await using storage = new CallHdf5({ root: folder.path, ...options });
    await storage.put(record);
    const path = folder.join("v1", key.slice(0, 2), `${key}.h5`);
    const bytes = Deno.readFileSync(path);
    const at = Buffer.from(bytes).indexOf(record.bytes.subarray(0, 40));
    assert(at > 0);
    for (const harmed of [flipped(bytes, at + 30), bytes.subarray(0, 500), new Uint8Array(9)]) {
      Deno.writeFileSync(path, harmed);
      assert.equal(await storage.get(key), undefined);
      await storage.put(record);
      assert.deepEqual((await storage.get(key))?.bytes, record.bytes);
    }
  }
});

Deno.test("a damaged HDF5 value is computed again, with one warning", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  const cache = new Cache({
    values: new ValueHdf5({ root: folder.path }),
    calls: new CallMemory(),
  });
  let runs = 0;
  const ramp = fleche((length: number) => {
    runs++;
    return Float64Array.from({ length }, (_, index) => index / 7);
  }, { name: "ramp", version: 1 });
  await withCache(cache, async () => {
    const first = await ramp(1000);
    const path = folder.join("v1", filesBelow(folder.join("v1"))[0] ?? "");
    Deno.writeFileSync(path, flipped(Deno.readFileSync(path), 4321));
    assert.deepEqual(await ramp(1000), first);
    assert.deepEqual(await ramp(1000), first);
  });
  assert.equal(runs, 2);
  assert.equal(warnings.texts.length, 1, warnings.texts.join("\n"));
});

Deno.test("put() names the path when the folder of an HDF5 storage cannot be made", async () => {
  using folder = new TemporaryFolder();
  const root = folder.join("file");
  Deno.writeTextFileSync(root, "in the way");
  const put = async () => await new ValueHdf5({ root }).put(SAMPLE.reference, SAMPLE.encoding);
  await assert.rejects(put, (error) => error instanceof SaveError && error.message.includes(root));
});

Deno.test("HDF5 storages refuse a compression that other programs do not know", () => {
  const options: { root: string; compress: boolean | "gzip" } = JSON.parse(
    '{"root": "x", "compress": "zstd"}',
  );
  for (const Storage of [ValueHdf5, CallHdf5]) {
    assert.throws(() => new Storage(options), (error) => {
      return error instanceof ConfigError && error.message.includes("gzip");
    });
  }
});

Deno.test("what the library throws does not use up its stack", async () => {
  using folder = new TemporaryFolder();
  for (let round = 0; round < 20_000; round++) {
    assert.throws(() => runLibrary(library, () => library.get_names(-1n, "/nowhere", false)));
  }
  const { storage } = await storedIn(folder, SAMPLE);
  await assertWhole(storage, SAMPLE);
});
