import { CallFile, CallSql, ConfigError, CorruptValueError, SignatureError } from "@fleche/core";
import { ValueFile, ValueSqlite } from "@fleche/core";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { joined } from "../../src/codec/encoding.ts";
import { isCompressed, makeSeal, type Seal, type SealOptions } from "../../src/storage/seal.ts";
import { beside, runProgram } from "./_child.ts";
import { flipped } from "./_doors.ts";
import { noise, sampleOf } from "./_samples.ts";
import { KEY, OTHER_KEY, SEALS } from "./_seals.ts";

const NAME = sampleOf("a name").digest;

function seal(options: SealOptions, kind: "value" | "call" = "value"): Seal {
  const made = makeSeal(kind, options);
  assert(made !== undefined);
  return made;
}

function closed(by: Seal, content: Uint8Array, name = NAME): Uint8Array {
  return joined(by.close(name, { head: content })).slice();
}

Deno.test("makeSeal() is undefined when nothing is asked for", () => {
  assert.equal(makeSeal("value", {}), undefined);
  assert.equal(makeSeal("call", { compress: false }), undefined);
});

for (const [how, options] of Object.entries(SEALS)) {
  Deno.test(`open() gives back what close() was given, ${how}`, () => {
    const by = seal(options);
    const bytes = fc.uint8Array({ maxLength: 300 });
    const repeated = fc.tuple(fc.nat(255), fc.nat(5000)).map(([byte, length]) =>
      new Uint8Array(length).fill(byte)
    );
    // What begins as compressed bytes do is one byte long, or no encoding.
    const content = fc.oneof(bytes, repeated).filter((each) => !isCompressed(each));
    const property = fc.property(content, fc.nat(), (content, where) => {
      const at = content.length === 0 ? 0 : where % content.length;
      const parts = { head: content.subarray(0, at), body: content.subarray(at) };
      for (const encoding of [{ head: content }, parts]) {
        const stored = joined(by.close(NAME, encoding)).slice();
        assert(stored.length <= content.length + (by.signs ? 32 : 0));
        assert.deepEqual(Uint8Array.from(by.open(NAME, stored, content.length)), content);
        assert.deepEqual(Uint8Array.from(by.open(NAME, stored)), content);
        assert.equal(by.isCurrent(NAME, stored), true);
      }
    });
    fc.assert(property, { seed: 7, numRuns: 200 });
  });
}

Deno.test("what is compressed is one frame that other programs read", () => {
  const content = new Uint8Array(5000).fill(7);
  assert.deepEqual(
    Uint8Array.from(zstdDecompressSync(closed(seal({ compress: true }), content))),
    content,
  );
  assert.deepEqual(
    Uint8Array.from(zstdDecompressSync(closed(seal({ compress: "zstd" }), content))),
    content,
  );
  assert.deepEqual(
    Uint8Array.from(gunzipSync(closed(seal({ compress: "gzip" }), content))),
    content,
  );
});

Deno.test("what would not become shorter is stored as it is", () => {
  for (const content of [noise(10_000), new Uint8Array(60), new Uint8Array(0)]) {
    for (const compress of ["zstd", "gzip"] as const) {
      assert.deepEqual(closed(seal({ compress }), content), Uint8Array.from(content));
    }
  }
});

Deno.test("a signature is the HMAC-SHA-256 of kind, name and stored bytes, by the first key", () => {
  const content = new Uint8Array(5000).fill(7);
  for (const kind of ["value", "call"] as const) {
    const by = seal({ compress: "zstd", secretKey: [KEY, OTHER_KEY] }, kind);
    const stored = closed(by, content);
    const frame = zstdCompressSync(content);
    const signature = createHmac(
      "sha256",
      Uint8Array.from(KEY.match(/../g) ?? [], (each) => parseInt(each, 16)),
    )
      .update(`fleche/1 ${kind} ${NAME}\n`).update(frame).digest();
    assert.deepEqual(stored, Uint8Array.of(...frame, ...signature));
  }
});

Deno.test("open() refuses every changed byte and every length of what is signed", () => {
  for (const compress of [false, "zstd"] as const) {
    const by = seal({ compress, secretKey: [KEY] });
    const stored = closed(by, new Uint8Array(200).fill(3));
    for (let at = 0; at < stored.length; at++) {
      assert.throws(() => by.open(NAME, flipped(stored, at)), SignatureError, `byte ${at}`);
      assert.throws(() => by.open(NAME, stored.subarray(0, at)), SignatureError, `${at} bytes`);
    }
    assert.throws(() => by.open(NAME, Uint8Array.of(...stored, 0)), SignatureError);
  }
});

Deno.test("a signature holds for one name, one kind and one key", () => {
  const content = noise(100);
  const by = seal({ secretKey: [KEY] });
  const stored = closed(by, content);
  assert.throws(() => by.open(sampleOf("other").digest, stored), SignatureError);
  assert.throws(() => seal({ secretKey: [KEY] }, "call").open(NAME, stored), SignatureError);
  assert.throws(() => seal({ secretKey: [OTHER_KEY] }).open(NAME, stored), SignatureError);
  assert.throws(() => by.open(NAME, content), SignatureError);
});

