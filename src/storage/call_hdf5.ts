import type { CallRecord } from "../call_record.ts";
import type { Encoding } from "../codec/encoding.ts";
import { realPath } from "../paths.ts";
import type { RecordFilter } from "../record_filter.ts";
import { CallFiles } from "./_call_files.ts";
import { fileClaims } from "./_file_claims.ts";
import { loadedLibrary, loadLibrary } from "./_hdf5_library.ts";
import { checkedCompression, signing } from "./_hdf5_options.ts";
import { hdf5Form } from "./_hdf5_record.ts";
import type { Claims } from "./claims.ts";
import { makeSeal } from "./seal.ts";
import type {
  Awaitable,
  CallStorage,
  Durability,
  Leftovers,
  StorageCapabilities,
  StoredEntry,
  Verify,
} from "./storage.ts";

/** Where and how {@linkcode CallHdf5} keeps its files. */
export interface CallHdf5Options {
  /** The folder; `~` is the home directory. It is made when it is first written to. */
  root: string;
  /** Whether arrays are compressed with HDF5's own filter, deflate (`true` or `"gzip"`). */
  compress?: boolean | "gzip";
  /** Keys that files are signed with; as for {@linkcode CallFile}. */
  secretKey?: readonly string[];
  /** How thoroughly what is read is checked; as for {@linkcode CallFile}. */
  verify?: Verify;
  /** When a write counts as done; as for {@linkcode CallFile}. */
  durability?: Durability;
  /** Taken so that one configuration fits all storages: nothing here waits for a lock. */
  lockTimeout?: number;
}

/**
 * Call records as HDF5 files, one for each, for other programs to read.
 *
 * `<root>/v1/<first two digits>/<key>.h5` holds what {@linkcode CallFile} keeps, as the dataset
 * `/record`. Only that is read back, and checked by its own check sum: a record is found again exactly
 * as it was stored, and what somebody changes beside it cannot make it another call. Beside it stands
 * what it says, to look at, in the form that {@linkcode ValueHdf5} describes: `/key`, `/name`,
 * `/module`, `/version`, `/code`, `/deps` and `/source` where they are not null, `/hashed`, `/calls`, the
 * groups `/arguments` and `/metadata`, and `/result`. An argument or result that is too long for a record is a compound there,
 * whose `digest` names the value's file.
 *
 * A file takes some 8 kB, two milliseconds to write, and half a one to read: searches and the rest are
 * as in {@linkcode CallFile}, but take fifty times as long. For more than some thousand calls, `CallSql`
 * with {@linkcode ValueHdf5} is the better choice.
 *
 * @example Usage
 * ```ts
 * import { Cache, Call, CallHdf5, ValueHdf5 } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const root = await Deno.makeTempDir();
 * await using cache = new Cache({
 *   values: new ValueHdf5({ root: `${root}/values` }),
 *   calls: new CallHdf5({ root: `${root}/calls` }),
 * });
 * const key = await cache.save(new Call({ name: "square", arguments: { x: 3 }, result: 9 }));
 * assert.equal(await (await cache.load(key)).result(), 9);
 * await Deno.stat(`${root}/calls/v1/${key.slice(0, 2)}/${key}.h5`); // h5dump shows what is in it
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export class CallHdf5 implements CallStorage {
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
  /** Whether arrays are compressed, and how. */
  readonly compress: "gzip" | false;
  /** As it was given; nothing here waits for a lock. */
  readonly lockTimeout: number;
  /** Claims between processes, as files in `<root>/locks/`. */
  readonly claims: Claims;
  readonly #secretKey: readonly string[] | undefined;
  readonly #files: CallFiles;
  readonly #signs: boolean;

  /**
   * Takes the folder. Nothing is opened, made or loaded yet.
   *
   * @throws {ConfigError} If the options name no compression or key that can be used.
   */
  constructor(options: CallHdf5Options) {
    this.root = options.root;
    this.compress = checkedCompression(options.compress);
    this.verify = options.verify ?? "crc";
    this.durability = options.durability ?? "rename";
    this.lockTimeout = options.lockTimeout ?? 30;
    this.#secretKey = options.secretKey;
    const seal = makeSeal("call", signing(this.#secretKey));
    this.#signs = seal?.signs === true;
    const { root, verify, durability } = this;
    const form = hdf5Form(this.compress !== false);
    this.#files = new CallFiles({ root, verify, durability, seal, form });
    this.identity = `hdf5://${realPath(this.#files.root)}`;
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
  get(key: string): Awaitable<CallRecord | undefined> {
    if (loadedLibrary() !== undefined) return this.#files.get(key);
    return this.#files.has(key) ? this.#getLater(key) : undefined;
  }

  async #getLater(key: string): Promise<CallRecord | undefined> {
    await loadLibrary();
    return this.#files.get(key);
  }

  /**
   * Stores a record, in place of any other under the key.
   *
   * @throws {SaveError} If it cannot be written.
   */
  put(record: CallRecord): Awaitable<void> {
    if (loadedLibrary() !== undefined) return this.#files.put(record);
    return this.#putLater(record);
  }

  async #putLater(record: CallRecord): Promise<void> {
    await loadLibrary();
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
  async getEmbedded(digest: string): Promise<Encoding | undefined> {
    await loadLibrary();
    return this.#files.getEmbedded(digest);
  }

  /** The digests of embedded encodings that begin with a prefix. */
  async listEmbedded(prefix: string, limit?: number): Promise<string[]> {
    await loadLibrary();
    return this.#files.listEmbedded(prefix, limit);
  }

  /** The records that match, newest first. */
  async *records(filter?: RecordFilter): AsyncIterable<CallRecord> {
    await loadLibrary();
    yield* this.#files.records(filter);
  }

  /** Whether a file holds the record of its key, or one of a newer version; it stays where it is. */
  async check(key: string): Promise<boolean | "unverified" | undefined> {
    if (!this.#files.has(key)) return undefined;
    await loadLibrary();
    return this.#files.check(key);
  }

  /** Moves a record to `<root>/quarantine/`, if it still is the given one, or damaged. */
  async setAside(key: string, record?: CallRecord): Promise<boolean> {
    await loadLibrary();
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
  unsigned(): CallHdf5 | undefined {
    return this.#signs ? new CallHdf5({ root: this.root, verify: this.verify }) : undefined;
  }

  /** Forgets which values are embedded; no file stays open. */
  async close(): Promise<void> {
    this.#files.forget();
    await this.claims.close();
  }

  /** {@linkcode CallHdf5.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
