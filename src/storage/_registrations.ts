import { hash } from "node:crypto";
import { RejectedError, SaveError } from "../errors.ts";
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
    // A power cut may have left a torn one.
    const found = infoIfThere(path);
    const head = new TextEncoder().encode(identity);
    if (found?.isFile === true && found.size === head.length) return;
    try {
      this.#files.write(path, { head });
    } catch (cause) {
      const message = `Cannot write the file ${path}: ${describe(cause)}`;
      throw new SaveError(message, { key: identity }, { cause });
    }
  }

  /** All of them. */
  list(): string[] {
    return namesIn(this.#folder).map((name) => {
      const path = `${this.#folder}/${name}`;
      const identity = Deno.readTextFileSync(path);
      if (this.#path(identity) === path) return identity;
      throw new RejectedError(
        `Cannot tell which calls need values: the file ${path} is damaged; store a call with each ` +
          "cache that uses these values, which mends it, or remove it if what it stood for is gone",
        { operation: "remove values" },
      );
    });
  }

  /** Forgets one. */
  delete(identity: string): void {
    removeIfThere(this.#path(identity));
  }
}
