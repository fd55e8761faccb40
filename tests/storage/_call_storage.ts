import type { CallStorage, RecordFilter, StorageCapabilities } from "@fleche/core";
import assert from "node:assert/strict";
import fc from "fast-check";
import { CallRecord } from "../../src/call_record.ts";
import { matchesFilter } from "../../src/record_filter.ts";
import { referenceSlot, slotDigest } from "../../src/slot.ts";
import { recordOf, sampleOf } from "./_samples.ts";
import { TemporaryFolder } from "./_temporary_folder.ts";

/** What a call storage is and can do; it decides which of the tests apply. */
export interface CallStorageManifest {
  readonly name: string;
  /** The capabilities that it should declare. */
  readonly capabilities: StorageCapabilities;
  /** Whether what is stored can be read again. */
  readonly keeps: boolean;
  /** Whether records are stored in another form than their bytes; not by default. */
  readonly sealed?: boolean;
  /** How many orders of operations are tried; fewer where to make a storage takes long. */
  readonly runs?: number;
  /** Opens a storage whose entries, if any are persistent, are in a folder. */
  open(folder: string): CallStorage | Promise<CallStorage>;
}

/** How far the clock of a file system may lag behind, in milliseconds. */
const CLOCK_GRAIN = 20;

/** Tests a call storage; those that come to be need one line for each. */
export function testCallStorage(manifest: CallStorageManifest): void {
  testAny(manifest);
  if (manifest.keeps) {
    testRecords(manifest);
    testEmbedded(manifest);
    testOrder(manifest);
    // How records are sealed makes no difference to their order.
    if (manifest.sealed !== true) testChanges(manifest);
    testAgainstModel(manifest);
  } else {
    testDiscarding(manifest);
  }
  if (manifest.capabilities.persistent) testPersistent(manifest);
}

function define(
  { name, open }: CallStorageManifest,
  what: string,
  run: (storage: CallStorage, folder: string) => Promise<void>,
): void {
  Deno.test(`${name} ${what}`, async () => {
    using folder = new TemporaryFolder();
    await using storage = await open(folder.path);
    await run(storage, folder.path);
  });
}

/** The record of a call f(x) = x. */
function simple(x: unknown, name = "f"): Promise<CallRecord> {
  return recordOf({ name, arguments: { x }, result: x });
}

async function found(storage: CallStorage, name?: string): Promise<unknown[]> {
  return await Array.fromAsync(
    storage.records(name === undefined ? {} : { name }),
    ({ key }) => key,
  );
}

function assertSame(actual: CallRecord | undefined, expected: CallRecord): void {
  assert(actual !== undefined);
  assert.equal(actual.key, expected.key);
  assert.deepEqual(Uint8Array.from(actual.bytes), Uint8Array.from(expected.bytes));
}

function testAny(manifest: CallStorageManifest): void {
  define(manifest, "declares its capabilities", async (storage) => {
    await storage.close();
    const { persistent, shared } = storage.capabilities;
    assert.deepEqual({ persistent, shared }, manifest.capabilities);
  });

  define(manifest, "finds nothing when nothing is stored", async (storage) => {
    const { key } = await simple("absent");
    assert.equal(await storage.get(key), undefined);
    assert.equal(await storage.has(key), false);
    assert.equal(await storage.delete(key), false);
    assert.deepEqual(await storage.list(""), []);
    assert.equal(await storage.getEmbedded(key), undefined);
    assert.deepEqual(await storage.listEmbedded(""), []);
    assert.deepEqual(await found(storage), []);
    assert.deepEqual(await found(storage, "f"), []);
  });

  define(manifest, "can be closed twice and used again", async (storage) => {
    await storage.put(await simple(1));
    await storage.close();
    await storage.close();
    assert.equal(await storage.has(sampleOf("absent").digest), false);
    await storage[Symbol.asyncDispose]();
    assert.equal(await storage.has(sampleOf("absent").digest), false);
  });
}

function testDiscarding(manifest: CallStorageManifest): void {
  define(manifest, "discards what is put", async (storage) => {
    const record = await simple(1);
    await storage.put(record);
    assert.equal(await storage.get(record.key), undefined);
    assert.equal(await storage.has(record.key), false);
    assert.equal(await storage.delete(record.key), false);
    assert.deepEqual(await storage.list(""), []);
    assert.equal(await storage.getEmbedded(sampleOf(1).digest), undefined);
    assert.deepEqual(await storage.listEmbedded(""), []);
    assert.deepEqual(await found(storage), []);
  });
}

