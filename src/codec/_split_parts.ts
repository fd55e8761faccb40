import { Culprit } from "./_culprit.ts";
import type { Reference } from "./encoding.ts";
import { MAX_REPEATED_LENGTH } from "./format.ts";

/** A part that has been split off. */
export interface SplitPart {
  readonly reference: Reference;
  /** Bytes of plain memory that it comes to with all its parts. */
  readonly memory: number;
  /** Bytes of anything else that it comes to with all its parts. */
  readonly other: number;
}

/**
 * The parts that are split off while one value is encoded.
 *
 * A part that occurs again is not encoded again: else a few objects that contain each other twice
 * would take longer than anybody waits. What a value may come to by that is counted as the decoder
 * counts it, so that whatever is stored can be loaded.
 */
export class SplitParts {
  readonly #digests = new Set<string>();
  readonly #objects = new Map<object, { part: SplitPart; depth: number }>();
  readonly #repeated = { memory: 0, other: 0 };
  #memory = 0;
  #other = 0;

  /** Bytes of plain memory that all references so far come to. */
  get memory(): number {
    return this.#memory;
  }

  /** Bytes of anything else that all references so far come to. */
  get other(): number {
    return this.#other;
  }

  /** Whether there are any. */
  get isEmpty(): boolean {
    return this.#digests.size === 0;
  }

  /** Forgets all parts. */
  clear(): void {
    this.#digests.clear();
    this.#objects.clear();
    this.#memory =
      this.#other =
      this.#repeated.memory =
      this.#repeated.other =
        0;
  }

  /**
   * Notes a part whose own parts have been noted.
   *
   * @param kind what the part is itself
   * @param before the totals before its own parts
   * @throws {Culprit} If the value repeats more than can be decoded.
   */
  add(
    reference: Reference,
    kind: "memory" | "other",
    before: { readonly memory: number; readonly other: number },
  ): SplitPart {
    const { digest, length } = reference;
    // These may be the totals of this very object, which change now.
    const { memory, other } = before;
    if (kind === "memory") this.#memory += length;
    else this.#other += length;
    const part = {
      reference,
      memory: this.#memory - memory,
      other: this.#other - other,
    };
    if (this.#digests.has(digest)) this.#count(kind, length);
    else this.#digests.add(digest);
    return part;
  }

  /** Notes which object a part was, and how deep that stood. */
  remember(value: object, part: SplitPart, depth: number): void {
    this.#objects.set(value, { part, depth });
  }

  /**
   * The part that an object has become. Where it stands deeper than before, it is not taken as
   * known: something in it may stand too deep now.
   */
  find(value: object, depth: number): SplitPart | undefined {
    const known = this.#objects.get(value);
    return known !== undefined && depth <= known.depth ? known.part : undefined;
  }

  /**
   * Notes that a part occurs again.
   *
   * @throws {Culprit} If the value repeats more than can be decoded.
   */
  repeat({ memory, other }: SplitPart): void {
    this.#memory += memory;
    this.#other += other;
    this.#count("memory", memory);
    this.#count("other", other);
  }

  #count(kind: "memory" | "other", length: number): void {
    this.#repeated[kind] += length;
    if (this.#repeated[kind] <= MAX_REPEATED_LENGTH[kind]) return;
    throw new Culprit(
      `repeats parts of more than ${MAX_REPEATED_LENGTH[kind]} bytes, which could not be loaded ` +
        "again: hold each once, and refer to it by a key or an index",
    );
  }
}
