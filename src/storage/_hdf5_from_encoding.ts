/**
 * From the canonical encoding of a value to the groups and datasets of an HDF5 file. The structure of
 * the bytes is followed; no value is built, so types that are not registered here pass like others.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { decode } from "../codec/decoder.ts";
import { type Encoding, encodingLength, joined } from "../codec/encoding.ts";
import { EXTENSION, REFERENCE_LENGTH, REFERENCE_PAYLOAD, TIMESTAMP } from "../codec/format.ts";
import { memoryKind, memoryOffset } from "../codec/memory.ts";
import { readReference } from "../codec/reference.ts";
import { Walk } from "../codec/references.ts";
import { Writer } from "../codec/writer.ts";
import { CorruptValueError } from "../errors.ts";
import { singleOfHalf } from "./_hdf5_half.ts";
import {
  type Dataset,
  type ElementType,
  FLOAT16_KIND,
  type Group,
  LABEL,
  linkName,
  MAX_GROUP_DEPTH,
  MAX_NAME_LENGTH,
  MAX_NODES,
  MAX_RANK,
  MEMORY,
  type Node,
  numericWidth,
  REFERENCE_LAYOUT,
} from "./_hdf5_node.ts";
import { encodingOf } from "./_hdf5_to_encoding.ts";

/** Longest bigint that is written as a number, in bytes. */
const MAX_BIGINT = 1024;

/** Bytes that strings in an array may be filled up by, as a multiple of their own and at least. */
const PADDING = { factor: 4, least: 1024 } as const;

const utf8 = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The node that gives exactly these bytes back. */
export function nodeOf(encoding: Encoding): Node {
  return memoryNode(encoding) ?? checkedNode(joined(encoding));
}

// Bytes that are no canonical encoding, as another program may send them, have no other form.
function checkedNode(bytes: Uint8Array): Node {
  try {
    const node = new Translation(bytes).root();
    const back = joined(encodingOf(node));
    if (Buffer.compare(back, bytes) === 0) return node;
  } catch (error) {
    if (!(error instanceof CorruptValueError)) throw error;
  }
  return opaque(bytes);
}

function opaque(bytes: Uint8Array): Dataset {
  return { type: "uint8", width: 1, shape: [bytes.length], data: bytes, label: LABEL.encoding };
}

/** A whole value of plain memory, in one piece or two. */
function memoryNode(encoding: Encoding): Node | undefined {
  const { head, body } = encoding;
  const offset = memoryOffset(head);
  if (offset === undefined || offset > head.length) return undefined;
  const isBytes = head[0] !== undefined && head[0] >= 0xc4 && head[0] <= 0xc6;
  const kind = isBytes ? 0 : head[offset - 1] ?? 0;
  const node = datasetOfMemory(kind, body ?? head.subarray(offset));
  if (node === undefined) return undefined;
  const back = encodingOf(node);
  const same = encodingLength(back) === encodingLength(encoding) &&
    back.head.subarray(0, offset).every((byte, at) => byte === head[at]);
  return same ? node : undefined;
}

function datasetOfMemory(kind: number, data: Uint8Array): Dataset | undefined {
  const memory = MEMORY[kind];
  const width = memoryKind(kind)?.width ?? 1;
  if (memory === undefined || data.length % width !== 0) return undefined;
  const shape = [data.length / width];
  if (kind === FLOAT16_KIND) data = singleOfHalf(data);
  return { type: memory.type, width: numericWidth(memory.type), shape, data, label: memory.label };
}

/** What an array holds in all its innermost places. */
type Leaf = "number" | "boolean" | "string" | "reference";

function leafOf(bytes: Uint8Array, at: number): Leaf | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0x80 || first >= 0xe0) return "number";
  if (first >= 0xcb && first <= 0xd3) return "number";
  if (first >= 0xa0 && first < 0xc0 || first >= 0xd9 && first <= 0xdb) return "string";
  if (first === 0xc2 || first === 0xc3) return "boolean";
  const isReference = first === 0xc7 && bytes[at + 1] === REFERENCE_PAYLOAD &&
    bytes[at + 2] === EXTENSION.reference;
  return isReference ? "reference" : undefined;
}

