import { CallHdf5, ValueHdf5, type ValueHdf5Options } from "@fleche/core";
import assert from "node:assert/strict";
import { h5dump, h5py, HAS_H5DUMP, HAS_H5PY } from "./_hdf5_programs.ts";
import { recordOf, sampleOf } from "./_samples.ts";
import { KEY } from "./_seals.ts";
import { TemporaryFolder } from "./_temporary_folder.ts";

/** Stores a value and gives the path of its file. */
async function stored(
  folder: TemporaryFolder,
  value: unknown,
  options: Partial<ValueHdf5Options> = {},
): Promise<string> {
  const { reference, encoding, digest } = sampleOf(value);
  await new ValueHdf5({ root: folder.path, ...options }).put(reference, encoding);
  return folder.join("v1", digest.slice(0, 2), `${digest}.h5`);
}

/** Prints the type, shape and content of every dataset as JSON, and which attributes there are. */
const SHOW = `
found = {}
def content(data):
    if data.dtype.kind == "S":
        return np.char.decode(data, "utf-8").tolist()
    return data.tolist()
def show(name, node):
    label = node.attrs.get("fleche")
    label = None if label is None else label.decode()
    if isinstance(node, h5py.Group):
        found[name] = [label, sorted(node)]
    elif node.dtype.names:
        found[name] = [label, list(node.dtype.names), list(node.shape), node["digest"].tolist() and
                       np.char.decode(np.atleast_1d(node["digest"])).tolist()]
    else:
        found[name] = [label, str(node.dtype), list(node.shape), content(node[()])]
h5py.File(sys.argv[1], "r")["value"].visititems(show)
print(json.dumps(found))
`;

