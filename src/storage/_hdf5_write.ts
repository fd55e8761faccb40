import { type Dataset, type ElementType, type Node, REFERENCE_LAYOUT } from "./_hdf5_node.ts";
import { isGroup } from "./_hdf5_to_encoding.ts";
import { FILE, type Library, runLibrary } from "./_hdf5_library.ts";

/** How a file is written. */
export interface WriteOptions {
  /** Whether datasets are compressed with HDF5's own filter, deflate. */
  compress?: boolean;
}

/** Bytes handed to the library at a time. */
export const SLAB = 4 << 20;

/** Bytes of a compressed chunk. */
const CHUNK = 1 << 20;

/** Datasets with fewer bytes are not compressed: the index of their chunks takes more. */
const LEAST_COMPRESSED = 4096;

/** H5Z_FILTER_DEFLATE, and its level: that of zlib's default. */
const DEFLATE = { id: 1, level: 6 } as const;

/** The attribute that holds a label. */
export const LABEL_ATTRIBUTE = "fleche";

/** Numbers of the classes H5T_INTEGER, H5T_FLOAT, H5T_STRING and H5T_COMPOUND. */
const [INTEGER, FLOAT, STRING, COMPOUND] = [0, 1, 3, 6];

/** An HDF5 file whose root is a group. */
export function writeHdf5(library: Library, root: Node, options: WriteOptions = {}): Uint8Array {
  return runLibrary(library, () => {
    const { FS } = library;
    const file = library.open(FILE, library.H5F_ACC_TRUNC, false, -1, -1);
    try {
      try {
        // Else the file's memory would grow little by little, and be copied each time.
        const least = options.compress === true ? 0 : sizeOf(root);
        if (least > SLAB) FS.truncate(FILE, least);
        new Writing(library, file, options.compress ?? false).node("/", root);
      } finally {
        library.close_file(file);
      }
      return FS.readFile(FILE);
    } finally {
      if (FS.analyzePath(FILE).exists) FS.unlink(FILE);
    }
  });
}

function sizeOf(node: Node): number {
  if (!isGroup(node)) return node.data.length;
  return node.members.values().reduce((size, member) => size + sizeOf(member), 0);
}

class Writing {
  readonly #library: Library;
  readonly #file: bigint;
  readonly #compress: boolean;

  constructor(library: Library, file: bigint, compress: boolean) {
    this.#library = library;
    this.#file = file;
    this.#compress = compress;
  }

  node(path: string, node: Node): void {
    if (isGroup(node)) {
      if (path !== "/") this.#library.create_group(this.#file, path, false);
      const start = path === "/" ? path : `${path}/`;
      for (const [name, member] of node.members) this.node(start + name, member);
    } else {
      this.#dataset(path, node);
    }
    if (node.label !== undefined) this.#label(path, node.label);
  }

  #label(path: string, label: string): void {
    const bytes = new TextEncoder().encode(`${label}\0`);
    const type = typeOf("ascii", bytes.length);
    const space = { shape: [], maxshape: null, total_size: 1 };
    this.#lend(bytes, (pointer) => {
      this.#library.create_attribute(this.#file, path, LABEL_ATTRIBUTE, pointer, {
        ...type,
        ...space,
      });
    });
  }

  // Bytes in the library's own memory while a function runs.
  #lend(bytes: Uint8Array, use: (pointer: bigint) => void): void {
    const library = this.#library;
    const pointer = library._malloc(Math.max(bytes.length, 1));
    if (pointer === 0) throw new RangeError("The HDF5 library has no memory left");
    try {
      library.HEAPU8.set(bytes, pointer);
      use(BigInt(pointer));
    } finally {
      library._free(pointer);
    }
  }

  #dataset(path: string, { type, width, shape, data }: Dataset): void {
    const library = this.#library;
    const rows = shape[0] ?? 1;
    const rowLength = rows === 0 ? 0 : data.length / rows;
    const space = {
      shape: shape.map(BigInt),
      maxshape: null,
      total_size: data.length / width,
      ...typeOf(type, width),
    };
    const compressed = this.#compress && shape.length > 0 && data.length >= LEAST_COMPRESSED;
    const chunkRows = Math.min(rows, Math.max(1, Math.floor(CHUNK / rowLength)));
    const filtered = compressed
      ? {
        ...space,
        chunks: [chunkRows, ...shape.slice(1)].map(BigInt),
        compression: DEFLATE.id,
        compression_opts: [DEFLATE.level],
      }
      : space;
    if (data.length <= SLAB || shape.length === 0) {
      this.#lend(data, (pointer) => library.create_dataset(this.#file, path, pointer, filtered));
      return;
    }
    // Without data at first; then some rows at a time, always whole chunks.
    library.create_dataset(this.#file, path, 0n, filtered);
    const step = chunkRows * Math.max(1, Math.floor(SLAB / (chunkRows * rowLength)));
    for (let row = 0; row < rows; row += step) {
      const count = Math.min(step, rows - row);
      const slab = data.subarray(row * rowLength, (row + count) * rowLength);
      this.#lend(slab, (pointer) => {
        setSlab(library, this.#file, { path, shape, row, count, pointer });
      });
    }
  }
}

interface Slab {
  readonly path: string;
  readonly shape: readonly number[];
  readonly row: number;
  readonly count: number;
  readonly pointer: bigint;
}

/** Where a slab begins, how far it goes, and its step, in elements along each dimension. */
export function hyperslab(
  { shape, row, count }: Omit<Slab, "path" | "pointer">,
): [count: bigint[], offset: bigint[], strides: bigint[]] {
  const rest = shape.slice(1).map(BigInt);
  return [[BigInt(count), ...rest], [BigInt(row), ...rest.map(() => 0n)], shape.map(() => 1n)];
}

function setSlab(library: Library, file: bigint, slab: Slab): void {
  const [count, offset, strides] = hyperslab(slab);
  const { path, pointer } = slab;
  if (library.set_dataset_data(file, path, count, offset, strides, pointer) < 0) {
    throw new RangeError(`The HDF5 library could not write ${path}`);
  }
}

/** What the library calls a type. */
function typeOf(type: ElementType, width: number) {
  if (type === "reference") {
    return { ...plainType("uint8", width), type: COMPOUND, compound_type: REFERENCE_TYPE };
  }
  return plainType(type, width);
}

function plainType(type: Exclude<ElementType, "reference">, width: number) {
  const shared = { size: width, vlen: false, littleEndian: true };
  if (type === "ascii" || type === "utf8") {
    return { ...shared, type: STRING, signed: false, cset: type === "ascii" ? 0 : 1 };
  }
  const isFloat = type.startsWith("float");
  return { ...shared, type: isFloat ? FLOAT : INTEGER, signed: isFloat || type.startsWith("int") };
}

const REFERENCE_MEMBERS = [
  { name: "digest", offset: 0, ...plainType("ascii", REFERENCE_LAYOUT.digestSize) },
  { name: "crc", offset: REFERENCE_LAYOUT.crcAt, ...plainType("uint32", 4) },
  { name: "length", offset: REFERENCE_LAYOUT.lengthAt, ...plainType("uint64", 8) },
].map((member) => ({ chunks: null, maxshape: null, shape: [], total_size: 1, ...member }));

const REFERENCE_TYPE = { members: REFERENCE_MEMBERS, nmembers: REFERENCE_MEMBERS.length };