/** What is found out about the leaves of a rectangular array before they are copied. */
interface Leaves {
  count: number;
  /** Whether some number is no integer. */
  float: boolean;
  /** Longest string, and all strings together, in bytes. */
  longest: number;
  total: number;
  ascii: boolean;
  /** Whether some string ends in a zero byte, and in a blank. */
  zero: boolean;
  blank: boolean;
}

class Translation {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #walk: Walk;
  #at = 0;
  #room = MAX_NODES - 1;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#walk = new Walk(bytes);
  }

  root(): Node {
    const node = this.#node(1);
    if (this.#at !== this.#bytes.length) throw new CorruptValueError("Bytes follow the value");
    return node;
  }

  #need(count: number): void {
    if (count > this.#bytes.length - this.#at) {
      throw new CorruptValueError("Not an encoding: it breaks off", { position: this.#at });
    }
  }

  #take(count: number): Uint8Array {
    this.#need(count);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  #uint(width: number): number {
    let value = 0;
    for (const byte of this.#take(width)) value = value * 0x100 + byte;
    return value;
  }

  // The bytes of the value that begins here, as they are.
  #opaque(start = this.#at): Dataset {
    this.#at = this.#walk.skip(start);
    return opaque(this.#bytes.subarray(start, this.#at));
  }

  #node(depth: number): Node {
    const start = this.#at;
    const first = this.#bytes[start];
    if (first === undefined) throw new CorruptValueError("Not an encoding: it breaks off");
    if (leafOf(this.#bytes, start) !== undefined) return this.#rectangle([]) ?? this.#opaque(start);
    if (first >= 0x90 && first < 0xa0 || first === 0xdc || first === 0xdd) {
      return this.#array(depth);
    }
    if (first < 0x90 || first === 0xde || first === 0xdf) return this.#object(depth);
    if (first === 0xc0) {
      this.#at++;
      return text(LABEL.null, LABEL.null);
    }
    if (first >= 0xc4 && first <= 0xc6) {
      this.#at++;
      const length = this.#uint(1 << (first - 0xc4));
      return datasetOfMemory(0, this.#take(length)) ?? this.#opaque(start);
    }
    return this.#extension(depth);
  }

  #count(): number {
    const first = this.#uint(1);
    if (first >= 0x80 && first < 0xa0) return first & 0x0f;
    if (first < 0xdc || first > 0xdf) throw new CorruptValueError("Not an encoding: no container");
    return this.#uint(first === 0xdc || first === 0xde ? 2 : 4);
  }

  // Whether there is room for so many nodes more, one level further down.
  #enter(count: number, depth: number): boolean {
    if (depth >= MAX_GROUP_DEPTH || count > this.#room) return false;
    this.#room -= count;
    return true;
  }

  #array(depth: number): Node {
    const start = this.#at;
    if (this.#bytes[start] === 0x90) {
      this.#at++;
      return { type: "int64", width: 8, shape: [0], data: new Uint8Array(0) };
    }
    const shape: number[] = [];
    const node = this.#rectangle(shape);
    if (node !== undefined) return node;
    this.#at = start;
    const members = this.#list(depth);
    return members === undefined ? this.#opaque(start) : { label: LABEL.array, members };
  }

  // The elements of an array, numbered.
  #list(depth: number): Map<string, Node> | undefined {
    const count = this.#count();
    this.#need(count);
    if (!this.#enter(count, depth)) return undefined;
    const members = new Map<string, Node>();
    for (let index = 0; index < count; index++) members.set(String(index), this.#node(depth + 1));
    return members;
  }

  #object(depth: number): Node {
    const start = this.#at;
    const count = this.#count();
    this.#need(2 * count);
    if (!this.#enter(count, depth)) return this.#opaque(start);
    const members = new Map<string, Node>();
    for (let index = 0; index < count; index++) {
      const name = linkName(this.#key());
      if (utf8.encode(name).length > MAX_NAME_LENGTH) return this.#opaque(start);
      members.set(name, this.#node(depth + 1));
    }
    return { members };
  }

  #key(): string {
    try {
      return strict.decode(this.#string());
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new CorruptValueError("Not an encoding: a key that is not UTF-8");
    }
  }

  #string(): Uint8Array {
    if (leafOf(this.#bytes, this.#at) !== "string") {
      throw new CorruptValueError("Not an encoding: no string", { position: this.#at });
    }
    const first = this.#uint(1);
    return this.#take(first < 0xc0 ? first & 0x1f : this.#uint(1 << (first - 0xd9)));
  }

  #number(): number {
    const first = this.#uint(1);
    if (first < 0x80) return first;
    if (first >= 0xe0) return first - 0x100;
    if (first === 0xcb) {
      this.#need(8);
      this.#at += 8;
      return this.#view.getFloat64(this.#at - 8);
    }
    if (first >= 0xcc && first <= 0xcf) return this.#uint(1 << (first - 0xcc));
    if (first < 0xd0) throw new CorruptValueError("Not an encoding: a float 32");
    // Two's complement, counted down from -1: no other integers have these formats.
    let value = -1;
    for (const byte of this.#take(1 << (first - 0xd0))) value = value * 0x100 + byte;
    return value;
  }

  // The leaves here as one dataset: all of one kind, in arrays of the same lengths.
  #rectangle(shape: number[]): Dataset | undefined {
    const start = this.#at;
    const leaves: Leaves = {
      ...{ count: 0, float: false, longest: 0, total: 0, ascii: true, zero: false, blank: false },
    };
    const leaf = this.#survey(shape, 0, leaves);
    if (leaf === undefined) return undefined;
    this.#at = start;
    if (leaf === "string") return this.#strings(shape, leaves);
    const kinds = {
      number: { type: leaves.float ? "float64" : "int64", width: 8 },
      boolean: { type: "uint8", width: 1, label: LABEL.boolean },
      reference: { type: "reference", width: REFERENCE_LAYOUT.size },
    } as const satisfies Record<string, { type: ElementType; width: number; label?: string }>;
    const { width } = kinds[leaf];
    const data = new Uint8Array(leaves.count * width);
    const view = new DataView(data.buffer);
    for (let at = 0; at < data.length; at += width) {
      this.#skipHeaders();
      if (leaf === "boolean") data[at] = this.#uint(1) & 1;
      else if (leaf === "reference") this.#reference(data, view, at);
      else if (leaves.float) view.setFloat64(at, this.#number(), true);
      else setInt64(view, at, this.#number());
    }
    return { ...kinds[leaf], shape, data };
  }

  // Array headers stand only before the first leaf of each row.
  #skipHeaders(): void {
    for (;;) {
      const first = this.#bytes[this.#at] ?? 0;
      if (!(first >= 0x90 && first < 0xa0 || first === 0xdc || first === 0xdd)) return;
      this.#count();
    }
  }

  // Walks over an array; the lengths that its first elements have, all must have.
  #survey(shape: number[], level: number, leaves: Leaves, expected?: Leaf): Leaf | undefined {
    const leaf = leafOf(this.#bytes, this.#at);
    if (leaf !== undefined) {
      if (shape.length !== level || (expected !== undefined && expected !== leaf)) return undefined;
      this.#visit(leaf, leaves);
      return leaf;
    }
    const first = this.#bytes[this.#at] ?? 0;
    if (!(first >= 0x90 && first < 0xa0 || first === 0xdc || first === 0xdd)) return undefined;
    const count = this.#count();
    this.#need(count);
    if (count === 0 || level >= MAX_RANK) return undefined;
    if (leaves.count === 0) shape.push(count);
    else if (shape[level] !== count) return undefined;
    let found = expected;
    for (let index = 0; index < count; index++) {
      found = this.#survey(shape, level + 1, leaves, found);
      if (found === undefined) return undefined;
    }
    return found;
  }

  #visit(leaf: Leaf, leaves: Leaves): void {
    leaves.count++;
    if (leaf === "number") {
      leaves.float ||= this.#bytes[this.#at] === 0xcb;
      this.#number();
    } else if (leaf === "boolean") {
      this.#at++;
    } else if (leaf === "reference") {
      this.#take(REFERENCE_LENGTH);
    } else {
      const bytes = this.#string();
      leaves.total += bytes.length;
      leaves.longest = Math.max(leaves.longest, bytes.length);
      leaves.ascii &&= isAscii(bytes);
      leaves.zero ||= bytes.at(-1) === 0;
      leaves.blank ||= bytes.at(-1) === 0x20;
    }
  }

  // Strings of an array are filled up to the same length: those that would not survive it stand in a
  // group, and so do those of too different lengths.
  #strings(shape: number[], leaves: Leaves): Dataset | undefined {
    const { count, longest, total, ascii } = leaves;
    const type = ascii ? "ascii" : "utf8";
    const width = ascii ? longest + 1 : longest;
    const most = Math.max(PADDING.factor * total, PADDING.least);
    const survives = !(ascii ? leaves.zero : leaves.blank) && count * width <= most;
    if (shape.length > 0 && !survives) return undefined;
    const data = new Uint8Array(count * width).fill(ascii ? 0 : 0x20);
    for (let at = 0; at < data.length; at += width) {
      this.#skipHeaders();
      data.set(this.#string(), at);
    }
    return { type, width, shape, data };
  }

  #reference(data: Uint8Array, view: DataView, at: number): void {
    this.#take(REFERENCE_LENGTH);
    const { digest, crc } = readReference(this.#view, this.#at - REFERENCE_PAYLOAD);
    utf8.encodeInto(digest, data.subarray(at));
    view.setUint32(at + REFERENCE_LAYOUT.crcAt, crc, true);
    const length = this.#view.getBigUint64(this.#at - 8);
    view.setBigUint64(at + REFERENCE_LAYOUT.lengthAt, length, true);
  }

  #extension(depth: number): Node {
    const start = this.#at;
    const end = this.#walk.skip(start);
    const first = this.#uint(1);
    const length = first >= 0xd4 ? 1 << (first - 0xd4) : this.#uint(1 << (first - 0xc7));
    const type = this.#uint(1);
    const node = this.#extended(type, length, start, depth);
    if (node !== undefined) {
      this.#at = end;
      return node;
    }
    return this.#opaque(start);
  }

  #extended(type: number, length: number, start: number, depth: number): Node | undefined {
    const whole = this.#bytes.subarray(start, this.#at + length);
    switch (type) {
      case TIMESTAMP:
        return text((decode({ head: whole }) as Date).toISOString(), LABEL.date);
      case EXTENSION.undefined:
        return text(LABEL.undefined, LABEL.undefined);
      case EXTENSION.bigint:
        if (length > MAX_BIGINT) return undefined;
        return text(String(decode({ head: whole })), LABEL.bigint);
      case EXTENSION.memory:
        return datasetOfMemory(this.#uint(1), this.#take(length - 1));
      case EXTENSION.map:
        return this.#map(depth);
      case EXTENSION.set:
        return this.#wrapped(LABEL.set, ["elements"], depth);
      case EXTENSION.registered:
        this.#count();
        return this.#wrapped(LABEL.registered, ["type", "value"], depth);
      case EXTENSION.builtin:
      case EXTENSION.identity: {
        const label = type === EXTENSION.builtin ? LABEL.builtin : LABEL.identity;
        const members = this.#list(depth);
        return members && { label, members };
      }
    }
  }

  #wrapped(label: string, names: readonly string[], depth: number): Group | undefined {
    if (!this.#enter(names.length, depth)) return undefined;
    return { label, members: new Map(names.map((name) => [name, this.#node(depth + 1)])) };
  }

  // A Map's keys and values stand in turn; here they become an array each.
  #map(depth: number): Group | undefined {
    const count = this.#count();
    if (!this.#enter(2, depth)) return undefined;
    const parts: [Uint8Array[], Uint8Array[]] = [[], []];
    for (let index = 0; index < count; index++) {
      const start = this.#at;
      this.#at = this.#walk.skip(start);
      parts[index % 2 === 0 ? 0 : 1].push(this.#bytes.subarray(start, this.#at));
    }
    const members = new Map<string, Node>();
    for (const [index, name] of ["keys", "values"].entries()) {
      const inner = new Translation(arrayOf(parts[index === 0 ? 0 : 1]));
      inner.#room = this.#room;
      members.set(name, inner.#node(depth + 1));
      this.#room = inner.#room;
    }
    return { label: LABEL.map, members };
  }
}

/** The encoding of an array, from those of its elements. */
function arrayOf(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Writer();
  out.array(parts.length);
  for (const part of parts) out.raw(part);
  return out.since(0);
}

function text(content: string, label: string): Dataset {
  const data = utf8.encode(`${content}\0`);
  return { type: "ascii", width: data.length, shape: [], data, label };
}

function isAscii(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte >= 0x80) return false;
  return true;
}

function setInt64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setInt32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}
