import { hash } from "node:crypto";
import { SaveError } from "../errors.ts";
import { describe, type EntryFiles, infoIfThere, namesIn, removeIfThere } from "./_entry_files.ts";

/** The call storages whose records name values in a folder, one file for each in `<root>/calls/`. */
export class Registrations {
  readonly #files: EntryFiles;
  readonly #folder: string;

  constructor(files: EntryFiles) {
    this.#files = files;
    this.#folder = `${files.root}/calls`;
  }

  #path(identity: string): string {
    return `${this.#folder}/${hash("sha256", identity, "hex").slice(0, 16)}`;
  }

  /** Remembers one. */
  add(identity: string): void {
    const path = this.#path(identity);
    if (infoIfThere(path) !== undefined) return;
    try {
      this.#files.write(path, { head: new TextEncoder().encode(identity) });
    } catch (cause) {
      const message = `Cannot write the file ${path}: ${describe(cause)}`;
      throw new SaveError(message, { key: identity }, { cause });
    }
  }

  /** All of them. */
  list(): string[] {
    return namesIn(this.#folder).map((name) => Deno.readTextFileSync(`${this.#folder}/${name}`));
  }

  /** Forgets one. */
  delete(identity: string): void {
    removeIfThere(this.#path(identity));
  }
}
