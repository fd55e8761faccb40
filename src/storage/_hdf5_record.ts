import type { CallRecord } from "../call_record.ts";
import { encode } from "../codec/encode.ts";
import { joined } from "../codec/encoding.ts";
import { Writer } from "../codec/writer.ts";
import { CorruptValueError } from "../errors.ts";
import type { RecordForm } from "./_call_files.ts";
import { nodeOf } from "./_hdf5_from_encoding.ts";
import { type Library, loadedLibrary } from "./_hdf5_library.ts";
import type { Node } from "./_hdf5_node.ts";
import { readHdf5 } from "./_hdf5_read.ts";
import { isGroup } from "./_hdf5_to_encoding.ts";
import { writeHdf5 } from "./_hdf5_write.ts";
import { MAX_FILE_CONTENT, readRecordFile, writeRecordFile } from "./_record_file.ts";

/** The label of the root of a record's file: what it is, and the version of the format. */
const LABEL = "fleche call 1";

/** The dataset that holds the record's bytes, and its label. */
const RECORD = "record";

/**
 * Records as HDF5 files. What is read is the record's own bytes; all the rest is there for people and
 * other programs to look at.
 */
export function hdf5Form(compress: boolean): RecordForm {
  return {
    suffix: ".h5",
    // The library needs all of a file, and files say how long they are.
    maxLength: Infinity,
    write(filed) {
      const data = writeRecordFile(filed);
      const record = {
        type: "uint8",
        width: 1,
        shape: [data.length],
        data,
        label: RECORD,
      } as const;
      const members = new Map<string, Node>([...readable(filed.record), [RECORD, record]]);
      return writeHdf5(needed(), { label: LABEL, members }, { compress });
    },
    read(key, content) {
      const bytes = readHdf5(needed(), content, (file) => {
        if (file.label !== LABEL) throw new CorruptValueError("An HDF5 file that is no record");
        const node = file.node(`/${RECORD}`, 2 * MAX_FILE_CONTENT);
        if (isGroup(node)) throw new CorruptValueError("An HDF5 file without a record");
        return node.data;
      });
      return readRecordFile(key, bytes);
    },
  };
}

function needed(): Library {
  const library = loadedLibrary();
  if (library === undefined) throw new TypeError("The HDF5 library is used before it is loaded");
  return library;
}

// What a record says, as one object without what is null, so that the same limits hold as for a value.
function readable(record: CallRecord): ReadonlyMap<string, Node> {
  const { name, module, version, code, deps, hashed, source, calls, metadata } = record.fields;
  const plain = { key: record.key, name, module, version, code, deps, hashed, source, calls };
  const parts = Object.entries({ ...plain, metadata })
    .filter(([, value]) => value !== null)
    .map(([field, value]) => [field, joined(encode(value, { split: false }))] as const);
  const node = nodeOf({
    head: object([
      ...parts,
      ["arguments", object(record.arguments)],
      ["result", record.result],
    ]),
  });
  return isGroup(node) ? node.members : new Map([["call", node]]);
}

/** The encoding of an object, from those of its members. */
function object(members: readonly (readonly [key: string, encoding: Uint8Array])[]): Uint8Array {
  const out = new Writer();
  out.map(members.length);
  for (const [key, bytes] of members.toSorted(([a], [b]) => a < b ? -1 : 1)) {
    out.string(key);
    out.raw(bytes);
  }
  return out.since(0);
}
