import type { CallRecord } from "../call_record.ts";
import type { Encoding, Reference } from "../codec/encoding.ts";
import type { OpenValue } from "../lazy_call.ts";
import type { RecordFilter } from "../record_filter.ts";
import type { Claims } from "./claims.ts";

/** A result that may be at hand or still to come; `await` takes both. */
export type Awaitable<T> = T | Promise<T>;

/** How thoroughly what is read is checked. */
export type Verify = "crc" | "sha256" | false;

/** When a write counts as done. */
export type Durability = "rename" | "fsync";

/** What a storage can do, as data. */
export interface StorageCapabilities {
  /** Whether entries outlive the process. */
  readonly persistent: boolean;
  /** Whether other processes see the entries. */
  readonly shared: boolean;
  /** Whether each entry is a file of its own; false where it is left out. */
  readonly files?: boolean;
  /** Whether `entries()` of records gives what was filed last first; false where it is left out. */
  readonly ordered?: boolean;
}

/** What was left behind, and is removed. */
export interface Leftovers {
  /** How many files, or rows. */
  readonly count: number;
  /** How many bytes they took. */
  readonly bytes: number;
}

/** What a storage says of an entry without reading it. */
export interface StoredEntry {
  /** The digest of a value, or the key of a call. */
  readonly name: string;
  /** How many bytes it takes as it is stored. */
  readonly length: number;
  /** When it was last stored or renewed, in milliseconds since 1970 by the storage's own clock. */
  readonly modified: number;
}

/** Keeps those who store values and those who remove them apart. */
export interface Gate {
  /** Goes through; what is returned is held from the first value until the record is filed. */
  enter(): Awaitable<Disposable>;
  /**
   * Waits until nobody is inside, and lets nobody in until what is returned is disposed.
   *
   * @param seconds how long to wait
   * @throws {LockTimeoutError} If somebody is still inside then.
   */
  shut(seconds: number): Promise<Disposable>;
}

/** What value storages and call storages have in common. */
export interface Storage extends AsyncDisposable {
  /** What it can do. */
  readonly capabilities: StorageCapabilities;
  /** Whether there is an entry. */
  has(key: string): Awaitable<boolean>;
  /** Removes an entry; whether there was one. */
  delete(key: string): Awaitable<boolean>;
  /**
   * The whole names that begin with a prefix, in no particular order.
   *
   * @param prefix lower-case hexadecimal digits, possibly none
   * @param limit how many are enough
   */
  list(prefix: string, limit?: number): Awaitable<string[]>;
  /**
   * What is known of all entries, in no particular order. Those that are there all the while are given
   * once, whoever replaces them; those that come or go meanwhile may be missing.
   */
  entries(): AsyncIterable<StoredEntry>;
  /**
   * Removes what writers that were killed have left, and entries that were put aside as damaged.
   *
   * @param before only what is older than this, in milliseconds since 1970 by the storage's own clock
   * @param dryRun whether to count it only
   */
  sweepLeftovers?(before: number, dryRun: boolean): Awaitable<Leftovers>;
  /**
   * Whether an entry is what its name says, all of it, without putting it aside if not;
   * `"unverified"` if it may be, but no key that is given verifies its signature; undefined if it is
   * not there. Where this is left out, reading the entry tells.
   */
  check?(name: string): Awaitable<boolean | "unverified" | undefined>;
  /** Frees what is open. The storage opens again by itself when it is used again. */
  close(): Awaitable<void>;
}

/** Encodings by their digest. */
export interface ValueStorage extends Storage {
  /**
   * Reads an encoding.
   *
   * @param digest 64 lower-case hexadecimal digits
   * @param expected the reference that led here, if there is one; what is read is checked against it,
   *   otherwise against the digest
   * @returns the encoding, or undefined if it is not there, or was damaged and has been put aside
   */
  get(digest: string, expected?: Reference): Awaitable<Encoding | undefined>;
  /**
   * Opens a value that has no parts, to be read without ever being in memory as a whole. Whoever reads
   * it checks it, and asks {@linkcode ValueStorage.get} for it where it is not right.
   *
   * @returns undefined if it is not there, or better read as a whole
   */
  openLeaf?(digest: string, expected: Reference): Awaitable<OpenValue | undefined>;
  /**
   * Stores an encoding. Nothing of it is used after the call returns, except by what it awaits
   * where the bytes are `owned`.
   *
   * @throws {SaveError} If it cannot be written.
   */
  put(reference: Reference, encoding: Encoding): Awaitable<void>;
  /**
   * Whether a value is known to have no parts without reading all of it; undefined if it is not there,
   * or that cannot be told.
   */
  isLeaf?(digest: string): Awaitable<boolean | undefined>;
  /** Keeps saves apart from the removal of what no call needs. */
  readonly gate: Gate;
  /** Remembers a call storage whose records name values here, by its identity and its number. */
  register(identity: string): Awaitable<void>;
  /** The call storages that are remembered. */
  registered(): Awaitable<string[]>;
  /** Forgets a call storage that is no more. */
  forget(identity: string): Awaitable<void>;
  /** The time by the clock that the age of entries is measured with, in milliseconds since 1970. */
  now(): Awaitable<number>;
}

/** Call records by their lookup key. */
export interface CallStorage extends Storage {
  /**
   * What names this storage for good, as `sqlite:////absolute/path` or `file:///absolute/path`, without
   * links on the way and without passwords; undefined where no other process can open it.
   */
  readonly identity: string | undefined;
  /**
   * The number that was drawn when values were first stored for calls here, which tells this storage
   * from any other that comes to stand in its place; undefined if there is none yet. Left out by
   * storages that have none.
   */
  findId?(): Awaitable<string | undefined>;
  /**
   * The same number; it is drawn if there is none.
   *
   * @throws {SaveError} If it cannot be written.
   */
  ensureId?(): Awaitable<string>;
  /** Reads a record; undefined if it is not there, or was damaged and has been put aside. */
  get(key: string): Awaitable<CallRecord | undefined>;
  /**
   * Stores a record, in place of any other under the key.
   *
   * @throws {SaveError} If it cannot be written.
   */
  put(record: CallRecord): Awaitable<void>;
  /** Finds an encoding that a record holds itself. */
  getEmbedded(digest: string): Awaitable<Encoding | undefined>;
  /** The digests of embedded encodings that begin with a prefix. */
  listEmbedded(prefix: string, limit?: number): Awaitable<string[]>;
  /**
   * The records that match, newest first; damaged ones are passed over. A call that is there all the
   * while is given once, whoever replaces its record meanwhile.
   */
  records(filter?: RecordFilter): AsyncIterable<CallRecord>;
  /** Renews the age of a record, if it is there. */
  touch(key: string): Awaitable<void>;
  /**
   * Puts a record aside, so that it is not there any more but can still be looked at: a certain one,
   * unless it has been replaced meanwhile, or one that is damaged.
   *
   * @param record the one; if it is left out, what is there is put aside if it is damaged
   * @returns Whether that was done.
   */
  setAside?(key: string, record?: CallRecord): Awaitable<boolean>;
  /** Keeps several processes from running one call at the same time; undefined where none can. */
  readonly claims?: Claims | undefined;
  /**
   * The same storage without keys, which reads records whoever signed them; undefined where this one
   * reads them all. Values that other users' calls need must not be taken for garbage.
   */
  unsigned?(): CallStorage | undefined;
}
