/**
 * Half precision (IEEE 754 binary16) as single precision and back, bit by bit, so that the payload of
 * a NaN survives.
 *
 * @module
 */

const scratch = new DataView(new ArrayBuffer(4));

/** Half-precision numbers as single-precision ones; every half has its single. */
export function singleOfHalf(bytes: Uint8Array): Uint8Array {
  const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const to = new DataView(new ArrayBuffer(2 * bytes.byteLength));
  for (let at = 0; at < bytes.length; at += 2) {
    to.setUint32(2 * at, singleBits(from.getUint16(at, true)), true);
  }
  return new Uint8Array(to.buffer);
}

/** The half-precision numbers that {@linkcode singleOfHalf} made single ones of. */
export function halfOfSingle(bytes: Uint8Array): Uint8Array {
  const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const to = new DataView(new ArrayBuffer(bytes.byteLength / 2));
  for (let at = 0; at < to.byteLength; at += 2) {
    to.setUint16(at, halfBits(from.getUint32(2 * at, true)), true);
  }
  return new Uint8Array(to.buffer);
}

function singleBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = half >> 10 & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f80_0000 | fraction << 13) >>> 0;
  if (exponent !== 0) return (sign | exponent + 112 << 23 | fraction << 13) >>> 0;
  // Subnormal in half precision, normal in single.
  scratch.setFloat32(0, fraction * 2 ** -24);
  return (sign | scratch.getUint32(0)) >>> 0;
}

function halfBits(single: number): number {
  const sign = single >>> 16 & 0x8000;
  const exponent = single >>> 23 & 0xff;
  const fraction = single >>> 13 & 0x3ff;
  if (exponent === 0xff) return sign | 0x7c00 | fraction;
  if (exponent > 112) return sign | exponent - 112 << 10 & 0x7c00 | fraction;
  scratch.setUint32(0, single & 0x7fff_ffff);
  return sign | scratch.getFloat32(0) * 2 ** 24;
}
