import type { Encoding, Reference } from "../codec/encoding.ts";
import { findReferences } from "../codec/references.ts";
import type { ValueSource } from "../lazy_call.ts";

/** A value that may have to be sent. */
export interface Held {
  readonly reference: Reference;
  readonly encoding: Encoding;
}

/** Holds a value with all its parts; whether it was all there. */
export async function collect(
  reference: Reference,
  source: ValueSource,
  values: Map<string, Held>,
): Promise<boolean> {
  if (values.has(reference.digest)) return true;
  const encoding = await source.read(reference);
  if (encoding === undefined) return false;
  for (const part of findReferences(encoding)) {
    if (!await collect(part, source, values)) return false;
  }
  values.set(reference.digest, { reference, encoding });
  return true;
}
