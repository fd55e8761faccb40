/**
 * Extension 4: typed arrays, ArrayBuffer and DataView as one kind byte and their memory.
 *
 * Elements are little-endian, as on every processor that Deno runs on, so memory is copied as it is.
 *
 * @module
 */

import { EXTENSION } from "./format.ts";

type MemoryConstructor = {
  readonly name: string;
  readonly prototype: object;
  readonly BYTES_PER_ELEMENT?: number;
  new (buffer: ArrayBuffer): ArrayBufferView;
};

interface MemoryKind {
  readonly kind: number;
  readonly name: string;
  /** Bytes of one element; 1 where there are none. */
  readonly width: number;
  /** Absent where this runtime does not have the type, and for ArrayBuffer. */
  readonly type?: MemoryConstructor | undefined;
}

const NAMES = [
  "Int8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "BigInt64Array",
  "BigUint64Array",
  "Float16Array",
  "Float32Array",
  "Float64Array",
] as const;

const WIDTHS = [1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8];

/** Kind byte of an ArrayBuffer. */
export const ARRAY_BUFFER_KIND = 12;

const KINDS: readonly MemoryKind[] = [
  ...NAMES.map((name, index): MemoryKind => ({
    kind: index + 1,
    name,
    width: WIDTHS[index] ?? 1,
    type: Reflect.get(globalThis, name),
  })),
  { kind: ARRAY_BUFFER_KIND, name: "ArrayBuffer", width: 1 },
  { kind: 13, name: "DataView", width: 1, type: DataView },
];

/** The kinds by the prototype of their values. */
export const KIND_BY_PROTOTYPE: ReadonlyMap<object, number> = new Map(
  KINDS.flatMap(({ kind, type }) => type === undefined ? [] : [[type.prototype, kind]]),
);

/** What is known of a kind byte. */
export function memoryKind(kind: number): MemoryKind | undefined {
  return KINDS[kind - 1];
}

/** A value of a kind over a whole buffer. */
export function memoryValue(kind: MemoryKind, buffer: ArrayBuffer): unknown {
  if (kind.kind === ARRAY_BUFFER_KIND) return buffer;
  return kind.type === undefined ? undefined : new kind.type(buffer);
}

/**
 * The memory of a view as bytes: the very memory, unless other threads can write to it. Undefined if
 * it is none, or its memory has been given away.
 */
export function memoryOf(view: ArrayBufferView): Uint8Array | undefined {
  if (!ArrayBuffer.isView(view)) return undefined;
  const read = Object.getPrototypeOf(view) === DataView.prototype ? DATA_VIEW : TYPED_ARRAY;
  let bytes: Uint8Array;
  try {
    const buffer = read.buffer.call(view) as ArrayBufferLike;
    if (isDetached(buffer)) return undefined;
    const [offset, length] = [read.byteOffset.call(view), read.byteLength.call(view)];
    bytes = new Uint8Array(buffer, offset as number, length as number);
  } catch (error) {
    // A DataView beyond the end of a buffer that was made shorter.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
  return bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
}

// What a view says by itself: a property of its own may say something else.
const DATA_VIEW = viewGetters(DataView.prototype);
const TYPED_ARRAY = viewGetters(Object.getPrototypeOf(Uint8Array.prototype));

function viewGetters(prototype: object): Record<"buffer" | "byteOffset" | "byteLength", Getter> {
  return {
    buffer: getter(prototype, "buffer"),
    byteOffset: getter(prototype, "byteOffset"),
    byteLength: getter(prototype, "byteLength"),
  };
}

/** The bytes of a buffer; undefined if it is none, or has been given away. */
export function bytesOf(buffer: ArrayBuffer): Uint8Array | undefined {
  return isBuffer(buffer) && !isDetached(buffer) ? new Uint8Array(buffer) : undefined;
}

/** Reads a property of the object it is called on. */
export type Getter = () => unknown;

/** The function behind a property of a built-in prototype. */
export function getter(prototype: object, name: string): Getter {
  const get = Object.getOwnPropertyDescriptor(prototype, name)?.get;
  if (get === undefined) throw new TypeError(`There is no property ${name}`);
  return get;
}

function isDetached(buffer: ArrayBufferLike): boolean {
  return buffer instanceof ArrayBuffer && buffer.detached;
}

// An object that only inherits from ArrayBuffer.prototype fails to answer.
function isBuffer(value: ArrayBuffer): boolean {
  try {
    return value.byteLength >= 0;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/**
 * Where the memory of an encoding begins, if it is that of a byte string, typed array or the like.
 *
 * @param head the first bytes, at least 7 unless there are no more
 */
export function memoryOffset(head: Uint8Array): number | undefined {
  switch (head[0]) {
    case 0xc4:
      return 2;
    case 0xc5:
      return 3;
    case 0xc6:
      return 5;
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return head[1] === EXTENSION.memory ? 3 : undefined;
    case 0xc7:
      return head[2] === EXTENSION.memory ? 4 : undefined;
    case 0xc8:
      return head[3] === EXTENSION.memory ? 5 : undefined;
    case 0xc9:
      return head[5] === EXTENSION.memory ? 7 : undefined;
  }
}
