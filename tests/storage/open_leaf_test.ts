import { ValueFile } from "@fleche/core";
import assert from "node:assert/strict";
import { joined } from "../../src/codec/encoding.ts";
import type { OpenValue } from "../../src/lazy_call.ts";
import { type Sample, sampleOf } from "./_samples.ts";
import { TemporaryFolder } from "./_temporary_folder.ts";

const MIB = 1 << 20;

async function contentOf(open: OpenValue, pieces: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(open.length);
  for (let at = 0; at < bytes.length;) {
    const count = await open.read(bytes.subarray(at, at + pieces));
    assert(count > 0, "It ended early");
    at += count;
  }
  assert.equal(await open.read(new Uint8Array(1)), 0);
  return bytes;
}

const LEAVES: readonly [label: string, value: unknown][] = [
  ["a typed array", new Float64Array(MIB / 8).fill(0.1)],
  ["bytes", new Uint8Array(MIB).fill(7)],
  ["a string", "é".repeat(MIB / 2)],
];

for (const [label, value] of LEAVES) {
  Deno.test(`ValueFile opens ${label} of a megabyte, to be read in pieces of any size`, async () => {
    using folder = new TemporaryFolder();
    const storage = new ValueFile({ root: folder.path });
    const { reference, encoding, digest } = sampleOf(value);
    storage.put(reference, encoding);
    for (const pieces of [100_003, 4 * MIB]) {
      using open = await storage.openLeaf(digest, reference);
      assert(open !== undefined);
      assert.equal(open.length, reference.length);
      assert.deepEqual(await contentOf(open, pieces), joined(encoding));
    }
  });
}

const large = (): Sample => sampleOf(new Uint8Array(2 * MIB).fill(3));

Deno.test("ValueFile gives what it opened although another takes its place, or it is deleted", async () => {
  using folder = new TemporaryFolder();
  const storage = new ValueFile({ root: folder.path });
  const { reference, encoding, digest } = large();
  storage.put(reference, encoding);
  using open = await storage.openLeaf(digest, reference);
  assert(open !== undefined);
  await storage.delete(digest);
  assert.deepEqual(await contentOf(open, MIB), joined(encoding));
});

Deno.test("ValueFile opens nothing that is not there, small, or may have parts", async () => {
  using folder = new TemporaryFolder();
  const storage = new ValueFile({ root: folder.path });
  const absent = large();
  assert.equal(await storage.openLeaf(absent.digest, absent.reference), undefined);
  const list = sampleOf(Array.from({ length: 40 }, () => "x".repeat(30_000)));
  assert(list.reference.length > MIB);
  for (const sample of [sampleOf(new Uint8Array(MIB - 100)), list]) {
    storage.put(sample.reference, sample.encoding);
    assert.equal(await storage.openLeaf(sample.digest, sample.reference), undefined);
    assert(await storage.get(sample.digest, sample.reference) !== undefined);
  }
});

Deno.test("ValueFile opens nothing that has another length than it should", async () => {
  using folder = new TemporaryFolder();
  const storage = new ValueFile({ root: folder.path });
  const { reference, encoding, digest } = large();
  storage.put(reference, encoding);
  const path = folder.join("v1", digest.slice(0, 2), digest);
  for (const length of [0, 100, reference.length - 1, reference.length + 1]) {
    Deno.writeFileSync(path, new Uint8Array([...joined(encoding).slice(0, 6)]));
    Deno.truncateSync(path, length);
    assert.equal(await storage.openLeaf(digest, reference), undefined);
  }
  Deno.removeSync(path);
  Deno.mkdirSync(path);
  assert.equal(await storage.openLeaf(digest, reference), undefined);
});

const FORMS: readonly [label: string, options: { compress?: "zstd"; secretKey?: string[] }][] = [
  ["compressed", { compress: "zstd" }],
  ["signed", { secretKey: ["00112233445566778899aabbccddeeff"] }],
];

for (const [label, options] of FORMS) {
  Deno.test(`ValueFile opens nothing that is ${label}`, async () => {
    using folder = new TemporaryFolder();
    const storage = new ValueFile({ root: folder.path, ...options });
    const { reference, encoding, digest } = large();
    storage.put(reference, encoding);
    assert.equal(await storage.openLeaf(digest, reference), undefined);
    const found = await storage.get(digest, reference);
    assert(found !== undefined);
    assert.deepEqual(joined(found), joined(encoding));
  });
}
