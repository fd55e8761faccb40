import { isWholeDigest } from "../digest.ts";
import { hostName } from "../paths.ts";

/** What a process writes into a lock file after it has claimed a call, for those who wait. */
export interface ClaimLine {
  /** The key of the call. */
  readonly claim: string;
  /** When, in milliseconds since 1970. */
  readonly since: number;
}

/** What a process writes when a call that it has claimed begins or ends to wait for others. */
export interface WaitLine {
  /** The key of the call that waits. */
  readonly wait: string;
  /** All keys that it waits for now. */
  readonly for: readonly string[];
}

/** What a lock file tells of the process that holds it. */
export interface LockReport {
  readonly host: string;
  readonly pid: number;
  /** When the calls were claimed, by their keys; those that have ended may still be among them. */
  readonly since: ReadonlyMap<string, number>;
  /** What those that wait are waiting for. */
  readonly waits: ReadonlyMap<string, readonly string[]>;
}

/** Bytes after which what is out of date is dropped from a file. */
const ROOM = 1 << 16;

/**
 * A file that this process has locked. The lock ends with the process, whatever it ends by; the lines
 * in the file, of JSON, say who the process is and what it does.
 */
export class LockFile implements Disposable {
  /** The number that the file system knows the file by, whatever its names are. */
  readonly inode: number | null;
  readonly #file: Deno.FsFile;
  #length = 0;
  #room = ROOM;

  private constructor(readonly path: string, file: Deno.FsFile) {
    this.#file = file;
    this.inode = file.statSync().ino;
  }

  /**
   * Makes a file and locks it; undefined if another process was faster.
   *
   * @throws {Error} If it cannot be made, or the file system knows no locks.
   */
  static make(path: string): LockFile | undefined {
    const file = Deno.openSync(path, { read: true, write: true, createNew: true });
    try {
      const lock = new LockFile(path, file);
      // Between these two steps another process may have taken the file for that of a dead one.
      if (file.tryLockSync(true) && inodeOf(path) === lock.inode) {
        lock.rewrite([]);
        return lock;
      }
      file.close();
    } catch (error) {
      file.close();
      Deno.removeSync(path);
      throw error;
    }
  }

  /** Whether so much was written that it is time to {@linkcode LockFile.rewrite}. */
  get isFull(): boolean {
    return this.#length > this.#room;
  }

  /** Adds a line. */
  tell(line: ClaimLine | WaitLine): void {
    this.#write(`${JSON.stringify(line)}\n`);
  }

  /** Puts lines in the place of all there are. */
  rewrite(lines: readonly (ClaimLine | WaitLine)[]): void {
    const all = [{ host: hostName(), pid: Deno.pid }, ...lines];
    this.#file.seekSync(0, Deno.SeekMode.Start);
    this.#length = 0;
    this.#write(all.map((line) => `${JSON.stringify(line)}\n`).join(""));
    this.#file.truncateSync(this.#length);
    this.#room = Math.max(ROOM, 2 * this.#length);
  }

  #write(text: string): void {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    this.#length += bytes.length;
  }

  /** Frees the lock. The names of the file are removed before, or they seem to be of a dead process. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** The number of the file that a path names; undefined if there is none. */
export function inodeOf(path: string): number | null | undefined {
  try {
    return Deno.lstatSync(path).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Opens another process's lock file; undefined if it is gone.
 *
 * @throws {Error} If it cannot be opened.
 */
export function openLockFile(path: string): Deno.FsFile | undefined {
  try {
    return Deno.openSync(path, { read: true, write: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    // That of another user can be locked all the same, but on network file systems.
    if (error instanceof Deno.errors.PermissionDenied) return Deno.openSync(path);
    throw error;
  }
}

/** Reads what a lock file tells. */
export function readLockFile(file: Deno.FsFile): LockReport {
  const bytes = new Uint8Array(file.statSync().size);
  let length = 0;
  for (let read: number | null = 0; read !== null && length < bytes.length; length += read ?? 0) {
    read = file.readSync(bytes.subarray(length));
  }
  let [host, pid] = ["an unknown machine", 0];
  const since = new Map<string, number>();
  const waits = new Map<string, readonly string[]>();
  for (const line of new TextDecoder().decode(bytes.subarray(0, length)).split("\n")) {
    const facts = parsed(line);
    if (typeof facts["host"] === "string") host = facts["host"];
    if (typeof facts["pid"] === "number") pid = facts["pid"];
    const { claim, wait, since: start, for: waitsFor } = facts;
    if (typeof claim === "string" && typeof start === "number") {
      since.set(claim, start);
      waits.delete(claim);
    }
    if (typeof wait === "string" && Array.isArray(waitsFor)) {
      // A key is a file name, and no path to somewhere else.
      const isKey = (key: unknown) => typeof key === "string" && isWholeDigest(key);
      waits.set(wait, waitsFor.filter(isKey));
    }
  }
  return { host, pid, since, waits };
}

// A line that is being written is none yet.
function parsed(line: string): Record<string, unknown> {
  try {
    const facts: unknown = JSON.parse(line);
    return typeof facts === "object" && facts !== null ? { ...facts } : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/**
 * Whether a lock file is one that a dead process has left; then its name is removed. Only who has
 * locked a file, and finds it under the name, removes a name.
 */
export function isRemovedAsDead(path: string, file: Deno.FsFile): boolean {
  if (!file.tryLockSync(true)) return false;
  if (inodeOf(path) === file.statSync().ino) removeIfThere(path);
  return true;
}

/** Removes a file, unless it is gone. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Removes what dead processes have left in a folder.
 *
 * @param prefix how the names begin of the files that each process has one of; all others are names
 *   given to these
 */
export function removeDead(folder: string, prefix: string): void {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  const dead = new Set<number | null>();
  for (const name of names) {
    if (!name.startsWith(prefix)) continue;
    const inode = inodeOf(`${folder}/${name}`);
    if (inode !== undefined && isRemoved(`${folder}/${name}`)) dead.add(inode);
  }
  if (dead.size === 0) return;
  for (const name of names) {
    const inode = inodeOf(`${folder}/${name}`);
    if (inode !== undefined && dead.has(inode)) isRemoved(`${folder}/${name}`);
  }
}

function isRemoved(path: string): boolean {
  try {
    using file = openLockFile(path);
    return file !== undefined && isRemovedAsDead(path, file);
  } catch (error) {
    // It belongs to another user, who will remove it.
    if (error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}
