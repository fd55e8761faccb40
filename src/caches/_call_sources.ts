import { RejectedError } from "../errors.ts";
import type { CallStorage, ValueStorage } from "../storage/storage.ts";
import { openCalls } from "./_call_opener.ts";
import { parseRegistration, registrationText } from "./registration.ts";

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
    return [...this.#also, ...this.#others ? [] : [this.#calls], ...this.#opened.values()];
  }

  /** Those that cannot be read. */
  get unreadable(): readonly Unreadable[] {
    return this.#unreadable;
  }

  /** Finds all that there are now; those that are remembered by their identity are opened. */
  async find(): Promise<void> {
    const unreadable: Unreadable[] = [];
    const own = await registrationOf(this.#calls);
    const also = await Promise.all(this.#also.map(registrationOf));
    for (const identity of await this.#values.registered()) {
      if (identity === own || also.some((each) => standsFor(each, identity))) continue;
      try {
        await this.#open(identity);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        unreadable.push({ identity, reason: error.message });
      }
    }
    this.#unreadable = unreadable;
  }

  // What stands there may be another one by now, or may come to be while values are removed.
  async #open(registered: string): Promise<void> {
    const { identity, id } = parseRegistration(registered);
    const calls = this.#opened.get(registered) ?? openCalls(identity);
    try {
      if (id !== undefined) check(id, await calls.findId?.());
      this.#opened.set(registered, calls);
    } catch (error) {
      this.#opened.delete(registered);
      await calls.close();
      throw error;
    }
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
        'read; make them readable there, pass them as "also" if they have been moved, or, if they are ' +
        `gone for good, forget them: ` +
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

function check(id: string, found: string | undefined): void {
  if (found === id) return;
  throw new Error(
    found === undefined
      ? "it is not what is there, which has stored no values yet: is it mounted?"
      : "it is not what is there now: it was moved, or another one took its place",
  );
}

async function registrationOf(calls: CallStorage): Promise<string | undefined> {
  const { identity } = calls;
  return identity && registrationText({ identity, id: await calls.findId?.() });
}

// Whoever passes a storage says that it is the one of that number, wherever it was before.
function standsFor(given: string | undefined, registered: string): boolean {
  if (given === undefined) return false;
  const { identity, id } = parseRegistration(registered);
  const own = parseRegistration(given);
  return id === undefined ? own.identity === identity : own.id === id;
}
