/**
 * What programs have in common that stand for `fleche remote --serve` and do as a test needs it.
 *
 * @module
 */

import { encodeFrame, type Frame, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { VERSION } from "../../src/version.ts";

const writer = Deno.stdout.writable.getWriter();

/** Sends a frame. */
export async function send(...frame: Parameters<typeof encodeFrame>): Promise<void> {
  await writer.write(encodeFrame(...frame));
}

/** Greets, and takes frames one after the other until there are no more. */
export async function serveFrames(
  take: (frame: Frame) => Promise<void> | void,
  version: string = VERSION,
): Promise<void> {
  await writer.write(new TextEncoder().encode(`\nfleche/1 ${version}\n`));
  const reader = new FrameReader(PROTOCOL_LIMITS);
  for await (const bytes of Deno.stdin.readable) {
    for (const frame of reader.push(bytes)) await take(frame);
  }
}
