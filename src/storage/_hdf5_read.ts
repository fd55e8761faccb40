import { CorruptValueError } from "../errors.ts";
import { FILE, type Library, runLibrary } from "./_hdf5_library.ts";
import {
  type Dataset,
  type ElementType,
  type Group,
  MAX_GROUP_DEPTH,
  MAX_NODES,
  type Node,
  REFERENCE_LAYOUT,
} from "./_hdf5_node.ts";
import { hyperslab, LABEL_ATTRIBUTE, SLAB } from "./_hdf5_write.ts";

type Metadata = ReturnType<Library["get_dataset_metadata"]>;

/** Longest label that is looked at, in bytes. */
const MAX_LABEL = 64;

/** Filters that come with the library: deflate, shuffle, and Fletcher's check sum. */
const FILTERS = [1, 2, 3];

/** Deflate makes at most this many bytes of one. */
const MOST_DEFLATED = 1032;

/** What is always granted, in bytes. */
const GRANTED = 1 << 20;

/** A file that is open for reading. */
export interface OpenFile {
  /** The label of the root. */
  readonly label: string | undefined;
  /** Reads the node at a path. */
  node(path: string, limit?: number): Node;
}

/**
 * Reads from an HDF5 file while a function runs.
 *
 * A file may say anything of itself. No more memory is taken than a file of its size can hold, no
 * more nodes are visited than one of ours has, and nothing outside of the file is looked at.
 *
 * @throws {CorruptValueError} If it is no such file, or one that was not written by this program.
 * @throws {RangeError} If there is not enough memory.
 */
export function readHdf5<T>(library: Library, bytes: Uint8Array, use: (file: OpenFile) => T): T {
  return runLibrary(library, () => {
    const { FS } = library;
    FS.writeFile(FILE, bytes);
    try {
      const file = library.open(FILE, library.H5F_ACC_RDONLY, false, -1, -1);
      if (file < 0n) refuse("it cannot be opened");
      try {
        return use(new Reading(library, file, bytes.length));
      } finally {
        library.close_file(file);
      }
    } finally {
      FS.unlink(FILE);
    }
  });
}

function refuse(what: string): never {
  throw new CorruptValueError(`Not an HDF5 file of this program: ${what}`);
}

class Reading implements OpenFile {
  readonly #library: Library;
  readonly #file: bigint;
  readonly #length: number;
  #memory: number;
  // Twice as many as are written, for values and what stands beside them.
  #nodes = 2 * MAX_NODES;

  constructor(library: Library, file: bigint, length: number) {
    this.#library = library;
    this.#file = file;
    this.#length = length;
    this.#memory = GRANTED + MOST_DEFLATED * length;
  }

  get label(): string | undefined {
    return this.#label("/");
  }

  node(path: string, limit: number = Infinity): Node {
    this.#memory = Math.min(this.#memory, limit + GRANTED);
    return this.#node(path, 1);
  }

