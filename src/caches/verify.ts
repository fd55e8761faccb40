import { areEqual } from "../bytes.ts";
import type { CallRecord } from "../call_record.ts";
import { encodingDigest, type Reference } from "../codec/encoding.ts";
import { UnknownTypeError } from "../errors.ts";
import type { CallStorage, StoredEntry, ValueStorage } from "../storage/storage.ts";
import { breathe } from "./_breath.ts";
import { CallSources, type SourceOptions } from "./_call_sources.ts";
import { Reach } from "./_reach.ts";
import { Resolver } from "./_resolver.ts";
import type { Amount } from "./gc.ts";

/** How everything that is stored is checked. */
export interface VerifyOptions {
  /**
   * Whether damaged values and records are put aside, and so are records whose result is not whole, so
   * that they are computed again; otherwise, by default, they are only reported. What is signed with
   * a key that is not given, and calls whose result is, stay as they are in any case.
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
  /** Whether damaged entries, and calls that are not whole, were put aside. */
  readonly repair: boolean;
  /**
   * Whether nothing is damaged, under another key than its own, without its result, or signed with a key
   * that is not given.
   */
  isClean: boolean;
  /** Records that were checked, and their bytes. */
  readonly records: Amount;
  /** Values that were checked, and their bytes. */
  readonly values: Amount;
  /** Keys of records that cannot be read. */
  readonly damagedRecords: string[];
  /** Keys of records that are signed with a key that is not given, or not signed. */
  readonly unverifiedRecords: string[];
  /** Keys of records that a newer version has filed, and that this one cannot check. */
  readonly newerRecords: string[];
  /**
   * Keys of records that are whole, but whose fields add up to another key: they were filed in another
   * format, and are found again after {@linkcode Cache.redigest}.
   */
  readonly misfiledRecords: string[];
  /** Digests of values whose bytes are not those of that digest. */
  readonly damagedValues: string[];
  /** Digests of values that are signed with a key that is not given, or not signed. */
  readonly unverifiedValues: string[];
  /** Keys of calls whose result, or a part of it, is not there. */
  readonly withoutResult: string[];
  /** Calls that have arguments whose values are not there, which is no fault. */
  withoutArguments: number;
  /**
   * Values that no call needs, which is no fault; {@linkcode Cache.gc} removes them in time. None are
   * counted where there are records of a newer version, or entries signed with a key that is not given.
   */
  readonly orphans: Amount;
  /** Call storages that could not be read, so that what they need counts as orphans. */
  readonly unreadable: string[];
  /** How long each step took, in seconds. */
  readonly seconds: Record<VerifyStep, number>;
}

