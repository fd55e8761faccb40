import type { CallRecord } from "../call_record.ts";
import type { Encoding } from "../codec/encoding.ts";
import { realPath } from "../paths.ts";
import type { RecordFilter } from "../record_filter.ts";
import { CallFiles, type RecordForm } from "./_call_files.ts";
import { fileClaims } from "./_file_claims.ts";
import { MAX_FILE_CONTENT, readRecordFile, writeRecordFile } from "./_record_file.ts";
import type { Claims } from "./claims.ts";
import { type Compression, makeSeal, type SealOptions } from "./seal.ts";
import type {
  CallStorage,
  Durability,
  Leftovers,
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

const RECORD_FORM: RecordForm = {
  suffix: "",
  maxLength: MAX_FILE_CONTENT,
  write: writeRecordFile,
  read: readRecordFile,
};

/**
 * Call records as files, one for each: for folders that several users or machines share, where SQLite
 * does not work.
 *
 * Files stand in `<root>/v1/<first two digits>/`, named by their key; each holds a record and, after
 * it, when it was filed. They are written under another name and renamed, so no reader ever sees half
 * a file. A damaged file is moved to `<root>/quarantine/`; one whose signature no key verifies stays
 * where it is.
 *
 * A search looks at every file and reads, from the newest on, as many as it takes: with 100,000 records
 * on a local disk about a second until the first one, and five for all. Their order is that in which
 * they were filed, as they say themselves; after the files were copied or unpacked, all are read before
 * the first one is given. Finding a value that a record
 * embeds by its digest reads every record once in each process; from then on, what is new. Where that
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
  readonly capabilities: StorageCapabilities = { persistent: true, shared: true, files: true };
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
  readonly #files: CallFiles;
  readonly #signs: boolean;

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
    const seal = makeSeal("call", options);
    this.compress = seal?.compression ?? false;
    this.#signs = seal?.signs === true;
    const { root, verify, durability } = this;
    this.#files = new CallFiles({ root, verify, durability, seal, form: RECORD_FORM });
    this.identity = `file://${realPath(this.#files.root)}`;
    this.claims = fileClaims(`${this.#files.root}/locks`);
  }

  /** The keys as they were given: hexadecimal digits, or an empty list for those of the environment. */
  get secretKey(): readonly string[] | undefined {
    return this.#secretKey;
  }

  /** The number of the folder, in the file `<root>/id`, if there is one yet. */
  findId(): string | undefined {
    return this.#files.id.find();
  }

  /**
   * The number of the folder, which is drawn if there is none.
   *
   * @throws {SaveError} If it cannot be written.
   */
  ensureId(): string {
    return this.#files.id.ensure();
  }

  /** Reads a record and checks it. */
  get(key: string): CallRecord | undefined {
    return this.#files.get(key);
  }

  /**
   * Stores a record, in place of any other under the key.
   *
   * @throws {SaveError} If it cannot be written.
   */
  put(record: CallRecord): void {
    this.#files.put(record);
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
    return this.#files.getEmbedded(digest);
  }

  /** The digests of embedded encodings that begin with a prefix. */
  listEmbedded(prefix: string, limit?: number): string[] {
    return this.#files.listEmbedded(prefix, limit);
  }

  /** The records that match, newest first. */
  records(filter?: RecordFilter): AsyncIterable<CallRecord> {
    return this.#files.records(filter);
  }

  /** Whether a file holds the record of its key, or one of a newer version; it stays where it is. */
  check(key: string): boolean | "unverified" | undefined {
    return this.#files.check(key);
  }

  /** Moves a record to `<root>/quarantine/`, if it still is the given one, or damaged. */
  setAside(key: string, record?: CallRecord): boolean {
    return this.#files.setAside(key, record);
  }

  /** Removes temporary files, and files that were put aside, from before a time. */
  sweepLeftovers(before: number, dryRun: boolean): Leftovers {
    return this.#files.sweepLeftovers(before, dryRun);
  }

  /** What is known of all files. */
  async *entries(): AsyncIterable<StoredEntry> {
    yield* this.#files.entries();
  }

  /** Renews the age of a record, if it is there. */
  touch(key: string): void {
    this.#files.touch(key);
  }

  /** The same folder without keys; undefined where records are not signed. */
  unsigned(): CallFile | undefined {
    return this.#signs ? new CallFile({ root: this.root, verify: this.verify }) : undefined;
  }

  /** Forgets which values are embedded; no file stays open. */
  async close(): Promise<void> {
    this.#files.forget();
    await this.claims.close();
  }

  /** {@linkcode CallFile.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
