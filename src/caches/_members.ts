import type { CallRecord } from "../call_record.ts";
import {
  AmbiguousDigestError,
  CorruptValueError,
  IndigestibleError,
  LockTimeoutError,
  NotFoundError,
  RejectedError,
  SaveError,
  SignatureError,
  UnknownTypeError,
} from "../errors.ts";
import { inTime } from "../in_time.ts";
import type { LazyCall } from "../lazy_call.ts";
import { warnOnce } from "../log.ts";
import type { RecordFilter } from "../record_filter.ts";

/** What several caches together ask of each of them. */
export interface Member {
  /** Whether it is on another machine. */
  readonly isRemote: boolean;
  /** How long finding a call may take, in seconds. */
  readonly lookupTimeout: number;
  /** Finds a call by its whole key. */
  find(key: string): Promise<LazyCall | undefined>;
  /** The same without storing anything on the way. */
  peek(key: string): Promise<LazyCall | undefined>;
  /** Whether there is a call. */
  contains(key: string): Promise<boolean>;
  /** Whether there is a call whose record can be read. */
  isReadable(key: string): Promise<boolean>;
  /** Keys and digests. */
  list(prefix: string, limit?: number): Promise<string[]>;
  /** The records. */
  records(filter?: RecordFilter): AsyncIterable<CallRecord>;
}

/** An answer and who gave it. */
export interface Answer<M, T> {
  readonly answer: T;
  readonly from: M;
  /** Which of the members that is, from 0. */
  readonly index: number;
}

/** How long a member that failed is left alone, in milliseconds. */
const REST = 60_000;

/** Errors that tell of one entry, and nothing of the cache that it is in. */
const ABOUT_ENTRIES = [
  AmbiguousDigestError,
  CorruptValueError,
  IndigestibleError,
  LockTimeoutError,
  NotFoundError,
  RejectedError,
  SaveError,
  SignatureError,
  UnknownTypeError,
];

const numbers = new WeakMap<object, number>();
let count = 0;

/** A number for each cache: the message of a failure differs from call to call, the cache does not. */
export function cacheNumber(cache: object): number {
  const number = numbers.get(cache) ?? count++;
  numbers.set(cache, number);
  return number;
}

/**
 * The caches of a stack or a pool. One that fails costs a warning, is passed over, and is left alone
 * for a minute; a remote one is asked all the same, since it knows by itself that its connection is
 * gone.
 */
export class Members<M extends Member> {
  /** First to last. */
  readonly all: readonly M[];
  readonly #kind: string;
  readonly #resting = new Map<M, number>();

  /**
   * Takes the caches.
   *
   * @param kind what they make up together, for messages
   */
  constructor(all: readonly M[], kind: string) {
    this.all = [...all];
    this.#kind = kind;
  }

  /** Asks one of them; undefined if it fails. */
  async tolerant<T>(member: M, ask: () => Promise<T> | T): Promise<T | undefined> {
    if (this.#rests(member)) return undefined;
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const isOfEntry = ABOUT_ENTRIES.some((kind) => error instanceof kind);
      if (!isOfEntry && !member.isRemote) this.#resting.set(member, performance.now() + REST);
      const which = `${member.constructor.name} number ${this.all.indexOf(member) + 1}`;
      warnOnce(
        `${this.#kind} ${cacheNumber(member)} ${error.name}`,
        ["cache"],
        `Passing over a cache of a ${this.#kind} (${which}), which fails: ${error.message}`,
      );
      return undefined;
    }
  }

  #rests(member: M): boolean {
    const end = this.#resting.get(member);
    if (end === undefined) return false;
    if (performance.now() < end) return true;
    this.#resting.delete(member);
    return false;
  }

  /** Asks those that failed again. */
  wake(): void {
    this.#resting.clear();
  }

  /** What the first of them answers that has an answer. */
  async firstAnswer<T>(
    ask: (member: M) => Promise<T | undefined> | T | undefined,
  ): Promise<Answer<M, T> | undefined> {
    for (const [index, from] of this.all.entries()) {
      const answer = await this.tolerant(from, () => ask(from));
      if (answer !== undefined) return { answer, from, index };
    }
  }

  /** Finds a call in the first that has it, each within its time. */
  async find(key: string): Promise<Answer<M, LazyCall> | undefined> {
    return await this.firstAnswer((member) => inTime(member.find(key), member.lookupTimeout));
  }

  /** The same without storing anything on the way. */
  async peek(key: string): Promise<Answer<M, LazyCall> | undefined> {
    return await this.firstAnswer((member) => inTime(member.peek(key), member.lookupTimeout));
  }

  /** Whether any of them has a call. */
  async contain(key: string): Promise<boolean> {
    const ask = async (member: M) => (await member.contains(key)) || undefined;
    return await this.firstAnswer(ask) !== undefined;
  }

  /** Whether any of them has a call whose record can be read. */
  async haveReadable(key: string): Promise<boolean> {
    const ask = async (member: M) => (await member.isReadable(key)) || undefined;
    return await this.firstAnswer(ask) !== undefined;
  }

  /** Keys and digests of all of them. */
  async list(prefix: string, limit?: number): Promise<string[]> {
    const lists = await Promise.all(
      this.all.map((member) => this.tolerant(member, () => member.list(prefix, limit))),
    );
    return [...new Set(lists.flatMap((list) => list ?? []))];
  }

  /** The records of all of them, each key once. */
  async *records(filter?: RecordFilter): AsyncIterable<CallRecord> {
    const seen = new Set<string>();
    for (const member of this.all) {
      for await (const record of this.asFarAsItGoes(member, member.records(filter))) {
        if (seen.has(record.key)) continue;
        seen.add(record.key);
        yield record;
      }
    }
  }

  /** What a member gives, up to where it fails, which costs a warning. */
  async *asFarAsItGoes<T>(member: M, sequence: AsyncIterable<T>): AsyncIterable<T> {
    const iterator = sequence[Symbol.asyncIterator]();
    try {
      while (true) {
        const next = await this.tolerant(member, () => iterator.next());
        if (next === undefined || next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
}
