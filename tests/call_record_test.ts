import { decode, encode, ExtData, ExtensionCodec } from "@msgpack/msgpack";
import {
  Call,
  CallRecord,
  CorruptValueError,
  digest,
  type HashedField,
  type Json,
  type Metadata,
  type RecordFields,
  UnknownTypeError,
} from "@fleche/core";
import fc from "fast-check";
import assert from "node:assert";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { HAS_PYTHON, PYTHON } from "./_python.ts";
import { memoryCache } from "./_wrapper.ts";
import { plainDigest } from "./_wrapper_key.ts";

const KEY = "0123456789abcdef".repeat(4);
const HASH = "ab".repeat(32);

const FIELDS: RecordFields = {
  name: "simulate",
  module: "@example/lab/main.ts",
  version: 3,
  code: HASH,
  deps: "cd".repeat(32),
  hashed: ["module", "version", "code"],
  source: "ef".repeat(32),
  arguments: [["steps", encode(1000)], ["seed", encode("début")], ["grid", encode([1, [2]])]],
  result: encode({ energy: -1.5 }),
  calls: [HASH],
  metadata: { runtime: { walltime: 0.25, nested: [null, { a: true }] } },
};

/** A record of any content whose check sum is right. */
function sealed(content: Record<string, unknown>, key = KEY): Uint8Array {
  const bytes = encode({ ...content, crc: 0xffff_ffff });
  const end = bytes.length - 5;
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(
    end + 1,
    crc32(key, crc32(bytes.subarray(0, end))),
  );
  return bytes;
}

Deno.test("CallRecord.parse() reads the fields that build() wrote", () => {
  const record = CallRecord.parse(KEY, CallRecord.build(KEY, FIELDS).bytes);
  assert.deepEqual(record.fields, FIELDS);
  const { name, module, version, code, deps, hashed, source, calls, metadata, result } = record;
  const { arguments: args } = record;
  const read = { name, module, version, code, deps, hashed, source, calls, metadata, result };
  assert.deepEqual({ ...read, arguments: args }, FIELDS);
  assert.equal(record.key, KEY);
});

Deno.test("CallRecord.build() gives what it parses itself", () => {
  const built = CallRecord.build(KEY, FIELDS);
  assert.deepEqual(built.fields, FIELDS);
  assert.deepEqual(CallRecord.build(KEY, built.fields).bytes, built.bytes);
});

Deno.test("CallRecord round-trips any fields", () => {
  const text = fc.string({ unit: "binary", maxLength: 40 });
  const hex = fc.string({
    unit: fc.constantFrom(..."0123456789abcdef"),
    minLength: 64,
    maxLength: 64,
  });
  const slot = fc.jsonValue({ maxDepth: 2 }).map((value) => encode(value, { sortKeys: true }));
  const json = fc.jsonValue({ maxDepth: 3 })
    .filter((value) => !JSON.stringify(value).includes("__proto__")) as fc.Arbitrary<Json>;
  const name = text.filter((each) => each !== "__proto__" && each.isWellFormed());
  const metadata = fc.dictionary(name, fc.dictionary(name, json, { noNullPrototype: true }), {
    noNullPrototype: true,
  }) as fc.Arbitrary<Metadata>;
  const fields = fc.record({
    name: text,
    module: fc.option(text),
    version: fc.option(fc.oneof(text, fc.double({ noNaN: true }), fc.integer())),
    code: fc.option(hex),
    deps: fc.option(hex),
    hashed: fc.subarray(["module", "version", "code"] as HashedField[]),
    source: fc.option(hex),
    arguments: fc.array(fc.tuple(text, slot), { maxLength: 20 }),
    result: slot,
    calls: fc.array(hex, { maxLength: 20 }),
    metadata,
  });
  fc.assert(
    fc.property(hex, fields, (key, each) => {
      assert.deepEqual(CallRecord.parse(key, CallRecord.build(key, each).bytes).fields, each);
    }),
    { seed: 33, numRuns: 300 },
  );
});

Deno.test("CallRecord is a map that any MessagePack reader can read", () => {
  const read = decode(CallRecord.build(KEY, FIELDS).bytes) as Record<string, unknown>;
  const { crc, ...rest } = read;
  assert.deepEqual(rest, {
    ...FIELDS,
    format: 1,
    arguments: [["steps", 1000], ["seed", "début"], ["grid", [1, [2]]]],
    result: { energy: -1.5 },
  });
  assert.equal(typeof crc, "number");
});

