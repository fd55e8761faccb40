/**
 * The numbers of the encoding, a profile of MessagePack
 * (https://github.com/msgpack/msgpack/blob/master/spec.md).
 *
 * @module
 */

/** A value inside another one is stored by itself from this many bytes on. */
export const SPLIT_LENGTH = 65536;

/** Deepest nesting; the root is 1, and an extension's own array does not count. */
export const MAX_DEPTH = 512;

/** Longest payload of one string, byte string or extension: the format's own limit. */
export const MAX_PAYLOAD = 0xffff_ffff;

/** MessagePack's timestamp extension, as the byte it is written as. */
export const TIMESTAMP = 0xff;

/** Codes of the application extensions. */
export const EXTENSION = {
  reference: 1,
  undefined: 2,
  bigint: 3,
  memory: 4,
  map: 5,
  set: 6,
  utf16: 7,
  registered: 8,
  builtin: 9,
  file: 10,
  directory: 11,
  identity: 12,
} as const;

/** Bytes of a reference's payload: digest, CRC-32, length. */
export const REFERENCE_PAYLOAD = 44;

/** Bytes of a whole reference: a three-byte header and the payload. */
export const REFERENCE_LENGTH = 3 + REFERENCE_PAYLOAD;

/**
 * Most bytes that a value may come to by containing parts more than once: 4 GiB of plain memory, and
 * 1 GiB of anything else. Without a limit a few small parts could stand for more than any memory
 * holds.
 */
export const MAX_REPEATED_LENGTH = { memory: 2 ** 32, other: 2 ** 30 } as const;
