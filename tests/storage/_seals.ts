import type { SealOptions } from "@fleche/core";

/** Keys that sign, and that do not belong together. */
export const KEY = "00112233445566778899aabbccddeeff";
export const OTHER_KEY = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";

/** Every way in which a storage can change what it keeps. */
export const SEALS: Readonly<Record<string, SealOptions>> = {
  "with zstd": { compress: "zstd" },
  "with gzip": { compress: "gzip" },
  signed: { secretKey: [KEY] },
  "with zstd and signed": { compress: true, secretKey: [KEY, OTHER_KEY] },
};
