import {
  Cache,
  type Call,
  CallMemory,
  type LazyCall,
  PreparedCall,
  type PrepareOptions,
  ValueMemory,
} from "@fleche/core";

/** What happens before a cache does something; a promise delays it, an error lets it fail. */
export interface Hooks {
  find?: (key: string) => unknown;
  found?: (key: string) => unknown;
  prepare?: () => unknown;
  commit?: () => unknown;
  committed?: () => unknown;
  saveTimeout?: number;
}

/** A cache in memory that can be slow, and can fail. */
export class HookedCache extends Cache {
  readonly #hooks: Hooks;

  constructor(hooks: Hooks) {
    const { saveTimeout = 60 } = hooks;
    super({ values: new ValueMemory(), calls: new CallMemory(), saveTimeout });
    this.#hooks = hooks;
  }

  // Not async: a hook that throws does so before there is a promise.
  override find(key: string): Promise<LazyCall | undefined> {
    const before = this.#hooks.find?.(key);
    return (async () => {
      await before;
      const found = await super.find(key);
      await this.#hooks.found?.(key);
      return found;
    })();
  }

  override prepare(call: Call, options?: PrepareOptions): Promise<PreparedCall> {
    const before = this.#hooks.prepare?.();
    return (async () => {
      await before;
      const prepared = await super.prepare(call, options);
      return new PreparedCall(prepared.key, {
        commit: async (outcome) => {
          await this.#hooks.commit?.();
          const key = await prepared.commit(outcome);
          await this.#hooks.committed?.();
          return key;
        },
        abandon: () => prepared.abandon(),
      });
    })();
  }
}
