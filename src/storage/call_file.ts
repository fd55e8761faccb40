import { CallRecord, embeddedDigests } from "../call_record.ts";
import type { Encoding } from "../codec/encoding.ts";
import { CorruptValueError, SaveError, SignatureError, UnknownTypeError } from "../errors.ts";
import { warnOnce } from "../log.ts";
import { matchesFilter, type RecordFilter } from "../record_filter.ts";
import { EmbeddedIndex } from "./_embedded_index.ts";
import { describe, EntryFiles } from "./_entry_files.ts";
import { fileClaims } from "./_file_claims.ts";
import {
  type FiledRecord,
  MAX_FILE_CONTENT,
  nextFilingTime,
  readRecordFile,
  writeRecordFile,
} from "./_record_file.ts";
import type { Claims } from "./claims.ts";
import {
  type Compression,
  makeSeal,
  openUnsigned,
  type Seal,
  type SealOptions,
  warnOfSignature,
} from "./seal.ts";
import type {
  CallStorage,
  Durability,
  StorageCapabilities,
  StoredEntry,
  Verify,
} from "./storage.ts";

/** Where and how {@linkcode CallFile} keeps its files. */
export interface CallFileOptions extends SealOptions {
  /** The folder; `~` is the home directory. It is made when it is first written to. */
  root: string;
  /**
   * How thoroughly what is read is checked: by its check sum (`"crc"`, the default, and `false`), or
   * also by whether its fields add up to its key (`"sha256"`).
   */
  verify?: Verify;
  /**
   * When a write counts as done: once it is renamed into place (`"rename"`, the default: after a
   * power cut a file may be torn, which is found out and recomputed), or once it is on the disk
   * (`"fsync"`).
   */
  durability?: Durability;
  /** Taken so that one configuration fits all storages: nothing here waits for a lock. */
  lockTimeout?: number;
}

/** How much later than its file a record may say that it was filed, in milliseconds. */
const CLOCK_GRAIN = 20;

/** After how many files a search lets other work go on. */
const BREATH = 500;

