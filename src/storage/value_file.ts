import { hash } from "node:crypto";
import { dirname } from "node:path";
import {
  digestOf,
  type Encoding,
  encodingDigest,
  encodingLength,
  matches,
  type Reference,
} from "../codec/encoding.ts";
import { memoryOffset } from "../codec/memory.ts";
import { isWholeDigest } from "../digest.ts";
import { SaveError } from "../errors.ts";
import { warnOnce } from "../log.ts";
import { expandPath, uniqueName } from "../paths.ts";
import { FileGate } from "./_file_gate.ts";
import type { StorageCapabilities, StoredEntry, ValueStorage } from "./storage.ts";

/** How thoroughly what is read is checked. */
export type Verify = "crc" | "sha256" | false;

/** When a write counts as done. */
export type Durability = "rename" | "fsync";

/** Where and how {@linkcode ValueFile} keeps its files. */
export interface ValueFileOptions {
  /** The folder; `~` is the home directory. It is made when it is first written to. */
  root: string;
  /**
   * How thoroughly what is read is checked: by length and CRC-32 against the reference that led to
   * it (`"crc"`, the default), by SHA-256 (`"sha256"`), or not at all (`false`).
   */
  verify?: Verify;
  /**
   * When a write counts as done: once it is renamed into place (`"rename"`, the default: after a
   * power cut a file may be torn, which is found out and recomputed), or once it is on the disk
   * (`"fsync"`).
   */
  durability?: Durability;
}

/** From this size on files are read piece by piece, in the background. */
const LARGE = 1 << 20;

/** Bytes that show where the memory of a value begins. */
const HEADER = 16;

