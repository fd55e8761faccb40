import { CallHdf5, ValueHdf5 } from "@fleche/core";
import assert from "node:assert/strict";
import process from "node:process";
import { joined } from "../../src/codec/encoding.ts";
import { h5py, HAS_H5PY } from "./_hdf5_programs.ts";
import { assertAlike, bytesOf, recordOf, sampleOf } from "./_samples.ts";
import { filesBelow, TemporaryFolder } from "./_temporary_folder.ts";
import { Warnings } from "./_warnings.ts";

/** What the files claim to be. */
const SAMPLE = sampleOf(Float64Array.from({ length: 1000 }, (_, index) => index));

/** Most processor time that a look at a hostile file may take, in milliseconds: many times what it does. */
const SOON = 5000;

function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

// The file stands open as f, its root is labelled, and right(where) makes the value that it claims.
const FRAME = `
f = h5py.File(sys.argv[1], "w", libver=("earliest", "latest"))
other = sys.argv[2]
label = lambda text: np.bytes_(text.encode() + b"\\0")
f.attrs["fleche"] = label("fleche value 1")
def right(where, name="value"):
    d = where.create_dataset(name, data=np.arange(1000.0))
    d.attrs["fleche"] = label("Float64Array")
    return d
`;

/** Python that makes files, each of which is not the value that it claims to be. */
const HOSTILE: Readonly<Record<string, string>> = {
  "no value": "",
  "a value without its label": 'f.create_dataset("value", data=np.arange(1000.0))',
  "a root without a label": 'right(f); del f.attrs["fleche"]',
  "a root that is a record": 'right(f); f.attrs["fleche"] = label("fleche call 1")',
  "a label that is a number": 'right(f).attrs["fleche"] = 5',
  "a label of variable length": 'right(f).attrs["fleche"] = "Float64Array"',
  "a label of 60,000 bytes": 'right(f).attrs["fleche"] = label("x" * 60000)',
  "a label that is an array": 'right(f).attrs["fleche"] = [label("Float64Array")] * 2',
  "an unknown label": 'right(f).attrs["fleche"] = label("Complex")',
  "another number": "right(f)[7] = 8",
  "an element too many":
    'f.create_dataset("value", data=np.arange(1001.0)).attrs["fleche"] = label("Float64Array")',
  "numbers of another width":
    'f.create_dataset("value", data=np.arange(1000, dtype="f4")).attrs["fleche"] = label("Float64Array")',
  "half-precision numbers": 'f.create_dataset("value", data=np.arange(9, dtype="f2"))',
  "numbers of 16 bytes": 'f.create_dataset("value", data=np.arange(9, dtype="longdouble"))',
  "complex numbers": 'f.create_dataset("value", data=np.arange(9, dtype="c16"))',
  "an enumeration": 'f.create_dataset("value", data=[True, False])',
  "strings of variable length": 'f.create_dataset("value", data=["a", "b"])',
  "references to objects": 'f.create_dataset("value", data=[f.ref], dtype=h5py.ref_dtype)',
  "opaque data": 'f.create_dataset("value", data=np.void(b"12345"))',
  "another compound":
    'f.create_dataset("value", data=np.zeros(3, dtype=[("digest", "S65"), ("b", "i8")]))',
  "no data space":
    'f.create_dataset("value", data=h5py.Empty("f8")).attrs["fleche"] = label("Float64Array")',
  "a type in place of a value": 'f["value"] = np.dtype("f8")',
  "a dataset of 8 TB that takes no room":
    'f.create_dataset("value", shape=(10**12,), dtype="f8", chunks=(10**6,)).attrs["fleche"] = label("Float64Array")',
  "a dataset of 8 TB in one piece":
    'f.create_dataset("value", shape=(10**12,), dtype="f8").attrs["fleche"] = label("Float64Array")',
  "a dataset of more bytes than there are numbers":
    'f.create_dataset("value", shape=(2**31, 2**31, 2**3), dtype="f8", chunks=(1, 1, 1))',
  "a chunk of 3 GB":
    'f.create_dataset("value", shape=(1000,), maxshape=(None,), dtype="f8", chunks=(400_000_000,)).attrs["fleche"] = label("Float64Array")',
  "a filter that it does not bring along": `
d = f.create_dataset("value", data=np.arange(1000.0), compression="lzf")
d.attrs["fleche"] = label("Float64Array")`,
  "an array of a billion empty ones": 'f.create_dataset("value", shape=(10**9, 0), dtype="i8")',
  "a group of 100,000 members": `
g = f.create_group("value")
d = g.create_dataset("d", data=1)
for i in range(100000): g[str(i)] = d`,
  "groups in groups, 1,000 deep": `
g = f.create_group("value")
for i in range(1000): g = g.create_group("g")`,
  "a group that holds itself": 'g = f.create_group("value"); g["a"] = g; g["b"] = g',
  "a list whose members are not numbered": `
g = f.create_group("value"); g.attrs["fleche"] = label("Array"); g["1"] = 1; g["x"] = 2`,
  "a Map of more keys than values": `
g = f.create_group("value"); g.attrs["fleche"] = label("Map"); g["keys"] = [1, 2]; g["values"] = [1]`,
  "a Map whose keys are no array": `
g = f.create_group("value"); g.attrs["fleche"] = label("Map"); g["keys"] = 1; g["values"] = [1]`,
  "a Set without elements": 'f.create_group("value").attrs["fleche"] = label("Set")',
  "a name that no key has": 'f.create_group("value")["a%zz%2f"] = 1',
  "a name that is not UTF-8": 'h5py.h5g.create(f.create_group("value").id, b"\\xff\\xfe")',
  "a bigint of a million digits": `
f.create_dataset("value", data=np.bytes_(b"9" * 1000000)).attrs["fleche"] = label("bigint")`,
  "a soft link to itself": 'f["value"] = h5py.SoftLink("/value")',
  "soft links in a circle": 'f["value"] = h5py.SoftLink("/b"); f["b"] = h5py.SoftLink("/value")',
  "soft links that multiply": `
g = f.create_group("value")
for i in range(20): g[str(i)] = h5py.SoftLink("/value")`,
  "a dangling soft link": 'f["value"] = h5py.SoftLink("/nowhere")',
  "a link to the value in another file": 'f["value"] = h5py.ExternalLink(other, "/value")',
  "a link to itself in its file": 'f["value"] = h5py.ExternalLink("/fleche-entry.h5", "/value")',
  "data that stand in another file": `
space = h5py.h5s.create_simple((1000,))
plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
plist.set_external(sys.argv[3].encode(), 0, 8000)
h5py.h5d.create(f.id, b"value", h5py.h5t.IEEE_F64LE, space, plist)
f["value"].attrs["fleche"] = label("Float64Array")`,
  "a view of a dataset in another file": `
layout = h5py.VirtualLayout(shape=(1000,), dtype="f8")
layout[:] = h5py.VirtualSource(other, "value", shape=(1000,))
f.create_virtual_dataset("value", layout).attrs["fleche"] = label("Float64Array")`,
};