function testRecords(manifest: CallStorageManifest): void {
  define(manifest, "get() returns a record with all that it says", async (storage) => {
    const digest = sampleOf("code").digest;
    const records = [
      await recordOf({ name: "bare", result: null }),
      await recordOf({
        name: "full",
        module: "package/src/a.ts",
        version: 1.5,
        code: digest,
        deps: digest,
        source: digest,
        hashed: ["version"],
        arguments: { text: "é'\";--\u0000", data: new Uint8Array(5000), list: [1, [2]] },
        result: { nested: new Map([["k", new Date(5)]]) },
        metadata: { runtime: { walltime: 0.5, tags: ["a", null, { b: true }] } },
        calls: [digest],
      }),
      await recordOf({ name: 'x"; DROP TABLE calls; --', version: "1", result: 1 }),
      await recordOf({ name: "名前", version: 1, result: 1n }),
    ];
    for (const record of records) await storage.put(record);
    for (const record of records) {
      const actual = await storage.get(record.key);
      assertSame(actual, record);
      assert.deepEqual(actual?.fields, record.fields);
      assert.deepEqual(await found(storage, record.name), [record.key]);
    }
  });

  define(manifest, "put() replaces the record of a call", async (storage) => {
    const before = await recordOf({ name: "f", arguments: { x: 1 }, result: "old" });
    const after = await recordOf({ name: "f", arguments: { x: 1 }, result: "new" });
    assert.equal(before.key, after.key);
    await storage.put(before);
    await storage.put(after);
    assertSame(await storage.get(after.key), after);
    assert.deepEqual(await storage.list(""), [after.key]);
    assert.deepEqual(await found(storage), [after.key]);
  });

  define(manifest, "delete() removes one record only", async (storage) => {
    const records = await Promise.all([1, 2, 3].map((x) => simple(x)));
    for (const record of records) await storage.put(record);
    const [first, ...others] = records.map(({ key }) => key);
    assert(first !== undefined);
    assert.equal(await storage.delete(first), true);
    assert.equal(await storage.delete(first), false);
    assert.equal(await storage.has(first), false);
    assert.equal(await storage.get(first), undefined);
    assert.deepEqual((await storage.list("")).sort(), others.toSorted());
    assert.deepEqual(await found(storage, "f"), others.reverse());
  });

  define(manifest, "list() finds every prefix, up to a limit", async (storage) => {
    const records = await Promise.all(Array.from({ length: 130 }, (_, x) => simple(x)));
    for (const record of records) await storage.put(record);
    const keys = records.map(({ key }) => key);
    const some = keys[7] ?? "";
    for (const length of [0, 1, 2, 4, 63, 64]) {
      const prefix = some.slice(0, length);
      const expected = keys.filter((key) => key.startsWith(prefix)).sort();
      assert.deepEqual((await storage.list(prefix)).sort(), expected, `prefix of ${length} digits`);
    }
    assert.equal((await storage.list("", 5)).length, 5);
    assert.deepEqual(await storage.list("", 0), []);
  });
}

