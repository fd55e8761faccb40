import { Cache, Call, CallMemory, digest, SaveError, ValueFile } from "@fleche/core";
import assert from "node:assert/strict";
import { decode } from "../../src/codec/decoder.ts";
import { findProgram, requirement } from "../_require.ts";
import { beside, runProgram } from "./_child.ts";
import { assertAlike, bytesOf, sampleOf, sampleOfLength } from "./_samples.ts";
import { filesBelow, TemporaryFolder } from "./_temporary_folder.ts";

const MIB = 1 << 20;
const SHA256SUM = requirement("sha256sum", findProgram("sha256sum") !== undefined);

/** The digests that sha256sum prints for files. */
async function sha256sum(paths: string[]): Promise<string[]> {
  const { stdout } = await new Deno.Command("sha256sum", { args: paths }).output();
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => line.slice(0, 64));
}

Deno.test("ValueFile keeps each value in v1, in a folder named by two digits", async () => {
  using folder = new TemporaryFolder();
  const storage = new ValueFile({ root: folder.path });
  const samples = [null, "text", new Float64Array(20_000)].map(sampleOf);
  for (const { reference, encoding } of samples) storage.put(reference, encoding);
  const paths = samples.map((each) => `v1/${each.digest.slice(0, 2)}/${each.digest}`);
  assert.deepEqual(filesBelow(folder.path), paths.toSorted());
  for (const [index, sample] of samples.entries()) {
    assertAlike(await Deno.readFile(folder.join(paths[index] ?? "")), bytesOf(sample));
  }
});

Deno.test({
  name: "ValueFile writes files whose sha256sum is their name",
  ignore: !SHA256SUM,
  fn: async () => {
    using folder = new TemporaryFolder();
    const cache = new Cache({
      values: new ValueFile({ root: folder.path }),
      calls: new CallMemory(),
    });
    const result = {
      small: new Array(2000).fill(1),
      text: "é".repeat(40_000),
      series: new Float64Array(50_000).fill(0.1),
      deep: [{ image: new Uint8Array(3 * MIB).fill(7) }, "x".repeat(70_000)],
    };
    await cache.save(new Call({ name: "f", arguments: { seed: "y".repeat(2000) }, result }));
    const files = filesBelow(folder.path).filter((file) => file !== "gc.lock");
    // The argument, the result, and four large parts.
    assert.equal(files.length, 6);
    const names = files.map((file) => file.split("/").at(-1));
    assert.deepEqual(await sha256sum(files.map((file) => folder.join(file))), names);
    assert(names.includes(digest(result).hex));
    assert(names.includes(digest(result.series).hex));
  },
});

Deno.test("ValueFile makes its folder when it first writes, not before", async () => {
  using folder = new TemporaryFolder();
  const storage = new ValueFile({ root: folder.join("a", "b") });
  const { reference, encoding, digest } = sampleOf(1);
  assert.equal(await storage.get(digest), undefined);
  assert.deepEqual(storage.list(""), []);
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
  storage.put(reference, encoding);
  assert.equal(storage.has(digest), true);
});

Deno.test("ValueFile takes a home directory and a relative path for its root", async () => {
  using folder = new TemporaryFolder();
  const home = folder.join("home");
  for (const root of ["~/mine", "relative/values"]) {
    const args = [home, root, "sqlite://"];
    const { code, errors } = await runProgram(beside(import.meta.url, "_home_child.ts"), {
      args,
      cwd: folder.path,
    });
    assert.equal(code, 0, errors);
  }
  const { digest } = sampleOf("x".repeat(2000));
  const below = `v1/${digest.slice(0, 2)}/${digest}`;
  assert.deepEqual(filesBelow(folder.path), [
    "home/mine/gc.lock",
    `home/mine/${below}`,
    "relative/values/gc.lock",
    `relative/values/${below}`,
  ]);
});

