import { RejectedError } from "../errors.ts";
import type { CallStorage, ValueStorage } from "../storage/storage.ts";
import { openCalls } from "./_call_opener.ts";

/** Values, the calls that they are kept for, and further storages of calls that are at hand. */
export interface SourceOptions {
  readonly values: ValueStorage;
  readonly calls: CallStorage;
  readonly also?: readonly CallStorage[] | undefined;
  /** Whether `calls` is left out; false by default. */
  readonly others?: boolean;
}

/** A call storage that cannot be read, and why. */
export interface Unreadable {
  readonly identity: string;
  readonly reason: string;
}

/** All call storages whose records may name values of one storage. */
export class CallSources implements AsyncDisposable {
  readonly #values: ValueStorage;
  readonly #calls: CallStorage;
  readonly #also: readonly CallStorage[];
  readonly #others: boolean;
  readonly #opened = new Map<string, CallStorage>();
  // Records that are signed with another key name values too.
  readonly #unsigned: readonly CallStorage[];
  #unreadable: readonly Unreadable[] = [];

  /** Takes the storages. Nothing is opened yet. */
  constructor({ values, calls, also = [], others = false }: SourceOptions) {
    this.#values = values;
    const views = new Map([calls, ...also].map((each) => [each, each.unsigned?.()]));
    this.#calls = views.get(calls) ?? calls;
    this.#also = also.map((each) => views.get(each) ?? each);
    this.#unsigned = [...views.values()].filter((each) => each !== undefined);
    this.#others = others;
  }

  /** Those that can be read, as far as they have been found. */
  get all(): readonly CallStorage[] {
    const { identity } = this.#calls;
    const isOpened = identity !== undefined && this.#opened.has(identity);
    const own = this.#others || isOpened ? [] : [this.#calls];
    return [...this.#also, ...own, ...this.#opened.values()];
  }

  /** Those that cannot be read. */
  get unreadable(): readonly Unreadable[] {
    return this.#unreadable;
  }

  /** Finds all that there are now; those that are remembered by their identity are opened. */
  async find(): Promise<void> {
    const unreadable: Unreadable[] = [];
    const own = this.#calls.identity;
    for (const identity of new Set([...await this.#values.registered(), ...own ? [own] : []])) {
      if (this.#others && identity === own) continue;
      const isKnown = this.#opened.has(identity) ||
        this.#also.some((each) => each.identity === identity);
      if (isKnown) continue;
      try {
        this.#opened.set(identity, openCalls(identity));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        // Its own it can read in any case.
        if (identity !== own) unreadable.push({ identity, reason: error.message });
      }
    }
    this.#unreadable = unreadable;
  }

  /**
   * Refuses to go on where one of them cannot be read.
   *
   * @throws {RejectedError} If so; it says which, and what to do.
   */
  check(): void {
    const [first] = this.#unreadable;
    if (first === undefined) return;
    const which = this.#unreadable.map(({ identity, reason }) => `${identity} (${reason})`);
    throw new RejectedError(
      `Cannot remove values: they may be needed by calls in ${which.join(", ")}, which cannot be ` +
        `read; make them readable, pass them as "also", or, if they are gone for good, forget them: ` +
        `values.forget(${JSON.stringify(first.identity)})`,
      {
        operation: "remove values",
        unreadable: this.#unreadable.map(({ identity }) => identity),
      },
    );
  }

  /** Closes those that were opened. */
  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#opened.values(), ...this.#unsigned];
    await Promise.all(all.map((calls) => calls.close()));
  }
}
