/**
 * Compression and signatures of what a storage keeps, as one transformation of its bytes that can be
 * undone.
 *
 * An entry is compressed first, as one frame of zstd (RFC 8878) or gzip (RFC 1952), and then signed:
 * at its end stand the 32 bytes of an HMAC-SHA-256 (RFC 2104) over `fleche/1 <kind> <name>`, a line
 * feed, and the bytes before it, where the kind is `value` or `call` and the name is the digest or
 * key. So neither a value nor a record passes for another one, nor one kind for the other. What stands
 * there cannot be told apart from an older entry of the same name that was signed with the same key:
 * who can write may put a former record of a call back.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { type Encoding, encodingLength, joined } from "../codec/encoding.ts";
import { ConfigError, CorruptValueError, SignatureError } from "../errors.ts";
import { inform, warnOnce } from "../log.ts";

/** How entries are compressed. */
export type Compression = "zstd" | "gzip";

/** How a storage changes what it keeps. */
export interface SealOptions {
  /**
   * Whether entries are compressed: with zstd (`true` or `"zstd"`) or gzip, or not (`false`, the
   * default). Those that would not become shorter, or are longer than 1 GiB, are stored as they are.
   * Whatever this says, entries of every form are read.
   */
  compress?: boolean | Compression;
  /**
   * Keys that entries are signed with, in hexadecimal digits, each of at least 16 bytes. The first
   * one signs, all of them verify; what none of them verifies, or is not signed, is not there. An
   * empty list stands for the keys in the environment variable `FLECHE_SECRET_KEY`, between colons.
   * Nothing is signed where this is left out.
   */
  secretKey?: readonly string[];
}

/** A compressed entry whose content is longer than it may be; no more than that was unpacked. */
export class OversizeError extends CorruptValueError {}

/** What is sealed: a value by its digest, or the record of a call by its key. */
export type SealedKind = "value" | "call";

/** Closes the bytes of entries for a storage, and opens them again. */
export interface Seal {
  /** How entries are compressed; undefined where they are not. */
  readonly compression: Compression | undefined;
  /** Whether entries are signed. */
  readonly signs: boolean;
  /** The bytes to store for an entry. No memory is copied where nothing is changed. */
  close(name: string, content: Encoding): Encoding;
  /**
   * The content of stored bytes.
   *
   * @param name the digest or key
   * @param bytes what is stored; the content may share its memory
   * @param maxLength the most bytes that the content may have; 1 GiB where it is compressed and
   *   this is left out
   * @throws {SignatureError} If no key verifies the entry.
   * @throws {OversizeError} If the content is compressed, and longer than allowed.
   * @throws {CorruptValueError} If the content is compressed, and damaged.
   */
  open(name: string, bytes: Uint8Array, maxLength?: number): Uint8Array;
  /**
   * Stored bytes without their signature.
   *
   * @throws {SignatureError} If no key verifies the entry.
   */
  unsigned(name: string, bytes: Uint8Array): Uint8Array;
  /** Whether stored bytes bear the signature that would be written today, of the first key. */
  isCurrent(name: string, bytes: Uint8Array): boolean;
}

/** Environment variable with the keys, between colons. */
const VARIABLE = "FLECHE_SECRET_KEY";

/** Bytes of a signature. */
export const SIGNATURE_LENGTH = 32;

/** Longest content that is compressed, and that a compressed entry may have, in bytes. */
export const MAX_COMPRESSED_CONTENT = 1 << 30;

/** Shorter content than this hardly ever becomes shorter still. */
const MIN_COMPRESSED_CONTENT = 64;

/** Fewest bytes of a key. */
const MIN_KEY_LENGTH = 16;

/** Most bytes handed to a hash in one piece. */
const PIECE = 1 << 30;

// Only encodings of one byte begin with 0x28 or 0x1f, and every record begins with that of a map.
const MAGIC: Readonly<Record<Compression, readonly number[]>> = {
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
  gzip: [0x1f, 0x8b, 0x08],
};

