import type { CallRecord } from "../call_record.ts";
import { encodingDigest, type Reference } from "../codec/encoding.ts";
import { UnknownTypeError } from "../errors.ts";
import type { CallStorage, Storage, StoredEntry, ValueStorage } from "../storage/storage.ts";
import { breath } from "./_breath.ts";
import { CallSources, type SourceOptions } from "./_call_sources.ts";
import { Reach } from "./_reach.ts";
import { Resolver } from "./_resolver.ts";
import type { Amount } from "./gc.ts";

/** How everything that is stored is checked. */
export interface VerifyOptions {
  /**
   * Whether damaged values and records are put aside, and records whose result is not whole removed, so
   * that they are computed again; otherwise, by default, they are only reported.
   */
  repair?: boolean;
  /** Further storages of calls that need values: those that take a password to open. */
  also?: readonly CallStorage[];
  /** Told how far it is, many times. */
  onProgress?: (progress: VerifyProgress) => void;
}

/** The steps of checking, in their order. */
export type VerifyStep = "records" | "values" | "references" | "orphans";

/** How far checking is. */
export interface VerifyProgress {
  /** What is being checked. */
  readonly step: VerifyStep;
  /** Entries that were checked in this step. */
  readonly done: number;
}

/** What was found. */
export interface VerifyReport {
  /** Whether damaged entries were put aside, and calls that are not whole removed. */
  readonly repair: boolean;
  /** Whether nothing is damaged, under another key than its own, or without its result. */
  isClean: boolean;
  /** Records that were checked, and their bytes. */
  readonly records: Amount;
  /** Values that were checked, and their bytes. */
  readonly values: Amount;
  /** Keys of records that cannot be read. */
  readonly damagedRecords: string[];
  /** Keys of records that a newer version has filed, and that this one cannot check. */
  readonly newerRecords: string[];
  /**
   * Keys of records that are whole, but whose fields add up to another key: they were filed in another
   * format, and are found again after {@linkcode Cache.redigest}.
   */
  readonly misfiledRecords: string[];
  /** Digests of values whose bytes are not those of that digest, or are not signed as they should. */
  readonly damagedValues: string[];
  /** Keys of calls whose result, or a part of it, is not there. */
  readonly withoutResult: string[];
  /** Calls that have arguments whose values are not there, which is no fault. */
  withoutArguments: number;
  /**
   * Values that no call needs, which is no fault; {@linkcode Cache.gc} removes them in time. None are
   * counted where there are records of a newer version.
   */
  readonly orphans: Amount;
  /** Call storages that could not be read, so that what they need counts as orphans. */
  readonly unreadable: string[];
  /** How long each step took, in seconds. */
  readonly seconds: Record<VerifyStep, number>;
}

/** After how many entries progress is told. */
const TOLD = 1000;

/** Checks all that is stored; what {@linkcode Cache.verify} does. */
export async function verifyStorages(
  storages: SourceOptions,
  options: VerifyOptions,
): Promise<VerifyReport> {
  await using check = new Check(storages, options);
  return await check.run();
}

class Check implements AsyncDisposable {
  readonly #values: ValueStorage;
  readonly #calls: CallStorage;
  readonly #sources: CallSources;
  readonly #options: VerifyOptions;
  readonly #report: VerifyReport;
  readonly #breathe = breath();

