/**
 * A server whose searches end only when the client says that it needs no more, and that answers
 * nothing else meanwhile.
 *
 * @module
 */

import { Call } from "@fleche/core";
import { encodeFrame, FRAME, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { VERSION } from "../../src/version.ts";
import { filed } from "./_calls.ts";

const INFO = {
  cache: null,
  cache_name: null,
  read_only: false,
  version: VERSION,
  cwd: "/",
  hostname: "far",
  executable: "/fleche",
  pid: Deno.pid,
  ordered: true,
};

const { record: { key, bytes: record } } = await filed(new Call({ name: "f", result: 1 }));
const writer = Deno.stdout.writable.getWriter();
await writer.write(new TextEncoder().encode(`\nfleche/1 ${VERSION}\n`));
const cancelled = new Set<number>();
let searches = Promise.resolve();

async function search(id: number): Promise<void> {
  let count = 0;
  for (; !cancelled.has(id); count++) {
    await writer.write(encodeFrame(FRAME.item, id, { key, record }));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await writer.write(encodeFrame(FRAME.answer, id, { count }));
}

async function answer(id: number, method: unknown): Promise<void> {
  await searches;
  await writer.write(encodeFrame(FRAME.answer, id, method === "info" ? INFO : { found: true }));
}

const reader = new FrameReader(PROTOCOL_LIMITS);
for await (const bytes of Deno.stdin.readable) {
  for (const { kind, id, fields } of reader.push(bytes)) {
    if (kind === FRAME.cancel) cancelled.add(id);
    else if (fields[0] === "query") searches = search(id);
    else answer(id, fields[0]);
  }
}