function testEmbedded(manifest: CallStorageManifest): void {
  define(manifest, "getEmbedded() finds short arguments and results", async (storage) => {
    await storage.put(await recordOf({ name: "f", arguments: { x: [1, 2], y: "s" }, result: 7n }));
    for (const value of [[1, 2], "s", 7n]) {
      const { digest, encoding } = sampleOf(value);
      const embedded = await storage.getEmbedded(digest);
      assert.deepEqual(Uint8Array.from(embedded?.head ?? []), Uint8Array.from(encoding.head));
      assert.equal(embedded?.owned ?? false, false);
      assert.deepEqual(await storage.listEmbedded(digest.slice(0, 6)), [digest]);
    }
    assert.equal((await storage.listEmbedded("", 2)).length, 2);
    assert.equal((await storage.listEmbedded("")).length, 3);
  });

  define(manifest, "embedded encodings stay as long as any record holds them", async (storage) => {
    const one = await recordOf({ name: "one", arguments: { x: "shared" }, result: 1 });
    const two = await recordOf({ name: "two", result: "shared" });
    const { digest } = sampleOf("shared");
    await storage.put(one);
    await storage.put(two);
    await storage.delete(one.key);
    assert.notEqual(await storage.getEmbedded(digest), undefined);
    assert.deepEqual(await storage.listEmbedded(digest), [digest]);
    await storage.delete(two.key);
    assert.equal(await storage.getEmbedded(digest), undefined);
    assert.deepEqual(await storage.listEmbedded(""), []);
  });

  define(manifest, "put() forgets what the record in its place embedded", async (storage) => {
    const { digest: argument } = sampleOf("x");
    for (const result of ["old", "new"]) {
      await storage.put(await recordOf({ name: "f", arguments: { x: "x" }, result }));
    }
    assert.equal(await storage.getEmbedded(sampleOf("old").digest), undefined);
    const expected = [argument, sampleOf("new").digest].sort();
    assert.deepEqual((await storage.listEmbedded("")).sort(), expected);
  });

  define(manifest, "values that a record only refers to are not embedded", async (storage) => {
    const large = "x".repeat(2000);
    await storage.put(await recordOf({ name: "f", arguments: { large, x: 1 }, result: large }));
    assert.equal(await storage.getEmbedded(sampleOf(large).digest), undefined);
    assert.deepEqual(await storage.listEmbedded(""), [sampleOf(1).digest]);
  });

  define(manifest, "getEmbedded() finds what another record only refers to", async (storage) => {
    // Where arguments are not to be stored, a record refers to a value that another one embeds.
    const { key, fields } = await recordOf({ name: "g", arguments: { x: "s" }, result: 1 });
    const { digest, encoding, reference } = sampleOf("s");
    const slot = referenceSlot(reference);
    await storage.put(CallRecord.build(key, { ...fields, arguments: [["x", slot]] }));
    assert.equal(await storage.getEmbedded(digest), undefined);
    await storage.put(await recordOf({ name: "f", arguments: { x: "s" }, result: 2 }));
    const embedded = await storage.getEmbedded(digest);
    assert.deepEqual(Uint8Array.from(embedded?.head ?? []), Uint8Array.from(encoding.head));
  });
}