const VALUE = {
  answer: 42,
  negative: -(2 ** 53 - 1),
  half: 0.5,
  vector: [1, 2, 3],
  matrix: [[1, 2.5], [3, 4], [5, 6]],
  cube: [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
  mask: [[true, false], [false, true]],
  int8: new Int8Array([-128, 127]),
  uint8: new Uint8Array([0, 255]),
  clamped: new Uint8ClampedArray([1, 2]),
  int16: new Int16Array([-32768, 32767]),
  uint16: new Uint16Array([65535]),
  int32: new Int32Array([-(2 ** 31)]),
  uint32: new Uint32Array([2 ** 32 - 1]),
  int64: new BigInt64Array([-(2n ** 63n)]),
  uint64: new BigUint64Array([2n ** 64n - 1n]),
  float16: new Float16Array([0.5, -65504]),
  float32: new Float32Array([0.5, 1.25]),
  float64: new Float64Array([0.1, 1e300]),
  title: "Eisenguß",
  plain: "plain text ",
  elements: ["H", "He", "Li"],
  when: new Date(Date.UTC(2026, 1, 3, 4, 5, 6, 7)),
  large: 2n ** 70n,
  nothing: null,
  mixed: [1, "two", null],
  lookup: new Map([["a", 1.5], ["b", 2.5]]),
  "with/slash": 1,
};

/** What h5py should say of it. */
const SEEN: Readonly<Record<string, unknown>> = {
  answer: [null, "int64", [], 42],
  negative: [null, "int64", [], -(2 ** 53 - 1)],
  half: [null, "float64", [], 0.5],
  vector: [null, "int64", [3], [1, 2, 3]],
  matrix: [null, "float64", [3, 2], [[1, 2.5], [3, 4], [5, 6]]],
  cube: [null, "int64", [2, 2, 2], [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]],
  mask: ["boolean", "uint8", [2, 2], [[1, 0], [0, 1]]],
  int8: ["Int8Array", "int8", [2], [-128, 127]],
  uint8: ["Uint8Array", "uint8", [2], [0, 255]],
  clamped: ["Uint8ClampedArray", "uint8", [2], [1, 2]],
  int16: ["Int16Array", "int16", [2], [-32768, 32767]],
  uint16: ["Uint16Array", "uint16", [1], [65535]],
  int32: ["Int32Array", "int32", [1], [-(2 ** 31)]],
  uint32: ["Uint32Array", "uint32", [1], [2 ** 32 - 1]],
  float16: ["Float16Array", "float32", [2], [0.5, -65504]],
  float32: ["Float32Array", "float32", [2], [0.5, 1.25]],
  float64: ["Float64Array", "float64", [2], [0.1, 1e300]],
  title: [null, "|S9", [], "Eisenguß"],
  plain: [null, "|S12", [], "plain text "],
  elements: [null, "|S3", [3], ["H", "He", "Li"]],
  when: ["Date", "|S25", [], "2026-02-03T04:05:06.007Z"],
  large: ["bigint", "|S23", [], "1180591620717411303424"],
  nothing: ["null", "|S5", [], "null"],
  mixed: ["Array", ["0", "1", "2"]],
  "mixed/1": [null, "|S4", [], "two"],
  lookup: ["Map", ["keys", "values"]],
  "lookup/keys": [null, "|S2", [2], ["a", "b"]],
  "lookup/values": [null, "float64", [2], [1.5, 2.5]],
  "with%2Fslash": [null, "int64", [], 1],
};

const FORMS: Readonly<Record<string, Partial<ValueHdf5Options>>> = {
  "as it is": {},
  compressed: { compress: true },
  signed: { secretKey: [KEY] },
};

for (const [how, options] of Object.entries(FORMS)) {
  Deno.test({
    name: `h5py reads a value, ${how}, with its types, shapes and numbers`,
    ignore: !HAS_H5PY,
    fn: async () => {
      using folder = new TemporaryFolder();
      const path = await stored(folder, VALUE, options);
      const found = JSON.parse(await h5py(SHOW, path));
      for (const [name, expected] of Object.entries(SEEN)) {
        assert.deepEqual(found[name], expected, name);
      }
      // Beyond what JSON holds.
      const wide = `
f = h5py.File(sys.argv[1], "r")["value"]
print(f["int64"].dtype, f["int64"][0], f["uint64"].dtype, f["uint64"][0])`;
      const expected = `int64 ${-(2n ** 63n)} uint64 ${2n ** 64n - 1n}\n`;
      assert.equal(await h5py(wide, path), expected);
    },
  });
}

Deno.test({
  name: "h5py reads a large array, compressed and in slabs",
  ignore: !HAS_H5PY,
  fn: async () => {
    using folder = new TemporaryFolder();
    const rows = Array.from({ length: 2000 }, (_, i) => {
      return Array.from({ length: 500 }, (_, j) => i * j);
    });
    const path = await stored(folder, rows, { compress: "gzip" });
    const program = `
d = h5py.File(sys.argv[1], "r")["value"]
i, j = np.meshgrid(np.arange(2000), np.arange(500), indexing="ij")
print(d.dtype, d.shape, d.compression, bool((d[()] == i * j).all()))`;
    assert.equal(await h5py(program, path), "int64 (2000, 500) gzip True\n");
    assert(Deno.statSync(path).size < 4_000_000);
  },
});

Deno.test({
  name: "h5dump prints the types, shapes and numbers of a value",
  ignore: !HAS_H5DUMP,
  fn: async () => {
    using folder = new TemporaryFolder();
    const path = await stored(folder, VALUE, { secretKey: [KEY] });
    const matrix = (await h5dump("-d", "/value/matrix", path)).replaceAll(/\s+/g, " ");
    assert.match(matrix, /DATATYPE H5T_IEEE_F64LE DATASPACE SIMPLE \{ \( 3, 2 \) \/ \( 3, 2 \) \}/);
    assert.match(matrix, /\(0,0\): 1, 2\.5, \(1,0\): 3, 4, \(2,0\): 5, 6/);
    const uint64 = (await h5dump("-d", "/value/uint64", path)).replaceAll(/\s+/g, " ");
    assert.match(uint64, /DATATYPE H5T_STD_U64LE .* \(0\): 18446744073709551615/);
    assert.match(uint64, /ATTRIBUTE "fleche" .* \(0\): "BigUint64Array"/);
    const elements = (await h5dump("-d", "/value/elements", path)).replaceAll(/\s+/g, " ");
    assert.match(elements, /CSET H5T_CSET_ASCII; .* \(0\): "H", "He", "Li"/);
    const digest = await h5dump("-d", "/digest", path);
    assert(digest.includes(sampleOf(VALUE).digest));
  },
});

Deno.test({
  name: "h5dump prints what the record of a call says",
  ignore: !HAS_H5DUMP,
  fn: async () => {
    using folder = new TemporaryFolder();
    const record = await recordOf({
      name: "relax",
      module: "lab/src/relax.ts",
      version: 3,
      arguments: { steps: [10, 20], start: "x".repeat(3000) },
      result: { energy: -1.5 },
      metadata: { runtime: { walltime: 0.25 } },
    });
    await new CallHdf5({ root: folder.path }).put(record);
    const { key } = record;
    const path = folder.join("v1", key.slice(0, 2), `${key}.h5`);
    const shown = async (name: string) => {
      return (await h5dump("-d", name, path)).replaceAll(/\s+/g, " ");
    };
    assert.match(await shown("/name"), /"relax"/);
    assert.match(await shown("/module"), /"lab\/src\/relax\.ts"/);
    assert.match(await shown("/version"), /STD_I64LE .* 3 /);
    assert.match(await shown("/key"), new RegExp(key));
    assert.match(await shown("/arguments/steps"), /\( 2 \) .* 10, 20 /);
    assert(
      await shown("/arguments/start").then((text) =>
        text.includes(sampleOf("x".repeat(3000)).digest)
      ),
    );
    assert.match(await shown("/result/energy"), /-1\.5/);
    assert.match(await shown("/metadata/runtime/walltime"), /0\.25/);
  },
});

Deno.test({
  name: "a value survives what h5py adds to its file",
  ignore: !HAS_H5PY,
  fn: async () => {
    using folder = new TemporaryFolder();
    const value = { series: new Float64Array([1, 2, 3]), unit: "eV" };
    const path = await stored(folder, value);
    await h5py(
      `
f = h5py.File(sys.argv[1], "r+")
f["value/series"].attrs["unit"] = "eV"
f["value"].attrs["note"] = "seen"
f["note"] = "beside the value"
f.close()`,
      path,
    );
    const { digest, reference, encoding } = sampleOf(value);
    const found = await new ValueHdf5({ root: folder.path }).get(digest, reference);
    assert.deepEqual(Uint8Array.from(found?.head ?? []), Uint8Array.from(encoding.head));
  },
});
