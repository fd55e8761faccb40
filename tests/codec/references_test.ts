import assert from "node:assert";
import { CorruptValueError } from "@fleche/core";
import fc from "fast-check";
import { decode, MissingPart } from "../../src/codec/decoder.ts";
import { encode } from "../../src/codec/encode.ts";
import type { Reference } from "../../src/codec/encoding.ts";
import { findReferences, skipValue } from "../../src/codec/references.ts";
import {
  bytesOf,
  concat,
  decoded,
  encoded,
  encodedWhole,
  hexOf,
  referenceHex,
  sameBytes,
  type Whole,
} from "./_bytes.ts";
import { GOLDEN } from "./_golden.ts";
import { SPLIT } from "./_golden_split.ts";
import { assertSame } from "./_same.ts";
import { Crate } from "./_sized.ts";

/** All references below a root, each after those of its own part: the order of the sink. */
function walk(head: Uint8Array, source: Whole["source"]): Reference[] {
  return findReferences({ head }).flatMap((reference) => {
    const part = source(reference);
    assert(part !== undefined);
    return [...walk(part.head, source), reference];
  });
}

Deno.test("encode() writes roots, references and parts as the golden table has them", async (t) => {
  for (const [label, value, root, parts] of SPLIT) {
    await t.step(label, () => {
      const whole = encodedWhole(value());
      assert.equal(hexOf(whole.root), root.replaceAll(" ", ""));
      assert.equal(whole.parts.length, parts.length);
      whole.parts.forEach(({ bytes }, n) => {
        assert(sameBytes(bytes, bytesOf(parts[n] as string)), `part ${n}`);
      });
      assertSame(decoded(bytesOf(root), { source: whole.source }), value());
    });
  }
});

/** Trees of leaves that are small, nearly large enough to be split off, or large enough. */
const trees: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  leaf: fc.tuple(
    fc.constantFrom(3, 20_000, 33_000, 65_532, 65_533, 70_000),
    fc.nat(2),
    fc.boolean(),
  )
    .map(([length, fill, text]) =>
      text ? String(fill).repeat(length) : new Uint8Array(length).fill(fill)
    ),
  tree: fc.oneof(
    { maxDepth: 3, depthSize: "medium" },
    tie("leaf"),
    fc.array(tie("tree"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom("a", "b", "c"), tie("tree"), { noNullPrototype: true }),
    fc.array(fc.tuple(tie("tree"), tie("tree")), { maxLength: 2 }).map((pairs) => new Map(pairs)),
    fc.array(tie("tree"), { maxLength: 3 }).map((elements) => new Set(elements)),
    tie("tree").map((cause) => new Error("e", { cause })),
    tie("tree").map((content) => new Crate(content)),
  ),
})).tree;

Deno.test("findReferences() finds exactly the parts that were split off", () => {
  let most = 0;
  fc.assert(
    fc.property(trees, (value) => {
      const { root, parts, source } = encodedWhole(value);
      assert.deepEqual(walk(root, source), parts.map(({ reference }) => reference));
      most = Math.max(most, parts.length);
      for (const { bytes, reference } of parts) {
        assert.equal(bytes.length, reference.length);
        assert(bytes.length >= 65536);
      }
    }),
    { seed: 7, numRuns: 150 },
  );
  assert(most > 4, `too few parts to mean anything: ${most}`);
});

Deno.test("decode() puts values together again from their parts", () => {
  fc.assert(
    fc.property(trees, (value) => {
      const { root, parts, source } = encodedWhole(value);
      assertSame(decoded(root, { source }), value);
      for (const { bytes } of parts) assert(sameBytes(encoded(decoded(bytes, { source })), bytes));
    }),
    { seed: 8, numRuns: 100 },
  );
});

Deno.test("findReferences() finds the parts in every kind of container", () => {
  const part = new Uint8Array(70_000);
  const containers = [
    [part],
    { part },
    new Map([[part, 1]]),
    new Map([[1, part]]),
    new Set([part]),
    new Crate(part),
    new Error("e", { cause: part }),
    Object.assign(new Error("e"), { part }),
    new AggregateError([part]),
    new RegExp("x".repeat(70_000)),
  ];
  for (const value of containers) {
    const { root, parts } = encodedWhole([0, value, 1]);
    assert.equal(parts.length, 1);
    assert.deepEqual(findReferences({ head: root }), [parts[0]?.reference]);
  }
});

