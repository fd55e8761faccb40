import { encode } from "../codec/encode.ts";
import { type Encoding, joined } from "../codec/encoding.ts";
import { EXTENSION } from "../codec/format.ts";
import { Walk } from "../codec/references.ts";
import { writeReference } from "../codec/reference.ts";
import { Writer } from "../codec/writer.ts";
import { CorruptValueError } from "../errors.ts";
import { halfOfSingle } from "./_hdf5_half.ts";
import {
  type Dataset,
  FLOAT16_KIND,
  type Group,
  keyOfLink,
  LABEL,
  MEMORY,
  type Node,
  REFERENCE_LAYOUT,
} from "./_hdf5_node.ts";

/** Longest text that stands for something else, as the digits of a bigint do. */
const MAX_TEXT = 4096;

const ascii = new TextDecoder("latin1");

/**
 * The encoding that a node stands for. Whether it is the one that was stored is for its digest to say:
 * here only what has no meaning is refused.
 *
 * @throws {CorruptValueError} If the node stands for nothing.
 */
export function encodingOf(node: Node): Encoding {
  if (!isGroup(node) && node.label !== undefined) {
    const kind = MEMORY.findIndex(({ label }) => label === node.label);
    if (kind !== -1) return memoryEncoding(node, kind);
    if (node.label === LABEL.encoding) return { head: node.data, owned: true };
  }
  const out = new Writer();
  write(out, node);
  return { head: out.since(0), owned: true };
}

/** Whether a node is a group. */
export function isGroup(node: Node): node is Group {
  return "members" in node;
}

function refuse(what: string): never {
  throw new CorruptValueError(`Not a value as HDF5: ${what}`);
}

// A large value of plain memory keeps the memory that it was read into.
function memoryEncoding(node: Dataset, kind: number): Encoding {
  if (node.type !== MEMORY[kind]?.type) refuse(`a ${node.label} of type ${node.type}`);
  const body = kind === FLOAT16_KIND ? halfOfSingle(node.data) : node.data;
  const out = new Writer();
  if (kind === 0) {
    out.bytes(body.length);
  } else {
    out.extension(EXTENSION.memory, body.length + 1);
    out.byte(kind);
  }
  return { head: out.since(0).slice(), body, owned: true };
}

function write(out: Writer, node: Node): void {
  if (isGroup(node)) writeGroup(out, node);
  else writeDataset(out, node);
}

function writeDataset(out: Writer, node: Dataset): void {
  const { type, label, shape } = node;
  if (label === undefined) {
    if (shape.length === 1 && shape[0] === 0) return out.array(0);
    if (isNumeric(node)) return writeNested(out, node, numbersOf(node));
    if (type === "ascii" || type === "utf8") return writeNested(out, node, stringsOf(node));
    if (type === "reference") return writeNested(out, node, referencesOf(node));
    refuse(`numbers of type ${type}`);
  }
  switch (label) {
    case LABEL.null:
      return out.byte(0xc0);
    case LABEL.undefined:
      return out.extension(EXTENSION.undefined, 0);
    case LABEL.boolean:
      if (type !== "uint8") refuse(`booleans of type ${type}`);
      return writeNested(out, node, (index) => out.byte(node.data[index] === 0 ? 0xc2 : 0xc3));
    case LABEL.bigint:
      return out.raw(encode(bigintOf(textOf(node))).head);
    case LABEL.date:
      return out.raw(encode(new Date(textOf(node))).head);
    case LABEL.encoding:
      return out.raw(node.data);
    default: {
      const kind = MEMORY.findIndex((each) => each.label === label);
      if (kind === -1) refuse(`a dataset that is said to be "${label}"`);
      return out.raw(joined(memoryEncoding(node, kind)));
    }
  }
}

function isNumeric({ type }: Dataset): boolean {
  return type === "int64" || type === "float64";
}

function textOf({ type, shape, data }: Dataset): string {
  if (type !== "ascii" || shape.length > 0 || data.length > MAX_TEXT) {
    refuse("text of another kind");
  }
  return ascii.decode(data.subarray(0, -1));
}

function bigintOf(text: string): bigint {
  return /^-?\d+$/.test(text) ? BigInt(text) : refuse("a bigint that is no number");
}

/** Writes one element of a dataset. */
type WriteElement = (index: number, out: Writer) => void;

// Arrays in arrays, as many as there are dimensions.
function writeNested(out: Writer, { shape }: Dataset, element: WriteElement): void {
  let next = 0;
  const level = (dimension: number): void => {
    const count = shape[dimension];
    if (count === undefined) return element(next++, out);
    // Else a shape as [1000000000, 0] would stand for any amount of nothing.
    if (count === 0) refuse("an empty array in an array");
    out.array(count);
    if (dimension < shape.length - 1) {
      for (let index = 0; index < count; index++) level(dimension + 1);
    } else {
      for (let index = 0; index < count; index++) element(next++, out);
    }
  };
  level(0);
}

