import { CorruptValueError, SignatureError, UnknownTypeError } from "../errors.ts";
import { isCompressed, openUnsigned, type Seal } from "./seal.ts";

/** Which record is read, and how. */
export interface RecordReader<T> {
  /** The lookup key. */
  readonly key: string;
  /** What opens stored bytes. */
  readonly seal: Seal | undefined;
  /** Most bytes that a record may have. */
  readonly maxLength: number;
  /** Reads the content of stored bytes, and throws if it is not whole. */
  readonly read: (key: string, content: Uint8Array) => T;
}

/**
 * Reads a stored record, in whatever form it is.
 *
 * @throws {SignatureError} If records have to be signed, and no key verifies this one.
 * @throws {CorruptValueError} If it is not a whole record of the key.
 * @throws {UnknownTypeError} If a newer version wrote it.
 */
export function openRecord<T>(bytes: Uint8Array, reader: RecordReader<T>): T {
  const { key, seal, maxLength, read } = reader;
  if (seal?.signs === true) return read(key, seal.open(key, bytes, maxLength));
  let failure: unknown;
  if (!isCompressed(bytes)) {
    try {
      return read(key, bytes);
    } catch (error) {
      if (!(error instanceof CorruptValueError)) throw error;
      failure = error;
    }
  }
  for (const content of openUnsigned(key, bytes, maxLength)) {
    try {
      return read(key, content);
    } catch (error) {
      if (!(error instanceof CorruptValueError)) throw error;
      failure = error;
    }
  }
  const message = `The record of call ${key} is damaged`;
  throw new CorruptValueError(message, { digest: key }, { cause: failure });
}

/**
 * Whether stored bytes are a whole record of the key, or one of a newer version; "unverified" if they
 * may be, but no key verifies the signature.
 */
export function judgeRecord<T>(
  bytes: Uint8Array,
  reader: RecordReader<T>,
): boolean | "unverified" {
  try {
    openRecord(bytes, reader);
    return true;
  } catch (error) {
    if (error instanceof UnknownTypeError) return true;
    if (error instanceof SignatureError) {
      return judgeRecord(bytes, { ...reader, seal: undefined }) && "unverified";
    }
    if (error instanceof CorruptValueError) return false;
    throw error;
  }
}

/** Whether stored bytes are to be put aside: those of a certain record, or else damaged ones. */
export function isToBeSetAside<T>(
  bytes: Uint8Array,
  reader: RecordReader<T>,
  isThat: ((found: T) => boolean) | undefined,
): boolean {
  if (isThat === undefined) return judgeRecord(bytes, reader) === false;
  try {
    return isThat(openRecord(bytes, reader));
  } catch (error) {
    if (judgeRecord(bytes, reader) === true && !(error instanceof UnknownTypeError)) throw error;
    return false;
  }
}
