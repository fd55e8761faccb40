/**
 * From the canonical encoding of a value to the groups and datasets of an HDF5 file. The structure of
 * the bytes is followed; no value is built, so types that are not registered here pass like others.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { decode } from "../codec/decoder.ts";
import { type Encoding, encodingLength, joined } from "../codec/encoding.ts";
import { EXTENSION, TIMESTAMP } from "../codec/format.ts";
import { memoryKind, memoryOffset } from "../codec/memory.ts";
import { Walk } from "../codec/references.ts";
import { Writer } from "../codec/writer.ts";
import { CorruptValueError } from "../errors.ts";
import { Cursor } from "./_hdf5_cursor.ts";
import { singleOfHalf } from "./_hdf5_half.ts";
import {
  type Dataset,
  FLOAT16_KIND,
  type Group,
  LABEL,
  linkName,
  MAX_GROUP_DEPTH,
  MAX_NAME_LENGTH,
  MAX_NODES,
  MEMORY,
  type Node,
  numericWidth,
} from "./_hdf5_node.ts";
import { readRectangle } from "./_hdf5_rectangle.ts";
import { encodingOf } from "./_hdf5_to_encoding.ts";

/** Longest bigint that is written as a number, in bytes. */
const MAX_BIGINT = 1024;

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

class Translation {
  readonly #cursor: Cursor;
  readonly #walk: Walk;
  #room = MAX_NODES - 1;

  constructor(bytes: Uint8Array) {
    this.#cursor = new Cursor(bytes);
    this.#walk = new Walk(bytes);
  }

  root(): Node {
    const node = this.#node(1);
    if (this.#cursor.at !== this.#cursor.bytes.length) {
      throw new CorruptValueError("Bytes follow the value");
    }
    return node;
  }

  // The bytes of the value that begins here, as they are.
  #opaque(start = this.#cursor.at): Dataset {
    this.#cursor.at = this.#walk.skip(start);
    return opaque(this.#cursor.bytes.subarray(start, this.#cursor.at));
  }

  #node(depth: number): Node {
    const cursor = this.#cursor;
    const { at: start, first } = cursor;
    if (cursor.leaf !== undefined) return readRectangle(cursor) ?? this.#opaque(start);
    if (cursor.isArray) return this.#array(depth);
    if (cursor.isMap) return this.#object(depth);
    if (first === 0xc0) {
      cursor.at++;
      return text(LABEL.null, LABEL.null);
    }
    if (first >= 0xc4 && first <= 0xc6) {
      cursor.at++;
      const length = cursor.uint(1 << (first - 0xc4));
      return datasetOfMemory(0, cursor.take(length)) ?? this.#opaque(start);
    }
    return this.#extension(depth);
  }

  // Whether there is room for so many nodes more, one level further down.
  #enter(count: number, depth: number): boolean {
    if (depth >= MAX_GROUP_DEPTH || count > this.#room) return false;
    this.#room -= count;
    return true;
  }

  #array(depth: number): Node {
    const cursor = this.#cursor;
    const { at: start, first } = cursor;
    if (first === 0x90) {
      cursor.at++;
      return { type: "int64", width: 8, shape: [0], data: new Uint8Array(0) };
    }
    const rectangle = readRectangle(cursor);
    if (rectangle !== undefined) return rectangle;
    cursor.at = start;
    const members = this.#list(depth);
    return members === undefined ? this.#opaque(start) : { label: LABEL.array, members };
  }

  // The elements of an array, numbered.
  #list(depth: number): Map<string, Node> | undefined {
    const count = this.#cursor.count();
    this.#cursor.need(count);
    if (!this.#enter(count, depth)) return undefined;
    const members = new Map<string, Node>();
    for (let index = 0; index < count; index++) members.set(String(index), this.#node(depth + 1));
    return members;
  }

  #object(depth: number): Node {
    const start = this.#cursor.at;
    const count = this.#cursor.count();
    this.#cursor.need(2 * count);
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
      return strict.decode(this.#cursor.string());
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new CorruptValueError("Not an encoding: a key that is not UTF-8");
    }
  }

  #extension(depth: number): Node {
    const start = this.#cursor.at;
    const end = this.#walk.skip(start);
    const first = this.#cursor.uint(1);
    const length = first >= 0xd4 ? 1 << (first - 0xd4) : this.#cursor.uint(1 << (first - 0xc7));
    const type = this.#cursor.uint(1);
    const node = this.#extended(type, length, start, depth);
    if (node !== undefined) {
      this.#cursor.at = end;
      return node;
    }
    return this.#opaque(start);
  }

  #extended(type: number, length: number, start: number, depth: number): Node | undefined {
    const whole = this.#cursor.bytes.subarray(start, this.#cursor.at + length);
    switch (type) {
      case TIMESTAMP:
        return text((decode({ head: whole }) as Date).toISOString(), LABEL.date);
      case EXTENSION.undefined:
        return text(LABEL.undefined, LABEL.undefined);
      case EXTENSION.bigint:
        if (length > MAX_BIGINT) return undefined;
        return text(String(decode({ head: whole })), LABEL.bigint);
      case EXTENSION.memory:
        return datasetOfMemory(this.#cursor.uint(1), this.#cursor.take(length - 1));
      case EXTENSION.map:
        return this.#map(depth);
      case EXTENSION.set:
        return this.#wrapped(LABEL.set, ["elements"], depth);
      case EXTENSION.registered:
        this.#cursor.count();
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
    const count = this.#cursor.count();
    if (!this.#enter(2, depth)) return undefined;
    const parts: [Uint8Array[], Uint8Array[]] = [[], []];
    for (let index = 0; index < count; index++) {
      const start = this.#cursor.at;
      this.#cursor.at = this.#walk.skip(start);
      parts[index % 2 === 0 ? 0 : 1].push(this.#cursor.bytes.subarray(start, this.#cursor.at));
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
