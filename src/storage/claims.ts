/** Who runs a call. */
export interface Holder {
  /** The name of its machine. */
  readonly host: string;
  /** The number of its process there. */
  readonly pid: number;
  /** Since when, by the clock of its machine, if that is known. */
  readonly since: Date | undefined;
}

/** A time that another process has written down; undefined if no date is that far away. */
export function readTime(ms: number | undefined): Date | undefined {
  if (ms === undefined) return undefined;
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** The right to run a call, which no other process has at the same time; disposing gives it back. */
export type Claim = AsyncDisposable;

/**
 * Lets one process at a time run a call, among all that share a call storage. The claims of a process
 * that dies are free.
 *
 * Nothing here throws or rejects: what does not work is warned of, once, and calls run without claims.
 */
export interface Claims {
  /** The same for all that exclude each other, within a process: the address of the storage. */
  readonly place: string;
  /**
   * Whether {@linkcode Claims.mayWait} finds every circle. Where it does not, nobody whom others may
   * wait for should wait for good.
   */
  readonly seesCircles: boolean;
  /** Claims the call of a key, unless it is claimed; undefined where claims do not work. */
  tryClaim(key: string): Claim | "claimed" | undefined | Promise<Claim | "claimed" | undefined>;
  /** Who has claimed a call, as far as that can be told. */
  holder(key: string): Holder | undefined | Promise<Holder | undefined>;
  /**
   * Says, for other processes to see, that calls claimed by this one go on only after another one has
   * ended.
   *
   * @param key the call that is waited for
   * @param waiting the keys that wait
   * @returns false if the call that is waited for waits for one of them in turn
   */
  mayWait(key: string, waiting: readonly string[]): boolean | Promise<boolean>;
  /** Says that nothing waits for a call any more. */
  endWait(key: string): void | Promise<void>;
  /** Frees what is open, as far as nothing is claimed. It is opened again when it is needed. */
  close(): void | Promise<void>;
}