/**
 * Values as files: one for each, named by its digest.
 *
 * The bytes are the canonical encoding, so `sha256sum` of a file prints its own name. Files stand
 * in `<root>/v1/<first two digits>/`. They are written under another name in `<root>/tmp/` and
 * renamed, so no reader ever sees half a file. A file that fails its check is moved to
 * `<root>/quarantine/`.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, ValueFile } from "@fleche/core";
 *
 * const root = await Deno.makeTempDir();
 * const cache = new Cache({ values: new ValueFile({ root }), calls: new CallMemory() });
 * await cache.close();
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export class ValueFile implements ValueStorage {
  /** Kept on disk, seen by every process. */
  readonly capabilities: StorageCapabilities = { persistent: true, shared: true };
  /** The folder as it was given. */
  readonly root: string;
  /** How thoroughly what is read is checked. */
  readonly verify: Verify;
  /** When a write counts as done. */
  readonly durability: Durability;
  /** Holds between all processes that use the folder, by a lock on `<root>/gc.lock`. */
  readonly gate: FileGate;
  readonly #root: string;
  readonly #folder: string;

  /** Takes the folder. Nothing is opened or made yet. */
  constructor(options: ValueFileOptions) {
    this.root = options.root;
    this.verify = options.verify ?? "crc";
    this.durability = options.durability ?? "rename";
    this.#root = expandPath(options.root);
    this.#folder = `${this.#root}/v1/`;
    this.gate = new FileGate(`${this.#root}/gc.lock`);
  }

  #path(digest: string): string {
    return `${this.#folder}${digest.slice(0, 2)}/${digest}`;
  }

  /** Reads an encoding and checks it. */
  get(digest: string, expected?: Reference): Encoding | undefined | Promise<Encoding | undefined> {
    let head: Uint8Array;
    try {
      const length = expected?.length ?? Deno.lstatSync(this.#path(digest)).size;
      if (length >= LARGE) return this.#getLarge(digest, expected);
      head = Deno.readFileSync(this.#path(digest));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (error instanceof Deno.errors.IsADirectory) return this.#setAside(digest);
      throw error;
    }
    return this.#checked(digest, { head, owned: true }, expected);
  }

  // Reads the memory of a large value straight into the buffer that the value will keep.
  async #getLarge(digest: string, expected?: Reference): Promise<Encoding | undefined> {
    let file: Deno.FsFile;
    try {
      file = await Deno.open(this.#path(digest));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    using open = file;
    const { size, isFile } = await open.stat();
    if (!isFile || size < HEADER || (expected !== undefined && size !== expected.length)) {
      return this.#setAside(digest);
    }
    const start = new Uint8Array(HEADER);
    await readFully(open, start);
    const offset = memoryOffset(start) ?? 0;
    const rest = new Uint8Array(size - offset);
    rest.set(start.subarray(offset));
    await readFully(open, rest.subarray(HEADER - offset));
    const encoding = offset === 0
      ? { head: rest, owned: true }
      : { head: start.slice(0, offset), body: rest, owned: true };
    return this.#checked(digest, encoding, expected);
  }

  #checked(digest: string, encoding: Encoding, expected?: Reference): Encoding | undefined {
    if (expected !== undefined && encodingLength(encoding) !== expected.length) {
      return this.#setAside(digest);
    }
    if (this.verify === false) return encoding;
    const right = this.verify === "crc" && expected !== undefined
      ? matches(encoding, expected)
      : encodingDigest(encoding) === digest;
    return right ? encoding : this.#setAside(digest);
  }

  // Moves a damaged file out of the way, unless another writer has just mended it.
  #setAside(digest: string): Encoding | undefined {
    const path = this.#path(digest);
    const aside = `${this.#root}/quarantine/${digest}.${uniqueName()}`;
    try {
      Deno.mkdirSync(`${this.#root}/quarantine`, { recursive: true });
      Deno.renameSync(path, aside);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (!isDenied(error)) throw error;
      warnOnce(`damaged ${path}`, ["storage"], `Ignoring the damaged value file ${path}`);
      return undefined;
    }
    const head = Deno.lstatSync(aside).isFile ? Deno.readFileSync(aside) : undefined;
    if (head !== undefined && digestOf(head) === digest) {
      Deno.renameSync(aside, path);
      return { head, owned: true };
    }
    warnOnce(
      `damaged ${path}`,
      ["storage"],
      `A value file was damaged and has been moved to ${aside}; its result is computed again`,
      { digest },
    );
    return undefined;
  }

  /**
   * Stores an encoding. One that is there already is left alone, but its age is renewed.
   *
   * @throws {SaveError} If it cannot be written.
   */
  put(reference: Reference, encoding: Encoding): void {
    const path = this.#path(reference.digest);
    try {
      if (!this.#renewed(path, reference.length)) this.#write(path, encoding);
    } catch (cause) {
      const message = `Cannot write the value file ${path}`;
      throw new SaveError(`${message}: ${describe(cause)}`, { key: reference.digest }, { cause });
    }
  }

  // Whether a whole file is there already and has been made as good as new.
  #renewed(path: string, length: number): boolean {
    try {
      if (Deno.lstatSync(path).size !== length) return false;
      const now = new Date();
      Deno.utimeSync(path, now, now);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || isDenied(error)) return false;
      throw error;
    }
  }

  #write(path: string, encoding: Encoding): void {
    const temporary = `${this.#root}/tmp/${uniqueName()}`;
    try {
      this.#writeTemporary(temporary, encoding);
      this.#rename(temporary, path);
    } catch (error) {
      removeIfThere(temporary);
      throw error;
    }
  }

  #writeTemporary(path: string, { head, body }: Encoding): void {
    using file = this.#create(path);
    writeFully(file, head);
    if (body !== undefined) writeFully(file, body);
    if (this.durability === "fsync") file.syncSync();
  }

  #create(path: string): Deno.FsFile {
    const options = { write: true, createNew: true };
    try {
      return Deno.openSync(path, options);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      Deno.mkdirSync(dirname(path), { recursive: true });
      return Deno.openSync(path, options);
    }
  }

  #rename(from: string, to: string): void {
    try {
      Deno.renameSync(from, to);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      Deno.mkdirSync(dirname(to), { recursive: true });
      Deno.renameSync(from, to);
      if (this.durability === "fsync") syncFolder(dirname(dirname(to)));
    }
    if (this.durability === "fsync") syncFolder(dirname(to));
  }

  /** Whether there is a file for a digest; its content is not looked at. */
  has(digest: string): boolean {
    try {
      Deno.lstatSync(this.#path(digest));
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /** Removes a file; whether there was one. */
  delete(digest: string): boolean {
    return removeIfThere(this.#path(digest));
  }

  /** The digests that begin with a prefix. */
  list(prefix: string, limit = Infinity): string[] {
    const found: string[] = [];
    const shards = prefix.length >= 2 ? [prefix.slice(0, 2)] : names(this.#folder);
    for (const shard of shards) {
      if (!shard.startsWith(prefix.slice(0, 2))) continue;
      if (shard.length !== 2) continue;
      for (const name of names(this.#folder + shard)) {
        if (found.length >= limit) return found;
        if (name.startsWith(prefix) && isWholeDigest(name)) found.push(name);
      }
    }
    return found;
  }

  /** What is known of all files. */
  async *entries(): AsyncIterable<StoredEntry> {
    for (const shard of names(this.#folder)) {
      if (shard.length !== 2) continue;
      for (const name of names(this.#folder + shard)) {
        const found = isWholeDigest(name) ? infoIfThere(this.#path(name)) : undefined;
        if (found === undefined) continue;
        yield { name, length: found.size, modified: found.mtime?.getTime() ?? 0 };
      }
    }
  }

  #registration(identity: string): string {
    return `${this.#root}/calls/${hash("sha256", identity, "hex").slice(0, 16)}`;
  }

  /**
   * Remembers a call storage, as a file in `<root>/calls/`.
   *
   * @throws {SaveError} If it cannot be written.
   */
  register(identity: string): void {
    const path = this.#registration(identity);
    if (infoIfThere(path) !== undefined) return;
    try {
      this.#write(path, { head: new TextEncoder().encode(identity) });
    } catch (cause) {
      const message = `Cannot write the file ${path}: ${describe(cause)}`;
      throw new SaveError(message, { key: identity }, { cause });
    }
  }

  /** The call storages that are remembered. */
  registered(): string[] {
    const folder = `${this.#root}/calls`;
    return names(folder).map((name) => Deno.readTextFileSync(`${folder}/${name}`));
  }

  /** Forgets a call storage. */
  forget(identity: string): void {
    removeIfThere(this.#registration(identity));
  }

  /** The time by the clock of the file system. */
  now(): number {
    const path = `${this.#root}/tmp/${uniqueName()}`;
    this.#writeTemporary(path, { head: new Uint8Array(0) });
    try {
      return Deno.statSync(path).mtime?.getTime() ?? Date.now();
    } finally {
      removeIfThere(path);
    }
  }

  /** Does nothing: no file stays open. */
  close(): void {}

  /** Does nothing: no file stays open. */
  async [Symbol.asyncDispose](): Promise<void> {}
}

function isDenied(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable ||
    (error instanceof Error && /\(os error 30\)/.test(error.message));
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function names(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function infoIfThere(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function removeIfThere(path: string): boolean {
  try {
    Deno.removeSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function writeFully(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

async function readFully(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const read = await file.read(bytes.subarray(at));
    // A file that ends early fails the check.
    if (read === null) return;
    at += read;
  }
}

function syncFolder(path: string): void {
  using folder = Deno.openSync(path);
  folder.syncSync();
}
