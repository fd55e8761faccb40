/** Longest stretch that is read at once, in bytes: tables of a program are far shorter. */
const LONGEST = 2 ** 20;

/** Numbers and text at positions of a file, little-endian unless told otherwise. */
export class FileView implements Disposable {
  readonly #file: Deno.FsFile;

  /** Opens a file. */
  constructor(path: string) {
    this.#file = Deno.openSync(path, { read: true });
  }

  /**
   * A stretch of the file.
   *
   * @throws {RangeError} If it is longer than any table is, or goes beyond the end.
   */
  bytes(position: number, length: number): DataView {
    if (!(position >= 0) || !(length <= LONGEST)) throw new RangeError("No such stretch of a file");
    this.#file.seekSync(position, Deno.SeekMode.Start);
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const count = this.#file.readSync(bytes.subarray(filled));
      if (count === null) throw new RangeError("The file ends too early");
      filled += count;
    }
    return new DataView(bytes.buffer);
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** The text that begins at a position and ends before the next zero byte. */
export function textAt(view: DataView, position: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).subarray(position);
  const end = bytes.indexOf(0);
  return new TextDecoder("latin1").decode(end === -1 ? bytes : bytes.subarray(0, end));
}

/** A number of 64 bits; positions in files are far below what a number holds. */
export function long(view: DataView, position: number): number {
  return Number(view.getBigUint64(position, true));
}
