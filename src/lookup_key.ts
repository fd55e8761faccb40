import { Writer } from "./codec/writer.ts";
import { digestOf } from "./codec/encoding.ts";

/** What a call is besides its arguments; fields that do not join the key are null. */
export interface CallIdentity {
  /** The function's name. */
  readonly name: string;
  /** Where it is defined. */
  readonly module: string | null;
  /** Its version. */
  readonly version: string | number | null;
  /** Digest of its code. */
  readonly code: string | null;
  /** Digest of what else its results depend on. */
  readonly deps: string | null;
}

/** The fields of an identity that join the key only on demand. */
export type HashedField = "module" | "version" | "code";

/** An identity, and which of its optional fields join the key. */
export interface SelectedIdentity extends CallIdentity {
  /** Which of module, version and code join the key. */
  readonly hashed: readonly HashedField[];
}

/** An identity with only the fields that join the key. */
export function hashedIdentity(selected: SelectedIdentity): CallIdentity {
  const { name, module, version, code, deps, hashed } = selected;
  return {
    name,
    module: hashed.includes("module") ? module : null,
    version: hashed.includes("version") ? version : null,
    code: hashed.includes("code") ? code : null,
    deps,
  };
}

/** Version of the key's own format. */
const KEY_FORMAT = 1;

const writer = new Writer();

/** For names, while a key is being written. */
const nameWriter = new Writer();

/**
 * The part of a key that is the same for all calls of one function.
 *
 * The key of a call is the digest of `["fleche", 1, name, module, version, code, deps,
 * [[argument name, argument digest], …]]`, encoded without splitting.
 */
export class KeyPrefix {
  readonly #bytes: Uint8Array;
  readonly #names = new Map<string, Uint8Array>();

  /** Takes the identity of the function. */
  constructor({ name, module, version, code, deps }: CallIdentity) {
    writer.rewind(0);
    writer.array(8);
    writer.string("fleche");
    writer.number(KEY_FORMAT);
    for (const field of [name, module, version, code, deps]) {
      if (field === null) writer.byte(0xc0);
      else if (typeof field === "number") writer.number(field);
      else writer.string(field);
    }
    this.#bytes = writer.since(0).slice();
  }

  /**
   * The lookup key of a call.
   *
   * @param names the names of the arguments
   * @param digests their digests, in the same order
   * @returns 64 lower-case hexadecimal digits
   */
  key(names: readonly string[], digests: readonly string[]): string {
    writer.rewind(0);
    writer.raw(this.#bytes);
    writer.array(names.length);
    for (let index = 0; index < names.length; index++) {
      writer.raw(this.#name(names[index] as string));
      writer.string(digests[index] as string);
    }
    return digestOf(writer.since(0));
  }

  // The header of one argument's pair with its name.
  #name(name: string): Uint8Array {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    nameWriter.rewind(0);
    nameWriter.array(2);
    nameWriter.string(name);
    const bytes = nameWriter.since(0).slice();
    if (this.#names.size < MAX_KNOWN_NAMES) this.#names.set(name, bytes);
    return bytes;
  }
}

/** Argument names that a prefix remembers; a rest of an object can have any number. */
const MAX_KNOWN_NAMES = 64;