Deno.test("every key verifies, and what the first one did not sign is not current", () => {
  const content = noise(100);
  const stored = closed(seal({ secretKey: [KEY] }), content);
  const rotated = seal({ secretKey: [OTHER_KEY, KEY.toUpperCase()] });
  assert.deepEqual(Uint8Array.from(rotated.open(NAME, stored)), Uint8Array.from(content));
  assert.equal(rotated.isCurrent(NAME, stored), false);
  assert.equal(rotated.isCurrent(NAME, closed(rotated, content)), true);
  assert.throws(() => seal({ secretKey: [OTHER_KEY] }).open(NAME, stored), SignatureError);
});

for (const [name, compress] of [["zstd", zstdCompressSync], ["gzip", gzipSync]] as const) {
  Deno.test(`open() never makes more of ${name} than is allowed`, () => {
    const by = seal({ compress: name });
    const bomb = compress(new Uint8Array(300 << 20));
    assert(bomb.length < 1 << 20);
    const before = performance.now();
    assert.throws(() => by.open(NAME, bomb, 70_000), CorruptValueError);
    assert.throws(() => by.open(NAME, bomb, 0), CorruptValueError);
    // Far less than it takes to write 300 MiB.
    const short = performance.now() - before;
    const full = performance.now();
    assert.equal(by.open(NAME, bomb).length, 300 << 20);
    assert(short < performance.now() - full);
    assert.equal(by.open(NAME, bomb, 300 << 20).length, 300 << 20);
    assert.throws(() => by.open(NAME, bomb, (300 << 20) - 1), CorruptValueError);
  });

  Deno.test(`open() never takes damaged ${name} for what it was`, () => {
    const by = seal({ compress: name });
    const frame = compress(noise(50_000));
    for (const at of [20, 25_000]) {
      try {
        // A frame without a check sum shows damage in its structure only; the rest is for the reader.
        assert.notDeepEqual(Uint8Array.from(by.open(NAME, flipped(frame, at))), noise(50_000));
      } catch (error) {
        assert(error instanceof CorruptValueError && error.data.digest === NAME, String(error));
      }
    }
  });
}

const BAD_KEYS: Readonly<Record<string, unknown>> = {
  "an empty one": "",
  "one of 15 bytes": "00".repeat(15),
  "an odd number of digits": "0".repeat(33),
  "other letters": "00112233445566778899aabbccddeefg",
  "blanks around it": ` ${KEY} `,
  "a number": 12345678901234567890,
};

const STORAGES: Readonly<Record<string, (options: SealOptions) => unknown>> = {
  ValueFile: (options) => new ValueFile({ root: "/never", ...options }),
  ValueSqlite: (options) => new ValueSqlite({ path: "/never.db", ...options }),
  CallFile: (options) => new CallFile({ root: "/never", ...options }),
  CallSql: (options) => new CallSql({ url: "/never.db", ...options }),
};

for (const [storage, make] of Object.entries(STORAGES)) {
  for (const [what, key] of Object.entries(BAD_KEYS)) {
    Deno.test(`${storage} refuses ${what} as a key, without showing it`, () => {
      // A configuration may hold anything.
      for (const secretKey of [[key], [KEY, key]] as string[][]) {
        assert.throws(() => make({ secretKey }), (error) => {
          assert(error instanceof ConfigError);
          assert.match(error.message, new RegExp(`secret key ${secretKey.length}`));
          for (const given of secretKey) {
            assert(String(given) === "" || !error.message.includes(String(given).trim()));
          }
          return true;
        });
      }
    });
  }

  Deno.test(`${storage} refuses a compression that it does not know`, () => {
    // A configuration may hold any text.
    assert.throws(() => make({ compress: "lzma" as "gzip" }), (error) => {
      return error instanceof ConfigError && error.message.includes("lzma");
    });
  });

  Deno.test(`${storage} is never printed with its keys`, () => {
    const made = make({ compress: true, secretKey: [KEY] });
    assert(!Deno.inspect(made, { depth: 9, showHidden: true, getters: false }).includes(KEY));
    assert(!JSON.stringify(made).includes(KEY));
    assert(made !== null && typeof made === "object");
    assert.deepEqual(Reflect.get(made, "secretKey"), [KEY]);
    assert.equal(Reflect.get(made, "compress"), "zstd");
    assert.equal(Reflect.get(make({}) as object, "compress"), false);
    assert.equal(Reflect.get(make({}) as object, "secretKey"), undefined);
  });
}

Deno.test("an empty list of keys stands for those of the environment", async () => {
  const run = async (keys: string) => {
    const runner = ["env", `FLECHE_SECRET_KEY=${keys}`];
    const { lines, errors } = await runProgram(beside(import.meta.url, "_seal_child.ts"), {
      args: [NAME],
      runner,
    });
    assert(lines[0] !== undefined, errors);
    return lines[0];
  };
  const stored = closed(seal({ secretKey: [OTHER_KEY] }), Uint8Array.of(1, 2, 3));
  assert.equal(await run(`${OTHER_KEY}:${KEY}`), Buffer.from(stored).toString("hex"));
  assert.match(await run(""), /^ConfigError: .*FLECHE_SECRET_KEY is not set/);
  const wrong = await run(`${KEY}:${KEY}00g`);
  assert.match(wrong, /^ConfigError: .*secret key 2 in FLECHE_SECRET_KEY/);
  assert(!wrong.includes(KEY));
});