  constructor(storages: SourceOptions, options: VerifyOptions) {
    this.#values = storages.values;
    this.#calls = storages.calls;
    this.#options = options;
    this.#sources = new CallSources({ ...storages, also: options.also, others: true });
    this.#report = {
      repair: options.repair ?? false,
      isClean: false,
      records: { entries: 0, bytes: 0 },
      values: { entries: 0, bytes: 0 },
      damagedRecords: [],
      newerRecords: [],
      misfiledRecords: [],
      damagedValues: [],
      withoutResult: [],
      withoutArguments: 0,
      orphans: { entries: 0, bytes: 0 },
      unreadable: [],
      seconds: { records: 0, values: 0, references: 0, orphans: 0 },
    };
  }

  async run(): Promise<VerifyReport> {
    const keys: string[] = [];
    const values: StoredEntry[] = [];
    const report = this.#report;
    // Values first, so that none is checked that comes while others store.
    for await (const entry of this.#values.entries()) values.push(entry);
    for await (const entry of this.#calls.entries()) keys.push(entry.name);
    await this.#step("records", keys, (key) => this.#record(key));
    await this.#step("values", values, (entry) => this.#value(entry));
    const damaged = new Set(report.damagedValues);
    const resolver = new Resolver(this.#values, damaged);
    const reach = new Reach(withoutDamaged(this.#values, damaged), this.#sources);
    const unreadable = new Set([...report.damagedRecords, ...report.newerRecords]);
    const readable = keys.filter((key) => !unreadable.has(key));
    await this.#step("references", readable, (key) => this.#references(key, resolver, reach));
    await this.#step("orphans", [values], (all) => this.#orphans(all, damaged, reach));
    const faults = [
      ...[report.damagedRecords, report.newerRecords, report.misfiledRecords],
      ...[report.damagedValues, report.withoutResult],
    ];
    report.isClean = faults.every(({ length }) => length === 0);
    return report;
  }

  async #step<T>(step: VerifyStep, all: readonly T[], check: (each: T) => Promise<void>) {
    const start = performance.now();
    for (const [index, each] of all.entries()) {
      await check(each);
      await this.#breathe();
      if ((index + 1) % TOLD === 0) this.#options.onProgress?.({ step, done: index + 1 });
    }
    this.#options.onProgress?.({ step, done: all.length });
    this.#report.seconds[step] = (performance.now() - start) / 1000;
  }

  async #read(key: string): Promise<CallRecord | "newer" | undefined> {
    try {
      return await this.#calls.get(key);
    } catch (error) {
      if (error instanceof UnknownTypeError) return "newer";
      throw error;
    }
  }

  async #record(key: string): Promise<void> {
    const report = this.#report;
    if (!report.repair && await this.#calls.check?.(key) === false) {
      report.damagedRecords.push(key);
      return;
    }
    // Reading puts aside what is damaged, where that is how the storage does it.
    const wasThere = await this.#calls.has(key);
    const record = await this.#read(key);
    if (record === "newer") {
      report.newerRecords.push(key);
    } else if (record !== undefined) {
      report.records.entries++;
      report.records.bytes += record.bytes.length;
      if (record.computeKey() !== key) report.misfiledRecords.push(key);
    } else if (wasThere) {
      report.damagedRecords.push(key);
      if (report.repair) await removeIfDamaged(this.#calls, key);
    }
  }

  async #value({ name, length }: StoredEntry): Promise<void> {
    const report = this.#report;
    const isRight = await this.#isRight(name);
    if (isRight === undefined) return;
    report.values.entries++;
    report.values.bytes += length;
    if (!isRight) report.damagedValues.push(name);
  }

  async #isRight(digest: string): Promise<boolean | undefined> {
    if (!this.#report.repair && this.#values.check !== undefined) {
      return await this.#values.check(digest);
    }
    if (!await this.#values.has(digest)) return undefined;
    // As above: what is damaged is put aside.
    const encoding = await this.#values.get(digest);
    if (encoding === undefined) return false;
    if (encodingDigest(encoding) === digest) return true;
    // A storage that does not look at what it reads.
    if (this.#report.repair) await this.#values.delete(digest);
    return false;
  }

  async #references(key: string, resolver: Resolver, reach: Reach): Promise<void> {
    const record = await this.#read(key);
    if (record === undefined || record === "newer") return;
    const results = record.resultReferences;
    if (!await resolver.areWhole(results)) {
      this.#report.withoutResult.push(key);
      if (this.#report.repair) await this.#calls.delete(key);
      else await reach.visit(record.references);
      return;
    }
    await reach.visit(record.references);
    const ofResult = new Set(results.map(({ digest }) => digest));
    const others = record.references.filter(({ digest }) => !ofResult.has(digest));
    if (!await resolver.areWhole(others)) this.#report.withoutArguments++;
  }

  async #orphans(
    values: readonly StoredEntry[],
    damaged: ReadonlySet<string>,
    reach: Reach,
  ): Promise<void> {
    // Nobody can tell what they need.
    if (this.#report.newerRecords.length > 0) return;
    try {
      await reach.update();
    } catch (error) {
      if (error instanceof UnknownTypeError) return;
      throw error;
    }
    this.#report.unreadable.push(...this.#sources.unreadable.map(({ identity }) => identity));
    for (const { name, length } of values) {
      if (reach.has(name) || damaged.has(name) || !await this.#values.has(name)) continue;
      this.#report.orphans.entries++;
      this.#report.orphans.bytes += length;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sources[Symbol.asyncDispose]();
  }
}

// A storage that does not put aside what is damaged still has it.
async function removeIfDamaged(storage: Storage & Pick<CallStorage, "get">, key: string) {
  if (await storage.has(key) && await storage.get(key) === undefined) await storage.delete(key);
}

// Reading what is damaged would put it aside.
function withoutDamaged(values: ValueStorage, damaged: ReadonlySet<string>) {
  return {
    get: (digest: string, expected?: Reference) =>
      damaged.has(digest) ? undefined : values.get(digest, expected),
    has: (digest: string) => !damaged.has(digest) && values.has(digest),
    isLeaf: (digest: string) => damaged.has(digest) ? undefined : values.isLeaf?.(digest),
  };
}
