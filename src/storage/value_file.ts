import { Buffer } from "node:buffer";
import { type Encoding, encodingLength, joined, type Reference } from "../codec/encoding.ts";
import { memoryOffset } from "../codec/memory.ts";
import { startsLeaf } from "../codec/references.ts";
import { SaveError, SignatureError } from "../errors.ts";
import { describe, EntryFiles, infoIfThere, isDenied } from "./_entry_files.ts";
import { FileGate } from "./_file_gate.ts";
import { KnownLengths } from "./_known_lengths.ts";
import { Registrations } from "./_registrations.ts";
import { ValueCheck } from "./_value_check.ts";
import {
  type Compression,
  isCompressed,
  makeSeal,
  OversizeError,
  type Seal,
  type SealOptions,
  SIGNATURE_LENGTH,
  warnOfSignature,
  warnOfSize,
} from "./seal.ts";
import type { OpenValue } from "../lazy_call.ts";
import type {
  Durability,
  Gate,
  Leftovers,
  StorageCapabilities,
  StoredEntry,
  ValueStorage,
  Verify,
} from "./storage.ts";

/** Where and how {@linkcode ValueFile} keeps its files. */
export interface ValueFileOptions extends SealOptions {
  /** The folder; `~` is the home directory. It is made when it is first written to. */
  root: string;
  /**
   * How thoroughly what is read is checked: by length and CRC-32 against the reference that led to
   * it (`"crc"`, the default), by SHA-256 (`"sha256"`), or by length alone (`false`). Without a
   * reference it is always by SHA-256.
   */
  verify?: Verify;
  /**
   * When a write counts as done: once it is renamed into place (`"rename"`, the default: after a
   * power cut a file may be torn, which is found out and recomputed), or once it is on the disk
   * (`"fsync"`).
   */
  durability?: Durability;
  /**
   * How long a save waits while values that no call needs are removed, in seconds; 30 by default.
   */
  lockTimeout?: number;
}

/** From this size on files are read piece by piece, in the background. */
const LARGE = 1 << 20;

/** Bytes that show where the memory of a value begins. */
const HEADER = 16;

