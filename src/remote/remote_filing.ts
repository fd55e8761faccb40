import type { AcceptOptions } from "../caches/base_cache.ts";
import type { CallRecord } from "../call_record.ts";
import type { Encoding, Reference } from "../codec/encoding.ts";
import { findReferences } from "../codec/references.ts";
import { NotFoundError, ProtocolError } from "../errors.ts";
import type { ValueSource } from "../lazy_call.ts";
import { mapAhead } from "../map_ahead.ts";
import type { Awaitable } from "../storage/storage.ts";
import { batches } from "./_batches.ts";
import { collect, type Held } from "./_held_values.ts";
import type { KnownDigests } from "./_known_digests.ts";
import { PROTOCOL_LIMITS } from "./limits.ts";
import type { RemoteLink } from "./remote_link.ts";
import { plain } from "./remote_values.ts";

/** How often a save is tried while values get lost on the other side. */
const SAVE_ATTEMPTS = 4;

/** How a call is stored on the other side. */
interface Filing {
  /** The values without which it cannot be stored. */
  readonly needed: readonly Reference[];
  /** Those that it should have there too. */
  readonly others?: readonly Reference[];
  /** Those that are sent unasked. */
  readonly first: AsyncIterable<Held> | Iterable<Held>;
  /** All values, for what turns out to be missing. */
  readonly all: () => Awaitable<ReadonlyMap<string, Held>>;
}

/** How the values of a call are looked through. */
interface AbsentWalk {
  readonly source: ValueSource;
  /** Those without which the call cannot be stored. */
  readonly results: readonly Reference[];
}

/** Stores calls in a cache on another machine, and sends of their values what is missing there. */
export class RemoteFiling {
  readonly #link: RemoteLink;
  readonly #known: KnownDigests;

  /** Takes the connection, and what remembers which values the other side has. */
  constructor(link: RemoteLink, known: KnownDigests) {
    this.#link = link;
    this.#known = known;
  }

  /** Stores a call whose values are all at hand. */
  async save(record: CallRecord, values: ReadonlyMap<string, Held>): Promise<void> {
    const references = [...values.values()].map(({ reference }) => reference);
    const isWhole = references.length <= PROTOCOL_LIMITS.references;
    const unknown = [...values.values()].filter(({ reference }) =>
      !this.#known.has(reference.digest)
    );
    await this.#file(record, {
      needed: isWhole ? references : record.references,
      first: isSmall(unknown.map(({ reference }) => reference)) ? unknown : [],
      all: () => values,
    });
  }

  // What the other side says is missing is sent with a second request, and a third where something has
  // been deleted there meanwhile.
  async #file(record: CallRecord, { needed, others = [], first, all }: Filing): Promise<void> {
    const { key, bytes } = record;
    const sent = new Set<string>();
    const save = async (
      named: readonly Reference[],
      values: AsyncIterable<Held> | Iterable<Held>,
    ) => {
      const params = { key, record: bytes, values: named.map(plain) };
      const result = await this.#link.request("save", params, { values: noted(values, sent) });
      return result.digests("missing", PROTOCOL_LIMITS.references);
    };
    let named = [...needed, ...others];
    let missing = await save(named, first);
    for (let attempt = 1; missing.length > 0 && attempt < SAVE_ATTEMPTS; attempt++) {
      const values = await all();
      for (const digest of missing) {
        this.#known.forget(digest);
        sent.add(digest);
      }
      const isHere = ({ digest }: Reference) => values.has(digest);
      // A call without the values of its arguments is still a call.
      named = [...needed, ...others.filter(isHere)];
      missing = await save(named, [...sent].flatMap((digest) => values.get(digest) ?? []));
    }
    if (missing.length > 0) {
      throw new ProtocolError(`${this.#link.host} keeps losing the values that are sent to it`);
    }
    for (const { digest } of named) this.#known.add(digest);
    for (const digest of sent) this.#known.add(digest);
  }

  /** Stores a call that stands elsewhere. Of its values only those that are missing there are read. */
  async accept(
    record: CallRecord,
    source: ValueSource,
    options: AcceptOptions = {},
  ): Promise<void> {
    const results = record.resultReferences;
    const others = options.arguments === true ? record.references : [];
    const all = async () => {
      const values = new Map<string, Held>();
      for (const reference of [...results, ...others]) await collect(reference, source, values);
      return values;
    };
    await this.#file(record, {
      needed: results,
      // What is believed to be there is not sent: the other side says if it is not.
      others: others.filter(({ digest }) => this.#known.has(digest)),
      first: this.#absent([...results, ...others], { source, results }),
      all,
    });
  }

  // What the other side does not have of some values, which it is asked for level by level.
  async *#absent(references: readonly Reference[], walk: AbsentWalk): AsyncIterable<Held> {
    const { source, results } = walk;
    const needed = new Set(results.map(({ digest }) => digest));
    const seen = new Set<string>();
    for (let level = references; level.length > 0;) {
      const parts: Reference[] = [];
      for await (
        const { reference, encoding } of readEach(await this.#unsent(level, seen), source)
      ) {
        const { digest } = reference;
        if (encoding !== undefined) {
          const inner = findReferences(encoding);
          parts.push(...inner);
          if (needed.has(digest)) { for (const part of inner) needed.add(part.digest); }
          yield { reference, encoding };
        } else if (needed.has(digest)) {
          const message = `The value ${digest} is missing where the call comes from`;
          throw new NotFoundError(message, { key: digest });
        }
      }
      level = parts;
    }
  }

  // Those of some values that are not known to be there; to ask takes longer than to send a few.
  async #unsent(references: readonly Reference[], seen: Set<string>): Promise<Reference[]> {
    const unknown = references.filter(({ digest }) => {
      if (seen.has(digest) || this.#known.has(digest)) return false;
      seen.add(digest);
      return true;
    });
    return isSmall(unknown) ? unknown : await this.missing(unknown);
  }

  /** Those of some values that are not stored. */
  async missing(references: readonly Reference[]): Promise<Reference[]> {
    const { references: most } = PROTOCOL_LIMITS;
    const asked = [...batches(references, most)].map(async (some) => {
      const values = some.map(plain);
      return (await this.#link.request("has", { values }, { isUrgent: true }))
        .digests("missing", most);
    });
    const missing = new Set((await Promise.all(asked)).flat());
    return references.filter(({ digest }) => missing.has(digest));
  }
}

/** Bytes up to which values are read several at a time. */
const READ_TOGETHER = 1 << 20;

interface Read {
  readonly reference: Reference;
  readonly encoding: Encoding | undefined;
}

// Where each takes a round trip, small ones are read at the same time.
async function* readEach(
  references: readonly Reference[],
  source: ValueSource,
): AsyncIterable<Read> {
  const read = async (reference: Reference): Promise<Read> => ({
    reference,
    encoding: await source.read(reference),
  });
  const isSlow = source.deep !== undefined;
  const together = references.filter(({ length }) => isSlow && length <= READ_TOGETHER);
  yield* mapAhead(together, read);
  const alone = references.filter(({ length }) => !isSlow || length > READ_TOGETHER);
  for (const reference of alone) yield await read(reference);
}

// Whether to ask which are missing would take longer than to send them.
function isSmall(references: readonly Reference[]): boolean {
  return references.reduce((sum, { length }) => sum + length, 0) <= PROTOCOL_LIMITS.unasked;
}

async function* noted(
  values: AsyncIterable<Held> | Iterable<Held>,
  sent: Set<string>,
): AsyncIterable<Held> {
  for await (const held of values) {
    sent.add(held.reference.digest);
    yield held;
  }
}
