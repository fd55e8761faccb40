import { warn } from "./log.ts";

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
    // What is called without being awaited may begin after its caller has ended.
    if (this.#isOver && this.#outside !== undefined) return await this.#outside.enter();
    const before = this.#last;
    const { promise, resolve: end } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      const home = Deno.cwd();
      const folder = await Deno.makeTempDir({ prefix: "fleche-" });
      Deno.chdir(folder);
      if (this.#outside === undefined) programsFolder = home;
      const inside = new Isolation(this);
      return {
        inside,
        [Symbol.asyncDispose]: async () => {
          await inside.#end();
          try {
            this.#goBack(home);
          } finally {
            await remove(folder);
            end();
          }
        },
      };
    } catch (error) {
      end();
      throw error;
    }
  }

  #goBack(home: string): void {
    if (this.#outside === undefined) programsFolder = undefined;
    Deno.chdir(home);
  }

  // Calls that were not awaited have their turn first.
  async #end(): Promise<void> {
    let last: Promise<void> | undefined;
    while (last !== this.#last) {
      last = this.#last;
      await last;
    }
    this.#isOver = true;
  }
}

// The result is there: that something is left over is not worth losing it.
async function remove(folder: string): Promise<void> {
  try {
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    warn(["wrapper"], `the folder ${folder} of an isolated call cannot be removed: ${error}`, {
      error,
    });
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