function viewOf({ data }: Dataset): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}

function numbersOf(node: Dataset): WriteElement {
  const view = viewOf(node);
  if (node.type === "float64") return (index, out) => out.number(view.getFloat64(8 * index, true));
  return (index, out) => {
    out.number(view.getInt32(8 * index + 4, true) * 2 ** 32 + view.getUint32(8 * index, true));
  };
}

function stringsOf({ type, width, shape, data }: Dataset): WriteElement {
  return (index, out) => {
    let end = (index + 1) * width;
    if (type === "ascii") end--;
    const padding = type === "ascii" ? 0 : 0x20;
    const start = index * width;
    if (shape.length > 0) { while (end > start && data[end - 1] === padding) end--; }
    const length = end - start;
    if (length < 32) out.byte(0xa0 | length);
    else out.length(length, 0xd9, 0xda, 0xdb);
    out.raw(data.subarray(start, end));
  };
}

function referencesOf(node: Dataset): WriteElement {
  const view = viewOf(node);
  const { size, digestSize, crcAt, lengthAt } = REFERENCE_LAYOUT;
  return (index, out) => {
    const at = index * size;
    const digest = ascii.decode(node.data.subarray(at, at + digestSize - 1));
    const length = Number(view.getBigUint64(at + lengthAt, true));
    if (!/^[0-9a-f]{64}$/.test(digest)) refuse("a reference without a digest");
    writeReference(out, { digest, crc: view.getUint32(at + crcAt, true), length });
  };
}

function writeGroup(out: Writer, { label, members }: Group): void {
  const member = (name: string) => members.get(name) ?? refuse(`a ${label} without "${name}"`);
  switch (label) {
    case undefined:
      return writeObject(out, members);
    case LABEL.array:
      return writeList(out, members);
    case LABEL.map:
      return writeMap(out, member("keys"), member("values"));
    case LABEL.set:
      return wrapped(out, EXTENSION.set, () => write(out, member("elements")));
    case LABEL.registered:
      return wrapped(out, EXTENSION.registered, () => {
        out.array(2);
        write(out, member("type"));
        write(out, member("value"));
      });
    case LABEL.builtin:
      return wrapped(out, EXTENSION.builtin, () => writeList(out, members));
    case LABEL.identity:
      return wrapped(out, EXTENSION.identity, () => writeList(out, members));
    default:
      refuse(`a group that is said to be "${label}"`);
  }
}

function wrapped(out: Writer, type: number, content: () => void): void {
  const start = out.open();
  content();
  out.close(start, type);
}

// Links come in the order of their names' bytes; keys stand in that of their UTF-16 code units.
function writeObject(out: Writer, members: Group["members"]): void {
  const entries = [...members].map(([name, node]) => {
    return [keyOfLink(name) ?? refuse(`a member with the name "${name}"`), node] as const;
  });
  entries.sort(([a], [b]) => a < b ? -1 : 1);
  out.map(entries.length);
  for (const [key, node] of entries) {
    out.string(key);
    write(out, node);
  }
}

function writeList(out: Writer, members: Group["members"]): void {
  out.array(members.size);
  for (let index = 0; index < members.size; index++) {
    write(out, members.get(String(index)) ?? refuse(`an array without element ${index}`));
  }
}

function writeMap(out: Writer, keys: Node, values: Node): void {
  const columns = [elementsOf(keys), elementsOf(values)] as const;
  if (columns[0].length !== columns[1].length) refuse("a Map of more keys than values");
  wrapped(out, EXTENSION.map, () => {
    out.array(2 * columns[0].length);
    columns[0].forEach((key, index) => {
      out.raw(key);
      out.raw(columns[1][index] ?? refuse("a Map of more keys than values"));
    });
  });
}

/** The encodings of an array's elements. */
function elementsOf(node: Node): Uint8Array[] {
  const bytes = joined(encodingOf(node));
  const first = bytes[0] ?? 0;
  const isArray = first >= 0x90 && first < 0xa0 || first === 0xdc || first === 0xdd;
  if (!isArray) refuse("a Map whose keys or values are no array");
  const walk = new Walk(bytes);
  const elements: Uint8Array[] = [];
  for (let at = first === 0xdc ? 3 : first === 0xdd ? 5 : 1; at < bytes.length;) {
    const end = walk.skip(at);
    elements.push(bytes.subarray(at, end));
    at = end;
  }
  return elements;
}
