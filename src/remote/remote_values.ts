import { type Encoding, matches, type Reference } from "../codec/encoding.ts";
import { findReferences } from "../codec/references.ts";
import { ProtocolError } from "../errors.ts";
import type { DeepSource, FoundValue, ValueSource } from "../lazy_call.ts";
import type { Awaitable } from "../storage/storage.ts";
import { batches } from "./_batches.ts";
import type { KnownDigests } from "./_known_digests.ts";
import { AsyncQueue } from "./_queue.ts";
import { PROTOCOL_LIMITS } from "./limits.ts";
import type { RemoteLink } from "./remote_link.ts";
import type { ReceivedValue } from "./value_receiver.ts";

/** The values of a cache on another machine. */
export class RemoteValues implements ValueSource, DeepSource {
  readonly #link: RemoteLink;
  readonly #known: KnownDigests;

  /** Takes the connection, and what remembers which values the other side has. */
  constructor(link: RemoteLink, known: KnownDigests) {
    this.#link = link;
    this.#known = known;
  }

  /** Itself: values are read with their parts in one go. */
  get deep(): DeepSource {
    return this;
  }

  /** Reads a value; without a length it is known by its digest alone. */
  async read(reference: Reference): Promise<Encoding | undefined> {
    const encoding = await this.#fetch(reference);
    if (encoding === undefined || reference.length === 0) return encoding;
    return matches(encoding, reference) ? encoding : undefined;
  }

  async #fetch(reference: Reference): Promise<Encoding | undefined> {
    let found: Encoding | undefined;
    const onValue = ({ reference: { digest }, encoding }: ReceivedValue, used: () => void) => {
      if (digest === reference.digest) found = encoding;
      used();
    };
    await this.#link.request("value", { values: [plain(reference)], parts: false }, { onValue });
    return found;
  }

  /** Reads values with all their parts in one go. */
  async *readDeep(
    references: readonly Reference[],
    has: (reference: Reference) => Awaitable<boolean> = () => false,
  ): AsyncIterable<FoundValue> {
    const wanted: Reference[] = [];
    for (const reference of references) if (!await has(reference)) wanted.push(reference);
    for (const some of batches(wanted, PROTOCOL_LIMITS.references)) yield* this.#stream(some, has);
  }

  // The other side is told of parts that are here before it gets to them.
  async *#stream(
    references: readonly Reference[],
    has: (reference: Reference) => Awaitable<boolean>,
  ): AsyncIterable<FoundValue> {
    const queue = new AsyncQueue<{ value: ReceivedValue; used: () => void }>();
    const left = new AbortController();
    const params = { values: references.map(plain), parts: true };
    const onValue = (value: ReceivedValue, used: () => void) => queue.push({ value, used });
    const { signal } = left;
    const { answer, skip } = await this.#link.begin("value", params, { onValue, signal });
    answer.then(() => queue.end(), (error) => queue.end(error));
    const expected = new Set(references.map(({ digest }) => digest));
    try {
      for await (const { value, used } of queue) {
        const { digest } = value.reference;
        if (!expected.has(digest)) {
          throw new ProtocolError(
            `${this.#link.host} sent a value that was not asked for: ${digest}`,
          );
        }
        for (const part of findReferences(value.encoding)) {
          expected.add(part.digest);
          if (await has(part)) skip(part.digest);
        }
        this.#known.add(digest);
        yield value;
        used();
      }
    } finally {
      left.abort();
    }
  }
}

/** A reference as it is sent. */
export function plain({ digest, crc, length }: Reference): Record<string, unknown> {
  return { digest, crc, length };
}