  #node(path: string, depth: number): Node {
    if (--this.#nodes < 0) refuse("too many members");
    const library = this.#library;
    switch (library.get_type(this.#file, path)) {
      case library.H5G_GROUP:
        return this.#group(path, depth);
      case library.H5G_DATASET:
        return this.#dataset(path);
      default:
        return refuse(`no group or dataset "${path}"`);
    }
  }

  #group(path: string, depth: number): Group {
    if (depth >= MAX_GROUP_DEPTH + 2) refuse("too many groups in groups");
    const names = this.#library.get_names(this.#file, path, false);
    if (names.length > this.#nodes) refuse("too many members");
    const members = new Map<string, Node>();
    for (const name of names) {
      members.set(name, this.#node(`${path}/${name}`, depth + 1));
    }
    return { members, label: this.#label(path) };
  }

  #label(path: string): string | undefined {
    const library = this.#library;
    if (!library.get_attribute_names(this.#file, path).includes(LABEL_ATTRIBUTE)) return undefined;
    const metadata = library.get_attribute_metadata(this.#file, path, LABEL_ATTRIBUTE);
    const { type, size, vlen, shape } = metadata;
    if (type !== 3 || vlen || size > MAX_LABEL || shape?.length !== 0) refuse("an unknown label");
    const bytes = this.#borrow(size, (pointer) => {
      return library.get_attribute_data(this.#file, path, LABEL_ATTRIBUTE, pointer);
    });
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end));
  }

  // What the library writes to its own memory while a function runs.
  #borrow(length: number, fill: (pointer: bigint) => number, out?: Uint8Array): Uint8Array {
    const library = this.#library;
    const pointer = library._malloc(Math.max(length, 1));
    // No fault of the file's: what it may ask for has been checked.
    if (pointer === 0) throw new RangeError("The HDF5 library has no memory left");
    try {
      if (fill(BigInt(pointer)) < 0) refuse("data that cannot be read");
      const found = library.HEAPU8.subarray(pointer, pointer + length);
      if (out === undefined) return found.slice();
      out.set(found);
      return out;
    } finally {
      library._free(pointer);
    }
  }

  #spend(length: number): void {
    if (!(length <= this.#memory)) refuse("more data than it can hold");
    this.#memory -= length;
  }

  #dataset(path: string): Dataset {
    const metadata = this.#library.get_dataset_metadata(this.#file, path);
    const { shape, size, chunks } = metadata;
    const type = typeOf(metadata);
    if (shape === null || metadata.virtual_sources !== undefined) refuse("a dataset without data");
    const length = product(shape) * size;
    this.#spend(length);
    if (chunks !== null) this.#checkChunks(path, product(chunks) * size);
    else if (length > this.#length) refuse("more data than there is");
    const data = length <= SLAB || shape.length === 0
      ? this.#borrow(length, (pointer) => this.#get(path, [null, null, null], pointer))
      : this.#slabs(path, shape, length);
    return { type, width: size, shape, data, label: this.#label(path) };
  }

  // The library takes memory for a whole chunk.
  #checkChunks(path: string, length: number): void {
    this.#spend(length);
    const filters = this.#library.get_dataset_filters(this.#file, path);
    if (!filters.every(({ id }) => FILTERS.includes(id))) refuse("data in an unknown filter");
  }

  #get(path: string, [count, offset, strides]: Selection, pointer: bigint): number {
    return this.#library.get_dataset_data(this.#file, path, count, offset, strides, pointer);
  }

  #slabs(path: string, shape: readonly number[], length: number): Uint8Array {
    const [rows = 0] = shape;
    const rowLength = length / rows;
    const step = Math.max(1, Math.floor(SLAB / rowLength));
    const data = new Uint8Array(length);
    for (let row = 0; row < rows; row += step) {
      const count = Math.min(step, rows - row);
      const out = data.subarray(row * rowLength, (row + count) * rowLength);
      const selection = hyperslab({ shape, row, count });
      this.#borrow(out.length, (pointer) => this.#get(path, selection, pointer), out);
    }
    return data;
  }
}

type Selection = readonly [bigint[] | null, bigint[] | null, bigint[] | null];

function product(numbers: readonly number[]): number {
  return numbers.reduce((product, each) => product * each, 1);
}

function typeOf({ type, size, signed, vlen, cset, compound_type }: Metadata): ElementType {
  if (type === 0 && [1, 2, 4, 8].includes(size)) {
    return `${signed ? "int" : "uint"}${8 * size}` as ElementType;
  }
  if (type === 1 && (size === 4 || size === 8)) return size === 4 ? "float32" : "float64";
  if (type === 3 && !vlen) return cset === 1 ? "utf8" : "ascii";
  const members = compound_type?.members.map(({ name, offset, size }) => [name, offset, size]);
  const { digestSize, crcAt, lengthAt } = REFERENCE_LAYOUT;
  const isReference = type === 6 && size === REFERENCE_LAYOUT.size &&
    JSON.stringify(members) ===
      JSON.stringify([["digest", 0, digestSize], ["crc", crcAt, 4], ["length", lengthAt, 8]]);
  return isReference ? "reference" : refuse(`a type of class ${type} and ${size} bytes`);
}