Deno.test("CallRecord ends with the CRC-32 of what comes before and the key", () => {
  const { bytes } = CallRecord.build(KEY, FIELDS);
  const end = bytes.length - 5;
  const text = Buffer.concat([bytes.subarray(0, end), Buffer.from(KEY)]);
  assert.equal(bytes[end], 0xce);
  assert.equal(Buffer.from(bytes).readUInt32BE(end + 1), crc32(text));
  assert.equal((decode(bytes) as { crc: number }).crc, crc32(text));
});

Deno.test("CallRecord.parse() refuses what is no bytes at all", () => {
  for (const found of [null, undefined, "text", 5]) {
    assert.throws(() => CallRecord.parse(KEY, Object(found)), CorruptValueError);
  }
});

Deno.test("CallRecord.parse() refuses a record with any byte changed", () => {
  const { bytes } = CallRecord.build(KEY, FIELDS);
  for (let at = 0; at < bytes.length; at++) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const damaged = bytes.slice();
      damaged[at] = (bytes[at] as number) ^ mask;
      assert.throws(() => CallRecord.parse(KEY, damaged), CorruptValueError, `Byte ${at}`);
    }
  }
});

Deno.test("CallRecord.parse() refuses a record that is cut or continued anywhere", () => {
  const { bytes } = CallRecord.build(KEY, FIELDS);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => CallRecord.parse(KEY, bytes.slice(0, length)), CorruptValueError);
    assert.throws(() => CallRecord.parse(KEY, bytes.slice(length + 1)), CorruptValueError);
  }
  for (const more of [1, 5, 100]) {
    const longer = new Uint8Array(bytes.length + more);
    longer.set(bytes);
    assert.throws(() => CallRecord.parse(KEY, longer), CorruptValueError);
  }
});

Deno.test("CallRecord.parse() refuses a record under another key", () => {
  const { bytes } = CallRecord.build(KEY, FIELDS);
  for (let at = 0; at < KEY.length; at++) {
    const other = KEY.slice(0, at) + (KEY[at] === "0" ? "1" : "0") + KEY.slice(at + 1);
    assert.throws(() => CallRecord.parse(other, bytes), (error) => {
      return error instanceof CorruptValueError && error.data.digest === other;
    });
  }
});

Deno.test("CallRecord.parse() refuses bytes that are no record", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.throws(() => CallRecord.parse(KEY, bytes), CorruptValueError);
    }),
    { seed: 34, numRuns: 300 },
  );
});

Deno.test("CallRecord.parse() throws UnknownTypeError for a record of a newer format", () => {
  const old = decode(CallRecord.build(KEY, FIELDS).bytes) as Record<string, unknown>;
  const { crc: _, format: __, ...fields } = old;
  const more = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`new${index}`, index]));
  for (const format of [2, 127, 200, 100_000, "2"]) {
    for (const content of [{ format, ...fields }, { format, ...fields, ...more }, { format }]) {
      assert.throws(() => CallRecord.parse(KEY, sealed(content)), UnknownTypeError);
    }
  }
  assert.equal(CallRecord.parse(KEY, sealed({ format: 1, ...fields })).name, "simulate");
});

Deno.test("CallRecord.receive() takes a record whose fields add up to its key", async () => {
  await using cache = memoryCache();
  const call = new Call({
    name: "f",
    module: "m",
    version: 1.5,
    arguments: { small: 1, large: "x".repeat(5000) },
    result: [1],
    metadata: { notes: { a: [1] } },
    calls: [HASH],
  });
  const key = await cache.save(call);
  const { bytes, fields } = (await cache.load(key)).detach();
  assert.deepEqual(CallRecord.receive(key, bytes).fields, fields);
});

const UNSOUND: readonly (readonly [label: string, fields: Record<string, unknown>])[] = [
  ["another name", { name: "g" }],
  ["another argument", { arguments: [["x", 2]] }],
  ["another version", { version: 2 }],
  ["a name that is no text", { name: 5 }],
  ["a module that is no text", { module: 5, hashed: [] }],
  ["a version that is a list", { version: [1], hashed: [] }],
  ["a source that is no text", { source: 5 }],
  ["hashed fields that do not exist", { hashed: ["deps"] }],
  ["hashed that is no list", { hashed: "version" }],
  ["calls that are no keys", { calls: ["abc"] }],
  ["calls that are no list", { calls: null }],
  ["metadata that is a list", { metadata: [] }],
  ["metadata whose notes are no map", { metadata: { runtime: 5 } }],
  ["an argument whose name is no text", { arguments: [[5, 1]] }],
  ["arguments that are no pairs", { arguments: ["x"] }],
  ["arguments that are no list", { arguments: "xyz" }],
  ["an embedded encoding that is too long", { result: "x".repeat(1022) }],
];

