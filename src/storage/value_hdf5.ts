import { copied, type Encoding, encodingDigest, type Reference } from "../codec/encoding.ts";
import { CorruptValueError, SaveError, SignatureError } from "../errors.ts";
import { describe, EntryFiles, infoIfThere, isDenied } from "./_entry_files.ts";
import { FileGate } from "./_file_gate.ts";
import { checkedCompression, signing } from "./_hdf5_options.ts";
import { hasLibraryFailed, type Library, loadedLibrary, loadLibrary } from "./_hdf5_library.ts";
import { isWholeHdf5, SUPERBLOCK_LENGTH } from "./_hdf5_superblock.ts";
import { fileOfValue, valueOfFile } from "./_hdf5_value.ts";
import { Registrations } from "./_registrations.ts";
import { ValueCheck } from "./_value_check.ts";
import { makeSeal, type Seal, SIGNATURE_LENGTH, warnOfSignature } from "./seal.ts";
import type {
  Awaitable,
  Durability,
  Gate,
  Leftovers,
  StorageCapabilities,
  StoredEntry,
  ValueStorage,
  Verify,
} from "./storage.ts";

/** Where and how {@linkcode ValueHdf5} keeps its files. */
export interface ValueHdf5Options {
  /** The folder; `~` is the home directory. It is made when it is first written to. */
  root: string;
  /**
   * Whether arrays are compressed with HDF5's own filter, deflate (`true` or `"gzip"`); not by
   * default. Strings and single numbers never are: HDF5 has filters for arrays only.
   */
  compress?: boolean | "gzip";
  /** Keys that files are signed with; as for {@linkcode ValueFile}. */
  secretKey?: readonly string[];
  /**
   * How thoroughly what is read is checked: by length and CRC-32 of the encoding against the reference
   * that led to it (`"crc"`, the default), by SHA-256 (`"sha256"`), or by length alone (`false`).
   */
  verify?: Verify;
  /** When a write counts as done; as for {@linkcode ValueFile}. */
  durability?: Durability;
  /** How long a save waits while values that no call needs are removed, in seconds; 30 by default. */
  lockTimeout?: number;
}

/** From this size on files are read in the background. */
const LARGE = 1 << 20;

