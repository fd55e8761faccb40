import { Call, type CallRecord } from "@fleche/core";
import type { Encoding, Reference } from "../../src/codec/encoding.ts";
import { findReferences } from "../../src/codec/references.ts";
import type { Held } from "../../src/remote/_held_values.ts";
import { encodeFrame, FRAME } from "../../src/remote/frames.ts";
import { request, valueFrames } from "./_frames.ts";
import { memoryCache } from "./_memory.ts";

/** A call with all that it refers to, as a client sends it. */
export interface FiledCall {
  readonly record: CallRecord;
  /** The values and their parts. */
  readonly references: Reference[];
  readonly values: Map<string, Encoding>;
}

/** What a call looks like on the wire. */
export async function filed(call: Call): Promise<FiledCall> {
  await using cache = memoryCache();
  const record = (await cache.load(await cache.save(call))).detach();
  const references: Reference[] = [];
  const values = new Map<string, Encoding>();
  const waiting = [...record.references];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (values.has(next.digest)) continue;
    const encoding = await cache.read(next);
    if (encoding === undefined) throw new Error("A value of the call is missing");
    references.push(next);
    values.set(next.digest, encoding);
    waiting.push(...findReferences(encoding));
  }
  return { record, references, values };
}

/** The parameters of the request that saves a call. */
export function saveParams({ record, references }: FiledCall): Record<string, unknown> {
  return { key: record.key, record: record.bytes, values: references };
}

/** The values of a call, as they are sent along; all of them, or those of some digests. */
export function heldOf({ references, values }: FiledCall, digests?: readonly string[]): Held[] {
  return references
    .filter(({ digest }) => digests === undefined || digests.includes(digest))
    .map((reference) => ({ reference, encoding: values.get(reference.digest) as Encoding }));
}

/** Numbers that differ between two seeds, of 8 bytes each. */
export function numbers(length: number, seed = 1): Float64Array {
  return Float64Array.from({ length }, (_, index) => index * seed);
}

/** A call with a large argument and a large result that has parts of its own. */
export function largeCall(name = "large"): Call {
  const shared = numbers(20_000);
  return new Call({
    name,
    version: 1,
    arguments: { grid: numbers(30_000, 3), steps: 5 },
    result: { mean: 1.5, first: shared, again: [shared, numbers(50_000, 7)] },
  });
}

/** The frames that save a call; with all its values unless they are given. */
export function saveFrames(
  id: number,
  call: FiledCall,
  { values = call.values }: { values?: ReadonlyMap<string, Encoding> } = {},
): Uint8Array[] {
  return [
    request(id, "save", { params: saveParams(call), hasValues: true }),
    ...[...values].flatMap(([digest, encoding]) => valueFrames(id, { digest, encoding })),
    encodeFrame(FRAME.end, id),
  ];
}
