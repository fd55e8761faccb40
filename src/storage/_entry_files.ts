import { dirname } from "node:path";
import type { Encoding } from "../codec/encoding.ts";
import { isWholeDigest } from "../digest.ts";
import { warnOnce } from "../log.ts";
import { expandPath, uniqueName } from "../paths.ts";
import type { Durability, Leftovers, StoredEntry } from "./storage.ts";

/** What the files of a storage hold, for messages. */
export type EntryKind = "value" | "record";

/** Where entries stand, and what they are. */
export interface EntryFilesOptions {
  readonly root: string;
  readonly kind: EntryKind;
  readonly durability: Durability;
  /** What the names of the files end in; nothing by default. */
  readonly suffix?: string;
}

/** Age up to which a temporary file may be one that is being written, in milliseconds. */
const LONGEST_WRITE = 60_000;

/** Age from which on a temporary file is one that a writer left when it was killed: a day. */
const ABANDONED = 86_400_000;

/**
 * Entries as files: `<root>/v1/<first two digits>/<name>`.
 *
 * They are written under another name in `<root>/tmp/` and renamed, so no reader ever sees half a
 * file. What is damaged is moved to `<root>/quarantine/`.
 */
export class EntryFiles {
  /** The folder, as an absolute path. */
  readonly root: string;
  readonly #folder: string;
  readonly #kind: EntryKind;
  readonly #durability: Durability;
  readonly #suffix: string;
  #isSwept = false;

  constructor(options: EntryFilesOptions) {
    this.root = expandPath(options.root);
    this.#folder = `${this.root}/v1/`;
    this.#kind = options.kind;
    this.#durability = options.durability;
    this.#suffix = options.suffix ?? "";
  }

  /** The path of an entry. */
  path(name: string): string {
    return `${this.#folder}${name.slice(0, 2)}/${name}${this.#suffix}`;
  }

  /** Whether there is a file for an entry; its content is not looked at. */
  has(name: string): boolean {
    return infoIfThere(this.path(name)) !== undefined;
  }

  /** Removes a file; whether there was one. */
  delete(name: string): boolean {
    return removeIfThere(this.path(name));
  }

