import { warnOnce } from "../log.ts";
import { hostName, uniqueName } from "../paths.ts";
import {
  type ClaimLine,
  inodeOf,
  isRemovedAsDead,
  LockFile,
  type LockReport,
  openLockFile,
  readLockFile,
  removeDead,
  removeIfThere,
  type WaitLine,
} from "./_lock_file.ts";
import { type Claim, type Claims, type Holder, readTime } from "./claims.ts";

/** A call that this process has claimed. */
interface Held {
  readonly file: LockFile;
  readonly since: number;
  /** The keys that it waits for. */
  readonly waitsFor: Set<string>;
}

/** How the names of the files begin that show which processes there are. */
const PROCESS = "process-";

/** How often a lock file may change under the hands before that counts as a failure. */
const ATTEMPTS = 100;

/** What giving a claim back returns. */
const RELEASED: Promise<void> = Promise.resolve();

/** The claims of all folders that this process has used. */
const known = new Map<string, FileClaims>();

/**
 * The claims of the calls of one storage, as files in a folder of their own. The folder is made when
 * it is first needed.
 *
 * @param folder an absolute path
 */
export function fileClaims(folder: string): FileClaims {
  let claims = known.get(folder);
  if (claims === undefined) {
    if (known.size === 0) watchForTheEnd();
    known.set(folder, claims = new FileClaims(folder));
  }
  return claims;
}

// Whatever else happens, a process leaves no files behind as long as it ends in an orderly manner.
function watchForTheEnd(): void {
  globalThis.addEventListener("unload", () => known.forEach((claims) => claims.end()));
  const close = () => known.forEach((claims) => claims.close());
  globalThis.addEventListener("error", close);
  globalThis.addEventListener("unhandledrejection", close);
}

/**
 * A claim is a file, named by the key, that its holder has locked.
 *
 * Making a file costs far more than all else (40 to 130 µs on ext4, which avoids the numbers of
 * files just removed), so a process makes and locks one file for itself, and claims a call by giving
 * that file the key as a further name: 10 µs with the removal, and no two can succeed. Where the file
 * system knows no such links, each claim is a file of its own. Either way a key is claimed as long as
 * somebody has locked the file that it names, and only who has locked that file removes the name.
 */
export class FileClaims implements Claims {
  /** The folder. */
  readonly place: string;
  /** What waits is written into the lock files. */
  readonly seesCircles = true;
  readonly #folder: string;
  readonly #held = new Map<string, Held>();
  #process: LockFile | undefined;
  #isOff = false;

  /** Takes the folder. */
  constructor(folder: string) {
    this.#folder = folder;
    this.place = `file://${folder}`;
  }