/**
 * Call records as files, one for each: for folders that several users or machines share, where SQLite
 * does not work.
 *
 * Files stand in `<root>/v1/<first two digits>/`, named by their key; each holds a record and, after
 * it, when it was filed. They are written under another name and renamed, so no reader ever sees half
 * a file. A damaged file is moved to `<root>/quarantine/`; one whose signature no key verifies stays
 * where it is.
 *
 * A search looks at every file and reads, from the newest on, as many as it takes: for 100,000 records
 * about half a second, and as long again until it has read them all. Finding a value that a record
 * embeds by its digest reads every record once in each process (what is new, from then on). Where that
 * is too slow, `CallSql` has indexes.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallFile, ValueFile } from "@fleche/core";
 *
 * const root = await Deno.makeTempDir();
 * const cache = new Cache({
 *   values: new ValueFile({ root: `${root}/values` }),
 *   calls: new CallFile({ root: `${root}/calls` }),
 * });
 * await cache.close();
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export class CallFile implements CallStorage {
  /** Kept on disk, seen by every process. */
  readonly capabilities: StorageCapabilities = { persistent: true, shared: true };
  /** The folder's absolute path as a URL. */
  readonly identity: string;
  /** The folder as it was given. */
  readonly root: string;
  /** How thoroughly what is read is checked. */
  readonly verify: Verify;
  /** When a write counts as done. */
  readonly durability: Durability;
  /** How entries are compressed; false where they are not. */
  readonly compress: Compression | false;
  /** As it was given; nothing here waits for a lock. */
  readonly lockTimeout: number;
  /** Claims between processes, as files in `<root>/locks/`. */
  readonly claims: Claims;
  readonly #secretKey: readonly string[] | undefined;
  readonly #files: EntryFiles;
  readonly #seal: Seal | undefined;
  readonly #embedded: EmbeddedIndex;

  /**
   * Takes the folder. Nothing is opened or made yet.
   *
   * @throws {ConfigError} If the options name no compression or key that can be used.
   */
  constructor(options: CallFileOptions) {
    this.root = options.root;
    this.verify = options.verify ?? "crc";
    this.durability = options.durability ?? "rename";
    this.lockTimeout = options.lockTimeout ?? 30;
    this.#secretKey = options.secretKey;
    this.#seal = makeSeal("call", options);
    this.compress = this.#seal?.compression ?? false;
    this.#files = new EntryFiles({ root: this.root, kind: "record", durability: this.durability });
    this.#embedded = new EmbeddedIndex(this.#files, (key) => {
      const found = this.#readKnown(key);
      return found === undefined ? [] : embeddedDigests(found.record);
    });
    this.identity = `file://${this.#files.root}`;
    this.claims = fileClaims(`${this.#files.root}/locks`);
  }

  /** The keys as they were given: hexadecimal digits, or an empty list for those of the environment. */
  get secretKey(): readonly string[] | undefined {
    return this.#secretKey;
  }

  /** Reads a record and checks it. */
  get(key: string): CallRecord | undefined {
    return this.#read(key)?.record;
  }

  #read(key: string): FiledRecord | undefined {
    let bytes: Uint8Array;
    try {
      bytes = Deno.readFileSync(this.#files.path(key));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (error instanceof Deno.errors.IsADirectory) return this.#setAside(key);
      throw error;
    }
    try {
      return this.#open(key, bytes) ?? this.#setAside(key);
    } catch (error) {
      if (error instanceof SignatureError) return this.#ignore(key);
      throw error;
    }
  }

  // Among many records, one of a newer version is passed over.
  #readKnown(key: string): FiledRecord | undefined {
    try {
      return this.#read(key);
    } catch (error) {
      if (!(error instanceof UnknownTypeError)) throw error;
      warnOnce(`newer ${this.#files.path(key)}`, ["storage"], error.message);
      return undefined;
    }
  }

  #open(key: string, bytes: Uint8Array): FiledRecord | undefined {
    for (const content of this.#contents(key, bytes)) {
      try {
        const found = readRecordFile(key, content);
        if (this.verify === "sha256") CallRecord.receive(key, found.record.bytes);
        return found;
      } catch (error) {
        if (!(error instanceof CorruptValueError)) throw error;
      }
    }
  }

  #contents(key: string, bytes: Uint8Array): Iterable<Uint8Array> {
    if (this.#seal?.signs !== true) return openUnsigned(key, bytes, MAX_FILE_CONTENT);
    try {
      return [this.#seal.open(key, bytes, MAX_FILE_CONTENT)];
    } catch (error) {
      if (error instanceof CorruptValueError) return [];
      throw error;
    }
  }

  // It may be another one's, so it is left where it is; the next save replaces it.
  #ignore(key: string): undefined {
    warnOfSignature(this.#files.root, this.#files.path(key));
  }

  #setAside(key: string): FiledRecord | undefined {
    let found: FiledRecord | undefined;
    let failure: unknown;
    this.#files.setAside(key, (bytes) => {
      try {
        found = this.#open(key, bytes);
        return found !== undefined;
      } catch (error) {
        // Another one's, or of a newer version: no damage.
        failure = error;
        return true;
      }
    });
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
      const content = { head: writeRecordFile({ record, filed: nextFilingTime() }) };
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
    const files = [...this.#files.entries()].sort((a, b) => b.modified - a.modified);
    // What has been read, the newest last. To touch a file makes it younger than its record, so a
    // record is the newest once no file is left that is as young.
    const read: FiledRecord[] = [];
    for (const [index, { name, modified }] of files.entries()) {
      const latest = (modified + CLOCK_GRAIN) * 1000;
      yield* takeAfter(read, latest);
      if (index % BREATH === BREATH - 1) await new Promise((resolve) => setTimeout(resolve));
      const found = this.#readKnown(name);
      if (found !== undefined && matchesFilter(found.record, filter)) insert(read, found);
    }
    yield* takeAfter(read, -Infinity);
  }

  /** What is known of all files. */
  async *entries(): AsyncIterable<StoredEntry> {
    yield* this.#files.entries();
  }

  /** Renews the age of a record, if it is there. */
  touch(key: string): void {
    this.#files.renew(this.#files.path(key));
  }

  /** Forgets which values are embedded; no file stays open. */
  async close(): Promise<void> {
    this.#embedded.clear();
    await this.claims.close();
  }

  /** {@linkcode CallFile.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
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