  /** Names of the folders that entries stand in. */
  shards(prefix = ""): string[] {
    const begin = prefix.slice(0, 2);
    if (begin.length === 2) return [begin];
    return namesIn(this.#folder).filter((shard) => shard.length === 2 && shard.startsWith(begin));
  }

  /** The path of one of them. */
  shardPath(shard: string): string {
    return this.#folder + shard;
  }

  /** The names of the entries in one of them. */
  namesIn(shard: string): string[] {
    const names = namesIn(this.shardPath(shard));
    if (this.#suffix === "") return names.filter(isWholeDigest);
    return names.filter((name) => name.endsWith(this.#suffix))
      .map((name) => name.slice(0, -this.#suffix.length)).filter(isWholeDigest);
  }

  /** The names that begin with a prefix. */
  list(prefix: string, limit = Infinity): string[] {
    const found: string[] = [];
    for (const shard of this.shards(prefix)) {
      for (const name of this.namesIn(shard)) {
        if (found.length >= limit) return found;
        if (name.startsWith(prefix)) found.push(name);
      }
    }
    return found;
  }

  /** What is known of all files. */
  *entries(): Iterable<StoredEntry> {
    for (const shard of this.shards()) {
      for (const name of this.namesIn(shard)) {
        const found = infoIfThere(this.path(name));
        if (found === undefined) continue;
        yield { name, length: found.size, modified: found.mtime?.getTime() ?? 0 };
      }
    }
  }

  /**
   * When files were last changed in any way, in milliseconds since 1970: not before their content was
   * written here, which is more than can be said of the time that programs for copies give to a file.
   */
  *changes(): Iterable<{ name: string; changed: number }> {
    for (const shard of this.shards()) {
      for (const name of this.namesIn(shard)) {
        const found = infoIfThere(this.path(name));
        if (found === undefined) continue;
        yield { name, changed: Math.max(time(found.mtime), time(found.ctime)) };
      }
    }
  }

  /** The time by the clock of the file system. */
  now(): number {
    const path = this.#temporary();
    this.#writeTemporary(path, { head: new Uint8Array(0) });
    try {
      return Deno.statSync(path).mtime?.getTime() ?? Date.now();
    } finally {
      removeIfThere(path);
    }
  }

  /** Renews the age of a file; whether it is there, and that is permitted. */
  renew(path: string): boolean {
    try {
      const now = new Date();
      Deno.utimeSync(path, now, now);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || isDenied(error)) return false;
      throw error;
    }
  }

  /** Writes a file, in place of any other under its path. */
  write(path: string, content: Encoding): void {
    const temporary = this.#temporary();
    try {
      this.#writeTemporary(temporary, content);
      this.#rename(temporary, path);
    } catch (error) {
      removeIfThere(temporary);
      throw error;
    }
  }

  /** Writes a file, unless there is one under its path; neither is ever seen half. */
  writeNew(path: string, content: Encoding): void {
    const temporary = this.#temporary();
    this.#writeTemporary(temporary, content);
    try {
      putBack(temporary, path);
    } catch (error) {
      removeIfThere(temporary);
      throw error;
    }
    if (this.#durability === "fsync") syncFolder(dirname(path));
  }

  #temporary(): string {
    return `${this.root}/tmp/${uniqueName()}`;
  }

  #writeTemporary(path: string, { head, body }: Encoding): void {
    using file = this.#create(path);
    writeFully(file, head);
    if (body !== undefined) writeFully(file, body);
    if (this.#durability === "fsync") file.syncSync();
    this.#sweep(file);
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

  /** Removes temporary files, and files that were put aside, from before a time. */
  sweepLeftovers(before: number, dryRun: boolean): Leftovers {
    // To count only, nothing is written.
    const now = dryRun ? Date.now() : this.now();
    const abandoned = Math.min(before, now - LONGEST_WRITE);
    const temporary = sweep(`${this.root}/tmp`, dryRun, ({ mtime }) => time(mtime) < abandoned);
    // To put a file aside changes its inode, and not when it was written.
    const aside = sweep(
      `${this.root}/quarantine`,
      dryRun,
      ({ mtime, ctime }) => Math.max(time(mtime), time(ctime)) < before,
    );
    return { count: temporary.count + aside.count, bytes: temporary.bytes + aside.bytes };
  }

  // Removes what writers that were killed have left, once in the life of a storage.
  #sweep(file: Deno.FsFile): void {
    if (this.#isSwept) return;
    this.#isSwept = true;
    const end = (file.statSync().mtime?.getTime() ?? 0) - ABANDONED;
    for (const name of namesIn(`${this.root}/tmp`)) {
      const path = `${this.root}/tmp/${name}`;
      const found = infoIfThere(path);
      if (found?.isFile !== true || (found.mtime?.getTime() ?? Infinity) >= end) continue;
      try {
        removeIfThere(path);
      } catch (error) {
        if (!isDenied(error)) throw error;
      }
    }
  }

  #rename(from: string, to: string): void {
    try {
      Deno.renameSync(from, to);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      Deno.mkdirSync(dirname(to), { recursive: true });
      Deno.renameSync(from, to);
      if (this.#durability === "fsync") syncFolder(dirname(dirname(to)));
    }
    if (this.#durability === "fsync") syncFolder(dirname(to));
  }

  /**
   * Moves a damaged file out of the way, unless it is whole, since it was the reference that was
   * wrong, or another writer has just mended it. A file that is whole is never moved, not even for a
   * moment.
   *
   * @param isRight whether the bytes of a file are as they should be
   * @param report says what has become of the file
   */
  setAside(name: string, isRight: (bytes: Uint8Array) => boolean, report = warnOnce): void {
    const path = this.path(name);
    const present = readFileIfThere(path);
    if (present !== undefined && isRight(present)) return;
    const aside = `${this.root}/quarantine/${name}.${uniqueName()}`;
    try {
      Deno.mkdirSync(`${this.root}/quarantine`, { recursive: true });
      Deno.renameSync(path, aside);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (!isDenied(error)) throw error;
      const text = `Ignoring the damaged ${this.#kind} file ${path}`;
      return report(`damaged ${path}`, ["storage"], text);
    }
    const bytes = readFileIfThere(aside);
    if (bytes !== undefined && isRight(bytes)) return putBack(aside, path);
    const text = `A ${this.#kind} file was damaged and has been moved to ${aside}; its result is ` +
      "computed again";
    report(`damaged ${path}`, ["storage"], text, { name });
  }
}

function readFileIfThere(path: string): Uint8Array | undefined {
  return infoIfThere(path)?.isFile === true ? Deno.readFileSync(path) : undefined;
}

function time(date: Date | null): number {
  return date?.getTime() ?? 0;
}

function sweep(
  folder: string,
  dryRun: boolean,
  isOld: (info: Deno.FileInfo) => boolean,
): Leftovers {
  let count = 0;
  let bytes = 0;
  for (const name of namesIn(folder)) {
    const path = `${folder}/${name}`;
    const found = infoIfThere(path);
    if (found === undefined || !isOld(found)) continue;
    if (!dryRun && !removeLeftover(path)) continue;
    count++;
    bytes += found.size;
  }
  return { count, bytes };
}

// A folder may have been found in place of a file, and put aside with all that is in it.
function removeLeftover(path: string): boolean {
  try {
    Deno.removeSync(path, { recursive: true });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isDenied(error)) return false;
    throw error;
  }
}

// Never in place of what has come there meanwhile.
function putBack(aside: string, path: string): void {
  try {
    Deno.linkSync(aside, path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // A file system without links.
    if (!(error instanceof Deno.errors.AlreadyExists)) return Deno.renameSync(aside, path);
  }
  removeIfThere(aside);
}

/** Whether an error says that something is not permitted, or that nothing can be written. */
export function isDenied(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable ||
    (error instanceof Error && /\(os error 30\)/.test(error.message));
}

/** What an error says, and what to do if the system forbids something. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof Deno.errors.PermissionDenied
    ? `${error.message}; get write access to the folder, or name another place`
    : error.message;
}

/** The names in a folder; none if there is no folder. */
export function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** What is known of a file, if it is there. */
export function infoIfThere(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Removes a file; whether there was one. */
export function removeIfThere(path: string): boolean {
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

function syncFolder(path: string): void {
  using folder = Deno.openSync(path);
  folder.syncSync();
}
