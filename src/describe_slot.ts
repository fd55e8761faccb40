import { decode, MissingPart } from "./codec/decoder.ts";
import { UnknownTypeError } from "./errors.ts";
import { type Slot, slotReference } from "./slot.ts";

/** Most characters of a description. */
const MAX_LENGTH = 200;

/**
 * A value in a record as people read it; undefined where the record does not hold it, or cannot
 * build it.
 */
export function describeSlot(slot: Slot): string | undefined {
  if (slotReference(slot) !== undefined) return undefined;
  let value: unknown;
  try {
    value = decode({ head: slot });
  } catch (error) {
    if (error instanceof MissingPart || error instanceof UnknownTypeError) return undefined;
    throw error;
  }
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string") return shortened(JSON.stringify(value));
  return shortened(Deno.inspect(value, { compact: true, breakLength: Infinity, depth: 3 }));
}

function shortened(text: string): string {
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH - 1)}…`;
}
