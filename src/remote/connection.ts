import type { Encoding } from "../codec/encoding.ts";
import { ProtocolError } from "../errors.ts";
import { encodeFrame, FRAME, type Frame, FrameReader } from "./frames.ts";
import type { ProtocolLimits } from "./limits.ts";
import { Params } from "./params.ts";
import { type ReceivedValue, valueFrames, ValueReceiver } from "./value_transfer.ts";
import { StallWatch } from "./_stall_watch.ts";
import { fromWireError } from "./wire_error.ts";

/** What the server answers. */
export interface Answer {
  /** The result. */
  readonly result: Params;
  /** The values that came with it. */
  readonly values: ReadonlyMap<string, ReceivedValue>;
}

/** What a request sends and takes besides its parameters. */
export interface RequestOptions {
  /** Values to send along, by digest. */
  values?: ReadonlyMap<string, Encoding>;
  /** Takes the items that come before the answer, where they are not values. */
  onItem?: (item: unknown) => void;
  /** Says that the rest of the answer is not needed; only for servers that take this. */
  signal?: AbortSignal;
}

/** How a {@linkcode Connection} talks to the rest of the program. */
export interface ConnectionOptions {
  readonly limits: ProtocolLimits;
  /** Called when the first request is under way, and when the last is answered. */
  readonly onActive?: (active: boolean) => void;
  /** Called when nothing can be written any more; the connection fails with it by default. */
  readonly onBroken?: (error: unknown) => void;
  /** How long nothing may move while an answer is due, in seconds; without limit by default. */
  readonly patience?: number;
  /** Called when nothing has moved for five seconds, with how many it has been. */
  readonly onWait?: (seconds: number) => void;
  /** Called when nothing has moved for that long. */
  readonly onStall?: () => void;
}

interface Pending {
  readonly method: string;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  readonly receiver: ValueReceiver;
  readonly values: Map<string, ReceivedValue>;
  readonly onItem: ((item: unknown) => void) | undefined;
  /** The first fault in what came; the request fails with it once all has come. */
  fault?: Error;
}

/** The client's side of the protocol: requests go out numbered, answers come as they are ready. */
export class Connection {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #limits: ProtocolLimits;
  readonly #onActive: (active: boolean) => void;
  readonly #onBroken: (error: unknown) => void;
  readonly #pending = new Map<number, Pending>();
  readonly #waiting: (() => void)[] = [];
  readonly #watch: StallWatch;
  #next = 1;
  #failure: unknown;

  /** Takes where frames are written to. */
  constructor(output: WritableStream<Uint8Array>, options: ConnectionOptions) {
    this.#writer = output.getWriter();
    this.#limits = options.limits;
    this.#onActive = options.onActive ?? (() => {});
    this.#onBroken = options.onBroken ?? ((error) => this.fail(error));
    const { patience = Infinity, onStall = () => {}, onWait } = options;
    this.#watch = new StallWatch(patience, onStall, onWait === undefined ? {} : { onWait });
  }

