/**
 * Frames as the other side of a connection sends and reads them.
 *
 * @module
 */

import { type Encoding, joined } from "../../src/codec/encoding.ts";
import { encodeFrame, FRAME, type Frame } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS, type ProtocolLimits } from "../../src/remote/limits.ts";
import { type ReceivedValue, ValueReceiver } from "../../src/remote/value_receiver.ts";
import { concat } from "./_bytes.ts";

/** A request. */
export function request(
  id: number,
  method: string,
  { params = {}, hasValues = false }: { params?: unknown; hasValues?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  return concat([encodeFrame(FRAME.request, id, method, params, hasValues)]);
}

/** The answer to a request. */
export function answer(id: number, result: unknown = {}): Uint8Array<ArrayBuffer> {
  return concat([encodeFrame(FRAME.answer, id, result)]);
}

/** The item and the chunks of a value. */
export function valueFrames(
  id: number,
  { digest, encoding }: { digest: string; encoding: Encoding },
  { chunk }: ProtocolLimits = PROTOCOL_LIMITS,
): Uint8Array[] {
  const bytes = joined(encoding);
  const frames = [encodeFrame(FRAME.item, id, { digest, length: bytes.length })];
  for (let at = 0; at < bytes.length; at += chunk) {
    frames.push(encodeFrame(FRAME.chunk, id, bytes.subarray(at, at + chunk)));
  }
  return frames;
}

/** Kinds and numbers, as far as they are all that matters. */
export function outline(frames: readonly Frame[]): [kind: number, id: number][] {
  return frames.map(({ kind, id }) => [kind, id]);
}

/** Frames of one kind. */
export function ofKind(frames: readonly Frame[], kind: keyof typeof FRAME): Frame[] {
  return frames.filter((frame) => frame.kind === FRAME[kind]);
}

/** Bytes of the chunks among some frames. */
export function chunkBytes(frames: readonly Frame[]): number {
  return ofKind(frames, "chunk").reduce((sum, { size }) => sum + size, 0);
}

/** The values among the frames of one request, checked. */
export function valuesIn(frames: readonly Frame[], limits = PROTOCOL_LIMITS): ReceivedValue[] {
  const receiver = new ValueReceiver(limits);
  return frames.flatMap(({ kind, fields }) => {
    if (kind === FRAME.item) receiver.announce(fields[0]);
    const value = kind === FRAME.chunk ? receiver.chunk(fields[0]) : undefined;
    return value === undefined ? [] : [value];
  });
}
