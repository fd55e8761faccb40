import { CorruptValueError } from "../errors.ts";

/** The HDF5 library as h5wasm gives it. */
export type Library = Awaited<(typeof import("h5wasm"))["ready"]>;

/** Where the one file at work stands in the library's own file system, which is in memory. */
export const FILE = "/fleche-entry.h5";

/** Standard error of the library. */
const STDERR = 2;

/** Devices that lead out of the library. */
const DEVICES = ["stdin", "stdout", "stderr", "tty", "tty1", "random", "urandom"];

let library: Library | undefined;
let loading: Promise<Library> | undefined;
let failure: Error | undefined;
let task: () => void = () => {};

/** The library, if it has been loaded. */
export function loadedLibrary(): Library | undefined {
  return library;
}

/**
 * Loads the library, some 6 MB, the first time.
 *
 * This is the build for browsers: its files are in memory, so that nothing that stands in a file
 * (external links, external data, virtual datasets) leads to files of this machine. It is told to
 * throw its messages away; what matters of them is in the errors raised here. There is one library in
 * a process, also for an application that uses h5wasm itself.
 */
export async function loadLibrary(): Promise<Library> {
  loading ??= import("h5wasm").then(({ ready }) => ready);
  const loaded = await loading;
  if (library === undefined) {
    const { FS } = loaded;
    if (hasStreams(FS)) FS.close(FS.getStream(STDERR));
    // Takes the lowest number that is free.
    FS.open("/dev/null", "w");
    for (const name of DEVICES) {
      if (FS.analyzePath(`/dev/${name}`).exists) FS.unlink(`/dev/${name}`);
    }
    // Not a function of the library, but called as if it were one: see runLibrary().
    Object.assign(loaded, { _fleche: () => task() });
    library = loaded;
  }
  return library;
}

/** What the declarations of h5wasm leave out. */
interface Streams {
  getStream(descriptor: number): Parameters<Library["FS"]["close"]>[0];
}

function hasStreams(fs: object): fs is Streams {
  return "getStream" in fs;
}

/**
 * Does something with the library.
 *
 * What the library throws leaves its stack where it was. Whatever ccall() calls finds the stack put
 * right afterwards, so the work is done inside of one.
 *
 * @throws {CorruptValueError} If the library refuses a file.
 * @throws {Error} If the library has failed before.
 */
export function runLibrary<T>(library: Library, work: () => T): T {
  if (failure !== undefined) throw new Error(FAILED, { cause: failure });
  let outcome: { value: T } | { error: unknown } | undefined;
  task = () => {
    try {
      outcome = { value: work() };
    } catch (error) {
      outcome = { error };
    }
  };
  library.ccall("fleche", null, ["string"], [""]);
  if (outcome === undefined) throw new TypeError("The HDF5 library did not do its work");
  if ("value" in outcome) return outcome.value;
  throw explained(outcome.error);
}

const FAILED =
  "The HDF5 library has failed; HDF5 storages work again once the program is started anew";

/** Whether the library has failed for good. */
export function hasLibraryFailed(): boolean {
  return failure !== undefined;
}

function explained(error: unknown): unknown {
  // A trap: the library's memory may be in disorder.
  if (error instanceof WebAssembly.RuntimeError) {
    failure = error;
    const message = `The HDF5 library has failed on a file: ${error.message}`;
    return new CorruptValueError(message, {}, { cause: error });
  }
  // What the library throws by itself has no class.
  if (!(error instanceof Error) || error.constructor !== Error) return error;
  return new CorruptValueError(`Not a sound HDF5 file: ${error.message}`, {}, { cause: error });
}
