import type { Reference } from "../codec/encoding.ts";
import { LockTimeoutError, RejectedError } from "../errors.ts";
import type { StoredEntry, ValueStorage } from "../storage/storage.ts";
import type { Reach } from "./_reach.ts";

/** How long the gate stays shut at a time, in milliseconds, if reading what is new takes no longer. */
const SHUT = 5;

/** How long it stays open in between at least, in milliseconds: whoever waits tries more often. */
const OPEN = 3;

/** How others are kept from storing. */
export interface GateOptions {
  readonly values: ValueStorage;
  /** How long to wait for those that store, in seconds. */
  readonly lockTimeout: number;
  /** Whether nobody else stores, so that no lock is needed. */
  readonly offline: boolean;
}

/** How values are removed. */
export interface SweepOptions extends GateOptions {
  /** What calls need; what was filed since is read again before each batch. */
  readonly reach: Reach;
  /** Told after each batch how many of the values were dealt with. */
  readonly onBatch?: ((done: number) => void) | undefined;
}

/** What was removed. */
export interface Removed {
  entries: number;
  bytes: number;
}

/**
 * Removes values, in their order, a few at a time. Those that a call has come to need meanwhile stay.
 *
 * @throws {LockTimeoutError} If somebody stores for too long.
 * @throws {RejectedError} If locks do not work.
 */
export async function sweep(
  garbage: readonly StoredEntry[],
  options: SweepOptions,
): Promise<Removed> {
  const { values, reach, onBatch } = options;
  const removed = { entries: 0, bytes: 0 };
  for (let at = 0; at < garbage.length;) {
    // Most of what is new is read while others store; little is left once they wait.
    await reach.update();
    {
      using _ = await shut(options);
      const start = performance.now();
      await reach.update();
      reach.check();
      const end = performance.now() + Math.max(SHUT, performance.now() - start);
      do {
        // There is one, as the loop goes on.
        const { name, length } = garbage[at++]!;
        if (reach.has(name) || !await values.delete(name)) continue;
        removed.entries++;
        removed.bytes += length;
      } while (at < garbage.length && performance.now() < end);
    }
    onBatch?.(at);
    // Those that wait go first.
    await new Promise((resolve) => setTimeout(resolve, OPEN));
  }
  return removed;
}

/**
 * Lets nobody store.
 *
 * @throws {LockTimeoutError} If somebody stores for too long.
 * @throws {RejectedError} If locks do not work.
 */
export async function shut({ values, lockTimeout, offline }: GateOptions): Promise<Disposable> {
  if (offline) return { [Symbol.dispose]() {} };
  try {
    return await values.gate.shut(lockTimeout);
  } catch (cause) {
    if (cause instanceof LockTimeoutError || !(cause instanceof Error)) throw cause;
    throw new RejectedError(
      `Cannot remove values: locks do not work here (${cause.message}); see to it that nobody ` +
        'stores meanwhile, and pass "offline"',
      { operation: "remove values", locks: "missing" },
      { cause },
    );
  }
}

/** Puts values in an order in which each comes before its parts. */
export function parentsFirst(
  entries: readonly StoredEntry[],
  parts: ReadonlyMap<string, readonly Reference[]>,
): StoredEntry[] {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const parents = new Map<string, number>();
  const inside = (name: string) =>
    new Set((parts.get(name) ?? []).map(({ digest }) => digest).filter((each) => byName.has(each)));
  for (const { name } of entries) {
    for (const part of inside(name)) parents.set(part, (parents.get(part) ?? 0) + 1);
  }
  const ordered = entries.filter(({ name }) => !parents.has(name));
  for (let at = 0; at < ordered.length; at++) {
    // Each is there once, and so there are no more than entries.
    for (const part of inside(ordered[at]!.name)) {
      const left = (parents.get(part) ?? 0) - 1;
      parents.set(part, left);
      const entry = byName.get(part);
      if (left === 0 && entry !== undefined) ordered.push(entry);
    }
  }
  return ordered;
}
