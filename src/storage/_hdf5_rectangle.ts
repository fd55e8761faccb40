import { REFERENCE_LENGTH, REFERENCE_PAYLOAD } from "../codec/format.ts";
import { readReference } from "../codec/reference.ts";
import type { Cursor, Leaf } from "./_hdf5_cursor.ts";
import { type Dataset, type ElementType, LABEL, MAX_RANK, REFERENCE_LAYOUT } from "./_hdf5_node.ts";

/** Bytes that strings in an array may be filled up to, as a multiple of their own and at least. */
const PADDING = { factor: 4, least: 1024 } as const;

const utf8 = new TextEncoder();

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

/**
 * The leaf, or array of leaves of one kind, that comes next, as one dataset: the arrays in it have the
 * same lengths on each level.
 *
 * @returns undefined if there is no such thing; where the cursor stands then is undefined too
 */
export function readRectangle(cursor: Cursor): Dataset | undefined {
  return new Rectangle(cursor).read();
}

class Rectangle {
  readonly #cursor: Cursor;
  readonly #shape: number[] = [];
  readonly #leaves: Leaves = {
    ...{ count: 0, float: false, longest: 0, total: 0, ascii: true, zero: false, blank: false },
  };

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  read(): Dataset | undefined {
    const cursor = this.#cursor;
    const start = cursor.at;
    const leaf = this.#survey(0);
    if (leaf === undefined) return undefined;
    cursor.at = start;
    if (leaf === "string") return this.#strings();
    const leaves = this.#leaves;
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
      if (leaf === "boolean") data[at] = cursor.uint(1) & 1;
      else if (leaf === "reference") this.#reference(data, view, at);
      else if (leaves.float) view.setFloat64(at, cursor.number(), true);
      else setInt64(view, at, cursor.number());
    }
    return { ...kinds[leaf], shape: this.#shape, data };
  }

  // Array headers stand only before the first leaf of each row.
  #skipHeaders(): void {
    while (this.#cursor.isArray) this.#cursor.count();
  }

  // Walks over an array; the lengths that its first elements have, all must have.
  #survey(level: number, expected?: Leaf): Leaf | undefined {
    const cursor = this.#cursor;
    const { leaf } = cursor;
    const shape = this.#shape;
    if (leaf !== undefined) {
      if (shape.length !== level || (expected !== undefined && expected !== leaf)) return undefined;
      this.#visit(leaf);
      return leaf;
    }
    if (!cursor.isArray) return undefined;
    const count = cursor.count();
    cursor.need(count);
    if (count === 0 || level >= MAX_RANK) return undefined;
    if (this.#leaves.count === 0) shape.push(count);
    else if (shape[level] !== count) return undefined;
    let found = expected;
    for (let index = 0; index < count; index++) {
      found = this.#survey(level + 1, found);
      if (found === undefined) return undefined;
    }
    return found;
  }

  #visit(leaf: Leaf): void {
    const cursor = this.#cursor;
    const leaves = this.#leaves;
    leaves.count++;
    if (leaf === "number") {
      leaves.float ||= cursor.first === 0xcb;
      cursor.number();
    } else if (leaf === "boolean") {
      cursor.at++;
    } else if (leaf === "reference") {
      cursor.take(REFERENCE_LENGTH);
    } else {
      const bytes = cursor.string();
      leaves.total += bytes.length;
      leaves.longest = Math.max(leaves.longest, bytes.length);
      leaves.ascii &&= isAscii(bytes);
      leaves.zero ||= bytes.at(-1) === 0;
      leaves.blank ||= bytes.at(-1) === 0x20;
    }
  }

  // Strings of an array are filled up to the same length: those that would not survive it stand in a
  // group, and so do those of too different lengths.
  #strings(): Dataset | undefined {
    const leaves = this.#leaves;
    const shape = this.#shape;
    const { count, longest, total, ascii } = leaves;
    const type = ascii ? "ascii" : "utf8";
    const width = ascii ? longest + 1 : longest;
    const most = Math.max(PADDING.factor * total, PADDING.least);
    const survives = !(ascii ? leaves.zero : leaves.blank) && count * width <= most;
    if (shape.length > 0 && !survives) return undefined;
    const data = new Uint8Array(count * width).fill(ascii ? 0 : 0x20);
    for (let at = 0; at < data.length; at += width) {
      this.#skipHeaders();
      data.set(this.#cursor.string(), at);
    }
    return { type, width, shape, data };
  }

  #reference(data: Uint8Array, view: DataView, at: number): void {
    const cursor = this.#cursor;
    cursor.take(REFERENCE_LENGTH);
    const { digest, crc } = readReference(cursor.view, cursor.at - REFERENCE_PAYLOAD);
    utf8.encodeInto(digest, data.subarray(at));
    view.setUint32(at + REFERENCE_LAYOUT.crcAt, crc, true);
    const length = cursor.view.getBigUint64(cursor.at - 8);
    view.setBigUint64(at + REFERENCE_LAYOUT.lengthAt, length, true);
  }
}

function isAscii(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte >= 0x80) return false;
  return true;
}

function setInt64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setInt32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}
