import assert from "node:assert";
import { fileURLToPath } from "node:url";
import { CorruptValueError, registerType } from "@fleche/core";
import { decode } from "../../src/codec/decoder.ts";
import type { Encoding } from "../../src/codec/encoding.ts";
import { findReferences } from "../../src/codec/references.ts";
import { ascii, bytesOf, concat, encoded, referenceHex, sha256 } from "./_bytes.ts";

/** Leaves nothing behind, so that only the decoder's own memory counts. */
class Nothing {
  static readonly only = new Nothing();
}

registerType<Nothing>({
  name: "nothing",
  match: (value) => value instanceof Nothing,
  encode: () => "x".repeat(65_530),
  decode: () => Nothing.only,
});

const CHILD = fileURLToPath(new URL("_long_child.ts", import.meta.url));

/** Memory that this process holds in any way, in bytes. */
function held(): number {
  const { rss, external, heapTotal } = Deno.memoryUsage();
  return rss + external + heapTotal;
}

/** Inputs of at most 100 bytes that announce as much as their headers can. */
const GREEDY: readonly string[] = [
  "dd ffffffff",
  "dd 7fffffff c0",
  "dc ffff",
  "df ffffffff",
  "df 7fffffff a161 c0",
  "de ffff a161 c0",
  "db ffffffff 61",
  "db 3fffffff 61",
  "da ffff 61",
  "c6 ffffffff 00",
  "c6 7fffffff 00",
  "c5 ffff 00",
  ...["01", "02", "03", "04", "05", "06", "07", "08", "09", "0a", "0b", "0c", "ff"].flatMap((
    code,
  ) => [
    `c9 ffffffff ${code} 00`,
    `c9 7fffffff ${code} dd ffffffff`,
    `c8 ffff ${code} 90`,
    `c7 ff ${code} 90`,
  ]),
  ...["01", "05", "08", "0b", "0c", "0d"].map((kind) => `c9 ffffffff 04 ${kind} 00`),
  `c9 40000000 08 92 a3 ${ascii("any")} dd 3ffffff0`,
  `c9 40000000 09 92 a3 ${ascii("URL")} db 3ffffff0`,
  "dd 00000050 ".repeat(16),
  "df 00000020 ".repeat(16),
  "dc ffff ".repeat(30),
  "9f ".repeat(100),
  "8f a0 ".repeat(50),
  "91 ".repeat(100),
  `91 c7 2c 01 ${"ff".repeat(44)}`,
];

Deno.test("decode() allocates little for a hundred hostile bytes", () => {
  const inputs = GREEDY.flatMap((hex) => {
    const bytes = bytesOf(hex);
    assert(bytes.length <= 100);
    return [bytes, concat(bytesOf("91"), bytes), concat(bytesOf("81 a161"), bytes)];
  });
  const before = held();
  for (const bytes of inputs) {
    for (let times = 0; times < 20; times++) {
      const forms: Encoding[] = [
        { head: bytes },
        { head: bytes.slice(), owned: true },
        { head: bytes, body: bytes },
      ];
      for (const form of forms) assert.throws(() => decode(form), CorruptValueError);
    }
    const grown = held() - before;
    assert(grown < 200_000_000, `${bytes.toHex()} took ${grown} bytes`);
  }
});

Deno.test("findReferences() allocates little for a hundred hostile bytes", () => {
  const before = held();
  for (const hex of GREEDY) {
    for (let times = 0; times < 20; times++) {
      try {
        findReferences({ head: bytesOf(hex) });
      } catch (error) {
        assert(error instanceof CorruptValueError, `${error}`);
      }
    }
    assert(held() - before < 200_000_000, hex);
  }
});

Deno.test("decode() refuses long inputs that nest without end", () => {
  for (
    const step of ["91", "92c0", "81a0", "81a161", "dc0010", "c9 000fffff 05 92c0", "d4 05 91"]
  ) {
    const hex = step.replaceAll(" ", "").repeat(100_000);
    assert.throws(() => decode({ head: bytesOf(hex) }), CorruptValueError, step);
  }
});

/** An array of many references to one part. */
function fanOut(part: Uint8Array, count: number): Uint8Array {
  const reference = bytesOf(referenceHex(part));
  const header = Uint8Array.of(0xdc, count >> 8, count & 0xff);
  return concat(header, ...new Array<Uint8Array>(count).fill(reference));
}

Deno.test("decode() refuses parts that would expand beyond all bounds, before it has built them", () => {
  const leaf = encoded(Nothing.only);
  assert(leaf.length >= 65_536);
  const levels = [leaf];
  for (let level = 0; level < 5; level++) levels.push(fanOut(levels.at(-1) as Uint8Array, 1400));
  const parts = new Map(levels.map((bytes) => [sha256(bytes), bytes]));
  const root = bytesOf(`91 ${referenceHex(levels.at(-1) as Uint8Array)}`);
  // 1400 ** 5 leaves of 64 KiB each. Twenty thousand of them are 1.3 GB already.
  let reads = 0;
  const source = ({ digest }: { digest: string }) => {
    if (++reads > 20_000) throw new Error("Went on to build what cannot be built");
    const head = parts.get(digest);
    return head && { head };
  };
  assert.throws(() => decode({ head: root }, { source }), CorruptValueError);
});

Deno.test("decode() reads one part thousands of times where a value says so", () => {
  const row = new Float64Array(8192);
  const head = encoded(new Array(3000).fill(row));
  const part = { head: encoded(row) };
  const value = decode({ head }, { source: () => part });
  assert(Array.isArray(value));
  assert.equal(value.length, 3000);
  assert.deepEqual(value[2999], row);
});

Deno.test("decode() reads a large bigint and a large UTF-16 string in little memory", async () => {
  // As lists of their elements, 16 MiB would not fit into this heap.
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--v8-flags=--max-old-space-size=64", CHILD, "16"],
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr).slice(-500));
  assert.equal(new TextDecoder().decode(stdout), "bigint string\n");
});
