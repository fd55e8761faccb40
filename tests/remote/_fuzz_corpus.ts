import { Call } from "@fleche/core";
import type { Encoding } from "../../src/codec/encoding.ts";
import { encodingLength } from "../../src/codec/encoding.ts";
import { FRAME } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS, type ProtocolLimits } from "../../src/remote/limits.ts";
import { filed, type FiledCall, numbers } from "./_calls.ts";
import type { Draft } from "./_fuzz_frames.ts";
import type { Random } from "./_random.ts";

/** Limits that chance comes upon, and those in force. */
export const FUZZ_LIMITS: readonly ProtocolLimits[] = [
  {
    ...PROTOCOL_LIMITS,
    ...{ frame: 20_000, chunk: 500, requests: 8, requestBytes: 30_000, window: 3000 },
    ...{ connectionWindow: 8000, value: 200_000, references: 30, inline: 3000, held: 4000 },
    ...{ conditions: 4, unasked: 2000, running: 3, reading: 100_000 },
  },
  {
    ...PROTOCOL_LIMITS,
    ...{ frame: 60_000, chunk: 9000, requests: 20, window: 40_000, connectionWindow: 60_000 },
    ...{ value: 2 ** 20, references: 100, inline: 100_000, held: 50_000 },
  },
  PROTOCOL_LIMITS,
];

/** Calls that a talk is about: small ones, and one of several parts. */
export async function fuzzCalls(): Promise<FiledCall[]> {
  return await Promise.all([
    new Call({ name: "f", arguments: { x: 1 }, result: 2 }),
    new Call({ name: "f", arguments: { x: numbers(200) }, result: ["r", numbers(150, 3)] }),
    new Call({ name: "g", version: 2, arguments: { text: "a".repeat(700) }, result: numbers(40) }),
    new Call({
      name: "parts",
      arguments: {},
      result: { first: numbers(8300), again: [numbers(8300), numbers(8300, 2)] },
    }),
  ].map(filed));
}

/** The frames that send a value: its announcement, and its bytes. */
export function* valueDrafts(
  id: number,
  digest: string,
  { encoding, chunk }: { encoding: Encoding; chunk: number },
): Iterable<Draft> {
  yield { kind: FRAME.item, id, fields: [{ digest, length: encodingLength(encoding) }] };
  for (const bytes of [encoding.head, encoding.body]) {
    for (let at = 0; bytes !== undefined && at < bytes.length; at += chunk) {
      yield { kind: FRAME.chunk, id, fields: [bytes.subarray(at, at + chunk)] };
    }
  }
}

/**
 * The frames that send some values of a call, as they should be or nearly: some are left out, sent
 * twice, damaged, or withdrawn.
 */
export function* valuesDrafts(
  id: number,
  { call, limits, random }: { call: FiledCall; limits: ProtocolLimits; random: Random },
): Iterable<Draft> {
  const chunk = random.chance(0.8) ? limits.chunk : Math.ceil(limits.chunk / (1 + random.below(9)));
  const isOdd = random.chance(0.3);
  for (const [digest, encoding] of call.values) {
    if (isOdd && random.chance(0.3)) continue;
    const isDamaged = isOdd && random.chance(0.3);
    const drafts = [...valueDrafts(id, digest, { encoding, chunk })];
    const end = isOdd && random.chance(0.3) ? random.below(drafts.length) : drafts.length;
    for (const [index, draft] of drafts.slice(0, end).entries()) {
      const [bytes] = draft.fields;
      if (!isDamaged || index !== end - 1 || !(bytes instanceof Uint8Array)) yield draft;
      else yield { ...draft, fields: [bytes.map((byte) => byte ^ 1)] };
    }
    if (end < drafts.length) yield { kind: FRAME.item, id, fields: [{ withdrawn: true }] };
  }
}