Deno.test("ValueFile reads a large typed array into a buffer of its own", async () => {
  using folder = new TemporaryFolder();
  const cache = new Cache({
    values: new ValueFile({ root: folder.path }),
    calls: new CallMemory(),
  });
  const result = Float32Array.from({ length: 600_000 }, (_, index) => index / 3);
  const key = await cache.save(new Call({ name: "f", result }));
  const loaded = await (await cache.load(key)).result();
  assert(loaded instanceof Float32Array);
  assertAlike(loaded, result);
  assert.equal(loaded.byteOffset, 0);
  assert.equal(loaded.buffer.byteLength, result.byteLength);
  // The very memory that the file was read into.
  const { digest, reference } = sampleOf(result);
  const read = await cache.read(reference);
  assert(read?.body !== undefined && read.owned === true, digest);
  const built = decode(read);
  assert(built instanceof Float32Array);
  assert.equal(built.buffer, read.body.buffer);
  assertAlike(built, result);
});

Deno.test("put() of a value that is there renews its age and writes nothing", () => {
  using folder = new TemporaryFolder();
  const storage = new ValueFile({ root: folder.path });
  const { reference, encoding, digest } = sampleOf("old");
  storage.put(reference, encoding);
  const path = folder.join("v1", digest.slice(0, 2), digest);
  const before = Deno.statSync(path);
  Deno.utimeSync(path, new Date(0), new Date(0));
  storage.put(reference, encoding);
  const after = Deno.statSync(path);
  assert.equal(after.ino, before.ino);
  assert((after.mtime?.getTime() ?? 0) >= (before.mtime?.getTime() ?? 0));
});

for (const length of [0, 3, 5000]) {
  Deno.test(`put() replaces a torn file of ${length} bytes`, async () => {
    using folder = new TemporaryFolder();
    const storage = new ValueFile({ root: folder.path });
    const sample = sampleOf("x".repeat(2000));
    storage.put(sample.reference, sample.encoding);
    const path = folder.join("v1", sample.digest.slice(0, 2), sample.digest);
    await Deno.truncate(path, length);
    storage.put(sample.reference, sample.encoding);
    assertAlike(await Deno.readFile(path), bytesOf(sample));
    assert.deepEqual(filesBelow(folder.join("tmp")), []);
  });
}

Deno.test("put() leaves no temporary file, whether it succeeds or fails", () => {
  using folder = new TemporaryFolder();
  const storage = new ValueFile({ root: folder.path });
  const { reference, encoding, digest } = sampleOfLength(2 * MIB);
  storage.put(reference, encoding);
  const shard = folder.join("v1", digest.slice(0, 2));
  Deno.removeSync(shard, { recursive: true });
  // Nothing can be renamed into what is no folder.
  Deno.writeTextFileSync(shard, "in the way");
  assert.throws(() => storage.put(reference, encoding), (error) => {
    assert(error instanceof SaveError);
    assert.equal(error.data.key, digest);
    assert(error.message.includes(`${shard}/${digest}`), error.message);
    assert(error.cause instanceof Error);
    return true;
  });
  assert.deepEqual(filesBelow(folder.path), [`v1/${digest.slice(0, 2)}`]);
});

Deno.test("put() names the path when the root cannot be made", () => {
  using folder = new TemporaryFolder();
  const root = folder.join("file");
  Deno.writeTextFileSync(root, "in the way");
  const { reference, encoding } = sampleOf(1);
  const storage = new ValueFile({ root });
  assert.throws(() => storage.put(reference, encoding), (error) => {
    return error instanceof SaveError && error.message.includes(root);
  });
  assert.equal(Deno.readTextFileSync(root), "in the way");
});

Deno.test("list() passes over what is no value", () => {
  using folder = new TemporaryFolder();
  const storage = new ValueFile({ root: folder.path });
  const { reference, encoding, digest } = sampleOf(1);
  storage.put(reference, encoding);
  const shard = folder.join("v1", digest.slice(0, 2));
  // What file managers and network file systems leave behind.
  Deno.writeTextFileSync(`${shard}/${digest}.orig`, "");
  Deno.writeTextFileSync(`${shard}/.nfs000000000001`, "");
  Deno.writeTextFileSync(folder.join("v1", ".DS_Store"), "");
  for (const prefix of ["", digest.slice(0, 1), digest.slice(0, 4), digest]) {
    assert.deepEqual(storage.list(prefix), [digest], `prefix "${prefix}"`);
  }
});