  /** Claims the call of a key. */
  tryClaim(key: string): Claim | "claimed" | undefined {
    if (this.#isOff) return undefined;
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const outcome = this.#attempt(key);
        if (outcome !== undefined) return outcome;
      }
      throw new Error("it changes all the time");
    } catch (error) {
      // Where not even a file of our own can be had, that is not tried for each call.
      this.#isOff = this.#process === undefined;
      return this.#fail(error);
    }
  }

  // Undefined if something changed under the hands.
  #attempt(key: string): Claim | "claimed" | undefined {
    if (this.#held.has(key)) return "claimed";
    const path = this.#path(key);
    const process = this.#process ??= this.#makeProcess();
    let file: LockFile | undefined;
    try {
      file = makeName(process, path);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return this.#inspect(path, process);
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      // Somebody has removed the folder.
      this.#process = undefined;
      this.#closeUnused(process);
    }
    if (file === undefined) return undefined;
    return this.#hold(key, path, file);
  }

  #path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  #makeProcess(): LockFile {
    if (typeof Reflect.get(Deno.FsFile.prototype, "tryLockSync") !== "function") {
      throw new Error("it takes Deno 2.8 or later");
    }
    Deno.mkdirSync(this.#folder, { recursive: true });
    removeDead(this.#folder, PROCESS);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const file = LockFile.make(this.#path(`${PROCESS}${uniqueName()}`));
      if (file !== undefined) return file;
    }
    throw new Error("other processes take each file away");
  }

  #hold(key: string, path: string, file: LockFile): Claim {
    const since = Date.now();
    this.#held.set(key, { file, since, waitsFor: new Set() });
    try {
      this.#tell(file, { claim: key, since });
    } catch (error) {
      this.#letGo(key, path, file);
      throw error;
    }
    return {
      [Symbol.asyncDispose]: () => {
        try {
          this.#letGo(key, path, file);
        } catch (error) {
          this.#fail(error);
        }
        return RELEASED;
      },
    };
  }

  #letGo(key: string, path: string, file: LockFile): void {
    if (this.#held.get(key)?.file !== file) return;
    this.#held.delete(key);
    try {
      // Only somebody who clears the folder could have put another's there, and looking costs 10 µs.
      removeIfThere(path);
    } finally {
      this.#closeUnused(file);
    }
  }

  #closeUnused(file: LockFile): void {
    if (file === this.#process) return;
    for (const held of this.#held.values()) if (held.file === file) return;
    file[Symbol.dispose]();
  }

  // A claim of a dead process is removed.
  #inspect(path: string, process: LockFile): Claim | "claimed" | undefined {
    const inode = inodeOf(path);
    if (inode === undefined) return undefined;
    if (inode !== null && inode === process.inode) {
      // Network file systems may make a link and say that it was there.
      removeIfThere(path);
      return undefined;
    }
    using file = openLockFile(path);
    return file === undefined || isRemovedAsDead(path, file) ? undefined : "claimed";
  }

  /** Who has claimed a call. */
  holder(key: string): Holder | undefined {
    try {
      const held = this.#held.get(key);
      if (held !== undefined) return heldHere(held);
      using file = this.#open(key);
      return file === undefined ? undefined : holderOf(key, readLockFile(file));
    } catch (error) {
      return this.#fail(error);
    }
  }

  // Another process's file. To close a file of one's own frees the lock on network file systems.
  #open(key: string): Deno.FsFile | undefined {
    const inode = inodeOf(this.#path(key));
    return inode === this.#process?.inode ? undefined : openLockFile(this.#path(key));
  }

  /** Tells other processes that calls wait for one; false if it waits for one of them in turn. */
  mayWait(key: string, waiting: readonly string[]): boolean {
    try {
      for (const each of waiting) {
        const held = this.#held.get(each);
        if (held === undefined || held.waitsFor.has(key)) continue;
        held.waitsFor.add(key);
        this.#tell(held.file, { wait: each, for: [...held.waitsFor] });
      }
      return !this.#leadsTo(key, new Set(waiting), new Set());
    } catch (error) {
      // What cannot be found out may be a circle.
      this.#fail(error);
      return false;
    }
  }

  #leadsTo(key: string, targets: ReadonlySet<string>, seen: Set<string>): boolean {
    if (targets.has(key)) return true;
    if (seen.has(key)) return false;
    seen.add(key);
    return this.#waitsOf(key).some((each) => this.#leadsTo(each, targets, seen));
  }

  #waitsOf(key: string): readonly string[] {
    const held = this.#held.get(key);
    if (held !== undefined) return [...held.waitsFor];
    using file = this.#open(key);
    return file === undefined ? [] : readLockFile(file).waits.get(key) ?? [];
  }

  /** Tells other processes that nothing waits for a call any more. */
  endWait(key: string): void {
    try {
      for (const [each, { file, waitsFor }] of this.#held) {
        if (waitsFor.delete(key)) this.#tell(file, { wait: each, for: [...waitsFor] });
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #tell(file: LockFile, line: ClaimLine | WaitLine): void {
    if (file.isFull) file.rewrite(this.#linesOf(file));
    else file.tell(line);
  }

  #linesOf(file: LockFile): (ClaimLine | WaitLine)[] {
    return [...this.#held].filter(([, held]) => held.file === file)
      .flatMap(([key, { since, waitsFor }]) => [
        { claim: key, since },
        ...(waitsFor.size > 0 ? [{ wait: key, for: [...waitsFor] }] : []),
      ]);
  }

  #fail(error: unknown): undefined {
    if (!(error instanceof Error)) throw error;
    warnOnce(
      `claims ${this.#folder}`,
      ["wrapper"],
      `Cannot lock files in ${this.#folder} (${error.message}): ` +
        "several processes may run the same call at the same time",
    );
  }

  /** Removes the file of this process, unless a call is claimed; it is made again when needed. */
  close(): void {
    if (this.#held.size > 0) return;
    const file = this.#process;
    if (file === undefined) return;
    this.#process = undefined;
    try {
      if (inodeOf(file.path) === file.inode) removeIfThere(file.path);
    } catch (error) {
      this.#fail(error);
    } finally {
      file[Symbol.dispose]();
    }
  }

  /** Gives all claims back and closes. */
  end(): void {
    for (const [key, { file }] of this.#held) {
      try {
        this.#letGo(key, this.#path(key), file);
      } catch (error) {
        this.#fail(error);
      }
    }
    this.close();
  }
}

// Gives a process's file a further name, or makes a file where that does not work.
function makeName(process: LockFile, path: string): LockFile | undefined {
  try {
    Deno.linkSync(process.path, path);
    return process;
  } catch (error) {
    const isLinkable = error instanceof Deno.errors.AlreadyExists ||
      error instanceof Deno.errors.NotFound;
    if (isLinkable) throw error;
    return LockFile.make(path);
  }
}

function heldHere({ since }: Held): Holder {
  return { host: hostName(), pid: Deno.pid, since: new Date(since) };
}

function holderOf(key: string, { host, pid, since }: LockReport): Holder {
  return { host, pid, since: readTime(since.get(key)) };
}
