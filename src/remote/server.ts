import type { BaseCache } from "../caches/base_cache.ts";
import { CallRecord } from "../call_record.ts";
import type { Reference } from "../codec/encoding.ts";
import { findReferences } from "../codec/references.ts";
import { CorruptValueError, NotFoundError, ProtocolError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { encodeFrame, FRAME, type Frame, FrameReader } from "./frames.ts";
import { PROTOCOL_LIMITS, type ProtocolLimits } from "./limits.ts";
import { Params } from "./params.ts";
import { readFilter } from "./query_filter.ts";
import { redact } from "./redact.ts";
import { type ReceivedValue, valueFrames, ValueReceiver } from "./value_transfer.ts";
import { toWireError } from "./wire_error.ts";

/** What {@linkcode serve} serves, and over what. */
export interface ServeOptions {
  /** The cache. */
  cache: BaseCache;
  /** The name that the cache goes by; null for the default one. */
  cacheName?: string | null;
  /** Whether to refuse to store and to evict, whatever the cache allows. */
  readOnly?: boolean;
  /** The configuration of the cache, told to clients without its secrets. */
  config?: unknown;
  /** Where requests come from; standard input by default. */
  input?: ReadableStream<Uint8Array>;
  /** Where answers go; standard output by default, which nothing else may write to then. */
  output?: WritableStream<Uint8Array>;
  /** What a client may send. */
  limits?: ProtocolLimits;
}

/**
 * Serves a cache to one client, until the client closes its side.
 *
 * Values pass as bytes: no class has to be known here, and nothing that is received is ever run.
 *
 * @example What `fleche remote --serve` does
 * ```ts
 * import { Cache, CallMemory, serve, ValueMemory } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const output = new TransformStream<Uint8Array, Uint8Array>();
 * const cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const served = serve({ cache, input: ReadableStream.from([]), output: output.writable });
 * const text = await new Response(output.readable).text();
 * assert.match(text, /^\nfleche\/1 /);
 * await served;
 * ```
 *
 * @throws {ProtocolError} If the client breaks the protocol, after it has been told so.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const output = options.output ?? Deno.stdout.writable;
  const server = new Server(output.getWriter(), options);
  await server.run(options.input ?? Deno.stdin.readable);
}

/** A request whose values are still coming in. */
interface Incoming {
  readonly method: string;
  readonly params: Params;
  readonly receiver: ValueReceiver;
  readonly values: Map<string, ReceivedValue>;
  /** The first fault in what came; told to the client once all has come. */
  fault?: unknown;
}

/** A request that is ready to be answered. */
interface Request {
  readonly id: number;
  readonly params: Params;
  readonly values: ReadonlyMap<string, ReceivedValue>;
}

type Handler = (request: Request) => Promise<Record<string, unknown>>;

class Server {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #cache: BaseCache;
  readonly #options: ServeOptions;
  readonly #limits: ProtocolLimits;
  readonly #incoming = new Map<number, Incoming>();
  readonly #running = new Map<number, Promise<void>>();
  // Requests that run, but whose answer the client does not need any more.
  readonly #cancelled = new Set<number>();
  readonly #handlers: ReadonlyMap<string, Handler>;

  constructor(writer: WritableStreamDefaultWriter<Uint8Array>, options: ServeOptions) {
    this.#writer = writer;
    this.#options = options;
    this.#limits = options.limits ?? PROTOCOL_LIMITS;
    this.#cache = options.readOnly === true ? options.cache.readonly() : options.cache;
    this.#handlers = new Map<string, Handler>([
      ["info", () => this.#info()],
      ["load", (request) => this.#load(request)],
      ["value", (request) => this.#value(request)],
      ["has", ({ params }) => this.#has(params)],
      ["contains", async ({ params }) => ({ found: await this.#contains(params) })],
      ["save", (request) => this.#save(request)],
      ["evict", async ({ params }) => ({ found: await this.#evict(params) })],
      ["list", ({ params }) => this.#list(params)],
      ["query", (request) => this.#query(request)],
    ]);
  }

  async run(input: ReadableStream<Uint8Array>): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`\nfleche/1 ${VERSION}\n`));
    const frames = new FrameReader(this.#limits);
    const reader = input.getReader();
    // Without anybody who reads the answers there is nothing left to do.
    this.#writer.closed.catch(() => reader.cancel().catch(() => {}));
    try {
      while (true) {
        const { value: bytes } = await reader.read();
        if (bytes === undefined) break;
        for (const frame of frames.push(bytes)) this.#receive(frame);
      }
      // Nothing of a request that broke off is kept; those that are whole are answered.
      await Promise.all(this.#running.values());
    } catch (error) {
      if (error instanceof ProtocolError) await this.#write(FRAME.error, 0, toWireError(error));
      throw error;
    } finally {
      await reader.cancel().catch(() => {});
      // A client that is gone does not hear the end either.
      await this.#writer.close().catch(() => {});
    }
  }

  async #write(kind: number, id: number, field: unknown): Promise<void> {
    await this.#writer.ready;
    await this.#writer.write(encodeFrame(kind, id, field));
  }

  #receive({ kind, id, fields }: Frame): void {
    if (kind === FRAME.request) return this.#begin(id, fields);
    if (kind === FRAME.cancel) return this.#cancel(id);
    const incoming = this.#incoming.get(id);
    if (incoming === undefined) {
      throw new ProtocolError(`Cannot take a frame of kind ${kind} for request ${id}`);
    }
    switch (kind) {
      case FRAME.item:
        return incoming.receiver.announce(fields[0]);
      case FRAME.chunk:
        return this.#takeChunk(incoming, fields[0]);
      case FRAME.end:
        if (incoming.receiver.isInside) {
          throw new ProtocolError(`Request ${id} ends inside a value`);
        }
        this.#incoming.delete(id);
        return this.#start(id, incoming);
      default:
        throw new ProtocolError(`Cannot take a frame of the unknown kind ${kind}`);
    }
  }

  #takeChunk(incoming: Incoming, bytes: unknown): void {
    try {
      const value = incoming.receiver.chunk(bytes);
      if (value !== undefined) incoming.values.set(value.reference.digest, value);
    } catch (error) {
      if (!(error instanceof CorruptValueError)) throw error;
      incoming.fault ??= error;
    }
  }

  // The answer may have been given meanwhile.
  #cancel(id: number): void {
    if (this.#running.has(id)) this.#cancelled.add(id);
  }

  #begin(id: number, [method, params, values]: readonly unknown[]): void {
    if (typeof method !== "string" || typeof values !== "number") {
      throw new ProtocolError("Cannot read a request: it takes a method, parameters and a count");
    }
    if (this.#incoming.has(id) || this.#running.has(id)) {
      throw new ProtocolError(`Cannot take request ${id}: its number is in use`);
    }
    if (this.#incoming.size + this.#running.size >= this.#limits.requests) {
      const message = `Cannot take more than ${this.#limits.requests} requests at a time`;
      throw new ProtocolError(message, { limit: "requests" });
    }
    const incoming: Incoming = {
      method,
      params: new Params(params, `the parameters of ${method.slice(0, 40)}`),
      receiver: new ValueReceiver(this.#limits),
      values: new Map(),
    };
    if (values === 0) this.#start(id, incoming);
    else this.#incoming.set(id, incoming);
  }

  #start(id: number, incoming: Incoming): void {
    const answered = this.#answer(id, incoming).finally(() => {
      this.#running.delete(id);
      this.#cancelled.delete(id);
    });
    // A client that is gone cannot be answered; reading ends by itself then.
    answered.catch(() => {});
    this.#running.set(id, answered);
  }

  async #answer(id: number, { method, params, values, fault }: Incoming): Promise<void> {
    let result: Record<string, unknown>;
    try {
      if (fault !== undefined) throw fault;
      const handler = this.#handlers.get(method);
      if (handler === undefined) {
        const name = method.slice(0, 40);
        throw new ProtocolError(
          `The server (version ${VERSION}) does not know the method "${name}"`,
          { method: name },
        );
      }
      result = await handler({ id, params, values });
    } catch (error) {
      return await this.#write(FRAME.error, id, toWireError(error));
    }
    const bytes = encodeFrame(FRAME.answer, id, result);
    if (bytes.length - 4 > this.#limits.frame) {
      const error = new RangeError(
        `The answer takes ${bytes.length} bytes: ask for less at a time`,
      );
      return await this.#write(FRAME.error, id, toWireError(error));
    }
    await this.#writer.ready;
    await this.#writer.write(bytes);
  }

  async #info(): Promise<Record<string, unknown>> {
    return {
      cache: redact(this.#options.config ?? null),
      cache_name: this.#options.cacheName ?? null,
      read_only: this.#cache.isReadOnly,
      version: VERSION,
      deno: Deno.version.deno,
      cwd: Deno.cwd(),
      hostname: Deno.hostname(),
      executable: Deno.execPath(),
      pid: Deno.pid,
      ordered: await this.#cache.isOrdered(),
      cancels: true,
    };
  }

  async #load({ id, params }: Request): Promise<Record<string, unknown>> {
    const call = await this.#cache.find(params.digest("key"));
    if (call === undefined) return { record: null };
    const record = call.detach();
    await this.#sendInline(id, record.resultReferences);
    return { record: record.bytes };
  }

  // Values that are small together go out with the call; the client asks for others as it needs
  // them.
  async #sendInline(id: number, references: readonly Reference[]): Promise<void> {
    let room = this.#limits.inline;
    const sent = new Set<string>();
    const waiting = [...references];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (next.length > room || sent.has(next.digest)) continue;
      room -= next.length;
      sent.add(next.digest);
      waiting.push(...await this.#sendValue(id, next));
    }
  }

  async #sendValue(id: number, reference: Reference): Promise<Reference[]> {
    const encoding = await this.#cache.read(reference);
    if (encoding === undefined) return [];
    for (const frame of valueFrames(id, reference.digest, encoding, this.#limits)) {
      await this.#writer.ready;
      await this.#writer.write(frame);
    }
    return findReferences(encoding);
  }

  async #value({ id, params }: Request): Promise<Record<string, unknown>> {
    const digest = params.digest("digest");
    const length = params.optionalCount("length");
    const encoding = length === undefined
      ? await this.#cache.readNamed(digest)
      : await this.#cache.read(params.reference());
    if (encoding === undefined) return { found: false };
    for (const frame of valueFrames(id, digest, encoding, this.#limits)) {
      await this.#writer.ready;
      await this.#writer.write(frame);
    }
    return { found: true };
  }

  async #has(params: Params): Promise<Record<string, unknown>> {
    const missing = await this.#cache.missing(params.references("values"));
    return { missing: missing.map(({ digest }) => digest) };
  }

  async #contains(params: Params): Promise<boolean> {
    return await this.#cache.isReadable(params.digest("key"));
  }

  // Files a call if all its values are there or have come with it; otherwise says which are not. A call
  // that is whole but for arguments is filed at once, and again when they come.
  async #save({ params, values }: Request): Promise<Record<string, unknown>> {
    const record = CallRecord.receive(params.digest("key"), params.bytes("record"));
    const named = params.references("values");
    const absent = await this.#cache.missing(named.filter(({ digest }) => !values.has(digest)));
    if (absent.length > 0) return { missing: absent.map(({ digest }) => digest) };
    let isUnread = false;
    const source = {
      read: async (reference: Reference) => {
        const { digest } = reference;
        const encoding = values.get(digest)?.encoding ?? await this.#cache.read(reference);
        if (encoding === undefined) isUnread = true;
        return encoding;
      },
    };
    let failure: NotFoundError | undefined;
    try {
      await this.#cache.accept(record, source, { arguments: true });
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      failure = error;
    }
    // What is stored here but cannot be read, since it is damaged or not signed, has to come too.
    const missing = isUnread ? await this.#unreadable(named, values) : [];
    if (failure !== undefined && missing.length === 0) throw failure;
    return { missing };
  }

  // All at once: a client does not try for ever.
  async #unreadable(
    named: readonly Reference[],
    values: Request["values"],
  ): Promise<string[]> {
    const digests: string[] = [];
    for (const reference of named) {
      const { digest } = reference;
      if (values.has(digest) || await this.#cache.read(reference) !== undefined) continue;
      digests.push(digest);
    }
    return digests;
  }

  async #evict(params: Params): Promise<boolean> {
    return await this.#cache.evict(params.digest("key"));
  }

  async #list(params: Params): Promise<Record<string, unknown>> {
    return { keys: await this.#cache.list(params.prefix("prefix"), params.optionalCount("limit")) };
  }

  async #query({ id, params }: Request): Promise<Record<string, unknown>> {
    let count = 0;
    for await (const { key, bytes } of this.#cache.records(readFilter(params, this.#limits))) {
      if (this.#cancelled.has(id)) break;
      await this.#write(FRAME.item, id, { key, record: bytes });
      count++;
    }
    return { count };
  }
}
