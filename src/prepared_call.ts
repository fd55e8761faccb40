import type { Metadata } from "./call_record.ts";

/** What is filed with a call once it has run. */
export interface Outcome {
  /** What it returned; anything but undefined. */
  result: unknown;
  /** What was noted of it. */
  metadata?: Metadata;
  /** Keys of the cached calls made while it ran. */
  calls?: readonly string[];
}

/** What a cache does with a prepared call. */
export interface PreparedCallActions {
  /** Files the call; returns its key. */
  commit(outcome: Outcome): Promise<string>;
  /** Lets go of what was held for it. */
  abandon(): void;
}

/**
 * A call that a cache has admitted: its key is sealed and its arguments are safe, whatever the body
 * does to them. It ends with exactly one of {@linkcode PreparedCall.commit} and
 * {@linkcode PreparedCall.abandon}.
 */
export class PreparedCall {
  /** The lookup key, 64 lower-case hexadecimal digits. */
  readonly key: string;
  #actions: PreparedCallActions | undefined;

  /** Takes the key and what the cache does at the end. */
  constructor(key: string, actions: PreparedCallActions) {
    this.key = key;
    this.#actions = actions;
  }

  #end(): PreparedCallActions {
    const actions = this.#actions;
    if (actions === undefined) throw new TypeError("Cannot end a prepared call a second time");
    this.#actions = undefined;
    return actions;
  }

  /**
   * Files the call with its outcome.
   *
   * @returns The lookup key.
   * @throws {IndigestibleError} If the result has no encoding.
   * @throws {SaveError} If it cannot be written.
   * @throws {RejectedError} If the cache refuses it.
   */
  async commit(outcome: Outcome): Promise<string> {
    return await this.#end().commit(outcome);
  }

  /** Lets the call go unfiled. */
  abandon(): void {
    this.#end().abandon();
  }
}