/**
 * Makes what closes and opens the entries of a storage.
 *
 * @param kind what the storage keeps
 * @returns undefined if the options ask for neither compression nor signatures
 * @throws {ConfigError} If the options name no compression or key that can be used.
 */
export function makeSeal(kind: SealedKind, options: SealOptions): Seal | undefined {
  const compression = checkedCompression(options.compress);
  const keys = options.secretKey === undefined ? [] : readKeys(options.secretKey);
  if (compression === undefined && keys.length === 0) return undefined;
  return new KeyedSeal(kind, compression, keys);
}

function checkedCompression(compress: SealOptions["compress"] = false): Compression | undefined {
  if (compress === false) return undefined;
  if (compress === true) return "zstd";
  if (compress === "zstd" || compress === "gzip") return compress;
  throw new ConfigError(`Cannot compress with "${compress}": it takes zstd or gzip`);
}

// No message may ever hold a key.
function readKeys(given: readonly string[]): Buffer[] {
  if (given.length > 0) return given.map((key, index) => readKey(key, `secret key ${index + 1}`));
  const text = Deno.env.get(VARIABLE) ?? "";
  if (text === "") {
    throw new ConfigError(
      `Cannot sign entries: no secret key is given, and ${VARIABLE} is not set`,
    );
  }
  return text.split(":").map((key, index) =>
    readKey(key, `secret key ${index + 1} in ${VARIABLE}`)
  );
}

function readKey(key: unknown, what: string): Buffer {
  const isHex = typeof key === "string" && key.length % 2 === 0 && /^[0-9a-f]*$/i.test(key);
  if (!isHex || key.length < 2 * MIN_KEY_LENGTH) {
    throw new ConfigError(
      `Cannot use ${what}: it takes an even number of hexadecimal digits, at least ` +
        `${2 * MIN_KEY_LENGTH} (as "openssl rand -hex 32" prints)`,
    );
  }
  return Buffer.from(key, "hex");
}

class KeyedSeal implements Seal {
  readonly compression: Compression | undefined;
  readonly #kind: SealedKind;
  readonly #keys: readonly Buffer[];

  constructor(kind: SealedKind, compression: Compression | undefined, keys: readonly Buffer[]) {
    this.#kind = kind;
    this.compression = compression;
    this.#keys = keys;
  }

  get signs(): boolean {
    return this.#keys.length > 0;
  }

  close(name: string, content: Encoding): Encoding {
    const { head, body } = compressed(content, this.compression);
    const [key] = this.#keys;
    if (key === undefined) return { head, body };
    const signature = this.#signature(key, name, [head, ...(body === undefined ? [] : [body])]);
    return body === undefined
      ? { head: concatenated(head, signature) }
      : { head, body: concatenated(body, signature) };
  }

  open(name: string, bytes: Uint8Array, maxLength?: number): Uint8Array {
    return decompressed(this.signs ? this.unsigned(name, bytes) : bytes, name, maxLength);
  }

  unsigned(name: string, bytes: Uint8Array): Uint8Array {
    if (!this.#keys.some((key) => this.#isSigned(key, name, bytes))) {
      throw new SignatureError(`No key verifies the signature of ${name}`, { key: name });
    }
    return unsigned(bytes);
  }

  isCurrent(name: string, bytes: Uint8Array): boolean {
    const [key] = this.#keys;
    return key === undefined || this.#isSigned(key, name, bytes);
  }

  #isSigned(key: Buffer, name: string, bytes: Uint8Array): boolean {
    if (bytes.length < SIGNATURE_LENGTH) return false;
    const content = unsigned(bytes);
    const expected = this.#signature(key, name, [content]);
    return timingSafeEqual(bytes.subarray(content.length), expected);
  }

  #signature(key: Buffer, name: string, parts: readonly Uint8Array[]): Buffer {
    const state = createHmac("sha256", key).update(`fleche/1 ${this.#kind} ${name}\n`);
    for (const bytes of parts) {
      for (let at = 0; at < bytes.length; at += PIECE) state.update(bytes.subarray(at, at + PIECE));
    }
    return state.digest();
  }
}

