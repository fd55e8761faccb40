import type { DeepSource, ValueSource } from "../lazy_call.ts";

/** A source that remembers with which errors it failed, so that nobody else is taken to have failed. */
export class NotedSource implements ValueSource {
  readonly #source: ValueSource;
  readonly #errors = new WeakSet<Error>();

  /** Takes the source. */
  constructor(source: ValueSource) {
    this.#source = source;
  }

  /** Whether an error came from the source. */
  failedWith(error: unknown): boolean {
    return error instanceof Error && this.#errors.has(error);
  }

  #note(error: unknown): unknown {
    if (error instanceof Error) this.#errors.add(error);
    return error;
  }

  /** Reads a value. */
  readonly read: ValueSource["read"] = async (reference) => {
    try {
      return await this.#source.read(reference);
    } catch (error) {
      throw this.#note(error);
    }
  };

  /** Reads many in one go, where the source does. */
  get deep(): DeepSource | undefined {
    const { deep } = this.#source;
    return deep === undefined
      ? undefined
      : { readDeep: (...wanted) => this.#readDeep(deep, wanted) };
  }

  async *#readDeep(
    deep: DeepSource,
    [references, has]: Parameters<DeepSource["readDeep"]>,
  ): ReturnType<DeepSource["readDeep"]> {
    // Who is asked what is there already is not the source.
    let failure: unknown;
    const asked: typeof has = has && (async (reference) => {
      try {
        return await has(reference);
      } catch (error) {
        failure = error;
        throw error;
      }
    });
    try {
      yield* deep.readDeep(references, asked);
    } catch (error) {
      throw error === failure ? error : this.#note(error);
    }
  }
}