Deno.test("findReferences() finds none in what is in one piece", () => {
  for (const [label, , hex] of GOLDEN) {
    assert.deepEqual(findReferences({ head: bytesOf(hex) }), [], label);
  }
});

Deno.test("findReferences() takes no content for a reference", () => {
  const lookalike = bytesOf(referenceHex(new Uint8Array(70_000)));
  const text = String.fromCharCode(...lookalike);
  const values = [
    lookalike,
    new Int8Array(lookalike.buffer),
    text,
    `\ud800${text}`,
    { [text]: text },
    BigInt(`0x${hexOf(lookalike)}`),
    new RegExp("a"),
    new Map([[text, lookalike]]),
  ];
  for (const value of values) {
    assert.deepEqual(findReferences(encode(value)), []);
    assert.deepEqual(findReferences(encode([value])), []);
  }
});

Deno.test("findReferences() finds none beside a body", () => {
  const encoding = encode(new Uint8Array(70_000));
  assert.equal(encoding.body?.length, 70_000);
  assert.deepEqual(findReferences(encoding), []);
});

Deno.test("findReferences() refuses bytes that break off or go on", () => {
  for (const [label, , hex] of [...GOLDEN, ...SPLIT]) {
    const bytes = bytesOf(hex);
    if (bytes.length > 1000) continue;
    for (let length = 0; length < bytes.length; length++) {
      const head = bytes.subarray(0, length);
      assert.throws(() => findReferences({ head }), CorruptValueError, `${label} cut at ${length}`);
    }
    assert.throws(() => findReferences({ head: concat(bytes, bytesOf("c0")) }), CorruptValueError);
  }
});

Deno.test("findReferences() refuses a reference of another length", () => {
  const reference = referenceHex(new Uint8Array(70_000)).replaceAll(" ", "");
  const heads = [
    `91 c7 2b 01 ${reference.slice(6, -2)}`,
    `91 c7 2d 01 ${reference.slice(6)}00`,
    "91 d4 01 00",
    "91 c7 00 01",
  ];
  for (const hex of heads) {
    assert.throws(() => findReferences({ head: bytesOf(hex) }), CorruptValueError);
  }
});

Deno.test("findReferences() does not fall for hostile counts and nesting", () => {
  const arrays = new Uint8Array(1_000_001).fill(0x91);
  arrays[1_000_000] = 0xc0;
  assert.deepEqual(findReferences({ head: arrays }), []);
  const hostile = [
    "dd ffffffff",
    "df ffffffff c0",
    "c6 ffffffff 00",
    "db ffffffff 00",
    `${"dd 00ffffff".repeat(20)} c0`,
    "c1",
    "",
  ];
  for (const hex of hostile) {
    assert.throws(() => findReferences({ head: bytesOf(hex) }), CorruptValueError, hex);
  }
});

Deno.test("findReferences() refuses extensions that announce more than there is", () => {
  for (const code of ["01", "02", "03", "04", "05", "06", "07", "08", "09", "0c"]) {
    const head = bytesOf(`c9 ffffffff ${code} 90`);
    assert.throws(() => findReferences({ head }), CorruptValueError, code);
  }
});

Deno.test("skipValue() finds the end of each of several values", () => {
  const rows = GOLDEN.map(([, , hex]) => bytesOf(hex)).filter((bytes) => bytes.length < 1000);
  const all = concat(...rows);
  let at = 0;
  for (const row of rows) {
    const end = skipValue(all, at);
    assert.equal(end - at, row.length);
    at = end;
  }
});

Deno.test("decode() asks for parts by digest, checksum and length", () => {
  const asked: Reference[] = [];
  const reference = `c7 2c 01 ${"ab".repeat(32)} fedcba98 0000000100010000`;
  const value = decode({ head: bytesOf(`92 ${reference} 01`) }, {
    source(each) {
      asked.push(each);
      return { head: bytesOf("c0") };
    },
  });
  assert.deepEqual(value, [null, 1]);
  assert.deepEqual(asked, [{ digest: "ab".repeat(32), crc: 0xfedcba98, length: 0x1_0001_0000 }]);
});

Deno.test("decode() says which part is missing", () => {
  const { root, parts } = encodedWhole({ a: [new Uint8Array(70_000)] });
  for (const options of [{}, { source: () => undefined }]) {
    assert.throws(() => decode({ head: root }, options), (error) => {
      assert(error instanceof MissingPart);
      assert.deepEqual(error.reference, parts[0]?.reference);
      return true;
    });
  }
});
