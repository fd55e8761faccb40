import type { CallStorage, StoredEntry } from "../storage/storage.ts";
import { CallSources, type SourceOptions } from "./_call_sources.ts";
import { Reach, readParts } from "./_reach.ts";
import { parentsFirst, shut, sweep } from "./_sweep.ts";

/** How values that no call needs are removed. */
export interface GcOptions {
  /**
   * How long a value stays after it was last stored although no call needs it, in seconds, by the clock
   * of the storage: an hour by default.
   */
  grace?: number;
  /** Whether to count only, and remove nothing; false by default. */
  dryRun?: boolean;
  /**
   * Whether nobody else stores meanwhile, so that no lock is needed: for file systems where locks do
   * not work. False by default.
   */
  offline?: boolean;
  /**
   * Further storages of calls that need values: those that take a password to open, those that have
   * been moved, and those in memory, which nobody else can know of.
   */
  also?: readonly CallStorage[];
  /** How long to wait for a call that is being stored, in seconds; 30 by default. */
  lockTimeout?: number;
  /** Told how far it is, many times. */
  onProgress?: (progress: GcProgress) => void;
}

/** How far the removal of values is. */
export interface GcProgress {
  /** What is being done: what calls need is marked, what they do not need is removed. */
  readonly step: "mark" | "remove";
  /** Records that were read, or values that were dealt with. */
  readonly done: number;
  /** How many there are; undefined if that is not known. */
  readonly of: number | undefined;
}

/** How many entries there are, and what room they take. */
export interface Amount {
  /** Entries. */
  entries: number;
  /** Bytes as they are stored. */
  bytes: number;
}

/** What came of removing values that no call needs. */
export interface GcReport {
  /** Whether nothing was removed, and `removed`, `leftovers` and `files` say what would be. */
  readonly dryRun: boolean;
  /** Call storages that were read. */
  readonly storages: number;
  /** Records that were read. */
  readonly calls: number;
  /** Values that calls need. */
  readonly kept: Amount;
  /** Values that no call needs, but that are still too young, with their parts. */
  readonly young: Amount;
  /** Values that were removed. */
  readonly removed: Amount;
  /** What writers that were killed had left, and damaged entries that had been put aside. */
  readonly leftovers: Amount;
  /** Files that are gone, of values and of what was left. */
  readonly files: number;
}

/** Seconds that a value stays by default. */
const GRACE = 3600;

/** Seconds to wait for others by default. */
const LOCK_TIMEOUT = 30;

/** After how many records progress is told. */
const TOLD = 1000;

/** Removes the values that no call needs; what {@linkcode Cache.gc} does. */
export async function collectGarbage(
  storages: SourceOptions,
  options: GcOptions,
): Promise<GcReport> {
  const { grace = GRACE, dryRun = false, offline = false, onProgress } = options;
  if (!(grace >= 0)) throw new RangeError(`Cannot use a grace period of ${grace} seconds`);
  const { values, calls } = storages;
  const gate = { values, offline, lockTimeout: options.lockTimeout ?? LOCK_TIMEOUT };
  await using sources = new CallSources({ ...storages, also: options.also });
  await sources.find();
  if (sources.unreadable.length > 0) {
    // Where the first call is just being stored, there are records once that is done.
    using _ = dryRun ? undefined : await shut(gate);
    await sources.find();
    sources.check();
  }
  // Who may only read can try it out: then the clock of this machine has to do.
  const now = dryRun ? Date.now() : await values.now();
  const before = now - grace * 1000;
  // First what is there: what comes later is none of this.
  const entries = await Array.fromAsync(values.entries());
  const reach = new Reach(values, sources);
  await reach.update(() => {
    if (reach.records % TOLD === 0) {
      onProgress?.({ step: "mark", done: reach.records, of: undefined });
    }
  });
  const marked = reach.records;
  const unneeded = entries.filter(({ name }) => !reach.has(name));
  const kept = amountOf(entries, ({ name }) => reach.has(name));
  // A value that may still come to be needed keeps its parts.
  const isYoung = ({ modified }: StoredEntry) => grace > 0 && modified > before;
  const young = unneeded.filter(isYoung);
  const youngReferences = young.map(({ name }) => ({ digest: name, crc: 0, length: 0 }));
  await reach.visit(youngReferences, { tolerant: true });
  const staying = amountOf(unneeded, (entry) => isYoung(entry) || reach.has(entry.name));
  const garbage = unneeded.filter((entry) => !isYoung(entry) && !reach.has(entry.name));
  const removed = dryRun ? amountOf(garbage) : await sweep(
    parentsFirst(garbage, await readParts(values, garbage.map(({ name }) => name))),
    {
      ...gate,
      reach,
      onBatch: (done) => onProgress?.({ step: "remove", done, of: garbage.length }),
    },
  );
  let files = values.capabilities.files === true ? removed.entries : 0;
  const leftovers = { entries: 0, bytes: 0 };
  for (const storage of [values, calls]) {
    const swept = await storage.sweepLeftovers?.(before, dryRun);
    if (swept === undefined) continue;
    leftovers.entries += swept.count;
    leftovers.bytes += swept.bytes;
    if (storage.capabilities.files === true) files += swept.count;
  }
  return {
    ...{ dryRun, storages: sources.all.length, calls: marked, kept },
    young: staying,
    ...{ removed, leftovers, files },
  };
}

function amountOf(
  entries: readonly StoredEntry[],
  counts: (entry: StoredEntry) => boolean = () => true,
): Amount {
  const amount = { entries: 0, bytes: 0 };
  for (const entry of entries) {
    if (!counts(entry)) continue;
    amount.entries++;
    amount.bytes += entry.length;
  }
  return amount;
}
