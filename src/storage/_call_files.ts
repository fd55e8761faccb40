import { areEqual } from "../bytes.ts";
import { CallRecord, embeddedDigests } from "../call_record.ts";
import type { Encoding } from "../codec/encoding.ts";
import { CorruptValueError, SaveError, SignatureError, UnknownTypeError } from "../errors.ts";
import { errorOnce, warnOnce } from "../log.ts";
import { matchesFilter, type RecordFilter } from "../record_filter.ts";
import { EmbeddedIndex } from "./_embedded_index.ts";
import { describe, EntryFiles } from "./_entry_files.ts";
import { type FiledRecord, nextFilingTime } from "./_record_file.ts";
import { isToBeSetAside, judgeRecord, openRecord, type RecordReader } from "./_record_open.ts";
import { FolderId } from "./_storage_id.ts";
import { type Seal, warnOfSignature } from "./seal.ts";
import type { Durability, Leftovers, StoredEntry, Verify } from "./storage.ts";

/** What a record is as the content of a file. */
export interface RecordForm {
  /** What the names of the files end in. */
  readonly suffix: string;
  /** Longest content of a file, in bytes. */
  readonly maxLength: number;
  /** The content of a record's file. */
  write(filed: FiledRecord): Uint8Array;
  /**
   * Reads the content of a record's file.
   *
   * @throws {CorruptValueError} If it is not a whole record of that key.
   * @throws {UnknownTypeError} If a newer version wrote it.
   */
  read(key: string, content: Uint8Array): FiledRecord;
}

/** Where records stand, and how. */
export interface CallFilesOptions {
  readonly root: string;
  readonly verify: Verify;
  readonly durability: Durability;
  readonly seal: Seal | undefined;
  readonly form: RecordForm;
}

/** How much later than its file a record may say that it was filed, in milliseconds. */
const CLOCK_GRAIN = 20;

/** The same where a file system has whole seconds only; some have every other one. */
const COARSE_GRAIN = 2000;

/** After how many files a search lets other work go on. */
const BREATH = 500;

/** Call records as files, one for each, whatever form they have. */
export class CallFiles {
  /** The folder, as an absolute path. */
  readonly root: string;
  /** The number of the folder. */
  readonly id: FolderId;
  readonly #verify: Verify;
  readonly #seal: Seal | undefined;
  readonly #form: RecordForm;
  readonly #files: EntryFiles;
  readonly #embedded: EmbeddedIndex;

