import type { BaseCache } from "../caches/base_cache.ts";
import type { Encoding, Reference } from "../codec/encoding.ts";
import { findReferences } from "../codec/references.ts";
import type { ValueSource } from "../lazy_call.ts";
import type { ProtocolLimits } from "./limits.ts";
import type { IncomingValue } from "./served_request.ts";

/**
 * The values that come with a call which is to be stored. They are held in memory; large ones that have
 * no parts, and smaller ones once there are too many, are stored as they come, ahead of their call.
 */
export class IncomingValues implements ValueSource {
  readonly #cache: BaseCache;
  readonly #limits: ProtocolLimits;
  readonly #held = new Map<string, Encoding>();
  #length = 0;
  /** Digests of what has been stored ahead of its call. */
  readonly staged: Set<string> = new Set();
  #isIncomplete = false;

  /** Takes where the values are stored. */
  constructor(cache: BaseCache, limits: ProtocolLimits) {
    this.#cache = cache;
    this.#limits = limits;
  }

  /** Takes all that come. */
  async take(values: AsyncIterable<IncomingValue>): Promise<void> {
    for await (const { value: { reference, encoding }, used } of values) {
      const { digest, length } = reference;
      const isLarge = this.#length + length > this.#limits.held;
      if (isLarge && isLeaf(encoding) && await this.#cache.stage(reference, encoding)) {
        this.staged.add(digest);
      } else {
        this.#held.set(digest, { ...encoding, owned: false });
        this.#length += length;
      }
      used();
    }
  }

  /** Whether something was asked for that is neither held nor can be read. */
  get isIncomplete(): boolean {
    return this.#isIncomplete;
  }

  /** Whether a value has come. */
  has(digest: string): boolean {
    return this.#held.has(digest) || this.staged.has(digest);
  }

  /** What has come, or is stored. */
  async read(reference: Reference): Promise<Encoding | undefined> {
    const { digest } = reference;
    const encoding = this.#held.get(digest) ?? await this.#cache.read(reference);
    if (encoding === undefined) this.#isIncomplete = true;
    return encoding;
  }

  /** The digests of all that is missing of some values and their parts, each looked at. */
  async findUnreadable(references: readonly Reference[]): Promise<string[]> {
    const missing: string[] = [];
    const seen = new Set<string>();
    const waiting = [...references];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (seen.has(next.digest)) continue;
      seen.add(next.digest);
      const encoding = await this.read(next);
      if (encoding === undefined) missing.push(next.digest);
      else waiting.push(...findReferences(encoding));
    }
    return missing;
  }
}

function isLeaf(encoding: Encoding): boolean {
  return findReferences(encoding).length === 0;
}
