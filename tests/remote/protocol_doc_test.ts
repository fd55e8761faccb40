/**
 * docs/protocol.md: its tables list what there is, and its example is what a server says.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Cache, CallMemory, serve, ValueMemory } from "@fleche/core";
import { referenceTo } from "../../src/codec/encoding.ts";
import * as errors from "../../src/errors.ts";
import { encodeFrame, FRAME, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { methods } from "../../src/remote/methods.ts";
import { fromWireError } from "../../src/remote/wire_error.ts";
import { bytesOf, concat } from "./_bytes.ts";
import { inTime } from "./_wait.ts";

const PAGE = Deno.readTextFileSync(new URL("../../docs/protocol.md", import.meta.url));

/** The encoding of the value that the example is about. */
const VALUE = { head: bytesOf(0xa6, 0x66, 0x6c, 0x65, 0x63, 0x68, 0x65) };

/** The text below a heading, up to the next one of that level or above. */
function section(heading: string): string {
  const level = heading.indexOf(" ");
  const start = PAGE.indexOf(`\n${heading}\n`);
  assert(start >= 0, `There is no heading "${heading}"`);
  const rest = PAGE.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level}} `, "m"));
  return end < 0 ? rest : rest.slice(0, end);
}

/** The cells of the rows of the first table of a text. */
function table(text: string): string[][] {
  const rows = /^\|.*\n\|[ :|-]+\n((?:\|.*\n)*)/m.exec(text)?.[1] ?? "";
  return rows.trimEnd().split("\n").map((row) =>
    row.slice(1, -1).split("|").map((cell) => cell.trim())
  );
}

/** What is quoted as code. */
function code(cell: string | undefined): string {
  return /^`(.*)`$/.exec(cell ?? "")?.[1] ?? `no code: ${cell}`;
}

/** A cache that holds the value of the example. */
function exampleCache(): Cache {
  const values = new ValueMemory();
  values.put(referenceTo(VALUE), VALUE);
  return new Cache({ values, calls: new CallMemory() });
}

/** A frame of the example. */
interface Shown {
  readonly isOfClient: boolean;
  readonly bytes: Uint8Array;
  readonly content: [kind: number, id: number, ...fields: unknown[]];
}

function shownFrames(): Shown[] {
  const blocks = [...section("## An example").matchAll(/^```frames\n([^]*?)^```$/gm)];
  const frames = blocks.flatMap(([, block = ""]) => block.split(/^(?=[CS] )/m));
  return frames.map((frame) => {
    const [, bytes = "", content = ""] = /^. ([^[]*)(.*)\n$/.exec(frame) ?? [];
    return {
      isOfClient: frame.startsWith("C"),
      bytes: fromHex(bytes),
      content: JSON.parse(content.replace(/<(.*?)>/g, '"<$1>"'), (_, value) => {
        const isBytes = typeof value === "string" && value.startsWith("<");
        return isBytes ? fromHex(value.slice(1, -1)) : value;
      }),
    };
  });
}

function fromHex(text: string): Uint8Array {
  return bytesOf(...(text.match(/\w\w/g) ?? []).map((digits) => Number.parseInt(digits, 16)));
}

Deno.test("docs/protocol.md lists the kinds of frames", () => {
  const listed = table(section("## Frames")).map(([kind, name]) => [code(name), Number(kind)]);
  assert.deepEqual(Object.fromEntries(listed), { ...FRAME });
});

Deno.test("docs/protocol.md lists the limits", () => {
  const listed = table(section("## Limits")).map(([name, value]) => [code(name), Number(value)]);
  assert.deepEqual(Object.fromEntries(listed), { ...PROTOCOL_LIMITS });
});

Deno.test("docs/protocol.md describes the methods of a server", () => {
  const described = [...section("## Methods").matchAll(/^### (.*)$/gm)].map(([, name]) =>
    code(name)
  );
  const served = { cache: exampleCache(), cacheName: null, config: null, limits: PROTOCOL_LIMITS };
  assert.deepEqual(described.sort(), [...methods(served).keys()].sort());
});

Deno.test("docs/protocol.md lists the errors that come back as their class", () => {
  const listed = table(section("## Errors").split(/^(?=\| code)/m)[1] ?? "").map(([name]) =>
    code(name)
  );
  const codes = Object.values(errors).map((type) => new type("", {} as never).code);
  const known = codes.filter((code) =>
    !(fromWireError({ code, name: "", message: "", data: {} }) instanceof errors.RemoteError)
  );
  assert.deepEqual(listed.sort(), known.sort());
});

Deno.test("docs/protocol.md shows frames as they are encoded", () => {
  const frames = shownFrames();
  assert.equal(frames.length, 10);
  for (const { bytes, content } of frames) {
    const [kind] = content;
    assert.deepEqual(encodeFrame(...content), bytes);
    const [read] = new FrameReader(PROTOCOL_LIMITS).push(bytes);
    assert.deepEqual([read?.kind, read?.id, ...read?.fields ?? []], content, `of kind ${kind}`);
  }
});

Deno.test("docs/protocol.md shows what a server says", async () => {
  const input = new TransformStream<Uint8Array, Uint8Array>();
  const output = new TransformStream<Uint8Array, Uint8Array>();
  const writer = input.writable.getWriter();
  const reader = output.readable.getReader();
  await using cache = exampleCache();
  const served = serve({ cache, input: input.readable, output: output.writable });
  const preamble = await inTime(reader.read(), "the preamble");
  assert.match(new TextDecoder().decode(preamble.value), /^\nfleche\/1 [^\n]+\n$/);
  let said = new Uint8Array(0);
  for (const { isOfClient, bytes } of shownFrames()) {
    if (isOfClient) {
      await writer.write(bytes);
      continue;
    }
    while (said.length < bytes.length) {
      const { value } = await inTime(reader.read(), "what the server says");
      assert(value !== undefined, "The server has ended");
      said = concat([said, value]);
    }
    assert.deepEqual(said.subarray(0, bytes.length), bytes);
    said = said.slice(bytes.length);
  }
  assert.equal(said.length, 0);
  await writer.close();
  assert.deepEqual(await inTime(reader.read(), "the end"), { value: undefined, done: true });
  await served;
});
