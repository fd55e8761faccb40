import { createHash, hash } from "node:crypto";
import { crc32 } from "node:zlib";

/**
 * The bytes of one encoding, in one piece, or as a header and the memory that follows it.
 *
 * The second form lets a large typed array be hashed, written and read without a copy.
 */
export interface Encoding {
  /** The bytes, or the first of them. */
  readonly head: Uint8Array;
  /** The bytes after the head. */
  readonly body?: Uint8Array | undefined;
  /** Whether nobody else holds these bytes, so that a decoded value may keep their memory. */
  readonly owned?: boolean;
}

/** What is known of a value that is stored by itself, enough to check its bytes quickly. */
export interface Reference {
  /** SHA-256 of the encoding, 64 lower-case hexadecimal digits. */
  readonly digest: string;
  /** CRC-32 of the encoding (zlib's polynomial). */
  readonly crc: number;
  /** Length of the encoding in bytes. */
  readonly length: number;
}

/** Most bytes handed to a hash or checksum in one piece. */
const PIECE = 1 << 30;

/** Length of an encoding in bytes. */
export function encodingLength(encoding: Encoding): number {
  return encoding.head.length + (encoding.body?.length ?? 0);
}

/** CRC-32 of an encoding (zlib's polynomial). */
export function encodingCrc(encoding: Encoding): number {
  return crcOf(encoding.head, encoding.body);
}

/** SHA-256 of an encoding, as 64 lower-case hexadecimal digits. */
export function encodingDigest(encoding: Encoding): string {
  return digestOf(encoding.head, encoding.body);
}

/** {@linkcode encodingCrc} of the two parts. */
export function crcOf(head: Uint8Array, body?: Uint8Array): number {
  let crc = crc32(head);
  if (body === undefined) return crc;
  if (body.length <= PIECE) return crc32(body, crc);
  for (let at = 0; at < body.length; at += PIECE) crc = crc32(body.subarray(at, at + PIECE), crc);
  return crc;
}

/** {@linkcode encodingDigest} of the two parts. */
export function digestOf(head: Uint8Array, body?: Uint8Array): string {
  if (body === undefined && head.length <= PIECE) return hash("sha256", head, "hex");
  const state = createHash("sha256");
  for (const bytes of [head, body]) {
    if (bytes === undefined) continue;
    for (let at = 0; at < bytes.length; at += PIECE) state.update(bytes.subarray(at, at + PIECE));
  }
  return state.digest("hex");
}

/** The reference that leads to an encoding. */
export function referenceTo(encoding: Encoding): Reference {
  return {
    digest: encodingDigest(encoding),
    crc: encodingCrc(encoding),
    length: encodingLength(encoding),
  };
}

/** An encoding in one piece; a copy only where it has two. */
export function joined(encoding: Encoding): Uint8Array {
  const { head, body } = encoding;
  if (body === undefined) return head;
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

/** A copy of an encoding that shares no memory with it. */
export function copied(encoding: Encoding): Encoding {
  return encoding.body === undefined
    ? { head: encoding.head.slice(), owned: true }
    : { head: encoding.head.slice(), body: encoding.body.slice(), owned: true };
}

/** Whether two encodings have the same length and check sum as a reference says. */
export function matches(encoding: Encoding, reference: Reference): boolean {
  return encodingLength(encoding) === reference.length && encodingCrc(encoding) === reference.crc;
}
