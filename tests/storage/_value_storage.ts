import { LockTimeoutError, type StorageCapabilities, type ValueStorage } from "@fleche/core";
import assert from "node:assert/strict";
import fc from "fast-check";
import { decode } from "../../src/codec/decoder.ts";
import { joined } from "../../src/codec/encoding.ts";
import { assertAlike, bytesOf, type Sample, sampleOf, sampleOfLength } from "./_samples.ts";
import { TemporaryFolder } from "./_temporary_folder.ts";

/** What a value storage is and can do; it decides which of the tests apply. */
export interface ValueStorageManifest {
  readonly name: string;
  /** The capabilities that it should declare. */
  readonly capabilities: StorageCapabilities;
  /** Whether what is stored can be read again. */
  readonly keeps: boolean;
  /** Whether entries are stored in another form than their encoding; not by default. */
  readonly sealed?: boolean;
  /** Whether nothing is left once it has been closed; not by default. */
  readonly closeForgets?: boolean;
  /** Opens a storage whose entries, if any are persistent, are in a folder. */
  open(folder: string): ValueStorage;
}

const MIB = 1 << 20;

/** How far the clock of a file system may lag behind, in milliseconds. */
const CLOCK_GRAIN = 20;

// Waits for the next tick of the storage's clock.
async function untilLater(storage: ValueStorage, time: number): Promise<void> {
  while (await storage.now() <= time + CLOCK_GRAIN) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Values around every length at which a storage might change its ways. */
const SIZES: Readonly<Record<string, () => Sample>> = {
  "null, of one byte": () => sampleOf(null),
  "a small object": () => sampleOf({ a: 1, b: ["x", 2.5, undefined] }),
  "an empty byte array": () => sampleOf(new Uint8Array(0)),
  "a short typed array": () => sampleOf(new Float64Array([0.1, -0, NaN])),
  "a string of 100 kB": () => sampleOf("é".repeat(50_000)),
  "an array of 20,000 numbers": () => sampleOf(Array.from({ length: 20_000 }, (_, i) => i * 7)),
  "a Float64Array of 80 kB": () =>
    sampleOf(Float64Array.from({ length: 10_000 }, (_, i) => Math.sqrt(i))),
  "an encoding of 1 MiB - 1": () => sampleOfLength(MIB - 1),
  "an encoding of 1 MiB": () => sampleOfLength(MIB),
  "an encoding of 1 MiB + 1": () => sampleOfLength(MIB + 1),
  "a Uint16Array of 3 MiB": () => sampleOf(new Uint16Array(sampleBuffer(3 * MIB))),
  "a string of 2 MiB": () => sampleOf("0123456789abcdef".repeat(MIB / 8)),
};

function sampleBuffer(length: number): ArrayBuffer {
  return Uint8Array.from({ length }, (_, index) => index % 251).buffer;
}

/** Tests a value storage; those that come to be need one line for each. */
export function testValueStorage(manifest: ValueStorageManifest): void {
  testAny(manifest);
  if (manifest.keeps) testKeeping(manifest);
  else testDiscarding(manifest);
  if (manifest.capabilities.persistent) testPersistent(manifest);
}

function define(
  { name, open }: ValueStorageManifest,
  what: string,
  run: (storage: ValueStorage, folder: string) => Promise<void>,
): void {
  Deno.test(`${name} ${what}`, async () => {
    using folder = new TemporaryFolder();
    await using storage = open(folder.path);
    await run(storage, folder.path);
  });
}

function testAny(manifest: ValueStorageManifest): void {
  define(manifest, "declares its capabilities", async (storage) => {
    await storage.close();
    const { persistent, shared } = storage.capabilities;
    assert.deepEqual({ persistent, shared }, manifest.capabilities);
  });

  define(manifest, "finds nothing when nothing is stored", async (storage) => {
    const { digest, reference } = sampleOf("absent");
    assert.equal(await storage.get(digest), undefined);
    assert.equal(await storage.get(digest, reference), undefined);
    assert.equal(await storage.has(digest), false);
    assert.equal(await storage.delete(digest), false);
    assert.deepEqual(await storage.list(""), []);
    assert.deepEqual(await storage.list(digest.slice(0, 4)), []);
  });

  define(manifest, "can be closed twice and used again", async (storage) => {
    await storage.put(sampleOf(1).reference, sampleOf(1).encoding);
    await storage.close();
    await storage.close();
    assert.equal(await storage.has(sampleOf(2).digest), false);
    await storage[Symbol.asyncDispose]();
    assert.equal(await storage.has(sampleOf(2).digest), false);
  });
}

function testDiscarding(manifest: ValueStorageManifest): void {
  define(manifest, "discards what is put", async (storage) => {
    const { reference, encoding, digest } = sampleOf({ a: 1 });
    await storage.put(reference, encoding);
    assert.equal(await storage.get(digest, reference), undefined);
    assert.equal(await storage.has(digest), false);
    assert.equal(await storage.delete(digest), false);
    assert.deepEqual(await storage.list(""), []);
  });
}

function testKeeping(manifest: ValueStorageManifest): void {
  for (const [size, make] of Object.entries(SIZES)) {
    define(manifest, `get() returns ${size} as it was put`, async (storage) => {
      const sample = make();
      const { reference, encoding, digest, value } = sample;
      await storage.put(reference, encoding);
      for (const expected of [reference, undefined]) {
        const found = await storage.get(digest, expected);
        assert(found !== undefined);
        assertAlike(joined(found), bytesOf(sample));
        assertAlike(decode(found), value);
      }
    });
  }

  define(manifest, "put() keeps nothing of the caller's memory", async (storage) => {
    const samples = [sampleOf("text"), sampleOfLength(100_000), sampleOfLength(2 * MIB)];
    for (const sample of samples) {
      const { head, body } = sample.encoding;
      const lent = { head: head.slice(), body: body?.slice() };
      const put = storage.put(sample.reference, lent);
      lent.head.fill(0xff);
      lent.body?.fill(0xff);
      await put;
      const found = await storage.get(sample.digest, sample.reference);
      assert(found !== undefined);
      assertAlike(joined(found), bytesOf(sample));
    }
  });

  define(manifest, "get() lends no memory that a value could change", async (storage) => {
    for (const length of [1000, 80_000, 2 * MIB]) {
      const value = Uint8Array.from({ length }, (_, index) => index % 199);
      const { reference, encoding, digest } = sampleOf(value);
      await storage.put(reference, encoding);
      for (let round = 0; round < 2; round++) {
        const found = await storage.get(digest, reference);
        assert(found !== undefined);
        const built = decode(found);
        assert(built instanceof Uint8Array);
        assertAlike(built, value);
        assert.equal(built.byteOffset, 0);
        assert.equal(built.buffer.byteLength, length);
        built.fill(0);
      }
    }
  });

  define(manifest, "put() of what is there changes nothing", async (storage) => {
    const sample = sampleOf({ a: [1, 2, 3] });
    for (let round = 0; round < 3; round++) await storage.put(sample.reference, sample.encoding);
    assert.deepEqual(await storage.list(""), [sample.digest]);
    const found = await storage.get(sample.digest);
    assert(found !== undefined);
    assertAlike(joined(found), bytesOf(sample));
  });

  define(manifest, "delete() removes one entry only", async (storage) => {
    const samples = ["a", "b", "c"].map(sampleOf);
    for (const { reference, encoding } of samples) await storage.put(reference, encoding);
    const [first, ...others] = samples.map(({ digest }) => digest);
    assert(first !== undefined);
    assert.equal(await storage.delete(first), true);
    assert.equal(await storage.delete(first), false);
    assert.equal(await storage.has(first), false);
    assert.equal(await storage.get(first), undefined);
    assert.deepEqual((await storage.list("")).sort(), others.sort());
  });

  define(manifest, "list() finds every prefix, up to a limit", async (storage) => {
    const digests: string[] = [];
    for (let value = 0; value < 120; value++) {
      const { reference, encoding, digest } = sampleOf(value);
      await storage.put(reference, encoding);
      digests.push(digest);
    }
    const some = digests[7] ?? "";
    for (const length of [0, 1, 2, 3, 4, 63, 64]) {
      const prefix = some.slice(0, length);
      const expected = digests.filter((digest) => digest.startsWith(prefix)).sort();
      assert.deepEqual((await storage.list(prefix)).sort(), expected, `prefix of ${length} digits`);
    }
    assert.equal((await storage.list("", 5)).length, 5);
    assert.deepEqual(await storage.list("", 0), []);
    assert.equal((await storage.list("", 1000)).length, 120);
  });

  define(manifest, "entries() tells the length and age of every entry", async (storage) => {
    const before = await storage.now();
    const samples = [sampleOf("a"), sampleOfLength(100_000), sampleOfLength(2 * MIB)];
    for (const { reference, encoding } of samples) await storage.put(reference, encoding);
    const entries = await Array.fromAsync(storage.entries());
    const after = await storage.now();
    assert.deepEqual(
      entries.map(({ name }) => name).sort(),
      samples.map(({ digest }) => digest).sort(),
    );
    for (const { name, length, modified } of entries) {
      const sample = samples.find(({ digest }) => digest === name);
      assert(length > 0 && sample !== undefined);
      if (manifest.sealed !== true) assert.equal(length, sample.reference.length);
      assert(modified >= before - CLOCK_GRAIN && modified <= after + CLOCK_GRAIN);
    }
  });

  define(manifest, "put() of what is there renews its age", async (storage) => {
    const { reference, encoding } = sampleOf("once more");
    await storage.put(reference, encoding);
    const [first] = await Array.fromAsync(storage.entries());
    await untilLater(storage, first?.modified ?? 0);
    await storage.put(reference, encoding);
    const [second] = await Array.fromAsync(storage.entries());
    assert((second?.modified ?? 0) > (first?.modified ?? Infinity));
  });

  define(
    manifest,
    "register() remembers call storages, until they are forgotten",
    async (storage) => {
      assert.deepEqual(await storage.registered(), []);
      for (const identity of ["sqlite:////a.db", "file:///b", "sqlite:////a.db"]) {
        await storage.register(identity);
      }
      assert.deepEqual((await storage.registered()).sort(), ["file:///b", "sqlite:////a.db"]);
      assert.deepEqual(await storage.list(""), []);
      await storage.forget("file:///b");
      await storage.forget("never there");
      assert.deepEqual(await storage.registered(), ["sqlite:////a.db"]);
    },
  );

  define(manifest, "its gate keeps saves and removals apart", async ({ gate }) => {
    const inside = [await gate.enter(), await gate.enter()];
    await assert.rejects(gate.shut(0.05), LockTimeoutError);
    let isShut = false;
    const shutting = gate.shut(10).then((shut) => {
      isShut = true;
      return shut;
    });
    inside[0]?.[Symbol.dispose]();
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(isShut, false);
    inside[1]?.[Symbol.dispose]();
    const shut = await shutting;
    let isInside = false;
    const entering = Promise.resolve(gate.enter()).then((entered) => {
      isInside = true;
      return entered;
    });
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(isInside, false);
    shut[Symbol.dispose]();
    (await entering)[Symbol.dispose]();
    (await gate.shut(1))[Symbol.dispose]();
  });

  define(manifest, "takes many puts at once", async (storage) => {
    const samples = Array.from({ length: 50 }, (_, value) => sampleOf([value, value % 5]));
    await Promise.all([...samples, ...samples].map(async ({ reference, encoding }) => {
      await storage.put(reference, encoding);
    }));
    for (const sample of samples) {
      const found = await storage.get(sample.digest, sample.reference);
      assert(found !== undefined);
      assertAlike(joined(found), bytesOf(sample));
    }
  });

  testAgainstModel(manifest);
}

// Any order of operations gives what a Map gives.
function testAgainstModel({ name, open, closeForgets }: ValueStorageManifest): void {
  const samples = ["a", { b: 2 }, 3, new Uint8Array(70_000).fill(4), [5, "x".repeat(900)]]
    .map(sampleOf);
  const step = fc.record({
    act: fc.constantFrom("put", "delete", "get", "close"),
    sample: fc.constantFrom(...samples),
  });

  Deno.test(`${name} agrees with a Map whatever is done in whatever order`, async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      using folder = new TemporaryFolder();
      const storage = open(folder.path);
      const model = new Set<string>();
      for (const { act, sample: { digest, reference, encoding } } of steps) {
        if (act === "put") {
          await storage.put(reference, encoding);
          model.add(digest);
        } else if (act === "delete") {
          assert.equal(await storage.delete(digest), model.delete(digest));
        } else if (act === "get") {
          assert.equal(await storage.get(digest, reference) !== undefined, model.has(digest));
        } else {
          await storage.close();
          if (closeForgets === true) model.clear();
        }
        assert.equal(await storage.has(digest), model.has(digest));
      }
      assert.deepEqual((await storage.list("")).sort(), [...model].sort());
      await storage.close();
    });
    await fc.assert(property, { seed: 4, numRuns: 15 });
  });
}

function testPersistent(manifest: ValueStorageManifest): void {
  define(manifest, "shows others at once what one has stored", async (storage, folder) => {
    await using other = manifest.open(folder);
    const sample = sampleOf({ persistent: true });
    assert.equal(await other.has(sample.digest), false);
    await storage.put(sample.reference, sample.encoding);
    assert.equal(await other.has(sample.digest), true);
    const found = await other.get(sample.digest, sample.reference);
    assert(found !== undefined);
    assertAlike(joined(found), bytesOf(sample));
    assert.equal(await other.delete(sample.digest), true);
    assert.equal(await storage.get(sample.digest, sample.reference), undefined);
  });
}
