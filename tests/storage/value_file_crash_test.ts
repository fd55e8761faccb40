import { ValueFile } from "@fleche/core";
import assert from "node:assert/strict";
import { digestOf, joined } from "../../src/codec/encoding.ts";
import { findProgram, requirement } from "../_require.ts";
import { beside, Child, type ChildOptions, runProgram } from "./_child.ts";
import { assertAlike, bytesOf, noise, sampleOf, sampleOfLength } from "./_samples.ts";
import { filesBelow, TemporaryFolder } from "./_temporary_folder.ts";

const WRITER = beside(import.meta.url, "_writer_child.ts");
const FULL_DISK = beside(import.meta.url, "_full_disk_child.ts");
const NO_PERMISSION = beside(import.meta.url, "_no_permission_child.ts");

/** Checks that every file that stands where values stand is whole. */
function assertAllWhole(root: string): void {
  for (const file of filesBelow(`${root}/v1`)) {
    assert.equal(file.split("/").at(-1), digestOf(Deno.readFileSync(`${root}/v1/${file}`)));
  }
}

/** Waits until a writer has begun a file that it has not finished yet. */
async function writeUnderWay(root: string): Promise<void> {
  const end = performance.now() + 20_000;
  while (filesBelow(`${root}/tmp`).length === 0) {
    assert(performance.now() < end, "nothing was written");
    await new Promise((resolve) => setTimeout(resolve));
  }
}

Deno.test("a writer that is killed leaves whole files only, and all that it had stored", async () => {
  using folder = new TemporaryFolder();
  const root = folder.path;
  const stored: string[] = [];
  for (const [round, length] of [300_000, 2000, 3_000_000].entries()) {
    const args = ["values", root, String(length), String(round * 10_000)];
    const child = new Child(WRITER, { args });
    for (let count = 0; count < 3 + 4 * round; count++) stored.push(await child.line() ?? "");
    if (length > 100_000) await writeUnderWay(root);
    stored.push(...await child.kill());
    assertAllWhole(root);
    for (const leftover of filesBelow(`${root}/tmp`)) Deno.removeSync(`${root}/tmp/${leftover}`);
  }
  const storage = new ValueFile({ root });
  assert(stored.length >= 3 + 7 + 11);
  for (const digest of stored) assert.equal(storage.has(digest), true, digest);
});

Deno.test("two writers of the same values leave each of them once, and whole", async () => {
  using folder = new TemporaryFolder();
  const args = ["values", folder.path, "200000", "0"];
  const writers = [new Child(WRITER, { args }), new Child(WRITER, { args })];
  const stored = await Promise.all(writers.map(async (writer) => {
    const digests: string[] = [];
    for (let count = 0; count < 40; count++) digests.push(await writer.line() ?? "");
    return digests;
  }));
  await Promise.all(writers.map((writer) => writer.kill()));
  assert.deepEqual(stored[0], stored[1]);
  assertAllWhole(folder.path);
  const storage = new ValueFile({ root: folder.path });
  for (const digest of stored[0] ?? []) assert.equal(storage.has(digest), true);
});

Deno.test("readers find all of a value or none of it while it is written", async () => {
  using folder = new TemporaryFolder();
  const length = 400_000;
  const args = ["values", folder.path, String(length), "0"];
  const storage = new ValueFile({ root: folder.path, verify: false });
  const sample = sampleOf(noise(length, 8));
  const writer = new Child(WRITER, { args });
  let written = false;
  const writing = (async () => {
    for (let count = 0; count < 8; count++) await writer.line();
    written = true;
  })();
  let misses = 0;
  while (!written) {
    const found = await storage.get(sample.digest, sample.reference);
    if (found === undefined) misses++;
    else assertAlike(joined(found), bytesOf(sample));
    // Lets the lines of the writer come in.
    await new Promise((resolve) => setTimeout(resolve));
  }
  await writing;
  await writer.kill();
  const found = await storage.get(sample.digest, sample.reference);
  assert(found !== undefined);
  assertAlike(joined(found), bytesOf(sample));
  assert(misses > 0);
});

interface FullDiskReport {
  digests: { small: string; small2: string; large: string };
  ofValues: { name: string; message: string; key: string };
  files: string[];
  ofCalls: { name: string; message: string; key: string };
  keys: string[];
  kept: string[];
  refused: string;
  refusedIsThere: boolean;
}

function assertBorneWell(folder: string, printed: string, errors: string): void {
  assert.notEqual(printed, "", errors);
  const report: FullDiskReport = JSON.parse(printed);
  const { digests, ofValues, ofCalls } = report;
  assert.equal(ofValues.name, "SaveError");
  assert.equal(ofValues.key, digests.large);
  assert(ofValues.message.includes(`${folder}/values/v1`), ofValues.message);
  const kept = [digests.small, digests.small2].map((name) => `v1/${name.slice(0, 2)}/${name}`);
  assert.deepEqual(report.files, kept.sort());
  assert.equal(ofCalls.name, "SaveError");
  assert.equal(ofCalls.key, report.refused);
  assert(ofCalls.message.includes(`${folder}/calls.db`), ofCalls.message);
  assert(report.keys.length > 0);
  assert.deepEqual(report.kept, report.keys);
  assert.equal(report.refusedIsThere, false);
}

Deno.test("what does not fit costs a SaveError that names the path, and leaves nothing", async () => {
  using folder = new TemporaryFolder();
  // No file may be longer than 6,000 blocks of 512 bytes; the signal would end the process.
  const runner = ["sh", "-c", "trap '' XFSZ; ulimit -f 6000; exec \"$@\"", "sh"];
  const { lines, errors } = await runProgram(FULL_DISK, { args: [folder.path], runner });
  assertBorneWell(folder.path, lines[0] ?? "", errors);
});