async function storedIn(storage: ValueHdf5, folder: TemporaryFolder): Promise<string> {
  await storage.put(SAMPLE.reference, SAMPLE.encoding);
  return folder.join("v1", SAMPLE.digest.slice(0, 2), `${SAMPLE.digest}.h5`);
}

// The files that a hostile one may point to: they hold just what it claims.
async function others(folder: TemporaryFolder): Promise<[string, string]> {
  const root = folder.join("others");
  await new ValueHdf5({ root }).put(SAMPLE.reference, SAMPLE.encoding);
  const raw = folder.join("raw");
  Deno.writeFileSync(raw, new Uint8Array((SAMPLE.value as Float64Array).buffer as ArrayBuffer));
  return [folder.join("others", filesBelow(root)[0] ?? ""), raw];
}

for (const [what, program] of Object.entries(HOSTILE)) {
  Deno.test({
    name: `ValueHdf5 takes a file with ${what} for no value, and at once`,
    ignore: !HAS_H5PY,
    fn: async () => {
      using folder = new TemporaryFolder();
      using _ = new Warnings();
      const storage = new ValueHdf5({ root: folder.path });
      const path = await storedIn(storage, folder);
      await h5py(`${FRAME}${program}`, path, ...await others(folder));
      const hostile = Deno.readFileSync(path);
      for (const expected of [SAMPLE.reference, undefined]) {
        Deno.writeFileSync(path, hostile);
        const start = cpuTime();
        assert.equal(await storage.get(SAMPLE.digest, expected), undefined);
        assert(cpuTime() - start < SOON, `${cpuTime() - start} ms`);
        assert.equal(storage.has(SAMPLE.digest), false);
      }
      // The library is none the worse for it.
      await storage.put(SAMPLE.reference, SAMPLE.encoding);
      const found = await storage.get(SAMPLE.digest, SAMPLE.reference);
      assert(found !== undefined);
      assertAlike(joined(found), bytesOf(SAMPLE));
    },
  });
}

