import { dirname } from "node:path";
import { warn } from "./log.ts";

/** How long an isolated call waits for calls that it has made and not awaited, in milliseconds. */
const PATIENCE_MS = 2000;

/** The working directory of the program where calls have taken its place; there is one for all. */
let programsFolder: string | undefined;

/**
 * The working directory as the program itself set it: while calls are isolated, that from before.
 *
 * @throws {Deno.errors.NotCapable} If the program may not read it.
 */
export function callersFolder(): string {
  return programsFolder ?? Deno.cwd();
}

/** A call that has the working directory to itself, until it is disposed. */
export interface Stay extends AsyncDisposable {
  /** What holds for the calls that it makes. */
  readonly inside: Isolation;
}

/**
 * Lets one call after the other run in a temporary working directory of its own. Those that an
 * isolated call makes take turns inside of it: it has the working directory again when they end.
 */
export class Isolation {
  readonly #outside: Isolation | undefined;
  /** Settles when the last call that has come so far is over. */
  #last: Promise<void> = Promise.resolve();
  /** What holds inside of the call that has the working directory now. */
  #inside: Isolation | undefined;
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;

  /** Begins inside of another one, or as the outermost one. */
  constructor(outside?: Isolation) {
    this.#outside = outside;
  }

  /** Whether another one is this one, or inside of it. */
  contains(other: Isolation): boolean {
    let each: Isolation | undefined = other;
    while (each !== undefined && each !== this) each = each.#outside;
    return each === this;
  }

  /**
   * Waits for the calls before and changes to a new folder.
   *
   * @throws {Deno.errors.NotCapable} If the program may not write to the folder for temporary files.
   */
  async enter(): Promise<Stay> {
    const outside = this.#outside;
    // What is called without being awaited may begin after its caller has ended.
    if (this.#isOver && outside !== undefined) return await outside.enter();
    const before = this.#last;
    const { promise, resolve: end } = Promise.withResolvers<void>();
    this.#last = promise;
    await (outside === undefined ? before : Promise.race([before, this.#over.promise]));
    if (this.#isOver) return await this.enter();
    try {
      // Nothing is awaited, so that nobody else changes the directory meanwhile.
      const home = Deno.cwd();
      const folder = makeFolder();
      if (outside === undefined) programsFolder = home;
      const inside = this.#inside = new Isolation(this);
      const leave = async () => {
        await inside.#end();
        // Where the caller did not wait, it has the working directory again.
        if (!this.#isOver) this.#goBack(home);
        await removeFolder(folder);
        end();
      };
      return { inside, [Symbol.asyncDispose]: leave };
    } catch (error) {
      end();
      throw error;
    }
  }

  #goBack(home: string): void {
    this.#inside = undefined;
    if (this.#outside === undefined) programsFolder = undefined;
    changeTo(home);
  }

  // Calls that were not awaited have their turn first, as long as that does not keep the caller.
  async #end(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), PATIENCE_MS);
    });
    let last: Promise<void> | undefined;
    while (last !== this.#last) {
      last = this.#last;
      if (await Promise.race([last, late]) !== "late") continue;
      warn(
        ["wrapper"],
        "an isolated call has ended, but calls that it made and did not await have not: " +
          "these go on in the working directory of their caller",
      );
      break;
    }
    clearTimeout(timer);
    this.#close();
  }

  // Whatever is still inside has lost the working directory, and whatever waits goes outside.
  #close(): void {
    this.#isOver = true;
    this.#over.resolve();
    if (this.#inside !== undefined) this.#inside.#close();
  }
}

/** The folders of the calls that are running. */
const folders = new Set<string>();

function makeFolder(): string {
  const folder = Deno.makeTempDirSync({ prefix: "fleche-" });
  try {
    Deno.chdir(folder);
  } catch (error) {
    Deno.removeSync(folder);
    throw error;
  }
  folders.add(folder);
  // Anew for each, to come after listeners that keep an error from ending the program.
  watchForTheEnd();
  return folder;
}

async function removeFolder(folder: string): Promise<void> {
  folders.delete(folder);
  if (folders.size === 0) stopWatching();
  try {
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    notRemoved(folder, error);
  }
}

// The result is there: that something is left over is not worth losing it.
function notRemoved(folder: string, error: unknown): void {
  if (error instanceof Deno.errors.NotFound) return;
  warn(["wrapper"], `the folder ${folder} of an isolated call cannot be removed: ${error}`, {
    error,
  });
}

// A process that ends in the middle of a call leaves nothing behind, unless it is killed.
function watchForTheEnd(): void {
  stopWatching();
  globalThis.addEventListener("unload", removeAll);
  globalThis.addEventListener("error", removeAllUnlessPrevented);
  globalThis.addEventListener("unhandledrejection", removeAllUnlessPrevented);
}

function stopWatching(): void {
  globalThis.removeEventListener("unload", removeAll);
  globalThis.removeEventListener("error", removeAllUnlessPrevented);
  globalThis.removeEventListener("unhandledrejection", removeAllUnlessPrevented);
}

function removeAllUnlessPrevented(event: Event): void {
  if (!event.defaultPrevented) removeAll();
}

function removeAll(): void {
  if (programsFolder !== undefined) changeTo(programsFolder);
  for (const folder of folders) {
    try {
      Deno.removeSync(folder, { recursive: true });
    } catch (error) {
      notRemoved(folder, error);
    }
  }
  folders.clear();
}

// Where it is gone, the nearest folder above it that is there.
function changeTo(home: string): void {
  for (let folder = home;; folder = dirname(folder)) {
    try {
      Deno.chdir(folder);
      if (folder === home) return;
      const text =
        `the working directory ${home} is gone after an isolated call; it is ${folder} now`;
      return warn(["wrapper"], text);
    } catch (error) {
      if (folder !== dirname(folder)) continue;
      return warn(["wrapper"], `the working directory cannot be set back to ${home}: ${error}`, {
        error,
      });
    }
  }
}

/** What holds where no call is isolated. */
export const UNISOLATED: Isolation = new Isolation();

/**
 * {@linkcode Isolation.enter}, inside of the call that is isolated now, if there is one.
 *
 * @param fail called where it cannot be entered
 */
export async function enter(isolation: Isolation = UNISOLATED, fail?: () => void): Promise<Stay> {
  try {
    return await isolation.enter();
  } catch (error) {
    fail?.();
    throw error;
  }
}