function testOrder(manifest: CallStorageManifest): void {
  define(manifest, "entries() tells the length and age of every record", async (storage) => {
    const before = Date.now();
    const records = await Promise.all([1, "two", "x".repeat(900)].map((x) => simple(x)));
    for (const record of records) await storage.put(record);
    const entries = await Array.fromAsync(storage.entries());
    assert.deepEqual(
      entries.map(({ name }) => name).sort(),
      records.map(({ key }) => key).sort(),
    );
    for (const { name, length, modified } of entries) {
      const record = records.find(({ key }) => key === name);
      assert(length > 0 && record !== undefined);
      if (manifest.sealed !== true) assert.equal(length, record.bytes.length);
      assert(modified >= before - CLOCK_GRAIN && modified <= Date.now() + CLOCK_GRAIN);
    }
  });

  define(manifest, "touch() renews the age of a record", async (storage) => {
    const record = await simple(1);
    await storage.put(record);
    const [first] = await Array.fromAsync(storage.entries());
    await new Promise((resolve) => setTimeout(resolve, 2 * CLOCK_GRAIN));
    await storage.touch(record.key);
    await storage.touch("0".repeat(64));
    const [second, ...others] = await Array.fromAsync(storage.entries());
    assert((second?.modified ?? 0) > (first?.modified ?? Infinity));
    assert.deepEqual(others, []);
    assertSame(await storage.get(record.key), record);
  });

  define(manifest, "records() gives what matches every field of a filter", async (storage) => {
    const all: CallRecord[] = [];
    for (const name of ["f", "g"]) {
      for (const module of [null, "p/a.ts", "p/b.ts"]) {
        for (const version of [null, 1, "1"]) {
          const x = all.length % 4;
          all.push(
            await recordOf({
              ...{ name, module, version, arguments: { x, y: [x, name] }, result: x % 2 },
              metadata: { runtime: { host: `h${x}`, deep: { a: [x, null] } } },
            }),
          );
        }
      }
    }
    for (const record of all) await storage.put(record);
    const one = sampleOf(1).digest;
    const filters: RecordFilter[] = [
      {},
      { name: "g" },
      { module: "p/a.ts" },
      { module: null },
      { version: 1 },
      { version: "1" },
      { version: null, name: "f" },
      { code: null },
      { code: "0".repeat(64) },
      { arguments: { x: one } },
      { arguments: { x: one, y: sampleOf([1, "g"]).digest } },
      { arguments: { y: one } },
      { arguments: { z: one } },
      { result: one },
      { result: one, arguments: { x: sampleOf(3).digest }, name: "g" },
      { metadata: { runtime: { host: "h2" } } },
      { metadata: { runtime: { deep: { a: [3, null] } } } },
      { metadata: { runtime: { host: "h2", deep: { a: [3, null] } } } },
      { metadata: { tags: {} } },
      { metadata: { runtime: { there: true } } },
      { name: "h" },
    ];
    for (const filter of filters) {
      const expected = all.filter((record) => matchesFilter(record, filter)).reverse();
      const actual = await Array.fromAsync(storage.records(filter), ({ key }) => key);
      assert.deepEqual(actual, expected.map(({ key }) => key), JSON.stringify(filter));
    }
  });

  define(manifest, "records() compares a thousand arguments", async (storage) => {
    const names = Array.from({ length: 998 }, (_, index) => `x${index}`);
    const same = Object.fromEntries(names.map((name) => [name, 0]));
    const records = await Promise.all(Array.from({ length: 12 }, (_, index) => {
      const values = { ...same, y: index % 4, z: index % 3 };
      return recordOf({ name: "f", arguments: values, result: 1 });
    }));
    for (const record of records) await storage.put(record);
    const zeros = Object.fromEntries(names.map((name) => [name, sampleOf(0).digest]));
    const y = sampleOf(1).digest;
    const z = sampleOf(2).digest;
    for (
      const [values, expected] of [
        [zeros, records.toReversed()],
        [{ ...zeros, y, z }, records.filter((_, index) => index % 4 === 1 && index % 3 === 2)],
        [{ ...zeros, x500: y }, []],
        [{ ...zeros, absent: y }, []],
      ] as const
    ) {
      const actual = await Array.fromAsync(storage.records({ arguments: values }));
      assert.deepEqual(actual.map(({ key }) => key), expected.map(({ key }) => key));
    }
  });

  define(manifest, "records() gives a call with similar arguments once", async (storage) => {
    const long = "名".repeat(200);
    for (const names of [[`${long}a`, `${long}b`], ["a\0b", "a\ufffdb"], ["a", "a "], ["e", "é"]]) {
      const values = Object.fromEntries(names.map((name) => [name, 1]));
      const record = await recordOf({ name: "f", arguments: values, result: 1 });
      const { key } = record;
      await storage.put(record);
      for (const name of names) {
        for (const filter of [{ arguments: { [name]: sampleOf(1).digest } }, { name: "f" }]) {
          const actual = await Array.fromAsync(storage.records(filter), (each) => each.key);
          assert.deepEqual(actual, [key]);
        }
      }
      await storage.delete(key);
    }
  });

  define(manifest, "records() gives all, newest first", async (storage) => {
    const keys: string[] = [];
    for (let x = 0; x < 250; x++) {
      const record = await simple(x, x % 2 === 0 ? "even" : "odd");
      await storage.put(record);
      keys.unshift(record.key);
    }
    assert.deepEqual(await found(storage), keys);
    assert.deepEqual(await found(storage, "even"), keys.filter((_, index) => index % 2 === 1));
    assert.deepEqual(await found(storage, "eve"), []);
  });

  define(manifest, "records() counts a record that was replaced as new", async (storage) => {
    const records = await Promise.all([1, 2, 3].map((x) => simple(x)));
    for (const record of records) await storage.put(record);
    const [first, second, third] = records;
    assert(first !== undefined);
    await storage.put(first);
    assert.deepEqual(await found(storage), [first.key, third?.key, second?.key]);
  });

  define(manifest, "records() can be left early and begun again", async (storage) => {
    const records = await Promise.all([1, 2, 3].map((x) => simple(x)));
    for (const record of records) await storage.put(record);
    for await (const { key } of storage.records()) {
      assert.equal(key, records[2]?.key);
      break;
    }
    await storage.put(await simple(4));
    assert.equal((await found(storage)).length, 4);
  });
}

const RESULTS = { a: "a", b: "b", long: "c".repeat(2000) };

