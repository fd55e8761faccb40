import { crc32 } from "node:zlib";
import { CallRecord, MAX_RECORD_LENGTH } from "../call_record.ts";
import { CorruptValueError } from "../errors.ts";

/** A record, and when it was filed, in microseconds since 1970. */
export interface FiledRecord {
  readonly record: CallRecord;
  readonly filed: number;
}

/**
 * What a file holds after the record: MessagePack's 64-bit timestamp, as an extension of type -1, and
 * the CRC-32 of all that stands before it and the key, as an unsigned integer.
 */
const TRAILER_LENGTH = 10 + 5;

/** Longest content of a file, in bytes. */
export const MAX_FILE_CONTENT = MAX_RECORD_LENGTH + TRAILER_LENGTH;

const MICROSECONDS = 1_000_000;
const HIGH = 0x1_0000_0000;

let last = 0;

/** The time in microseconds since 1970, later than what any call before it has returned. */
export function nextFilingTime(): number {
  return last = Math.max(last + 1, Date.now() * 1000);
}

/** The content of a record's file. */
export function writeRecordFile({ record, filed }: FiledRecord): Uint8Array {
  const { bytes, key } = record;
  const content = new Uint8Array(bytes.length + TRAILER_LENGTH);
  content.set(bytes);
  const view = new DataView(content.buffer, bytes.length);
  const seconds = Math.floor(filed / MICROSECONDS);
  view.setUint16(0, 0xd7ff);
  view.setUint32(2, (filed % MICROSECONDS) * 1000 * 4 + Math.floor(seconds / HIGH));
  view.setUint32(6, seconds % HIGH);
  view.setUint8(10, 0xce);
  view.setUint32(11, checksum(content, key));
  return content;
}

/**
 * Reads the content of a record's file.
 *
 * @throws {CorruptValueError} If it is not a whole record of that key.
 * @throws {UnknownTypeError} If a newer version wrote it.
 */
export function readRecordFile(key: string, content: Uint8Array): FiledRecord {
  const start = content.length - TRAILER_LENGTH;
  if (start <= 0) corrupt(key);
  const view = new DataView(content.buffer, content.byteOffset + start, TRAILER_LENGTH);
  const isWhole = view.getUint16(0) === 0xd7ff && view.getUint8(10) === 0xce &&
    view.getUint32(11) === checksum(content, key);
  if (!isWhole) corrupt(key);
  const first = view.getUint32(2);
  const seconds = first % 4 * HIGH + view.getUint32(6);
  const filed = seconds * MICROSECONDS + Math.floor(Math.floor(first / 4) / 1000);
  return { record: CallRecord.parse(key, content.subarray(0, start)), filed };
}

function checksum(content: Uint8Array, key: string): number {
  return crc32(key, crc32(content.subarray(0, content.length - 4)));
}

function corrupt(key: string): never {
  throw new CorruptValueError(`The file of call ${key} is damaged`, { digest: key });
}
