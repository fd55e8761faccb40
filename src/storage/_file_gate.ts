import { dirname } from "node:path";
import { LockTimeoutError, SaveError } from "../errors.ts";
import { warnOnce } from "../log.ts";
import { describe, isDenied } from "./_entry_files.ts";
import type { Awaitable, Gate } from "./storage.ts";

/** How often whoever wants to shut the gate tries again, in milliseconds. */
const RETRY = 2;

/** How often those who want to go through try again: more often than it is shut. */
const ENTER_RETRY = 1;

/** A gate for what other processes can see too: a lock on a file, shared by those who go through. */
export class FileGate implements Gate {
  readonly #find: () => string;
  readonly #lockTimeout: number;
  #found: string | undefined;

  /**
   * Takes the file. It is made, with its folder, when the gate is first used.
   *
   * @param find tells the path of the file, when the gate is first used
   * @param lockTimeout how long to wait before a gate that is shut, in seconds
   */
  constructor(find: () => string, lockTimeout: number) {
    this.#find = find;
    this.#lockTimeout = lockTimeout;
  }

  get #path(): string {
    return this.#found ??= this.#find();
  }

  #open(): Deno.FsFile {
    const options = { read: true, write: true, create: true };
    try {
      return Deno.openSync(this.#path, options);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      Deno.mkdirSync(dirname(this.#path), { recursive: true });
      return Deno.openSync(this.#path, options);
    }
  }

  // A file that another user has made may be read only, which is enough to go through.
  #openShared(): Deno.FsFile {
    try {
      return this.#open();
    } catch (error) {
      if (!isDenied(error)) throw error;
      return Deno.openSync(this.#path, { read: true });
    }
  }

  /**
   * Goes through, at once unless the gate is shut.
   *
   * @throws {LockTimeoutError} If it stays shut for too long.
   * @throws {SaveError} If the file cannot be opened or locked although there are locks here.
   */
  enter(): Awaitable<Disposable> {
    let file: Deno.FsFile | undefined;
    try {
      file = this.#openShared();
      if (!canTryLock(file)) return this.#enterBlocking(file);
      return file.tryLockSync(false) ? file : this.#enterLater(file);
    } catch (error) {
      file?.close();
      return this.#unlocked(error);
    }
  }

  // A lock that is waited for in the background would keep the process from ending.
  async #enterLater(file: Deno.FsFile): Promise<Disposable> {
    const end = performance.now() + this.#lockTimeout * 1000;
    try {
      do {
        await new Promise((resolve) => setTimeout(resolve, ENTER_RETRY));
        if (file.tryLockSync(false)) return file;
      } while (performance.now() < end);
    } catch (error) {
      file.close();
      return this.#unlocked(error);
    }
    file.close();
    throw this.#timeout();
  }

  async #enterBlocking(file: Deno.FsFile): Promise<Disposable> {
    const locked = file.lock(false);
    try {
      if (await isInTime(locked, this.#lockTimeout)) return file;
    } catch (error) {
      file.close();
      return this.#unlocked(error);
    }
    // A lock that comes too late is given back.
    locked.then(() => file.close(), () => file.close());
    throw this.#timeout();
  }

  #timeout(): LockTimeoutError {
    return new LockTimeoutError(
      `Cannot store values: others are being removed (${this.#path} is locked)`,
      { resource: this.#path, seconds: this.#lockTimeout },
    );
  }

  // Where nobody can lock, storing goes on without: whoever wants to remove values finds that out.
  // Any other error may be of this process alone, which must not store then.
  #unlocked(error: unknown): Disposable {
    if (!(error instanceof Error)) throw error;
    if (!isDenied(error) && !hasNoLocks(error)) {
      const message = `Cannot store values: cannot lock ${this.#path}: ${describe(error)}`;
      throw new SaveError(message, { key: this.#path }, { cause: error });
    }
    warnOnce(
      `gate ${this.#path}`,
      ["storage"],
      `Cannot lock ${this.#path} (${error.message}): values must not be removed while others store`,
    );
    return { [Symbol.dispose]() {} };
  }

  /**
   * Waits until nobody is inside, in any process, and lets nobody in.
   *
   * @throws {Deno.errors.NotSupported} If the file system knows no locks.
   */
  async shut(seconds: number): Promise<Disposable> {
    const file = this.#open();
    try {
      if (!canTryLock(file)) {
        await file.lock(true);
        return file;
      }
      const end = performance.now() + seconds * 1000;
      while (!file.tryLockSync(true)) {
        if (performance.now() >= end) {
          throw new LockTimeoutError(
            `Cannot remove values: a call is still being stored (${this.#path} is locked)`,
            { resource: this.#path, seconds },
          );
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY));
      }
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  }
}

/** What file systems without locks say. */
const NO_LOCKS: readonly unknown[] = ["ENOLCK", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

function hasNoLocks(error: Error): boolean {
  return error instanceof Deno.errors.NotSupported || NO_LOCKS.includes(Reflect.get(error, "code"));
}

/** Longest time that a timer takes, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

async function isInTime(work: Promise<void>, seconds: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.min(seconds * 1000, MAX_TIMER));
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

// Deno 2.8 and later can try a lock.
function canTryLock(file: Deno.FsFile): boolean {
  return typeof Reflect.get(file, "tryLockSync") === "function";
}
