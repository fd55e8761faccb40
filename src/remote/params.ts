import { isJson, type Json } from "../json.ts";
import type { Reference } from "../codec/encoding.ts";
import { isWholeDigest } from "../digest.ts";
import { ProtocolError } from "../errors.ts";

/** Whether a value is an object as a frame holds them. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}

/** The parameters of a request or the fields of an answer, taken one by one and checked. */
export class Params {
  readonly #table: Record<string, unknown>;

  /**
   * Takes what the other side sent.
   *
   * @throws {ProtocolError} If it is not an object.
   */
  constructor(table: unknown, readonly what: string) {
    if (!isTable(table)) throw new ProtocolError(`Cannot read ${what}: it is not an object`);
    this.#table = table;
  }

  #fail(name: string, type: string): never {
    throw new ProtocolError(`Cannot read ${this.what}: "${name}" should be ${type}`);
  }

  #own(name: string): unknown {
    return Object.hasOwn(this.#table, name) ? this.#table[name] : undefined;
  }

  /** Anything. */
  any(name: string): unknown {
    return this.#own(name);
  }

  /** Whether there is something of a name, be it null. */
  has(name: string): boolean {
    return this.#own(name) !== undefined;
  }

  /** The names of all that there is. */
  get names(): string[] {
    return Object.keys(this.#table);
  }

  /** Another object; an empty one if it is null or not there. */
  table(name: string): Params {
    return new Params(this.#own(name) ?? {}, `${this.what}: ${name}`);
  }

  /** A list of objects. */
  tables(name: string): Params[] {
    const value = this.#own(name);
    if (!Array.isArray(value)) this.#fail(name, "a list of objects");
    return value.map((each) => new Params(each, `${this.what}: ${name}`));
  }

  /** What JSON can hold. */
  json(name: string): Json {
    const value = this.#own(name);
    return isJson(value) ? value : this.#fail(name, "what JSON can hold");
  }

  /** A whole digest or key. */
  digest(name: string): string {
    const value = this.#own(name);
    return typeof value === "string" && isWholeDigest(value)
      ? value
      : this.#fail(name, "64 hexadecimal digits");
  }

  /** The first digits of a digest or key, possibly none. */
  prefix(name: string): string {
    const value = this.#own(name);
    return typeof value === "string" && /^[0-9a-f]{0,64}$/.test(value)
      ? value
      : this.#fail(name, "up to 64 hexadecimal digits");
  }

  /** A non-negative integer. */
  count(name: string): number {
    const value = this.#own(name);
    return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
      ? value
      : this.#fail(name, "a count");
  }

  /** {@linkcode Params.count}, or undefined if it is null or not there. */
  optionalCount(name: string): number | undefined {
    return this.#own(name) == null ? undefined : this.count(name);
  }

  /** A string. */
  string(name: string): string {
    const value = this.#own(name);
    return typeof value === "string" ? value : this.#fail(name, "a string");
  }

  /** A string, or undefined if it is null or not there. */
  optionalString(name: string): string | undefined {
    return this.#own(name) == null ? undefined : this.string(name);
  }

  /** True or false. */
  boolean(name: string): boolean {
    const value = this.#own(name);
    return typeof value === "boolean" ? value : this.#fail(name, "true or false");
  }

  /** Bytes, or undefined if there are none. */
  optionalBytes(name: string): Uint8Array | undefined {
    const value = this.#own(name);
    if (value == null) return undefined;
    return value instanceof Uint8Array ? value : this.#fail(name, "bytes");
  }

  /** Bytes. */
  bytes(name: string): Uint8Array {
    return this.optionalBytes(name) ?? this.#fail(name, "bytes");
  }

  /** A list of strings. */
  strings(name: string): string[] {
    const value = this.#own(name);
    return Array.isArray(value) && value.every((each) => typeof each === "string")
      ? value
      : this.#fail(name, "a list of strings");
  }

  /** A list of strings and, where there is null, undefined. */
  optionalStrings(name: string): (string | undefined)[] {
    const value = this.#own(name);
    if (!Array.isArray(value)) this.#fail(name, "a list of strings");
    return value.map((each) => {
      if (each === null) return undefined;
      return typeof each === "string" ? each : this.#fail(name, "a list of strings");
    });
  }

  /** Whole digests or keys, up to a number of them. */
  digests(name: string, most: number): string[] {
    const value = this.strings(name);
    if (value.length > most) this.#fail(name, `a list of at most ${most}`);
    return value.every(isWholeDigest)
      ? value
      : this.#fail(name, "a list of 64 hexadecimal digits each");
  }

  /** References, each as an object of digest, crc and length, up to a number of them. */
  references(name: string, most: number): Reference[] {
    const value = this.#own(name);
    if (!Array.isArray(value)) this.#fail(name, "a list of references");
    if (value.length > most) this.#fail(name, `a list of at most ${most}`);
    return value.map((each) => new Params(each, `${this.what}: ${name}`).reference());
  }

  /** The reference that the object itself is. */
  reference(): Reference {
    return {
      digest: this.digest("digest"),
      crc: this.count("crc"),
      length: this.count("length"),
    };
  }
}