/** Whether stored bytes begin as compressed ones do; no content of more than one byte does. */
export function isCompressed(bytes: Uint8Array): boolean {
  return compressionOf(bytes) !== undefined;
}

/** How stored bytes are compressed, by their beginning. */
export function compressionOf(bytes: Uint8Array): Compression | undefined {
  // For what begins otherwise, one comparison each has to do: this is on the way of every read.
  if (bytes[0] === 0x28 && begins(bytes, MAGIC.zstd)) return "zstd";
  if (bytes[0] === 0x1f && begins(bytes, MAGIC.gzip)) return "gzip";
}

function begins(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

/**
 * What stored bytes may hold, for a storage without keys: their content, with what may be another
 * one's signature at the end and without it. Whoever asks has to check which it is.
 *
 * @param maxLength as for {@linkcode Seal.open}
 * @throws {OversizeError} If the content is compressed, and longer than allowed.
 */
export function* openUnsigned(
  name: string,
  bytes: Uint8Array,
  maxLength?: number,
): Iterable<Uint8Array> {
  for (const each of withAndWithout(bytes)) {
    try {
      yield decompressed(each, name, maxLength);
    } catch (error) {
      if (!(error instanceof CorruptValueError) || error instanceof OversizeError) throw error;
    }
  }
}

/** Stored bytes with what may be another one's signature at the end, and without it. */
export function withAndWithout(bytes: Uint8Array): Uint8Array[] {
  return [bytes, unsigned(bytes)];
}

/** Says, once for each storage, that entries bear no signature that a key of it verifies. */
export function warnOfSignature(place: string, entry: string): void {
  const text =
    `Ignoring ${entry}: no key in secretKey (secret_key in a fleche.toml) verifies its signature`;
  inform(["storage"], text);
  warnOnce(
    `signature ${place}`,
    ["storage"],
    `${text}. Other entries in ${place} like this one are ignored without a warning`,
  );
}

/** Says, once for each entry, that it is left where it is because it is too long. */
export function warnOfSize(entry: string, error: OversizeError): void {
  const text = `Ignoring ${entry}, and the room it takes: ${error.message}`;
  warnOnce(`size ${entry}`, ["storage"], text);
}

function unsigned(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, Math.max(0, bytes.length - SIGNATURE_LENGTH));
}

function concatenated(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function compressed(content: Encoding, compression: Compression | undefined): Encoding {
  const length = encodingLength(content);
  const isWorth = length >= MIN_COMPRESSED_CONTENT && length <= MAX_COMPRESSED_CONTENT;
  if (compression === undefined || !isWorth) return content;
  const bytes = joined(content);
  const frame = compression === "zstd" ? zstdCompressSync(bytes) : gzipSync(bytes);
  return frame.length < length ? { head: plain(frame) } : content;
}

/**
 * The content of bytes without signature; the bytes themselves where they are not compressed.
 *
 * @param maxLength as for {@linkcode Seal.open}
 * @throws {OversizeError} If the content is compressed, and longer than allowed.
 * @throws {CorruptValueError} If the content is compressed, and damaged.
 */
export function decompressed(bytes: Uint8Array, name: string, maxLength?: number): Uint8Array {
  const compression = compressionOf(bytes);
  if (compression === undefined) return bytes;
  // The limit of zlib is at least 1.
  const limit = Math.max(1, Math.min(maxLength ?? Infinity, MAX_COMPRESSED_CONTENT));
  const options = { maxOutputLength: limit };
  try {
    const content = compression === "zstd"
      ? zstdDecompressSync(bytes, options)
      : gunzipSync(bytes, options);
    return plain(content);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    if (Reflect.get(cause, "code") === "ERR_BUFFER_TOO_LARGE") {
      const message = `The compressed entry ${name} holds more than ${limit} bytes`;
      throw new OversizeError(message, { digest: name }, { cause });
    }
    const message = `The compressed entry ${name} is damaged: ${cause.message}`;
    throw new CorruptValueError(message, { digest: name }, { cause });
  }
}

// A slice of a Buffer would share its memory.
function plain({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}
