import { type Encoding, encodingLength, type Reference } from "../codec/encoding.ts";
import { CorruptValueError } from "../errors.ts";
import { nodeOf } from "./_hdf5_from_encoding.ts";
import type { Library } from "./_hdf5_library.ts";
import type { Node } from "./_hdf5_node.ts";
import { readHdf5 } from "./_hdf5_read.ts";
import { encodingOf } from "./_hdf5_to_encoding.ts";
import { writeHdf5 } from "./_hdf5_write.ts";

/** The label of the root of a value's file: what it is, and the version of the format. */
const LABEL = "fleche value 1";

/**
 * How much longer than the encoding the datasets may be: a number of one byte takes eight, and a chunk
 * as much again.
 */
const MOST_LONGER = 20;

/** The HDF5 file for an encoding. */
export function fileOfValue(
  library: Library,
  reference: Reference,
  encoding: Encoding,
  compress: boolean,
): Uint8Array {
  const root = {
    label: LABEL,
    members: new Map<string, Node>([
      ["digest", asciiNode(reference.digest)],
      ["length", integerNode(encodingLength(encoding))],
      ["value", nodeOf(encoding)],
    ]),
  };
  return writeHdf5(library, root, { compress });
}

/**
 * The encoding that an HDF5 file holds. Whether it is the right one is for its digest to say.
 *
 * @throws {CorruptValueError} If it is no such file.
 */
export function valueOfFile(library: Library, bytes: Uint8Array, expected?: Reference): Encoding {
  const limit = expected === undefined ? Infinity : MOST_LONGER * expected.length;
  return readHdf5(library, bytes, (file) => {
    if (file.label !== LABEL) throw new CorruptValueError("An HDF5 file that is no value");
    return encodingOf(file.node("/value", limit));
  });
}

/** A string of ASCII characters. */
export function asciiNode(text: string): Node {
  const data = new TextEncoder().encode(`${text}\0`);
  return { type: "ascii", width: data.length, shape: [], data };
}

function integerNode(value: number): Node {
  const data = new Uint8Array(new BigInt64Array([BigInt(value)]).buffer);
  return { type: "int64", width: 8, shape: [], data };
}
