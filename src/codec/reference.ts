import type { Writer } from "./writer.ts";
import type { Reference } from "./encoding.ts";
import { EXTENSION, REFERENCE_LENGTH, REFERENCE_PAYLOAD } from "./format.ts";

/** Writes a reference: extension 1 with digest, CRC-32 and length, big-endian. */
export function writeReference(out: Writer, reference: Reference): void {
  out.extension(EXTENSION.reference, REFERENCE_PAYLOAD);
  out.hex(reference.digest);
  out.uint32(reference.crc);
  out.int64(reference.length);
}

/** Reads the payload of a reference. */
export function readReference(view: DataView, at: number): Reference {
  return {
    digest: readHex(view, at, 32),
    crc: view.getUint32(at + 32),
    length: view.getUint32(at + 36) * 0x1_0000_0000 + view.getUint32(at + 40),
  };
}

/** Whether bytes begin with a reference, and hold nothing else. */
export function isReference(bytes: Uint8Array): boolean {
  return bytes.length === REFERENCE_LENGTH && bytes[0] === 0xc7 && bytes[1] === REFERENCE_PAYLOAD &&
    bytes[2] === EXTENSION.reference;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function readHex(view: DataView, at: number, length: number): string {
  let hex = "";
  for (let index = at; index < at + length; index++) hex += HEX[view.getUint8(index)];
  return hex;
}