const SOUND = {
  ...{ format: 1, name: "f", module: null, version: 1, code: null, deps: null },
  ...{ hashed: ["version"], source: null, result: 5, arguments: [["x", 1]], calls: [] },
  metadata: {},
};
const SOUND_KEY = plainDigest(["fleche", 1, "f", null, 1, null, null, [["x", plainDigest(1)]]]);

Deno.test("CallRecord.receive() takes a record that another program made", () => {
  assert.equal(CallRecord.receive(SOUND_KEY, sealed(SOUND, SOUND_KEY)).name, "f");
});

for (const [label, fields] of UNSOUND) {
  Deno.test(`CallRecord.receive() refuses ${label}`, () => {
    const bytes = sealed({ ...SOUND, ...fields }, SOUND_KEY);
    assert.throws(() => CallRecord.receive(SOUND_KEY, bytes), CorruptValueError);
  });
}

Deno.test("CallRecord keeps the keys of the first thousand calls", () => {
  const calls = Array.from({ length: 1001 }, (_, index) => plainDigest(index));
  for (const count of [999, 1000, 1001]) {
    const { bytes } = CallRecord.build(KEY, { ...FIELDS, calls: calls.slice(0, count) });
    assert.deepEqual(CallRecord.parse(KEY, bytes).calls, calls.slice(0, Math.min(count, 1000)));
  }
});

Deno.test("CallRecord.build() throws RangeError where a record gets longer than 8 MiB", () => {
  const build = (length: number) =>
    CallRecord.build(KEY, { ...FIELDS, metadata: { note: { text: "x".repeat(length) } } });
  const rest = build(100_000).bytes.length - 100_000;
  const longest = (8 << 20) - rest;
  assert.equal(build(longest).bytes.length, 8 << 20);
  assert.throws(() => build(longest + 1), RangeError);
});

Deno.test("CallRecord embeds encodings of up to 1024 bytes, and refers to longer ones", async () => {
  await using cache = memoryCache();
  const references = new ExtensionCodec();
  references.register({
    type: 1,
    encode: () => null,
    decode: (data) => new ExtData(1, data),
  });
  // A text of 256 to 65535 bytes has a header of three.
  for (const length of [1020, 1021, 1022, 5000]) {
    const text = "t".repeat(length);
    const call = new Call({ name: `slots ${length}`, arguments: { text }, result: `${text}!` });
    const record = (await cache.load(await cache.save(call))).detach();
    const read = decode(record.bytes, { extensionCodec: references }) as {
      arguments: [string, unknown][];
      result: unknown;
    };
    const expected = (value: string) => {
      const bytes = encode(value);
      if (bytes.length <= 1024) return value;
      const payload = Buffer.alloc(44);
      createHash("sha256").update(bytes).digest().copy(payload);
      payload.writeUInt32BE(crc32(bytes), 32);
      payload.writeBigUInt64BE(BigInt(bytes.length), 36);
      return new ExtData(1, new Uint8Array(payload));
    };
    assert.deepEqual(read.arguments, [["text", expected(text)]]);
    assert.deepEqual(read.result, expected(`${text}!`));
    const stored = [text, `${text}!`].filter((each) => encode(each).length > 1024);
    assert.deepEqual(
      record.references.map((each) => each.digest),
      [
        ...stored.slice(1).map((each) => digest(each).hex),
        ...stored.slice(0, 1).map((each) => digest(each).hex),
      ].slice(0, stored.length),
    );
    for (const each of [text, `${text}!`]) {
      assert.equal(await cache.values.has(digest(each).hex), encode(each).length > 1024);
      assert.equal(await cache.loadValue(digest(each)), each);
    }
  }
});

Deno.test({
  name: "CallRecord can be read by Python's msgpack",
  ignore: !HAS_PYTHON,
  async fn() {
    const script = "import msgpack, sys, json\n" +
      "print(json.dumps(msgpack.unpackb(sys.stdin.buffer.read())))";
    await using child = new Deno.Command(PYTHON, {
      args: ["-c", script],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const { bytes } = CallRecord.build(KEY, FIELDS);
    const writer = child.stdin.getWriter();
    await writer.write(bytes);
    await writer.close();
    const { stdout } = await child.output();
    assert.deepEqual(JSON.parse(new TextDecoder().decode(stdout)), decode(bytes));
  },
});