/**
 * Values as HDF5 files, one for each, for other programs to read: h5dump, h5py, MATLAB, Julia... In
 * Python, `h5py.File(path)["value"][()]` is an array that was stored by itself.
 *
 * A value stands under `/value` of `<root>/v1/<first two digits>/<digest>.h5`; beside it are `/digest`
 * and `/length`, those of its encoding. Groups and datasets follow the structure of the encoding, so
 * types that are not registered here are stored like others, and reading gives the encoding back byte
 * for byte, which its digest proves. The attribute `fleche` of a group or dataset says what it is,
 * where that is not plain:
 *
 * | value | in the file |
 * | --- | --- |
 * | number | int64, or float64 if it is no safe integer |
 * | array of numbers, or of equally long arrays of them, and so on | dataset of as many dimensions: int64, or float64 if some are no safe integers |
 * | string, and equally long arrays of them | text of fixed length: ASCII with a zero byte, or UTF-8 filled up with blanks |
 * | boolean, and equally long arrays of them | uint8, `boolean` |
 * | typed array | one-dimensional dataset of that type, by its name (`Float64Array`); Float16Array as float32, which holds the same numbers |
 * | Uint8Array, Uint8ClampedArray, ArrayBuffer, DataView | uint8, by their names |
 * | object | group; keys are the names of its members |
 * | other array | group of members 0, 1, ..., `Array` |
 * | Map, Set | group of the arrays `keys` and `values`, or `elements`, by their names |
 * | null, undefined | text, `null`, `undefined` |
 * | bigint, Date | text: the digits, ISO 8601; `bigint`, `Date` |
 * | instance of a registered type | group of `type` and `value`, `registered` |
 * | RegExp, URL, Error, Temporal..., and what stands for a function | group of members 0, 1, ... as in the encoding, `builtin`, `identity` |
 * | a part that is stored by itself | compound of `digest`, `crc` and `length`; the digest names its file |
 * | anything else | uint8, `encoding`: bytes of the encoding as they are |
 *
 * In the names of members `/`, `%`, the zero byte and U+FEFF are written `%2F`, `%25`, `%00` and
 * `%EF%BB%BF`, the names `.` and the empty one `%2E` and `%`. HDF5 is slow with many small things, so
 * whatever is beyond the first 4096 groups and datasets of a value, deeper than 32 groups, or in an object with a
 * name of more than 1024 bytes stands as bytes of the encoding. Some programs leave out blanks at the end of
 * text that is not ASCII.
 *
 * Files are written and renamed as those of {@linkcode ValueFile} are, and damaged ones go to
 * `<root>/quarantine/`. A signature stands behind the end of the HDF5 file, where other programs pass
 * over it; it is checked before the HDF5 library sees a byte of the file. The library (h5wasm) is
 * loaded when it is first needed. It works in memory, so a value takes about three times its size
 * while it is read or written.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, fleche, ValueHdf5, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const root = await Deno.makeTempDir();
 * await using cache = new Cache({ values: new ValueHdf5({ root }), calls: new CallMemory() });
 * const ramp = fleche((n: number) => Float64Array.from({ length: n }, (_, i) => i / n), {
 *   name: "ramp",
 *   version: 1,
 * });
 * const first = await withCache(cache, () => ramp(500)); // a file that h5py opens
 * assert.deepEqual(await withCache(cache, () => ramp(500)), first);
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export class ValueHdf5 implements ValueStorage {
  /** Kept on disk, seen by every process. */
  readonly capabilities: StorageCapabilities = { persistent: true, shared: true, files: true };
  /** The folder as it was given. */
  readonly root: string;
  /** Whether arrays are compressed, and how. */
  readonly compress: "gzip" | false;
  /** How thoroughly what is read is checked. */
  readonly verify: Verify;
  /** When a write counts as done. */
  readonly durability: Durability;
  /** How long a save waits while values are removed, in seconds. */
  readonly lockTimeout: number;
  /** Holds between all processes that use the folder, by a lock on `<root>/gc.lock`. */
  readonly gate: Gate;
  readonly #secretKey: readonly string[] | undefined;
  readonly #files: EntryFiles;
  readonly #seal: Seal | undefined;
  readonly #check: ValueCheck;
  readonly #registrations: Registrations;

  /**
   * Takes the folder. Nothing is opened, made or loaded yet.
   *
   * @throws {ConfigError} If the options name no compression or key that can be used.
   */
  constructor(options: ValueHdf5Options) {
    this.root = options.root;
    this.compress = checkedCompression(options.compress);
    this.verify = options.verify ?? "crc";
    this.durability = options.durability ?? "rename";
    this.lockTimeout = options.lockTimeout ?? 30;
    this.#secretKey = options.secretKey;
    this.#seal = makeSeal("value", signing(this.#secretKey));
    this.#check = new ValueCheck(this.verify, undefined);
    this.#files = new EntryFiles({
      ...{ root: this.root, kind: "value", durability: this.durability, suffix: ".h5" },
    });
    this.#registrations = new Registrations(this.#files);
    this.gate = new FileGate(() => `${this.#files.root}/gc.lock`, this.lockTimeout);
  }

  /** The keys as they were given: hexadecimal digits, or an empty list for those of the environment. */
  get secretKey(): readonly string[] | undefined {
    return this.#secretKey;
  }

  /** Reads an encoding and checks it. */
  get(digest: string, expected?: Reference): Awaitable<Encoding | undefined> {
    const path = this.#files.path(digest);
    let bytes: Uint8Array;
    try {
      const { size } = Deno.lstatSync(path);
      const library = loadedLibrary();
      if (library === undefined || size >= LARGE) return this.#getLater(digest, expected);
      bytes = Deno.readFileSync(path);
      return this.#opened(library, digest, bytes, expected);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (error instanceof Deno.errors.IsADirectory) return this.#setAside(digest);
      throw error;
    }
  }

  async #getLater(digest: string, expected?: Reference): Promise<Encoding | undefined> {
    const library = await loadLibrary();
    try {
      const bytes = await Deno.readFile(this.#files.path(digest));
      return this.#opened(library, digest, bytes, expected);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (error instanceof Deno.errors.IsADirectory) return this.#setAside(digest);
      throw error;
    }
  }

  #opened(
    library: Library,
    digest: string,
    bytes: Uint8Array,
    expected?: Reference,
  ): Encoding | undefined {
    try {
      return this.#right(library, digest, bytes, expected) ?? this.#setAside(digest, library);
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      return this.#ignore(digest);
    }
  }

  // The encoding in a file, if it is the right one.
  #right(
    library: Library,
    digest: string,
    bytes: Uint8Array,
    expected?: Reference,
  ): Encoding | undefined {
    const file = this.#seal?.open(digest, bytes) ?? bytes;
    try {
      const encoding = valueOfFile(library, file, expected);
      return this.#check.isRight(digest, encoding, expected) ? encoding : undefined;
    } catch (error) {
      if (error instanceof CorruptValueError) return undefined;
      throw error;
    }
  }

  #setAside(digest: string, library?: Library): Encoding | undefined {
    let encoding: Encoding | undefined;
    let isForeign = false;
    this.#files.setAside(digest, (bytes) => {
      // Then this file is what it has failed on.
      if (hasLibraryFailed()) return false;
      try {
        // Whatever a reference or the option says, the bytes are right if their digest is.
        const found = library && this.#right(library, digest, bytes);
        encoding = found && encodingDigest(found) === digest ? found : undefined;
        return encoding !== undefined;
      } catch (error) {
        if (!(error instanceof SignatureError)) throw error;
        return isForeign = true;
      }
    });
    return isForeign ? this.#ignore(digest) : encoding;
  }

  // It may be another one's, so it is left where it is; the next save replaces it.
  #ignore(digest: string): undefined {
    warnOfSignature(this.#files.root, this.#files.path(digest));
  }

  /**
   * Stores an encoding. One that is there already is left alone, but its age is renewed.
   *
   * @throws {SaveError} If it cannot be written.
   */
  put(reference: Reference, encoding: Encoding): Awaitable<void> {
    const library = loadedLibrary();
    if (library !== undefined) return this.#put(library, reference, encoding);
    const kept = encoding.owned === true ? encoding : copied(encoding);
    return this.#putLater(reference, kept);
  }

  async #putLater(reference: Reference, encoding: Encoding): Promise<void> {
    this.#put(await loadLibrary(), reference, encoding);
  }

  #put(library: Library, reference: Reference, encoding: Encoding): void {
    const { digest } = reference;
    const path = this.#files.path(digest);
    try {
      if (this.#isThere(digest) && this.#files.renew(path)) return;
      const head = fileOfValue(library, reference, encoding, this.compress !== false);
      this.#files.write(path, this.#seal?.close(digest, { head }) ?? { head });
    } catch (cause) {
      const message = `Cannot write the value file ${path}`;
      throw new SaveError(`${message}: ${describe(cause)}`, { key: digest }, { cause });
    }
  }

  // Whether a whole file is there already, signed as it would be today.
  #isThere(digest: string): boolean {
    const path = this.#files.path(digest);
    const found = infoIfThere(path);
    if (found === undefined || !found.isFile) return false;
    try {
      if (this.#seal !== undefined) return this.#seal.isCurrent(digest, Deno.readFileSync(path));
      using file = Deno.openSync(path);
      const start = new Uint8Array(SUPERBLOCK_LENGTH);
      file.readSync(start);
      // What another storage signed has a signature behind its end.
      return isWholeHdf5(start, found.size) || isWholeHdf5(start, found.size - SIGNATURE_LENGTH);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || isDenied(error)) return false;
      throw error;
    }
  }

  /** Whether there is a file for a digest; its content is not looked at. */
  has(digest: string): boolean {
    return this.#files.has(digest);
  }

  /** Removes a file; whether there was one. */
  delete(digest: string): boolean {
    return this.#files.delete(digest);
  }

  /** The digests that begin with a prefix. */
  list(prefix: string, limit?: number): string[] {
    return this.#files.list(prefix, limit);
  }

  /** Whether a file holds the value of its name; it stays where it is. */
  async check(digest: string): Promise<boolean | "unverified" | undefined> {
    const library = await loadLibrary();
    try {
      const bytes = await Deno.readFile(this.#files.path(digest));
      const encoding = this.#right(library, digest, bytes);
      return encoding !== undefined && encodingDigest(encoding) === digest;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (error instanceof Deno.errors.IsADirectory) return false;
      // The library is not given what nobody vouches for.
      if (error instanceof SignatureError) return "unverified";
      throw error;
    }
  }

  /** Removes temporary files, and files that were put aside, from before a time. */
  sweepLeftovers(before: number, dryRun: boolean): Leftovers {
    return this.#files.sweepLeftovers(before, dryRun);
  }

  /** What is known of all files. */
  async *entries(): AsyncIterable<StoredEntry> {
    yield* this.#files.entries();
  }

  /**
   * Remembers a call storage, as a file in `<root>/calls/`.
   *
   * @throws {SaveError} If it cannot be written.
   */
  register(identity: string): void {
    this.#registrations.add(identity);
  }

  /** The call storages that are remembered. */
  registered(): string[] {
    return this.#registrations.list();
  }

  /** Forgets a call storage. */
  forget(identity: string): void {
    this.#registrations.delete(identity);
  }

  /** The time by the clock of the file system. */
  now(): number {
    return this.#files.now();
  }

  /** Does nothing: no file stays open. */
  close(): void {}

  /** Does nothing: no file stays open. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