/**
 * Values as files: one for each, named by its digest.
 *
 * The bytes are the canonical encoding, so `sha256sum` of a file prints its own name, unless they are
 * compressed or signed. Files stand in `<root>/v1/<first two digits>/`. They are written under another
 * name in `<root>/tmp/` and renamed, so no reader ever sees half a file. A file that fails its check
 * is moved to `<root>/quarantine/`; one whose signature no key verifies stays where it is, since it
 * may be somebody else's, and is as if it were not there.
 *
 * Values are read in whatever form they are, so `compress` and `secretKey` can change at any time;
 * only what is not signed, or with another key, is gone for a storage that signs.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, ValueFile } from "@fleche/core";
 *
 * const root = await Deno.makeTempDir();
 * const values = new ValueFile({ root, compress: "zstd" });
 * const cache = new Cache({ values, calls: new CallMemory() });
 * await cache.close();
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export class ValueFile implements ValueStorage {
  /** Kept on disk, seen by every process. */
  readonly capabilities: StorageCapabilities = { persistent: true, shared: true, files: true };
  /** The folder as it was given. */
  readonly root: string;
  /** How thoroughly what is read is checked. */
  readonly verify: Verify;
  /** When a write counts as done. */
  readonly durability: Durability;
  /** How entries are compressed; false where they are not. */
  readonly compress: Compression | false;
  /** How long a save waits while values are removed, in seconds. */
  readonly lockTimeout: number;
  /** Holds between all processes that use the folder, by a lock on `<root>/gc.lock`. */
  readonly gate: Gate;
  readonly #secretKey: readonly string[] | undefined;
  readonly #files: EntryFiles;
  readonly #seal: Seal | undefined;
  readonly #check: ValueCheck;
  readonly #lengths = new KnownLengths();
  readonly #registrations: Registrations;

  /**
   * Takes the folder. Nothing is opened or made yet.
   *
   * @throws {ConfigError} If the options name no compression or key that can be used.
   */
  constructor(options: ValueFileOptions) {
    this.root = options.root;
    this.verify = options.verify ?? "crc";
    this.durability = options.durability ?? "rename";
    this.lockTimeout = options.lockTimeout ?? 30;
    this.#secretKey = options.secretKey;
    this.#seal = makeSeal("value", options);
    this.compress = this.#seal?.compression ?? false;
    this.#check = new ValueCheck(this.verify, this.#seal);
    this.#files = new EntryFiles({ root: this.root, kind: "value", durability: this.durability });
    this.#registrations = new Registrations(this.#files);
    this.gate = new FileGate(() => `${this.#files.root}/gc.lock`, this.lockTimeout);
  }

  /** The keys as they were given: hexadecimal digits, or an empty list for those of the environment. */
  get secretKey(): readonly string[] | undefined {
    return this.#secretKey;
  }

  /** Reads an encoding and checks it. */
  get(digest: string, expected?: Reference): Encoding | undefined | Promise<Encoding | undefined> {
    const path = this.#files.path(digest);
    try {
      const length = expected?.length ?? Deno.lstatSync(path).size;
      if (length >= LARGE) return this.#getLarge(digest, expected);
      const bytes = Deno.readFileSync(path);
      return this.#plain(digest, { head: bytes, owned: true }, expected) ??
        this.#opened(digest, bytes, expected);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (error instanceof Deno.errors.IsADirectory) return this.#setAside(digest, expected);
      throw error;
    }
  }

  // Reads the memory of a large value straight into the buffer that the value will keep.
  async #getLarge(digest: string, expected?: Reference): Promise<Encoding | undefined> {
    let file: Deno.FsFile;
    try {
      file = await Deno.open(this.#files.path(digest));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    using open = file;
    const { size, isFile } = await open.stat();
    // Nothing that is stored is longer than an encoding and its signature.
    const isTooLong = expected !== undefined && size > expected.length + SIGNATURE_LENGTH;
    if (isTooLong && this.#signs) {
      return this.#ignore(digest, new SignatureError("Too long to be signed", { key: digest }));
    }
    if (isTooLong || !isFile) return this.#setAside(digest, expected);
    const start = new Uint8Array(Math.min(HEADER, size));
    await readFully(open, start);
    const isPlain = size >= HEADER && (expected === undefined || size === expected.length);
    const offset = this.#signs || !isPlain ? 0 : memoryOffset(start) ?? 0;
    const rest = new Uint8Array(size - offset);
    rest.set(start.subarray(offset));
    await readFully(open, rest.subarray(start.length - offset));
    if (offset === 0) {
      return this.#plain(digest, { head: rest, owned: true }, expected) ??
        this.#opened(digest, rest, expected);
    }
    const encoding = { head: start.slice(0, offset), body: rest, owned: true };
    return this.#plain(digest, encoding, expected) ??
      this.#opened(digest, joined(encoding), expected);
  }

  /** Opens the file of a large value, if it is plain and known by its first bytes to have no parts. */
  async openLeaf(digest: string, expected: Reference): Promise<OpenValue | undefined> {
    if (this.#signs || expected.length < LARGE) return undefined;
    let file: Deno.FsFile;
    try {
      file = await Deno.open(this.#files.path(digest));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    let isLeaf: boolean | undefined;
    try {
      isLeaf = await holdsLeaf(file, expected.length);
    } finally {
      if (isLeaf !== true) file.close();
    }
    if (isLeaf !== true) return undefined;
    return {
      length: expected.length,
      // In pieces of the size that is asked for here this takes less time than to hand it over.
      read: (into) => file.readSync(into) ?? 0,
      [Symbol.dispose]: () => file.close(),
    };
  }

  get #signs(): boolean {
    return this.#seal?.signs === true;
  }

  // What is stored as it is, if it is right.
  #plain(digest: string, encoding: Encoding, expected?: Reference): Encoding | undefined {
    if (this.#signs || isCompressed(encoding.head)) return undefined;
    return this.#check.isRight(digest, encoding, expected) ? encoding : undefined;
  }

  // What is stored in another form.
  #opened(
    digest: string,
    bytes: Uint8Array,
    expected?: Reference,
  ): Encoding | undefined | Promise<Encoding | undefined> {
    try {
      return this.#check.open(digest, bytes, expected) ?? this.#setAside(digest, expected);
    } catch (error) {
      const isLong = error instanceof OversizeError && expected === undefined;
      return isLong ? this.#openedLong(digest, bytes) : this.#ignore(digest, error);
    }
  }

  async #openedLong(digest: string, bytes: Uint8Array): Promise<Encoding | undefined> {
    const found = await this.#check.openLong(digest, bytes);
    if (found !== undefined) return found;
    this.#lengths.delete(digest);
    // What has come in its place meanwhile is for the next one who reads it.
    this.#files.setAside(digest, (present) => Buffer.compare(present, bytes) !== 0);
  }

  // What no key verifies may be another one's, and what holds too much may be right, and the reference
  // wrong. So it is left where it is; the next save replaces it.
  #ignore(digest: string, error: unknown): undefined {
    this.#lengths.delete(digest);
    const path = this.#files.path(digest);
    if (error instanceof SignatureError) warnOfSignature(this.#files.root, path);
    else if (error instanceof OversizeError) warnOfSize(path, error);
    else throw error;
  }

  #setAside(digest: string, expected?: Reference): Encoding | undefined {
    this.#lengths.delete(digest);
    let whole: Encoding | undefined;
    let failure: unknown;
    this.#files.setAside(digest, (bytes) => {
      try {
        whole = this.#check.openByDigest(digest, bytes, expected);
        return whole !== undefined;
      } catch (error) {
        failure = error;
        return true;
      }
    });
    return failure === undefined ? whole : this.#ignore(digest, failure);
  }

  /**
   * Stores an encoding. One that is there already is left alone, but its age is renewed.
   *
   * @throws {SaveError} If it cannot be written.
   */
  put(reference: Reference, encoding: Encoding): void {
    const { digest } = reference;
    const path = this.#files.path(digest);
    try {
      if (this.#isThere(reference) && this.#files.renew(path)) return;
      const sealed = this.#seal?.close(digest, encoding) ?? encoding;
      this.#files.write(path, sealed);
      if (this.#seal !== undefined) this.#lengths.set(digest, encodingLength(sealed));
    } catch (cause) {
      const message = `Cannot write the value file ${path}`;
      throw new SaveError(`${message}: ${describe(cause)}`, { key: digest }, { cause });
    }
  }

  // Whether a whole file is there already: one of the right length, if it is not sealed. How long a
  // sealed one is, which another storage may have written, is known only of those that were written
  // or looked at before.
  #isThere(reference: Reference): boolean {
    const { digest, length } = reference;
    const path = this.#files.path(digest);
    const found = infoIfThere(path);
    if (found?.isFile !== true) return false;
    if (this.#seal === undefined && found.size === length) return true;
    if (found.size === this.#lengths.get(digest)) return true;
    if (found.size > length + SIGNATURE_LENGTH) return false;
    const bytes = readIfPermitted(path);
    if (bytes === undefined) return false;
    const isCurrent = this.#seal?.isCurrent(digest, bytes) ?? true;
    const isWhole = isCurrent && this.#check.holds(bytes, reference);
    if (isWhole) this.#lengths.set(digest, found.size);
    return isWhole;
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

  /** Whether a value is known by its first bytes to have no parts. */
  isLeaf(digest: string): boolean | undefined {
    try {
      using file = Deno.openSync(this.#files.path(digest));
      const start = new Uint8Array(HEADER);
      const length = file.readSync(start) ?? 0;
      return startsLeaf(start.subarray(0, length));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      // A folder in its place, which reading puts aside.
      if (error instanceof Deno.errors.IsADirectory) return undefined;
      throw error;
    }
  }

  /** Whether a file holds the value of its name; it stays where it is. */
  async check(digest: string): Promise<boolean | "unverified" | undefined> {
    try {
      const bytes = await Deno.readFile(this.#files.path(digest));
      return await this.#check.judge(digest, bytes);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (error instanceof Deno.errors.IsADirectory) return false;
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

function readIfPermitted(path: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isDenied(error)) return undefined;
    throw error;
  }
}

// Whether a file of a certain length is known by its first bytes to hold a value without parts.
async function holdsLeaf(file: Deno.FsFile, length: number): Promise<boolean | undefined> {
  const { size, isFile } = await file.stat();
  if (!isFile || size !== length) return false;
  const start = new Uint8Array(HEADER);
  await readFully(file, start);
  await file.seek(0, Deno.SeekMode.Start);
  return startsLeaf(start);
}

async function readFully(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const read = await file.read(bytes.subarray(at));
    // A file that ends early fails the check.
    if (read === null) return;
    at += read;
  }
}
