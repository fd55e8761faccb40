import { type Encoding, matches, type Reference } from "../codec/encoding.ts";
import { findReferences } from "../codec/references.ts";
import type { DeepSource, FoundValue, ValueSource } from "../lazy_call.ts";
import type { Awaitable } from "../storage/storage.ts";

/** The values that came with a call; others are read from where it came from. */
export class CarriedValues implements ValueSource, DeepSource {
  readonly #carried: ReadonlyMap<string, Encoding>;
  readonly #source: ValueSource & DeepSource;

  /** Takes the values that came, by their digests, and where the others are. */
  constructor(carried: ReadonlyMap<string, Encoding>, source: ValueSource & DeepSource) {
    this.#carried = carried;
    this.#source = source;
  }

  /** Itself: what is missing is read in one go. */
  get deep(): DeepSource {
    return this;
  }

  #get(reference: Reference): Encoding | undefined {
    const encoding = this.#carried.get(reference.digest);
    return encoding !== undefined && matches(encoding, reference) ? encoding : undefined;
  }

  /** Reads a value. */
  read(reference: Reference): Awaitable<Encoding | undefined> {
    return this.#get(reference) ?? this.#source.read(reference);
  }

  /** Reads values with all their parts. */
  async *readDeep(
    references: readonly Reference[],
    has: (reference: Reference) => Awaitable<boolean> = () => false,
  ): AsyncIterable<FoundValue> {
    const seen = new Set<string>();
    const absent: Reference[] = [];
    const waiting = references.toReversed();
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (seen.has(next.digest) || await has(next)) continue;
      const encoding = this.#get(next);
      if (encoding === undefined) {
        absent.push(next);
        continue;
      }
      seen.add(next.digest);
      yield { reference: next, encoding };
      waiting.push(...findReferences(encoding).reverse());
    }
    if (absent.length === 0) return;
    yield* this.#source.readDeep(
      absent,
      (reference) => seen.has(reference.digest) || has(reference),
    );
  }
}
