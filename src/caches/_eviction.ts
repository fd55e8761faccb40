import type { CallRecord } from "../call_record.ts";
import type { Reference } from "../codec/encoding.ts";
import type { StoredEntry } from "../storage/storage.ts";
import type { Reach } from "./_reach.ts";

/** Which calls go first when there is no room for all. */
export type EvictionPolicy = "oldest" | "lru" | "random" | "cost";

/** All policies, for checking what a configuration says. */
export const EVICTION_POLICIES: readonly EvictionPolicy[] = ["oldest", "lru", "random", "cost"];

/** What is known of a call that may go. */
export interface Candidate {
  readonly key: string;
  /** When it was filed, or touched, in milliseconds since 1970. */
  readonly modified: number;
  /** Bytes of the record. */
  readonly length: number;
  /** How long it took, in seconds; 0 where that was not noted. */
  readonly walltime: number;
  /** The values that it refers to. */
  readonly references: readonly Reference[];
}

/** What is known of a call that may go. */
export function candidateOf(record: CallRecord, { modified, length }: StoredEntry): Candidate {
  const walltime = record.metadata["runtime"]?.["walltime"];
  return {
    ...{ key: record.key, modified, length, references: record.references },
    walltime: typeof walltime === "number" ? walltime : 0,
  };
}

/** How much room is taken, and how much may be. */
export interface Room {
  size: number;
  bytes: number;
}

/** The room that some entries take. */
export function roomOf(calls: readonly StoredEntry[], values: readonly StoredEntry[]): Room {
  const bytes = [...calls, ...values].reduce((sum, { length }) => sum + length, 0);
  return { size: calls.length, bytes };
}

/** How often values are referred to, so that it is known which go with a call. */
export class Owners {
  readonly #counts = new Map<string, number>();
  readonly #lengths: ReadonlyMap<string, number>;
  readonly #reach: Reach;

  /** Takes how long values are, and which parts they have. */
  constructor(lengths: ReadonlyMap<string, number>, reach: Reach) {
    this.#lengths = lengths;
    this.#reach = reach;
  }

  /** Counts what a call refers to; parts once for each value that has them. */
  add(references: readonly Reference[]): void {
    for (const digest of distinct(references)) {
      const count = this.#counts.get(digest) ?? 0;
      this.#counts.set(digest, count + 1);
      if (count === 0) this.add(this.#reach.parts(digest));
    }
  }

  /** Takes a call away; gives the values that nothing refers to any more. */
  *remove(references: readonly Reference[]): Iterable<string> {
    for (const digest of distinct(references)) {
      const count = (this.#counts.get(digest) ?? 0) - 1;
      this.#counts.set(digest, count);
      if (count > 0) continue;
      yield digest;
      yield* this.remove(this.#reach.parts(digest));
    }
  }

  /** How many bytes a value takes as it is stored, without its parts. */
  length(digest: string): number {
    return this.#lengths.get(digest) ?? 0;
  }

  /** How many bytes some values take with all their parts, those of others included. */
  total(references: readonly Reference[], seen: Set<string> = new Set()): number {
    let total = 0;
    for (const { digest } of references) {
      if (seen.has(digest)) continue;
      seen.add(digest);
      total += this.length(digest) + this.total(this.#reach.parts(digest), seen);
    }
    return total;
  }
}

function distinct(references: readonly Reference[]): Set<string> {
  return new Set(references.map(({ digest }) => digest));
}

/** Puts calls in the order in which they go. */
export function inOrder(
  candidates: readonly Candidate[],
  policy: EvictionPolicy,
  owners: Owners,
): Candidate[] {
  const by = (worth: (candidate: Candidate) => number) => {
    const worths = new Map(candidates.map((each) => [each, worth(each)]));
    return candidates.toSorted((a, b) => (worths.get(a) ?? 0) - (worths.get(b) ?? 0));
  };
  switch (policy) {
    case "oldest":
    case "lru":
      return by(({ modified }) => modified);
    case "random":
      return by(() => Math.random());
    case "cost":
      // Of those that are worth the same, the oldest: the sort keeps their order.
      return by(({ walltime, length, references }) =>
        walltime / (length + owners.total(references))
      );
  }
}