  constructor({ root, verify, durability, seal, form }: CallFilesOptions) {
    this.#verify = verify;
    this.#seal = seal;
    this.#form = form;
    this.#files = new EntryFiles({ root, kind: "record", durability, suffix: form.suffix });
    this.root = this.#files.root;
    this.id = new FolderId(this.#files);
    this.#embedded = new EmbeddedIndex(this.#files, (key) => {
      const found = this.#readKnown(key);
      return found === undefined ? [] : embeddedDigests(found.record);
    });
  }

  /** Reads a record and checks it. */
  get(key: string): CallRecord | undefined {
    return this.#read(key)?.record;
  }

  #read(key: string, report = warnOnce): FiledRecord | undefined {
    let bytes: Uint8Array;
    try {
      bytes = Deno.readFileSync(this.#files.path(key));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (error instanceof Deno.errors.IsADirectory) return this.#setAside(key, report);
      throw error;
    }
    try {
      return this.#open(key, bytes);
    } catch (error) {
      if (error instanceof SignatureError) return this.#ignore(key);
      if (error instanceof CorruptValueError) return this.#setAside(key, report);
      throw error;
    }
  }

  // Among many records, one of a newer version is passed over.
  #readKnown(key: string): FiledRecord | undefined {
    try {
      return this.#read(key, errorOnce);
    } catch (error) {
      if (!(error instanceof UnknownTypeError)) throw error;
      warnOnce(`newer ${this.#files.path(key)}`, ["storage"], error.message);
      return undefined;
    }
  }

  #open(key: string, bytes: Uint8Array): FiledRecord {
    return openRecord(bytes, this.#reader(key));
  }

  #reader(key: string): RecordReader<FiledRecord> {
    const { maxLength } = this.#form;
    return { key, seal: this.#seal, maxLength, read: this.#readContent };
  }

  readonly #readContent = (key: string, content: Uint8Array): FiledRecord => {
    const found = this.#form.read(key, content);
    if (this.#verify === "sha256") CallRecord.receive(key, found.record.bytes);
    return found;
  };

  // It may be another one's, so it is left where it is; the next save replaces it.
  #ignore(key: string): undefined {
    warnOfSignature(this.#files.root, this.#files.path(key));
  }

  #setAside(key: string, report: typeof warnOnce): FiledRecord | undefined {
    let found: FiledRecord | undefined;
    let failure: unknown;
    const isRight = (bytes: Uint8Array) => {
      try {
        found = this.#open(key, bytes);
      } catch (error) {
        if (error instanceof CorruptValueError) return false;
        // Another one's, or of a newer version: no damage.
        failure = error;
      }
      return true;
    };
    this.#files.setAside(key, isRight, report);
    if (failure instanceof SignatureError) return this.#ignore(key);
    if (failure !== undefined) throw failure;
    return found;
  }

  /**
   * Stores a record, in place of any other under the key.
   *
   * @throws {SaveError} If it cannot be written.
   */
  put(record: CallRecord): void {
    const { key } = record;
    const path = this.#files.path(key);
    try {
      const content = { head: this.#form.write({ record, filed: nextFilingTime() }) };
      this.#files.write(path, this.#seal?.close(key, content) ?? content);
    } catch (cause) {
      const message = `Cannot write the record file ${path}: ${describe(cause)}`;
      throw new SaveError(message, { key }, { cause });
    }
  }

  /** Whether there is a file for a key; its content is not looked at. */
  has(key: string): boolean {
    return this.#files.has(key);
  }

  /** Removes a record; whether there was one. */
  delete(key: string): boolean {
    return this.#files.delete(key);
  }

  /** The keys that begin with a prefix. */
  list(prefix: string, limit?: number): string[] {
    return this.#files.list(prefix, limit);
  }

  /** Finds an encoding that a record holds itself. */
  getEmbedded(digest: string): Encoding | undefined {
    for (const key of this.#embedded.keys(digest)) {
      const encoding = this.#readKnown(key)?.record.embedded(digest);
      if (encoding !== undefined) return encoding;
    }
  }

  /** The digests of embedded encodings that begin with a prefix. */
  listEmbedded(prefix: string, limit?: number): string[] {
    return this.#embedded.list(prefix, limit);
  }

  /** The records that match, newest first. */
  async *records(filter: RecordFilter = {}): AsyncIterable<CallRecord> {
    const files = [...this.#files.changes()].sort((a, b) => b.changed - a.changed);
    const isCoarse = files.every(({ changed }) => changed % 1000 === 0);
    let grain = isCoarse ? COARSE_GRAIN : CLOCK_GRAIN;
    // What has been read, the newest last. Whatever is done to a file makes it younger than its
    // record, so a record is the newest once no file is left that is as young.
    const read: FiledRecord[] = [];
    for (const [index, { name, changed }] of files.entries()) {
      yield* takeAfter(read, (changed + grain) * 1000);
      if (index % BREATH === BREATH - 1) await new Promise((resolve) => setTimeout(resolve));
      const found = this.#readKnown(name);
      if (found === undefined) continue;
      // The clock of a file server may be behind: then it is for the other files too.
      grain = Math.max(grain, found.filed / 1000 - changed);
      if (matchesFilter(found.record, filter)) insert(read, found);
    }
    yield* takeAfter(read, -Infinity);
  }

  /** Whether a file holds the record of its key, or one of a newer version; it stays where it is. */
  check(key: string): boolean | "unverified" | undefined {
    try {
      return judgeRecord(Deno.readFileSync(this.#files.path(key)), this.#reader(key));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (error instanceof Deno.errors.IsADirectory) return false;
      throw error;
    }
  }

  /** Moves a record to `<root>/quarantine/`, if it still is the given one, or damaged. */
  setAside(key: string, record?: CallRecord): boolean {
    const reader = this.#reader(key);
    const isThat = record && ((found: FiledRecord) => areEqual(found.record.bytes, record.bytes));
    const isRight = (bytes: Uint8Array) => !isToBeSetAside(bytes, reader, isThat);
    // Whoever asks for it says so himself.
    this.#files.setAside(key, isRight, () => {});
    return !this.#files.has(key);
  }

  /** Removes temporary files, and files that were put aside, from before a time. */
  sweepLeftovers(before: number, dryRun: boolean): Leftovers {
    return this.#files.sweepLeftovers(before, dryRun);
  }

  /** What is known of all files. */
  entries(): Iterable<StoredEntry> {
    return this.#files.entries();
  }

  /** Renews the age of a record, if it is there. */
  touch(key: string): void {
    this.#files.renew(this.#files.path(key));
  }

  /** Forgets which values are embedded. */
  forget(): void {
    this.#embedded.clear();
  }
}

function* takeAfter(read: FiledRecord[], time: number): Iterable<CallRecord> {
  for (let last = read.at(-1); last !== undefined && last.filed > time; last = read.at(-1)) {
    read.pop();
    yield last.record;
  }
}

// By binary search: where all files are of one age, as after copying them, there are many.
function insert(read: FiledRecord[], found: FiledRecord): void {
  let low = 0;
  for (let high = read.length; low < high;) {
    const middle = (low + high) >> 1;
    const other = read[middle];
    if (other !== undefined && other.filed < found.filed) low = middle + 1;
    else high = middle;
  }
  read.splice(low, 0, found);
}
