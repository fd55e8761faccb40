/** First bytes of an HDF5 file. */
const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Where the superblocks that are in use keep the address of the file's end, by their version. */
const END_AT: Readonly<Record<number, number>> = { 0: 40, 1: 44, 2: 28, 3: 28 };

/** Bytes that hold what is looked at. */
export const SUPERBLOCK_LENGTH = 52;

/**
 * Whether a file is as long as an HDF5 file says of itself, so that none of it is missing (HDF5 file
 * format specification, II.A).
 *
 * @param start the first {@linkcode SUPERBLOCK_LENGTH} bytes
 * @param length of the file, without what stands behind its end
 */
export function isWholeHdf5(start: Uint8Array, length: number): boolean {
  const endAt = END_AT[start[8] ?? -1];
  if (endAt === undefined || start.length < SUPERBLOCK_LENGTH) return false;
  if (!SIGNATURE.every((byte, at) => start[at] === byte)) return false;
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  return Number(view.getBigUint64(endAt, true)) === length;
}