Deno.test({
  name: "what the hostile files are made from is a value by itself",
  ignore: !HAS_H5PY,
  fn: async () => {
    using folder = new TemporaryFolder();
    const storage = new ValueHdf5({ root: folder.path });
    const path = await storedIn(storage, folder);
    for (const program of ["right(f)", 'right(f, "b"); f["value"] = h5py.SoftLink("/b")']) {
      await h5py(`${FRAME}${program}`, path, "", "");
      const found = await storage.get(SAMPLE.digest, SAMPLE.reference);
      assert(found !== undefined);
      assertAlike(joined(found), bytesOf(SAMPLE));
    }
  },
});

const HOSTILE_RECORDS: Readonly<Record<string, string>> = {
  "no record": 'del f["record"]',
  "another record": 'f["record"][20] += 1',
  "a record that is a group": 'del f["record"]; f.create_group("record")',
  "a record of 8 TB":
    'del f["record"]; f.create_dataset("record", shape=(10**12,), dtype="f8", chunks=(10**6,))',
  "a root that is a value": 'f.attrs["fleche"] = np.bytes_(b"fleche value 1\\0")',
};

for (const [what, program] of Object.entries(HOSTILE_RECORDS)) {
  Deno.test({
    name: `CallHdf5 takes a file with ${what} for no call`,
    ignore: !HAS_H5PY,
    fn: async () => {
      using folder = new TemporaryFolder();
      using _ = new Warnings();
      await using storage = new CallHdf5({ root: folder.path });
      const record = await recordOf({ name: "f", arguments: { x: [1, 2] }, result: 3 });
      await storage.put(record);
      const { key } = record;
      const path = folder.join("v1", key.slice(0, 2), `${key}.h5`);
      await h5py(`f = h5py.File(sys.argv[1], "r+")\n${program}`, path);
      assert.deepEqual(await Array.fromAsync(storage.records()), []);
      assert.equal(await storage.get(key), undefined);
      assert.equal(filesBelow(folder.join("quarantine")).length, 1);
      await storage.put(record);
      assert.deepEqual((await storage.get(key))?.bytes, record.bytes);
    },
  });
}

Deno.test({
  name: "what somebody writes beside a record changes nothing of the call",
  ignore: !HAS_H5PY,
  fn: async () => {
    using folder = new TemporaryFolder();
    await using storage = new CallHdf5({ root: folder.path });
    const record = await recordOf({ name: "f", arguments: { x: 1 }, result: 3 });
    await storage.put(record);
    const { key } = record;
    const path = folder.join("v1", key.slice(0, 2), `${key}.h5`);
    await h5py(`f = h5py.File(sys.argv[1], "r+")\nf["result"][()] = 4\nf["name"][()] = b"g"`, path);
    const found = await storage.get(key);
    assert.deepEqual(found?.fields, record.fields);
  },
});
