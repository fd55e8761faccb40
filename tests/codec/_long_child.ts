// Reads a bigint and a string of lone surrogates, of so many MiB each.
import { decode } from "../../src/codec/decoder.ts";

function read(type: number, fill: number, size: number): unknown {
  const head = new Uint8Array(6 + size).fill(fill);
  const view = new DataView(head.buffer);
  view.setUint8(0, 0xc9);
  view.setUint32(1, size);
  view.setUint8(5, type);
  return decode({ head });
}

const size = Number(Deno.args[0]) << 20;
console.log(typeof read(3, 0x55, size), typeof read(7, 0xd8, size));
