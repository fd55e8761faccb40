/**
 * Golden rows of bytes, typed arrays, ArrayBuffer and DataView.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { GoldenRow } from "./_golden_row.ts";

/** Golden rows of bytes, typed arrays, ArrayBuffer and DataView. */
export const MEMORY: readonly GoldenRow[] = [
  // Uint8Array and Buffer: bin
  ["bytes, none", () => new Uint8Array(0), "c400"],
  ["bytes, one", () => Uint8Array.of(0), "c401 00"],
  ["bytes, three", () => Uint8Array.of(1, 2, 255), "c403 0102ff"],
  ["bytes, 16", () => new Uint8Array(16).fill(7), "c410 07070707070707070707070707070707"],
  ["bytes, 31", () => new Uint8Array(31).fill(7), "c41f" + "07".repeat(31)],
  ["bytes, 32", () => new Uint8Array(32).fill(7), "c420" + "07".repeat(32)],
  ["bytes, 255", () => new Uint8Array(255).fill(7), "c4ff" + "07".repeat(255)],
  ["bytes, 256", () => new Uint8Array(256).fill(7), "c50100" + "07".repeat(256)],
  ["bytes, 65535", () => new Uint8Array(65535).fill(7), "c5ffff" + "07".repeat(65535)],
  ["bytes, 65536", () => new Uint8Array(65536).fill(7), "c600010000" + "07".repeat(65536)],
  ["bytes, a part of a buffer", () => Uint8Array.of(9, 1, 2, 9).subarray(1, 3), "c402 0102"],
  [
    "bytes, a Buffer",
    () => Buffer.from("abc"),
    "c403 616263",
    () => new Uint8Array([0x61, 0x62, 0x63]),
  ],
  ["bytes, an empty Buffer", () => Buffer.alloc(0), "c400", () => new Uint8Array(0)],
  [
    "bytes in shared memory",
    () => new Uint8Array(new SharedArrayBuffer(2)).fill(3),
    "c402 0303",
    () => Uint8Array.of(3, 3),
  ],
  [
    "bytes that follow a growing buffer",
    () => new Uint8Array(new ArrayBuffer(2, { maxByteLength: 4 })),
    "c402 0000",
    () => new Uint8Array(2),
  ],
  // every other kind, empty, with its extremes, and where the lengths of extensions change
  ["Int8Array, empty", () => new Int8Array(0), "d404 01"],
  ["Int8Array, one zero", () => new Int8Array(1), "d504 01 00"],
  ["Int8Array", () => Int8Array.of(-128, -1, 0, 127), "c70504 01 80ff007f"],
  ["Uint8ClampedArray, empty", () => new Uint8ClampedArray(0), "d404 02"],
  ["Uint8ClampedArray, one zero", () => new Uint8ClampedArray(1), "d504 02 00"],
  ["Uint8ClampedArray", () => Uint8ClampedArray.of(0, 255, 300, 1.5), "c70504 02 00ffff02"],
  ["Int16Array, empty", () => new Int16Array(0), "d404 03"],
  ["Int16Array, one zero", () => new Int16Array(1), "c70304 03 0000"],
  ["Int16Array", () => Int16Array.of(-32768, 32767, 258), "c70704 03 0080ff7f0201"],
  ["Uint16Array, empty", () => new Uint16Array(0), "d404 04"],
  ["Uint16Array, one zero", () => new Uint16Array(1), "c70304 04 0000"],
  ["Uint16Array", () => Uint16Array.of(0, 65535, 258), "c70704 04 0000ffff0201"],
  ["Int32Array, empty", () => new Int32Array(0), "d404 05"],
  ["Int32Array, one zero", () => new Int32Array(1), "c70504 05 00000000"],
  [
    "Int32Array",
    () => Int32Array.of(-2147483648, 2147483647, 16909060),
    "c70d04 05 00000080ffffff7f04030201",
  ],
  ["Uint32Array, empty", () => new Uint32Array(0), "d404 06"],
  ["Uint32Array, one zero", () => new Uint32Array(1), "c70504 06 00000000"],
  [
    "Uint32Array",
    () => Uint32Array.of(0, 4294967295, 16909060),
    "c70d04 06 00000000ffffffff04030201",
  ],
  ["BigInt64Array, empty", () => new BigInt64Array(0), "d404 07"],
  ["BigInt64Array, one zero", () => new BigInt64Array(1), "c70904 07 0000000000000000"],
  [
    "BigInt64Array",
    () => BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 72623859790382856n),
    "c71904 07 0000000000000080ffffffffffffff7f0807060504030201",
  ],
  ["BigUint64Array, empty", () => new BigUint64Array(0), "d404 08"],
  ["BigUint64Array, one zero", () => new BigUint64Array(1), "c70904 08 0000000000000000"],
  [
    "BigUint64Array",
    () => BigUint64Array.of(0n, 2n ** 64n - 1n, 72623859790382856n),
    "c71904 08 0000000000000000ffffffffffffffff0807060504030201",
  ],
  ["Float16Array, empty", () => new Float16Array(0), "d404 09"],
  ["Float16Array, one zero", () => new Float16Array(1), "c70304 09 0000"],
  ["Float16Array", () => Float16Array.of(1.5, -0, 65504, Infinity), "c70904 09 003e0080ff7b007c"],
  ["Float32Array, empty", () => new Float32Array(0), "d404 0a"],
  ["Float32Array, one zero", () => new Float32Array(1), "c70504 0a 00000000"],
  [
    "Float32Array",
    () => Float32Array.of(0.1, -0, 3.4028234663852886e38),
    "c70d04 0a cdcccc3d00000080ffff7f7f",
  ],
  ["Float64Array, empty", () => new Float64Array(0), "d404 0b"],
  ["Float64Array, one zero", () => new Float64Array(1), "c70904 0b 0000000000000000"],
  [
    "Float64Array",
    () => Float64Array.of(0.1, -0, 1e300, -Infinity),
    "c72104 0b 9a9999999999b93f00000000000000809c7500883ce4377e000000000000f0ff",
  ],
  ["Int8Array, 3: fixext 4", () => new Int8Array(3).fill(1), "d604 01 010101"],
  ["Int8Array, 7: fixext 8", () => new Int8Array(7).fill(1), "d704 01 01010101010101"],
  [
    "Int8Array, 15: fixext 16",
    () => new Int8Array(15).fill(1),
    "d804 01 010101010101010101010101010101",
  ],
  ["Int8Array, 16", () => new Int8Array(16).fill(1), "c71104 01 01010101010101010101010101010101"],
  ["Int8Array, 254", () => new Int8Array(254).fill(1), "c7ff04 01" + "01".repeat(254)],
  ["Int8Array, 255: ext 16", () => new Int8Array(255).fill(1), "c8010004 01" + "01".repeat(255)],
  ["Int8Array, 65534", () => new Int8Array(65534).fill(1), "c8ffff04 01" + "01".repeat(65534)],
  [
    "Int8Array, 65535: ext 32",
    () => new Int8Array(65535).fill(1),
    "c90001000004 01" + "01".repeat(65535),
  ],
  [
    "Float64Array, 8192",
    () => new Float64Array(8192).fill(1),
    "c90001000104 0b" + "000000000000f03f".repeat(8192),
  ],
  [
    "Float64Array, a NaN keeps its bits",
    () => new Float64Array(BigUint64Array.of(0xfff8dead_beef0001n).buffer),
    "c70904 0b 0100efbeaddef8ff",
  ],
  [
    "Float32Array, a part of a buffer",
    () => Float32Array.of(9, 1, 2, 9).subarray(1, 3),
    "c70904 0a 0000803f00000040",
  ],
  [
    "Int32Array in shared memory",
    () => new Int32Array(new SharedArrayBuffer(8)).fill(-2),
    "c70904 05 fefffffffeffffff",
    () => Int32Array.of(-2, -2),
  ],
  ["ArrayBuffer, empty", () => new ArrayBuffer(0), "d404 0c"],
  ["ArrayBuffer", () => Uint8Array.of(1, 2, 3).buffer, "d604 0c 010203"],
  [
    "ArrayBuffer that can grow",
    () => new ArrayBuffer(2, { maxByteLength: 4 }),
    "c70304 0c 0000",
    () => new ArrayBuffer(2),
  ],
  ["DataView, empty", () => new DataView(new ArrayBuffer(0)), "d404 0d"],
  ["DataView", () => new DataView(Uint8Array.of(1, 2, 3).buffer), "d604 0d 010203"],
  [
    "DataView, a part of a buffer",
    () => new DataView(Uint8Array.of(9, 1, 2, 9).buffer, 1, 2),
    "c70304 0d 0102",
    () => new DataView(Uint8Array.of(1, 2).buffer),
  ],
];
