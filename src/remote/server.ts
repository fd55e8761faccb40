import type { BaseCache } from "../caches/base_cache.ts";
import { ProtocolError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { Places } from "../places.ts";
import { ByteReader } from "./_byte_reader.ts";
import { Credit } from "./credit.ts";
import type { ByteSource } from "./connection.ts";
import { countIn, FRAME, type Frame, FrameReader } from "./frames.ts";
import { PROTOCOL_LIMITS, type ProtocolLimits } from "./limits.ts";
import { type Method, methods } from "./methods.ts";
import { Outbox, pump } from "./outbox.ts";
import { Params } from "./params.ts";
import { encodeError, ServedRequest } from "./served_request.ts";

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
  const output = (options.output ?? standardOutput()).getWriter();
  const input = options.input === undefined
    ? new ByteReader(Deno.stdin.readable)
    : new StreamSource(options.input);
  const outbox = new Outbox(options.limits ?? PROTOCOL_LIMITS);
  const server = new Server(outbox, options);
  outbox.post(new TextEncoder().encode(`\nfleche/1 ${VERSION}\n`));
  // Without anybody who reads the answers there is nothing left to do.
  output.closed.catch(() => input.cancel().catch(() => {}));
  const pumped = pump(outbox, output).catch(() => server.abandon());
  try {
    while (true) {
      const bytes = await input.read();
      if (bytes === undefined) break;
      server.push(bytes);
    }
    await server.finish();
  } catch (error) {
    const isBreach = error instanceof ProtocolError;
    server.abandon(isBreach ? encodeError(0, error) : undefined);
    throw error;
  } finally {
    outbox.close();
    await pumped;
    await server.settled();
    await input.cancel().catch(() => {});
    // A client that is gone does not hear the end either.
    await output.close().catch(() => {});
  }
}

/** Reads a stream of any kind, whose memory is its own. */
class StreamSource implements ByteSource {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  async read(): Promise<Uint8Array | undefined> {
    return (await this.#reader.read()).value;
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

// Deno.stdout.writable closes the file when it is closed; this leaves it to the end of the process.
function standardOutput(): WritableStream<Uint8Array> {
  return new WritableStream({
    async write(bytes) {
      for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
    },
  });
}

/** The server's side of the protocol: frames come in, what is to be sent goes into an outbox. */
export class Server {
  readonly #outbox: Outbox;
  readonly #credit: Credit;
  readonly #limits: ProtocolLimits;
  readonly #frames: FrameReader;
  readonly #requests = new Map<number, ServedRequest>();
  readonly #running = new Set<Promise<void>>();
  readonly #turns = new Map<number, Disposable>();
  readonly #places: Places;
  readonly #reading: Places;
  readonly #handlers: ReadonlyMap<string, Method>;
  readonly #reuse: boolean;
  #size = 0;
  #elements = 0;

  /** Takes where what is to be sent goes, and what is served. */
  constructor(outbox: Outbox, options: ServeOptions) {
    this.#outbox = outbox;
    this.#limits = options.limits ?? PROTOCOL_LIMITS;
    this.#credit = new Credit(this.#limits, (frame) => outbox.post(frame));
    this.#frames = new FrameReader(this.#limits);
    this.#places = new Places(this.#limits.running);
    this.#reading = new Places(this.#limits.reading);
    // A stream that was given may keep what is written to it.
    this.#reuse = options.output === undefined;
    this.#handlers = methods({
      cache: options.readOnly === true ? options.cache.readonly() : options.cache,
      cacheName: options.cacheName ?? null,
      config: options.config ?? null,
      limits: this.#limits,
    });
  }