  /**
   * Reads frames until the input ends or breaks the protocol.
   *
   * @param first bytes that were read already
   * @throws {ProtocolError} If the server breaks the protocol.
   */
  async read(
    input: ReadableStreamDefaultReader<Uint8Array>,
    first: Uint8Array,
  ): Promise<void> {
    const frames = new FrameReader(this.#limits);
    for (let bytes: Uint8Array | undefined = first; bytes !== undefined;) {
      this.#watch.moved();
      for (const frame of frames.push(bytes)) this.#receive(frame);
      bytes = (await input.read()).value;
    }
  }

  #receive({ kind, id, fields }: Frame): void {
    if (kind === FRAME.error && id === 0) throw fromWireError(fields[0]);
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      throw new ProtocolError(`The server answered request ${id}, which is not under way`);
    }
    switch (kind) {
      case FRAME.item:
        if (pending.onItem === undefined) pending.receiver.announce(fields[0]);
        else tolerant(pending, pending.onItem, fields[0]);
        return;
      case FRAME.chunk:
        return tolerant(pending, (bytes) => {
          const value = pending.receiver.chunk(bytes);
          if (value !== undefined) pending.values.set(value.reference.digest, value);
        }, fields[0]);
      case FRAME.error:
        this.#settle(id);
        return pending.reject(fromWireError(fields[0]));
      case FRAME.answer: {
        const result = new Params(fields[0], `the answer to ${pending.method}`);
        if (pending.receiver.isInside) {
          throw new ProtocolError(`The server broke off a value of its answer`);
        }
        this.#settle(id);
        if (pending.fault !== undefined) return pending.reject(pending.fault);
        return pending.resolve({ result, values: pending.values });
      }
      default:
        throw new ProtocolError(`The server sent a frame of the unknown kind ${kind}`);
    }
  }

  #settle(id: number): void {
    this.#pending.delete(id);
    this.#waiting.shift()?.();
    if (this.#pending.size === 0) this.#setActive(false);
  }

  #setActive(active: boolean): void {
    this.#onActive(active);
    if (active) this.#watch.start();
    else this.#watch.stop();
  }

  /**
   * Sends a request.
   *
   * @throws {RemoteConnectionError} If the connection is gone, or goes before the answer comes.
   */
  async request(
    method: string,
    params: Record<string, unknown>,
    options: RequestOptions = {},
  ): Promise<Answer> {
    if (this.#failure !== undefined) throw this.#failure;
    while (this.#pending.size >= this.#limits.requests) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (this.#failure !== undefined) throw this.#failure;
    }
    const first = encodeRequest(
      this.#next,
      method,
      params,
      options.values?.size ?? 0,
      this.#limits,
    );
    const id = this.#next++;
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#pending.set(id, {
        ...{ method, resolve, reject, onItem: options.onItem },
        receiver: new ValueReceiver(this.#limits),
        values: new Map(),
      });
    });
    if (this.#pending.size === 1) this.#setActive(true);
    // A connection that breaks while the request is being written fails it through `answer`.
    this.#send(id, first, options.values).catch((error) => {
      if (this.#failure === undefined && this.#pending.has(id)) this.#onBroken(error);
    });
    const cancel = () => this.#cancel(id);
    if (options.signal?.aborted === true) cancel();
    else options.signal?.addEventListener("abort", cancel, { once: true });
    return await answer;
  }

  // The answer still comes, but ends early.
  #cancel(id: number): void {
    if (!this.#pending.has(id)) return;
    this.#write(encodeFrame(FRAME.cancel, id)).catch((error) => {
      if (this.#failure === undefined && this.#pending.has(id)) this.#onBroken(error);
    });
  }

  async #send(
    id: number,
    first: Uint8Array,
    values: ReadonlyMap<string, Encoding> = new Map(),
  ): Promise<void> {
    await this.#write(first);
    for (const [digest, encoding] of values) {
      for (const frame of valueFrames(id, digest, encoding, this.#limits)) await this.#write(frame);
    }
    if (values.size > 0) await this.#write(encodeFrame(FRAME.end, id));
  }

  // Waits while the other side does not keep up, so that little is held here.
  async #write(bytes: Uint8Array): Promise<void> {
    await this.#writer.ready;
    await this.#writer.write(bytes);
    this.#watch.moved();
  }

  /** Fails all requests that are under way, and every later one. */
  fail(error: unknown): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    const wasActive = this.#pending.size > 0;
    this.#pending.clear();
    for (const wake of this.#waiting.splice(0)) wake();
    if (wasActive) this.#setActive(false);
  }

  /** Tells the server that nothing more comes. */
  async end(): Promise<void> {
    // The other side may be gone already; there is nobody left to tell then.
    await this.#writer.close().catch(() => {});
  }
}

function encodeRequest(
  id: number,
  method: string,
  params: Record<string, unknown>,
  count: number,
  { frame }: ProtocolLimits,
): Uint8Array {
  const bytes = encodeFrame(FRAME.request, id, method, params, count);
  if (bytes.length > frame) throw new RangeError(`Cannot send a request of ${bytes.length} bytes`);
  return bytes;
}

// What is wrong with one answer does not concern the others.
function tolerant(pending: Pending, take: (field: unknown) => void, field: unknown): void {
  try {
    take(field);
  } catch (error) {
    if (!(error instanceof Error) || error instanceof ProtocolError) throw error;
    pending.fault ??= error;
  }
}
