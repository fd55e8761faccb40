import assert from "node:assert";
import type { Cache } from "@fleche/core";
import type { FiledCall } from "./_calls.ts";
import { ConnectionTalk } from "./_fuzz_connection.ts";
import { FUZZ_LIMITS } from "./_fuzz_corpus.ts";
import { ServerTalk } from "./_fuzz_server.ts";
import { memoryCache } from "./_memory.ts";
import { Random } from "./_random.ts";

/** Who is talked to. */
export type FuzzedSide = "server" | "client";

/** A number of talks that depend on nothing but a seed and a number. */
export interface FuzzBlock {
  readonly side: FuzzedSide;
  readonly seed: number;
  readonly index: number;
  readonly calls: readonly FiledCall[];
}

/** What came of a block. */
export interface FuzzOutcome {
  frames: number;
  talks: number;
  /** Talks that were ended for a breach of the protocol. */
  breaches: number;
  /** How the requests ended, by the code of their error. */
  readonly ends: Map<string, number>;
}

/** Talks in a block. */
const TALKS = 50;

/** Goes through the talks of a block; it throws if anything but what should come of them does. */
export async function runBlock({ side, seed, index, calls }: FuzzBlock): Promise<FuzzOutcome> {
  const random = new Random(new Random(seed).bits() ^ new Random(index).bits());
  const outcome: FuzzOutcome = { frames: 0, talks: 0, breaches: 0, ends: new Map() };
  const cache = memoryCache();
  for (let talks = 0; talks < TALKS; talks++) {
    const limits = random.weighted(FUZZ_LIMITS.map((each, at) => [[6, 3, 1][at] ?? 1, each]));
    const hostility = random.pick([0, 0, 0.01, 0.05, 0.3]);
    const options = { random, limits, calls, hostility, errors: outcome.ends };
    const talk = side === "server" ? new ServerTalk(cache, options) : new ConnectionTalk(options);
    await talk.talk(random.pick([10, 40, 40, 200]));
    outcome.frames += talk.frames;
    outcome.talks++;
    if (talk.breach === undefined) continue;
    outcome.breaches++;
    assert(hostility > 0, `A breach where there was none: ${talk.breach.message}`);
  }
  await everythingIsSound(cache);
  return outcome;
}

/** Checks that a cache holds nothing but whole calls. */
export async function everythingIsSound(cache: Cache): Promise<void> {
  for await (const record of cache.records()) {
    assert.equal(record.computeKey(), record.key);
    const found = await cache.load(record.key);
    await found.result();
  }
}