  /**
   * Takes bytes of the client.
   *
   * @throws {ProtocolError} If they break the protocol; nothing more can be taken then.
   */
  push(bytes: Uint8Array): void {
    for (const frame of this.#frames.push(bytes)) this.#receive(frame);
  }

  #receive(frame: Frame): void {
    const { kind, id, fields } = frame;
    if (kind === FRAME.request) return this.#begin(frame);
    if (kind === FRAME.credit) return this.#outbox.grant(id, countIn(frame));
    const request = this.#requests.get(id);
    switch (kind) {
      // These may cross the answer.
      case FRAME.cancel:
        return request?.cancel();
      case FRAME.skip:
        return request?.skip(fields[0]);
      case FRAME.item:
      case FRAME.chunk:
      case FRAME.end:
        if (request === undefined) {
          throw new ProtocolError(`Cannot take a frame of kind ${kind} for request ${id}`);
        }
        return request.take(frame);
      default:
        throw new ProtocolError(`Cannot take a frame of the unknown kind ${kind}`);
    }
  }

  #begin({ id, fields: [method, params, hasValues], size }: Frame): void {
    if (id === 0 || typeof method !== "string" || typeof hasValues !== "boolean") {
      throw new ProtocolError(
        "Cannot read a request: it takes a number, a method, parameters, and whether values follow",
      );
    }
    if (this.#requests.has(id)) {
      throw new ProtocolError(`Cannot take request ${id}: its number is in use`);
    }
    const handler = this.#handlers.get(method);
    if (hasValues && handler !== undefined && handler.takesValues !== true) {
      throw new ProtocolError(`Cannot take values with the method ${method}`, { method });
    }
    const { requests, requestBytes, requestElements } = this.#limits;
    const { elements } = this.#frames;
    if (this.#requests.size >= requests) {
      const message = `Cannot take more than ${requests} requests at a time`;
      throw new ProtocolError(message, { limit: "requests" });
    }
    if (this.#size > 0 && this.#size + size > requestBytes) {
      const message = `Cannot take requests of more than ${requestBytes} bytes at a time`;
      throw new ProtocolError(message, { limit: "requestBytes" });
    }
    if (this.#elements > 0 && this.#elements + elements > requestElements) {
      const message = `Cannot take requests of more than ${requestElements} elements at a time`;
      throw new ProtocolError(message, { limit: "requestElements" });
    }
    const request = new ServedRequest(id, {
      params: new Params(params, `the parameters of ${method.slice(0, 40)}`),
      ...{
        hasValues,
        size,
        elements,
        outbox: this.#outbox,
        credit: this.#credit,
        limits: this.#limits,
      },
      ...{ reuse: this.#reuse, reading: this.#reading },
      onOver: () => this.#forget(id),
    });
    this.#requests.set(id, request);
    this.#size += size;
    this.#elements += elements;
    const answered = this.#answer(method, { handler, request, id });
    this.#running.add(answered);
    answered.finally(() => this.#running.delete(answered));
  }

  async #answer(
    method: string,
    { handler, request, id }: { handler: Method | undefined; request: ServedRequest; id: number },
  ): Promise<void> {
    try {
      if (handler === undefined) {
        const name = method.slice(0, 40);
        throw new ProtocolError(
          `The server (version ${VERSION}) does not know the method "${name}"`,
          { method: name },
        );
      }
      // What waits for the client must not keep out what the client waits for.
      if (handler.waits !== true) this.#turns.set(id, await this.#places.take(1));
      request.answer(await handler.answer(request));
    } catch (error) {
      request.fail(error);
    }
  }

  // A request that is answered, and of which nothing more comes in.
  #forget(id: number): void {
    const request = this.#requests.get(id);
    if (request === undefined) return;
    this.#requests.delete(id);
    this.#credit.end(id);
    this.#size -= request.size;
    this.#elements -= request.elements;
    this.#turns.get(id)?.[Symbol.dispose]();
    this.#turns.delete(id);
  }

  /**
   * Answers what has come as a whole; of the rest nothing is kept. No credit can come any more: what
   * is sent is held up by its reader alone.
   */
  async finish(): Promise<void> {
    this.#outbox.grantAll();
    for (const request of this.#requests.values()) request.breakOff();
    await this.settled();
  }

  /** Waits until nobody works on a request any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Gives up all requests: none is answered any more. A last frame may say why. */
  abandon(last?: Uint8Array): void {
    this.#outbox.abandon(last);
    for (const request of this.#requests.values()) request.cancel();
    this.#places.open();
    this.#reading.open();
  }
}
