/**
 * A server that searches for calls by the name of their function only, does not stop when it is told
 * that nobody needs the rest, and sends whatever it has, damaged records too.
 *
 * @module
 */

import { Call } from "@fleche/core";
import { encodeFrame, FRAME, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { VERSION } from "../../src/version.ts";
import { memoryCache } from "./_memory.ts";

const INFO = {
  cache: null,
  cache_name: null,
  read_only: false,
  version: VERSION,
  cwd: "/",
  hostname: "far",
  executable: "/fleche",
  pid: Deno.pid,
  ordered: false,
};

const cache = memoryCache();
for (let x = 0; x < 200; x++) {
  const metadata = { runtime: { timestop: 1000 - x } };
  const name = x % 2 === 0 ? "f" : "g";
  await cache.save(new Call({ name, arguments: { x, odd: x % 4 }, result: x, metadata }));
}

const writer = Deno.stdout.writable.getWriter();
await writer.write(new TextEncoder().encode(`\nfleche/1 ${VERSION}\n`));
const reader = new FrameReader(PROTOCOL_LIMITS);

async function search(id: number, params: unknown): Promise<void> {
  const name = Reflect.get(Object(Reflect.get(Object(params), "filter")), "name");
  let count = 0;
  for await (const { key, bytes } of cache.records(name === undefined ? {} : { name })) {
    const record = bytes.slice();
    if (count === 3) record[20] = (record[20] ?? 0) ^ 1;
    await writer.write(encodeFrame(FRAME.item, id, { key, record }));
    count++;
  }
  await writer.write(encodeFrame(FRAME.answer, id, { count }));
}

for await (const bytes of Deno.stdin.readable) {
  for (const { kind, id, fields } of reader.push(bytes)) {
    if (kind !== FRAME.request) continue;
    if (fields[0] === "query") await search(id, fields[1]);
    else await writer.write(encodeFrame(FRAME.answer, id, fields[0] === "info" ? INFO : {}));
  }
}
