import { crcOf, digestOf, type Reference } from "./codec/encoding.ts";
import { withEncoding } from "./codec/encode.ts";
import type { EncodeOptions } from "./codec/encoder.ts";
import { isReference, readReference, writeReference } from "./codec/reference.ts";
import { Writer } from "./codec/writer.ts";

/** Longest encoding that a call record holds itself, in bytes. */
export const EMBED_LENGTH = 1024;

/**
 * What a call record holds for an argument or result: the bytes of a reference, or of the encoding
 * itself where it is short. No encoding of a whole value is a reference, so the two differ.
 */
export type Slot = Uint8Array;

const writer = new Writer();

/** The slot that refers to a value. */
export function referenceSlot(reference: Reference): Slot {
  writer.rewind(0);
  writeReference(writer, reference);
  return writer.since(0).slice();
}

/** The reference that a slot holds, or undefined if it holds an encoding. */
export function slotReference(slot: Slot): Reference | undefined {
  return isReference(slot)
    ? readReference(new DataView(slot.buffer, slot.byteOffset), 3)
    : undefined;
}

/** The digest of the value that a slot stands for. */
export function slotDigest(slot: Slot): string {
  return slotReference(slot)?.digest ?? digestOf(slot);
}

/** A slot and the digest of its value. */
export interface FilledSlot {
  readonly slot: Slot;
  readonly digest: string;
}

/** How {@linkcode fillSlot} encodes. */
export interface FillOptions extends EncodeOptions {
  /** Whether a short encoding may stand in the slot; otherwise there is only its reference. */
  embed?: boolean;
}

/**
 * Encodes a value for a record; the sink takes whatever does not fit into the slot.
 *
 * @throws {IndigestibleError} If the value, or something in it, has no encoding.
 */
export function fillSlot(value: unknown, options: FillOptions): FilledSlot {
  return withEncoding(value, options, (encoding) => {
    const digest = digestOf(encoding.head, encoding.body);
    if (options.embed !== false && encoding.body === undefined) {
      if (encoding.head.length <= EMBED_LENGTH) return { slot: encoding.head.slice(), digest };
    }
    const { head, body } = encoding;
    const length = head.length + (body?.length ?? 0);
    const reference = { digest, crc: crcOf(head, body), length };
    options.sink?.(reference, encoding);
    return { slot: referenceSlot(reference), digest };
  });
}
