import { CallHdf5, SaveError, ValueHdf5 } from "@fleche/core";
import assert from "node:assert/strict";
import { CorruptValueError } from "../../src/errors.ts";
import { loadedLibrary, loadLibrary, runLibrary } from "../../src/storage/_hdf5_library.ts";
import { recordOf, sampleOf } from "./_samples.ts";
import { filesBelow, TemporaryFolder } from "./_temporary_folder.ts";

// In this order: the library is loaded once in a process, and fails once.

Deno.test("HDF5 storages load the library when a file is first written or read", async () => {
  using folder = new TemporaryFolder();
  await using calls = new CallHdf5({ root: folder.join("calls") });
  const values = new ValueHdf5({ root: folder.join("values") });
  const { reference, encoding, digest } = sampleOf([1, 2, 3]);
  for (const storage of [calls, values]) {
    assert.equal(storage.has(digest), false);
    assert.equal(storage.delete(digest), false);
    assert.deepEqual(storage.list(""), []);
    assert.equal(await storage.get(digest), undefined);
    assert.deepEqual(await Array.fromAsync(storage.entries()), []);
  }
  assert.equal(loadedLibrary(), undefined);
  await values.put(reference, encoding);
  assert.notEqual(loadedLibrary(), undefined);
});

Deno.test("HDF5 storages work in a worker too", async () => {
  using folder = new TemporaryFolder();
  const { reference, encoding, digest } = sampleOf({ from: "a worker" });
  await new ValueHdf5({ root: folder.path }).put(reference, encoding);
  const url = new URL("./_hdf5_worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module" });
  const answer = new Promise<unknown>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
  });
  worker.postMessage({ root: folder.path, digest });
  try {
    assert.deepEqual(await answer, Uint8Array.from(encoding.head));
  } finally {
    worker.terminate();
  }
});

Deno.test("a library that fails costs the file it failed on, and no other", async () => {
  using folder = new TemporaryFolder();
  const storage = new ValueHdf5({ root: folder.path });
  await using calls = new CallHdf5({ root: folder.join("calls") });
  const { reference, encoding, digest } = sampleOf("kept");
  await storage.put(reference, encoding);
  const record = await recordOf({ name: "f", result: 1 });
  await calls.put(record);
  const library = await loadLibrary();
  assert.throws(() =>
    runLibrary(library, () => {
      throw new WebAssembly.RuntimeError("unreachable");
    }), CorruptValueError);

  const failed = /HDF5 library has failed/;
  await assert.rejects(async () => await storage.get(digest, reference), failed);
  await assert.rejects(async () => await calls.get(record.key), failed);
  const other = sampleOf("other");
  await assert.rejects(async () => await storage.put(other.reference, other.encoding), SaveError);
  await assert.rejects(async () => await calls.put(record), SaveError);
  assert.deepEqual(storage.list(""), [digest]);
  assert.deepEqual(calls.list(""), [record.key]);
  assert.deepEqual(filesBelow(folder.join("quarantine")), []);
  assert.deepEqual(filesBelow(folder.join("tmp")), []);
});
