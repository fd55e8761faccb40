/** Bytes, given one by one. */
export function bytesOf(...bytes: number[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes);
}

/** Bytes one after the other. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Bytes cut at some positions, taken modulo the length; pieces may be empty. */
export function cut(bytes: Uint8Array, positions: readonly number[]): Uint8Array[] {
  const sorted = positions.map((each) => each % (bytes.length + 1)).sort((one, two) => one - two);
  return [0, ...sorted].map((start, index) => bytes.subarray(start, sorted[index]));
}
