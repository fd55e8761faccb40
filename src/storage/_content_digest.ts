import { createHash } from "node:crypto";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { type Compression, compressionOf, MAX_COMPRESSED_CONTENT } from "./seal.ts";

const DECOMPRESSORS = { zstd: createZstdDecompress, gzip: createGunzip } satisfies Record<
  Compression,
  unknown
>;

/**
 * The digest of what compressed bytes hold, which is never in memory as a whole.
 *
 * @param bytes without a signature
 * @returns undefined if they are not compressed, damaged, or hold more than is ever compressed
 */
export async function contentDigest(bytes: Uint8Array): Promise<string | undefined> {
  const compression = compressionOf(bytes);
  if (compression === undefined) return undefined;
  const content = DECOMPRESSORS[compression]();
  content.end(bytes);
  const hash = createHash("sha256");
  let length = 0;
  try {
    for await (const piece of content) {
      length += piece.length;
      if (length > MAX_COMPRESSED_CONTENT) return undefined;
      hash.update(piece);
    }
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
  return hash.digest("hex");
}

// The codes of zlib, and of zstd as zlib passes them on.
function isDamage(error: unknown): boolean {
  return error instanceof Error && /^(Z|ZSTD)_/.test(String(Reflect.get(error, "code")));
}
