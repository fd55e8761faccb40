import type { AcceptOptions } from "../caches/base_cache.ts";
import type { CallRecord } from "../call_record.ts";
import type { Reference } from "../codec/encoding.ts";
import { findReferences } from "../codec/references.ts";
import { NotFoundError, ProtocolError } from "../errors.ts";
import type { ValueSource } from "../lazy_call.ts";
import type { Awaitable } from "../storage/storage.ts";
import { collect, type Held, heldValue } from "./_held_values.ts";
import type { KnownDigests } from "./_known_digests.ts";
import { PROTOCOL_LIMITS } from "./limits.ts";
import type { RemoteLink } from "./remote_link.ts";
import { plain } from "./remote_values.ts";

/** How often a save is tried while values get lost on the other side. */
const SAVE_ATTEMPTS = 4;

/** How a call is stored on the other side. */
interface Filing {
  /** The values that it has to have there. */
  readonly named: readonly Reference[];
  /** Those that are sent unasked. */
  readonly first: AsyncIterable<Held> | Iterable<Held>;
  /** All values, for what turns out to be missing. */
  readonly all: () => Awaitable<ReadonlyMap<string, Held>>;
}

/** How the values of a call are looked through. */
interface AbsentWalk {
  readonly source: ValueSource;
  /** Digests of those without which the call cannot be stored. */
  readonly needed: Set<string>;
  readonly seen: Set<string>;
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
    const unknown = references.filter(({ digest }) => !this.#known.has(digest));
    const first = isSmall(unknown) ? unknown : [];
    await this.#file(record, {
      named: isWhole ? references : record.references,
      first: first.map(({ digest }) => heldValue(values, digest)),
      all: () => values,
    });
  }

  // What the other side says is missing is sent with a second request, and a third where something has
  // been deleted there meanwhile.
  async #file(record: CallRecord, { named, first, all }: Filing): Promise<void> {
    const params = { key: record.key, record: record.bytes, values: named.map(plain) };
    const sent = new Set<string>();
    const save = async (values: AsyncIterable<Held> | Iterable<Held>) => {
      const result = await this.#link.request("save", params, { values: noted(values, sent) });
      return result.digests("missing", PROTOCOL_LIMITS.references);
    };
    let missing = await save(first);
    for (let attempt = 1; missing.length > 0 && attempt < SAVE_ATTEMPTS; attempt++) {
      const values = await all();
      for (const digest of missing) sent.add(digest);
      missing = await save([...sent].map((digest) => heldValue(values, digest)));
    }
    if (missing.length > 0) {
      for (const digest of missing) this.#known.forget(digest);
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
    const named = record.resultReferences;
    const others = options.arguments === true ? record.references : [];
    await this.#file(record, {
      named,
      first: this.#absent([...named, ...others], {
        source,
        needed: new Set(named.map(({ digest }) => digest)),
        seen: new Set(),
      }),
      all: async () => {
        const values = new Map<string, Held>();
        for (const reference of [...named, ...others]) await collect(reference, source, values);
        return values;
      },
    });
  }

  // What the other side does not have of some values, parts first.
  async *#absent(references: readonly Reference[], walk: AbsentWalk): AsyncIterable<Held> {
    const { source, needed, seen } = walk;
    const fresh = references.filter(({ digest }) => !seen.has(digest) && seen.add(digest));
    const unknown = fresh.filter(({ digest }) => !this.#known.has(digest));
    for (const reference of isSmall(unknown) ? unknown : await this.missing(unknown)) {
      const encoding = await source.read(reference);
      if (encoding !== undefined) {
        const parts = findReferences(encoding);
        if (needed.has(reference.digest)) { for (const { digest } of parts) needed.add(digest); }
        yield* this.#absent(parts, walk);
        yield { reference, encoding };
      } else if (needed.has(reference.digest)) {
        const message = `The value ${reference.digest} is missing where the call comes from`;
        throw new NotFoundError(message, { key: reference.digest });
      }
    }
  }

  /** Those of some values that are not stored. */
  async missing(references: readonly Reference[]): Promise<Reference[]> {
    const { references: most } = PROTOCOL_LIMITS;
    const asked: Promise<string[]>[] = [];
    for (let at = 0; at < references.length; at += most) {
      const values = references.slice(at, at + most).map(plain);
      asked.push(
        this.#link.request("has", { values }).then((result) => result.digests("missing", most)),
      );
    }
    const missing = new Set((await Promise.all(asked)).flat());
    return references.filter(({ digest }) => missing.has(digest));
  }
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
