import { type EntryFiles, infoIfThere } from "./_entry_files.ts";
import { listPrefixed } from "./_names.ts";

/** How coarse the times of a file system may be, in milliseconds. */
const GRAIN = 2000;

/** What is known of a file. */
interface Indexed {
  readonly modified: number;
  readonly inode: number | null;
  /** Whether the file may have changed since without showing it. */
  readonly isFresh: boolean;
  readonly digests: readonly string[];
}

interface Shard {
  readonly modified: number;
  readonly isFresh: boolean;
  readonly files: ReadonlyMap<string, Indexed>;
}

/**
 * Which records embed a value, by its digest; known to this process only.
 *
 * The first look reads every record. After that a look asks for the times of the folders, of which
 * there are 256 at the most, lists those that changed, and reads what is new in them.
 */
export class EmbeddedIndex {
  readonly #files: EntryFiles;
  readonly #read: (key: string) => readonly string[];
  #shards = new Map<string, Shard>();
  readonly #keys = new Map<string, Set<string>>();

  /**
   * Takes the files.
   *
   * @param read gives the digests that a record embeds; none if it cannot be read
   */
  constructor(files: EntryFiles, read: (key: string) => readonly string[]) {
    this.#files = files;
    this.#read = read;
  }

  /** The keys of the records that embed a value. */
  keys(digest: string): string[] {
    this.#refresh();
    return [...this.#keys.get(digest) ?? []];
  }

  /** The digests of embedded values that begin with a prefix. */
  list(prefix: string, limit?: number): string[] {
    this.#refresh();
    return listPrefixed(this.#keys.keys(), prefix, limit);
  }

  /** Forgets everything. */
  clear(): void {
    this.#shards.clear();
    this.#keys.clear();
  }

  #refresh(): void {
    const shards = new Map<string, Shard>();
    for (const name of this.#files.shards()) {
      const info = infoIfThere(this.#files.shardPath(name));
      if (info?.isDirectory !== true) continue;
      const known = this.#shards.get(name);
      const modified = timeOf(info);
      const isSame = known !== undefined && known.modified === modified && !known.isFresh;
      shards.set(name, isSame ? known : this.#scan(name, modified, known));
    }
    for (const [name, { files }] of this.#shards) {
      if (!shards.has(name)) this.#removeAll(files);
    }
    this.#shards = shards;
  }

  #scan(name: string, modified: number, known: Shard | undefined): Shard {
    // What changes while the folder is looked at shows next time, or it is looked at again.
    const isFresh = isRecent(modified);
    const files = new Map<string, Indexed>();
    for (const key of this.#files.namesIn(name)) {
      const info = infoIfThere(this.#files.path(key));
      if (info === undefined) continue;
      const before = known?.files.get(key);
      files.set(key, isUnchanged(before, info) ? before : this.#index(key, info));
    }
    for (const [key, file] of known?.files ?? []) {
      const now = files.get(key);
      if (now !== file) this.#remove(key, file, now);
    }
    return { modified, isFresh, files };
  }

  #index(key: string, info: Deno.FileInfo): Indexed {
    const digests = this.#read(key);
    for (const digest of digests) {
      const keys = this.#keys.get(digest);
      if (keys === undefined) this.#keys.set(digest, new Set([key]));
      else keys.add(key);
    }
    const modified = timeOf(info);
    return { modified, inode: info.ino, isFresh: isRecent(modified), digests };
  }

  #removeAll(files: ReadonlyMap<string, Indexed>): void {
    for (const [key, file] of files) this.#remove(key, file);
  }

  #remove(key: string, { digests }: Indexed, now?: Indexed): void {
    for (const digest of digests) {
      if (now?.digests.includes(digest) === true) continue;
      const keys = this.#keys.get(digest);
      keys?.delete(key);
      if (keys?.size === 0) this.#keys.delete(digest);
    }
  }
}

function timeOf(info: Deno.FileInfo): number {
  return info.mtime?.getTime() ?? 0;
}

function isRecent(modified: number): boolean {
  return modified > Date.now() - GRAIN;
}

function isUnchanged(before: Indexed | undefined, info: Deno.FileInfo): before is Indexed {
  return before !== undefined && !before.isFresh && before.inode === info.ino &&
    before.modified === timeOf(info);
}
