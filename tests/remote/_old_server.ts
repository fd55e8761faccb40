/**
 * A server that claims to be of another version, and knows of nothing but that.
 *
 * @module
 */

import { encodeFrame, FRAME, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";

const VERSION = "9.9.9";

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

const writer = Deno.stdout.writable.getWriter();
await writer.write(new TextEncoder().encode(`\nfleche/1 ${VERSION}\n`));
const reader = new FrameReader(PROTOCOL_LIMITS);
for await (const bytes of Deno.stdin.readable) {
  for (const { id, fields } of reader.push(bytes)) {
    const result = fields[0] === "info" ? INFO : { record: null };
    await writer.write(encodeFrame(FRAME.answer, id, result));
  }
}
