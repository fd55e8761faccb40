import type { CallRecord } from "../call_record.ts";
import type { Encoding, Reference } from "../codec/encoding.ts";

/** A result that may be at hand or still to come; `await` takes both. */
export type Awaitable<T> = T | Promise<T>;

/** What a storage can do, as data. */
export interface StorageCapabilities {
  /** Whether entries outlive the process. */
  readonly persistent: boolean;
  /** Whether other processes see the entries. */
  readonly shared: boolean;
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
   * Stores an encoding. Nothing of it is used after the call returns, except by what it awaits
   * where the bytes are `owned`.
   *
   * @throws {SaveError} If it cannot be written.
   */
  put(reference: Reference, encoding: Encoding): Awaitable<void>;
}

/** Call records by their lookup key. */
export interface CallStorage extends Storage {
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
  /** All records, newest first, or the calls of one function. */
  records(name?: string): AsyncIterable<CallRecord>;
}
