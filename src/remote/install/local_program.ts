import { createHash } from "node:crypto";
import { InstallError } from "./install_error.ts";
import { type Platform, platformOf } from "./program_file.ts";

/** How much is read and sent at once, in bytes. */
const CHUNK = 2 ** 18;

/** A program of this machine that is to be installed on another one. */
export class LocalProgram {
  private constructor(
    /** Where the file is. */
    readonly path: string,
    /** Length in bytes. */
    readonly size: number,
    /** Where it runs. */
    readonly platform: Platform,
    /** SHA-256 in hexadecimal digits. */
    readonly digest: string,
  ) {}

  /**
   * Takes a file.
   *
   * @throws {InstallError} If it is not there, or no program.
   */
  static open(path: string): LocalProgram {
    const size = sizeOf(path);
    return new LocalProgram(path, size, platformOf(path), digestOf(path, size));
  }

  /** SHA-256 of the first bytes. */
  digestOfFirst(length: number): string {
    return digestOf(this.path, length);
  }

  /** The content from a position on. */
  *chunks(start: number): Generator<Uint8Array<ArrayBuffer>> {
    yield* chunksOf(this.path, { start, end: this.size });
  }
}

function sizeOf(path: string): number {
  try {
    const { isFile, size } = Deno.statSync(path);
    if (isFile) return size;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    const message = `Cannot install "${path}": there is no such file`;
    throw new InstallError(message, { step: "program" }, { cause });
  }
  throw new InstallError(`Cannot install "${path}": it is not a file`, { step: "program" });
}

function digestOf(path: string, end: number): string {
  const hash = createHash("sha256");
  for (const chunk of chunksOf(path, { start: 0, end })) hash.update(chunk);
  return hash.digest("hex");
}

function* chunksOf(
  path: string,
  { start, end }: { start: number; end: number },
): Generator<Uint8Array<ArrayBuffer>> {
  using file = Deno.openSync(path, { read: true });
  file.seekSync(start, Deno.SeekMode.Start);
  for (let left = end - start; left > 0;) {
    const chunk = new Uint8Array(Math.min(CHUNK, left));
    const count = file.readSync(chunk);
    // It has become shorter: the other side finds that out.
    if (count === null) return;
    left -= count;
    yield chunk.subarray(0, count);
  }
}
