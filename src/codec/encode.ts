import { copied, type Encoding } from "./encoding.ts";
import { type EncodeOptions, Encoder } from "./encoder.ts";

/** Encoders at rest. One is in use at a time, more only while a digest method calls digest(). */
const idle: Encoder[] = [];

/**
 * Encodes a value and hands the encoding to a function, during whose call it holds.
 *
 * @throws {IndigestibleError} If the value, or something in it, has no encoding.
 */
export function withEncoding<T>(
  value: unknown,
  options: EncodeOptions,
  use: (encoding: Encoding) => T,
): T {
  const encoder = idle.pop() ?? new Encoder();
  try {
    return use(encoder.encode(value, options));
  } finally {
    encoder.trim();
    idle.push(encoder);
  }
}

/**
 * Encodes a value.
 *
 * @throws {IndigestibleError} If the value, or something in it, has no encoding.
 */
export function encode(value: unknown, options: EncodeOptions = {}): Encoding {
  return withEncoding(value, options, copied);
}
