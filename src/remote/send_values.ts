import { crc32 } from "node:zlib";
import type { Encoding, Reference } from "../codec/encoding.ts";
import { findReferences } from "../codec/references.ts";
import type { ValueSource } from "../lazy_call.ts";
import type { ServedRequest } from "./served_request.ts";

/** How values are sent. */
export interface SendValuesOptions {
  /** The request that they are sent for. */
  readonly request: ServedRequest;
  /** Whether their parts are sent too; true by default. */
  readonly parts?: boolean;
  /** Bytes that may be sent; what does not fit is passed over. Without limit by default. */
  readonly room?: number;
}

/**
 * Sends values and their parts: each once, and each either asked for or a part of one that was sent
 * before. What the client has already is passed over with its parts.
 *
 * @returns the digests of what is not there
 */
export async function sendValues(
  source: ValueSource,
  references: readonly Reference[],
  { request, parts = true, room = Infinity }: SendValuesOptions,
): Promise<string[]> {
  const missing: string[] = [];
  const seen = new Set<string>();
  const waiting = references.toReversed();
  let left = room;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (request.isCancelled) break;
    const { digest, length } = next;
    if (seen.has(digest) || !request.wants(digest) || length > left) continue;
    seen.add(digest);
    if (await sendLeaf(source, next, request)) {
      left -= length;
      continue;
    }
    using _ = await request.roomFor(length);
    if (request.isCancelled) break;
    const encoding = await source.read(next);
    if (encoding === undefined) {
      missing.push(digest);
      continue;
    }
    left -= length;
    await request.sender.send(digest, encoding, () => request.wants(digest));
    if (parts) waiting.push(...findParts(encoding));
  }
  return missing;
}

function findParts(encoding: Encoding): Reference[] {
  return findReferences(encoding).reverse();
}

// As it is read, so that the first bytes go out at once, and little is in memory.
async function sendLeaf(
  source: ValueSource,
  reference: Reference,
  request: ServedRequest,
): Promise<boolean> {
  const { digest, length } = reference;
  using open = length === 0 ? undefined : await source.openLeaf?.(reference);
  if (open === undefined) return false;
  const check = checker(reference);
  const isWanted = () => request.wants(digest);
  const sent = await request.sender.sendOpen(digest, open, { check, isWanted });
  // One that is damaged is looked at as a whole.
  return sent !== "withdrawn" || !isWanted();
}

// The client compares the digest; this tells it that something is wrong before it has all.
function checker({ crc }: Reference): (piece: Uint8Array) => boolean {
  let actual = 0;
  return (piece) => (actual = crc32(piece, actual)) === crc;
}