const MOUNT = ["unshare", "--map-root-user", "--mount", "sh", "-c"];

function canMount(): boolean {
  if (findProgram("unshare") === undefined) return false;
  const [program = "", ...args] = [...MOUNT, "mount -t tmpfs tmpfs /mnt"];
  return new Deno.Command(program, { args, stderr: "null" }).outputSync().success;
}

const CAN_MOUNT = requirement("unshare", canMount(), "no file system can be mounted");

Deno.test({
  name: "a full disk costs a SaveError that names the path, and leaves nothing",
  ignore: !CAN_MOUNT,
  fn: async () => {
    using folder = new TemporaryFolder();
    const mount = 'mount -t tmpfs -o size=3m tmpfs "$0" && exec "$@"';
    const runner = [...MOUNT, mount, folder.path];
    const { lines, errors } = await runProgram(FULL_DISK, { args: [folder.path], runner });
    assertBorneWell(folder.path, lines[0] ?? "", errors);
  },
});

// The superuser may do everything, unless it gives that up.
const UNPRIVILEGED = [
  "setpriv",
  "--bounding-set=-dac_override,-dac_read_search",
  "--inh-caps=-all",
];

function unprivileged(): readonly string[] | undefined {
  if (Deno.uid() !== 0) return [];
  if (findProgram("setpriv") === undefined) return undefined;
  const [program = "", ...args] = [...UNPRIVILEGED, "true"];
  const { success } = new Deno.Command(program, { args, stderr: "null" }).outputSync();
  return success ? UNPRIVILEGED : undefined;
}

const RUNNER = unprivileged();
const CAN_DROP = requirement("setpriv", RUNNER !== undefined, "the superuser may do everything");

/** What can forbid a process to write. */
const BARRIERS: Readonly<Record<string, { ignore: boolean; options: ChildOptions }>> = {
  "permission of the system": { ignore: !CAN_DROP, options: { runner: RUNNER ?? [] } },
  "permission of Deno": {
    ignore: false,
    options: { permissions: ["--allow-read", "--allow-env", "--allow-sys"] },
  },
  "file system that can be written to": {
    ignore: !CAN_MOUNT,
    options: { runner: [...MOUNT, 'mount --bind -o ro "$1" "$1"; shift; exec "$@"', "sh"] },
  },
};

/** Lets another process get and put a value, and returns what comes of it. */
async function outcome(options: ChildOptions, root: string, length: number) {
  const runner = options.runner?.includes("unshare") ? [...options.runner, root] : options.runner;
  const { lines, errors } = await runProgram(NO_PERMISSION, {
    ...options,
    ...(runner === undefined ? {} : { runner }),
    args: [root, String(length)],
  });
  assert(lines[0] !== undefined, errors);
  const report: { get: string; put: string } = JSON.parse(lines[0]);
  return { ...report, warnings: errors.trim().split("\n").filter((line) => line !== "") };
}

for (const [barrier, { ignore, options }] of Object.entries(BARRIERS)) {
  Deno.test({
    name: `without a ${barrier}, a damaged value is a miss only`,
    ignore,
    fn: async () => {
      for (const sample of [sampleOf("x".repeat(2000)), sampleOfLength(1 << 20)]) {
        using folder = new TemporaryFolder();
        new ValueFile({ root: folder.path }).put(sample.reference, sample.encoding);
        const shard = folder.join("v1", sample.digest.slice(0, 2));
        const path = `${shard}/${sample.digest}`;
        const harmed = bytesOf(sample).fill(0, 1000, 1100);
        Deno.writeFileSync(path, harmed);
        for (const each of [shard, folder.path]) Deno.chmodSync(each, 0o555);
        const { length } = sample.reference;
        const { get, put, warnings } = await outcome(options, folder.path, length);
        for (const each of [shard, folder.path]) Deno.chmodSync(each, 0o755);
        assert.equal(get, "undefined");
        assert.equal(warnings.length, 1, warnings.join("\n"));
        assert(warnings[0]?.includes(path), warnings[0]);
        assert(put === "stored" || put.startsWith("SaveError") && put.includes(path), put);
        assertAlike(Deno.readFileSync(path), harmed);
        assert.deepEqual(filesBelow(folder.join("tmp")), []);
      }
    },
  });

  Deno.test({
    name: `without a ${barrier}, put() names the path`,
    ignore,
    fn: async () => {
      using folder = new TemporaryFolder();
      Deno.chmodSync(folder.path, 0o555);
      const { get, put } = await outcome(options, folder.path, 2003);
      assert.equal(get, "undefined");
      assert.match(put, /^SaveError: /);
      assert(put.includes(folder.join("v1")), put);
      // What Deno or a file system forbids is for others to allow.
      const isOwn = barrier === "permission of the system";
      assert.equal(put.endsWith("; get write access to the folder, or name another place"), isOwn);
      assert.deepEqual(filesBelow(folder.path), []);
    },
  });
}

Deno.test({
  name: "a file that cannot be read is an error that names it, or a miss",
  ignore: !CAN_DROP,
  fn: async () => {
    for (const sample of [sampleOf("x".repeat(2000)), sampleOfLength(1 << 20)]) {
      using folder = new TemporaryFolder();
      new ValueFile({ root: folder.path }).put(sample.reference, sample.encoding);
      const path = folder.join("v1", sample.digest.slice(0, 2), sample.digest);
      Deno.chmodSync(path, 0);
      const options = { runner: RUNNER ?? [] };
      const { get } = await outcome(options, folder.path, sample.reference.length);
      assert(get === "undefined" || get.startsWith("PermissionDenied") && get.includes(path), get);
    }
  },
});
