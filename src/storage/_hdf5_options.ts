import { ConfigError } from "../errors.ts";
import type { SealOptions } from "./seal.ts";

/**
 * How the arrays in HDF5 files are compressed.
 *
 * @throws {ConfigError} If it is none that every HDF5 library knows.
 */
export function checkedCompression(compress: boolean | string = false): "gzip" | false {
  if (compress === false) return false;
  if (compress === true || compress === "gzip") return "gzip";
  throw new ConfigError(
    `Cannot compress HDF5 files with "${compress}": it takes gzip, which every program knows`,
  );
}

/** What of a storage's options is left to a seal: HDF5 compresses by itself. */
export function signing(secretKey: readonly string[] | undefined): SealOptions {
  return secretKey === undefined ? {} : { secretKey };
}