function testChanges(manifest: CallStorageManifest): void {
  define(manifest, "records() bears changes while it runs", async (storage) => {
    const all = await Promise.all(Array.from({ length: 130 }, (_, x) => simple(x)));
    for (const record of all) await storage.put(record);
    const seen: string[] = [];
    for await (const { key } of storage.records({ name: "f" })) {
      seen.push(key);
      await storage.delete(key);
      await storage.put(await simple(`new ${seen.length}`, "g"));
      await storage.list("");
    }
    assert.deepEqual(seen.sort(), all.map(({ key }) => key).sort());
    assert.deepEqual(await found(storage, "f"), []);
    assert.equal((await found(storage, "g")).length, 130);
  });

  define(manifest, "records() gives what is replaced meanwhile once", async (storage) => {
    const all = await Promise.all(Array.from({ length: 220 }, (_, x) => simple(x)));
    for (const record of all) await storage.put(record);
    const expected = all.map(({ key }) => key).sort();
    for (const filter of [{}, { name: "f" }, { arguments: { x: sampleOf(219).digest } }]) {
      const seen: string[] = [];
      for await (const { key } of storage.records(filter)) {
        // Both what was read and what was not, again and again, and what is the newest.
        if (seen.push(key) % 70 === 1) {
          for (const record of [...all.slice(0, 110), ...all.slice(190)]) await storage.put(record);
        }
      }
      assert.deepEqual(seen.sort(), "arguments" in filter ? [all[219]?.key] : expected);
    }
  });

  define(manifest, "records() finds what is replaced in place of what goes", async (storage) => {
    const all = await Promise.all(Array.from({ length: 130 }, (_, x) => simple(x)));
    for (const record of all) await storage.put(record);
    const [oldest] = all;
    assert(oldest !== undefined);
    const seen: string[] = [];
    for await (const { key } of storage.records()) {
      seen.push(key);
      if (key !== oldest.key) await storage.delete(key);
      // A database may give it the number of one that was there.
      if (seen.length === 50) await storage.put(oldest);
    }
    assert.deepEqual(seen.sort(), all.map(({ key }) => key).sort());
  });
}

// Any order of operations gives what a Map gives.
function testAgainstModel({ name, open, runs = 12 }: CallStorageManifest): void {
  const step = fc.record({
    act: fc.constantFrom("put", "delete", "get", "close"),
    x: fc.integer({ min: 0, max: 4 }),
    result: fc.constantFrom("a", "b", "long"),
  });

  Deno.test(`${name} agrees with a Map whatever is done in whatever order`, async () => {
    const records = new Map<string, CallRecord>();
    for (const x of [0, 1, 2, 3, 4]) {
      for (const [label, result] of Object.entries(RESULTS)) {
        records.set(`${x} ${label}`, await recordOf({ name: "f", arguments: { x }, result }));
      }
    }
    const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      using folder = new TemporaryFolder();
      await using storage = await open(folder.path);
      const model = new Map<string, CallRecord>();
      for (const { act, x, result } of steps) {
        const record = records.get(`${x} ${result}`);
        assert(record !== undefined);
        const { key } = record;
        if (act === "put") {
          await storage.put(record);
          model.set(key, record);
        } else if (act === "delete") {
          assert.equal(await storage.delete(key), model.delete(key));
        } else if (act === "close" && storage.capabilities.persistent) {
          await storage.close();
        }
        const expected = model.get(key);
        assert.equal(await storage.has(key), expected !== undefined);
        if (expected !== undefined) assertSame(await storage.get(key), expected);
      }
      assert.deepEqual((await storage.list("")).sort(), [...model.keys()].sort());
      const results = new Set([...model.values()].map((each) => slotDigest(each.result)));
      for (const short of [RESULTS.a, RESULTS.b]) {
        const { digest } = sampleOf(short);
        const expected = results.has(digest) ? [digest] : [];
        assert.deepEqual(await storage.listEmbedded(digest), expected);
      }
    });
    await fc.assert(property, { seed: 4, numRuns: runs });
  });
}

function testPersistent(manifest: CallStorageManifest): void {
  define(manifest, "shows others at once what one has stored", async (storage, folder) => {
    await using other = await manifest.open(folder);
    const record = await simple("persistent");
    assert.equal(await other.has(record.key), false);
    await storage.put(record);
    assertSame(await other.get(record.key), record);
    assert.deepEqual(await found(other, "f"), [record.key]);
    assert.equal(await other.delete(record.key), true);
    assert.equal(await storage.get(record.key), undefined);
  });
}
