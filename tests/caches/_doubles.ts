import {
  type AcceptOptions,
  BaseCache,
  Cache,
  CallMemory,
  type CallRecord,
  type CallStorage,
  type Encoding,
  type LazyCall,
  type PreparedCall,
  type Reference,
  type StorageCapabilities,
  type StoredEntry,
  ValueMemory,
  type ValueSource,
  type ValueStorage,
} from "@fleche/core";
import { copied } from "../../src/codec/encoding.ts";

/** A cache in memory. */
export function memory(): Cache {
  return new Cache({ values: new ValueMemory(), calls: new CallMemory() });
}

/** Values in memory whose writes are noted, and take until the test lets them end. */
export class SlowValues implements ValueStorage {
  readonly capabilities: StorageCapabilities = { persistent: false, shared: false };
  /** The digests that have been handed over, in their order. */
  readonly begun: string[] = [];
  readonly #values = new ValueMemory();
  readonly gate = this.#values.gate;
  readonly #log: string[];
  readonly #gate: Promise<void>;

  constructor(log: string[] = [], gate: Promise<void> = Promise.resolve()) {
    this.#log = log;
    this.#gate = gate;
  }

  get(digest: string): Encoding | undefined {
    return this.#values.get(digest);
  }

  async put(reference: Reference, encoding: Encoding): Promise<void> {
    this.begun.push(reference.digest);
    const copy = copied(encoding);
    await this.#gate;
    this.#values.put(reference, copy);
    this.#log.push(`value ${reference.digest}`);
  }

  has(digest: string): boolean {
    return this.#values.has(digest);
  }

  delete(digest: string): boolean {
    return this.#values.delete(digest);
  }

  list(prefix: string, limit?: number): string[] {
    return this.#values.list(prefix, limit);
  }

  entries(): AsyncIterable<StoredEntry> {
    return this.#values.entries();
  }

  register(identity: string): void {
    this.#values.register(identity);
  }

  registered(): string[] {
    return this.#values.registered();
  }

  forget(identity: string): void {
    this.#values.forget(identity);
  }

  now(): number {
    return this.#values.now();
  }

  close(): void {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Records in memory whose writes are noted. */
export class NotingCalls extends CallMemory implements CallStorage {
  readonly #log: string[];

  constructor(log: string[]) {
    super();
    this.#log = log;
  }

  override put(record: CallRecord): void {
    super.put(record);
    this.#log.push(`record ${record.key}`);
  }
}

/** A cache that fails whatever it is asked, with an error that names what it was asked for. */
export class FailingCache extends BaseCache {
  override readonly isReadOnly = false;
  override readonly saveTimeout: number;
  /** How often it was asked. */
  asked = 0;
  /** Whether it was closed. */
  closed = false;
  readonly #reason: string;

  constructor(reason: string, saveTimeout = 60) {
    super();
    this.saveTimeout = saveTimeout;
    this.#reason = reason;
  }

  #fail(what: string): Promise<never> {
    this.asked++;
    return Promise.reject(new Error(`${this.#reason}: cannot look up ${what}`));
  }

  override prepare(): Promise<PreparedCall> {
    return this.#fail("a call");
  }

  override find(key: string): Promise<LazyCall | undefined> {
    return this.#fail(key);
  }

  override read({ digest }: Reference): Promise<Encoding | undefined> {
    return this.#fail(digest);
  }

  override readNamed(digest: string): Promise<Encoding | undefined> {
    return this.#fail(digest);
  }

  override accept(
    record: CallRecord,
    _source: ValueSource,
    _options?: AcceptOptions,
  ): Promise<void> {
    return this.#fail(record.key);
  }

  override missing(): Promise<Reference[]> {
    return this.#fail("values");
  }

  override list(prefix: string): Promise<string[]> {
    return this.#fail(prefix);
  }

  override async *records(): AsyncIterable<CallRecord> {
    yield await this.#fail("records");
  }

  protected override containsWhole(key: string): Promise<boolean> {
    return this.#fail(key);
  }

  protected override evictWhole(key: string): Promise<boolean> {
    return this.#fail(key);
  }

  override close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}
