import assert from "node:assert/strict";
import { join } from "node:path";
import { ValueFile } from "@fleche/core";
import { bytesOf, type Sample, sampleOf, sampleOfLength } from "./_samples.ts";
import { TemporaryFolder } from "./_temporary_folder.ts";

const LENGTH = 3 << 20;

/** A storage that holds a value, and where. */
async function stored(folder: TemporaryFolder, sample: Sample) {
  const storage = new ValueFile({ root: folder.path });
  await storage.put(sample.reference, sample.encoding);
  return { storage, path: join(folder.path, "v1", sample.digest.slice(0, 2), sample.digest) };
}

// How many files are closed meanwhile, while reading them does something else.
async function closedBy(
  use: () => Promise<void>,
  replaced: Partial<Pick<Deno.FsFile, "read" | "stat">>,
): Promise<number> {
  let closed = 0;
  const { prototype } = Deno.FsFile;
  const { read, stat, close } = prototype;
  Object.assign(prototype, replaced);
  prototype.close = function () {
    closed++;
    return close.call(this);
  };
  try {
    await use();
  } finally {
    Object.assign(prototype, { read, stat, close });
  }
  return closed;
}

Deno.test("ValueFile.openLeaf() gives a large value piece by piece", async () => {
  using folder = new TemporaryFolder();
  const sample = sampleOfLength(LENGTH);
  const { storage } = await stored(folder, sample);
  using open = await storage.openLeaf(sample.digest, sample.reference);
  assert(open !== undefined);
  assert.equal(open.length, LENGTH);
  const bytes = new Uint8Array(LENGTH);
  const piece = new Uint8Array(100_000);
  let at = 0;
  for (let read = await open.read(piece); read > 0; read = await open.read(piece)) {
    bytes.set(piece.subarray(0, read), at);
    at += read;
  }
  assert.equal(at, LENGTH);
  assert.deepEqual(bytes, bytesOf(sample));
});

for (const method of ["read", "stat"] as const) {
  Deno.test(`ValueFile.openLeaf() leaves no file open that fails to ${method}`, async () => {
    using folder = new TemporaryFolder();
    const sample = sampleOfLength(LENGTH);
    const { storage } = await stored(folder, sample);
    const fault = new Error("Input/output error");
    const failing = { [method]: () => Promise.reject(fault) };
    const closed = await closedBy(async () => {
      await assert.rejects(storage.openLeaf(sample.digest, sample.reference), fault);
    }, failing);
    assert.equal(closed, 1);
    using open = await storage.openLeaf(sample.digest, sample.reference);
    assert(open !== undefined);
  });
}

// What is better read as a whole.
const OTHERS: readonly [label: string, change: (path: string) => void, sample: Sample][] = [
  [
    "a file of another length",
    (path) => Deno.truncateSync(path, LENGTH - 1),
    sampleOfLength(LENGTH),
  ],
  ["a folder", (path) => {
    Deno.removeSync(path);
    Deno.mkdirSync(path);
  }, sampleOfLength(LENGTH)],
  ["a list", () => {}, sampleOf(Array.from({ length: 1_200_000 }, (_, index) => index % 100))],
];

for (const [label, change, sample] of OTHERS) {
  Deno.test(`ValueFile.openLeaf() leaves ${label} closed`, async () => {
    using folder = new TemporaryFolder();
    const { storage, path } = await stored(folder, sample);
    change(path);
    const closed = await closedBy(async () => {
      assert.equal(await storage.openLeaf(sample.digest, sample.reference), undefined);
    }, {});
    assert.equal(closed, 1);
  });
}

Deno.test("ValueFile.openLeaf() opens nothing that is not there, or small", async () => {
  using folder = new TemporaryFolder();
  const [small, absent] = [sampleOfLength(1000), sampleOfLength(LENGTH, 2)];
  const { storage } = await stored(folder, small);
  assert.equal(await storage.openLeaf(small.digest, small.reference), undefined);
  assert.equal(await storage.openLeaf(absent.digest, absent.reference), undefined);
});