/** Seconds to wait for those who store before a call without its result is put aside. */
const LOCK_TIMEOUT = 1;

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
  #canShut = true;

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
      unverifiedRecords: [],
      newerRecords: [],
      misfiledRecords: [],
      damagedValues: [],
      unverifiedValues: [],
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
    const faults = new Map<string, "damaged" | "unverified">([
      ...report.damagedValues.map((digest) => [digest, "damaged"] as const),
      ...report.unverifiedValues.map((digest) => [digest, "unverified"] as const),
    ]);
    const resolver = new Resolver(this.#values, (digest) => faults.get(digest));
    const reach = new Reach(withoutFaulty(this.#values, faults), this.#sources, {
      leavesDamaged: true,
    });
    const unreadable = new Set([
      ...[report.damagedRecords, report.unverifiedRecords, report.newerRecords].flat(),
    ]);
    const readable = keys.filter((key) => !unreadable.has(key));
    await this.#step("references", readable, (key) => this.#references(key, resolver, reach));
    await this.#step("orphans", [values], (all) => this.#orphans(all, faults, reach));
    const found = [
      ...[report.damagedRecords, report.unverifiedRecords, report.newerRecords],
      ...[report.misfiledRecords, report.damagedValues, report.unverifiedValues],
      report.withoutResult,
    ];
    report.isClean = found.every(({ length }) => length === 0);
    return report;
  }

  async #step<T>(step: VerifyStep, all: readonly T[], check: (each: T) => Promise<void>) {
    const start = performance.now();
    for (const [index, each] of all.entries()) {
      await check(each);
      await breathe();
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
    const { repair, damagedRecords, newerRecords, records, ...report } = this.#report;
    const isSound = await this.#isSound(key);
    if (isSound === undefined) return;
    if (isSound === "unverified") return void report.unverifiedRecords.push(key);
    const record = isSound ? await this.#read(key) : undefined;
    if (record === "newer") {
      newerRecords.push(key);
    } else if (record !== undefined) {
      records.entries++;
      records.bytes += record.bytes.length;
      if (record.computeKey() !== key) report.misfiledRecords.push(key);
    } else if (await this.#calls.has(key)) {
      damagedRecords.push(key);
      if (repair) await this.#calls.setAside?.(key);
    }
  }

  async #isSound(key: string): Promise<boolean | "unverified" | undefined> {
    return this.#calls.check === undefined
      ? await this.#calls.has(key) || undefined
      : await this.#calls.check(key);
  }

  async #value({ name, length }: StoredEntry): Promise<void> {
    const report = this.#report;
    const isRight = await this.#isRight(name);
    if (isRight === undefined) return;
    report.values.entries++;
    report.values.bytes += length;
    if (isRight === "unverified") report.unverifiedValues.push(name);
    else if (!isRight) report.damagedValues.push(name);
  }

  async #isRight(digest: string): Promise<boolean | "unverified" | undefined> {
    if (this.#values.check !== undefined) {
      const isRight = await this.#values.check(digest);
      if (isRight !== false || !this.#report.repair) return isRight;
    }
    if (!await this.#values.has(digest)) return undefined;
    // Reading puts aside what is damaged, where that is how the storage does it.
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
    const isWhole = await resolver.areWhole(results);
    if (isWhole === false && !await this.#isHealed(record)) {
      this.#report.withoutResult.push(key);
      if (!this.#report.repair) await reach.visit(record.references);
      return;
    }
    await reach.visit(record.references);
    const ofResult = new Set(results.map(({ digest }) => digest));
    const others = record.references.filter(({ digest }) => !ofResult.has(digest));
    if (await resolver.areWhole(others) === false) this.#report.withoutArguments++;
  }

  // Whether a call without its result has been stored anew since its values were looked at; puts it
  // aside if not, and that is wanted. Nobody stores meanwhile.
  async #isHealed(record: CallRecord): Promise<boolean> {
    if (!this.#report.repair) return false;
    using _ = await this.#shut();
    const present = await this.#read(record.key);
    if (present === undefined) return false;
    if (present === "newer" || !areEqual(present.bytes, record.bytes)) return true;
    const damaged = new Set(this.#report.damagedValues);
    const anew = new Resolver(this.#values, async (digest) => {
      const isDamaged = damaged.has(digest) && await this.#values.check?.(digest) === false;
      return isDamaged ? "damaged" : undefined;
    });
    if (await anew.areWhole(record.resultReferences) !== false) return true;
    if (this.#calls.setAside === undefined) await this.#calls.delete(record.key);
    else await this.#calls.setAside(record.key, record);
    return false;
  }

  // Where that cannot be done, what is put aside is compared all the same.
  async #shut(): Promise<Disposable> {
    if (this.#canShut) {
      try {
        return await this.#values.gate.shut(LOCK_TIMEOUT);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        this.#canShut = false;
      }
    }
    return { [Symbol.dispose]() {} };
  }

  async #orphans(
    values: readonly StoredEntry[],
    faults: ReadonlyMap<string, unknown>,
    reach: Reach,
  ): Promise<void> {
    const { newerRecords, unverifiedRecords, unverifiedValues } = this.#report;
    // Nobody can tell what they need.
    const unknown = [newerRecords, unverifiedRecords, unverifiedValues];
    if (unknown.some(({ length }) => length > 0)) return;
    try {
      await reach.update();
    } catch (error) {
      if (error instanceof UnknownTypeError) return;
      throw error;
    }
    this.#report.unreadable.push(...this.#sources.unreadable.map(({ identity }) => identity));
    for (const { name, length } of values) {
      if (reach.has(name) || faults.has(name) || !await this.#values.has(name)) continue;
      this.#report.orphans.entries++;
      this.#report.orphans.bytes += length;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sources[Symbol.asyncDispose]();
  }
}

// Reading what is damaged would put it aside.
function withoutFaulty(values: ValueStorage, faults: ReadonlyMap<string, unknown>) {
  return {
    get: (digest: string, expected?: Reference) =>
      faults.has(digest) ? undefined : values.get(digest, expected),
    has: (digest: string) => !faults.has(digest) && values.has(digest),
    isLeaf: (digest: string) => faults.has(digest) ? undefined : values.isLeaf?.(digest),
  };
}
