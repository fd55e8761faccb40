import { randomBytes } from "node:crypto";
import { SaveError } from "../errors.ts";
import { describe, type EntryFiles } from "./_entry_files.ts";

/** What a number looks like. */
const ID = /^[0-9a-f]{32}$/;

/** A number that no other storage has. */
export function newId(): string {
  return randomBytes(16).toString("hex");
}

/** The number of a folder, in the file `<root>/id`. */
export class FolderId {
  readonly #files: EntryFiles;
  readonly #path: string;

  constructor(files: EntryFiles) {
    this.#files = files;
    this.#path = `${files.root}/id`;
  }

  /** The number, if there is one. It is read each time: another folder may have been mounted here. */
  find(): string | undefined {
    try {
      const id = Deno.readTextFileSync(this.#path).trim();
      return ID.test(id) ? id : undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /**
   * The number, which is drawn if there is none.
   *
   * @throws {SaveError} If it cannot be written.
   */
  ensure(): string {
    try {
      return this.find() ?? this.#draw();
    } catch (cause) {
      const message = `Cannot write the file ${this.#path}: ${describe(cause)}`;
      throw new SaveError(message, { key: this.#path }, { cause });
    }
  }

  // Of several processes the first one draws.
  #draw(): string {
    const head = new TextEncoder().encode(`${newId()}\n`);
    this.#files.writeNew(this.#path, { head });
    const drawn = this.find();
    if (drawn !== undefined) return drawn;
    // A power cut has left a torn one.
    this.#files.write(this.#path, { head });
    return this.find() ?? newId();
  }
}
