import { ProtocolError } from "../errors.ts";
import { Credit } from "./credit.ts";
import type { Held } from "./_held_values.ts";
import {
  countIn,
  encodeFrame,
  FRAME,
  type Frame,
  FrameReader,
  itemCost,
  LENGTH_BYTES,
} from "./frames.ts";
import type { ProtocolLimits } from "./limits.ts";
import { Outbox, pump } from "./outbox.ts";
import { Params } from "./params.ts";
import { RequestRoom } from "./request_room.ts";
import { ValueIntake } from "./value_intake.ts";
import type { ReceivedValue } from "./value_receiver.ts";
import { ValueSender } from "./value_sender.ts";
import { StallWatch } from "./_stall_watch.ts";
import { fromWireError } from "./wire_error.ts";

/** Where bytes come from: what it gives is used up before the next are asked for. */
export interface ByteSource {
  /** The next bytes; undefined if there are no more. */
  read(): Promise<Uint8Array | undefined>;
}

/** What a request sends and takes besides its parameters. */
export interface RequestOptions {
  /** Values to send along. */
  readonly values?: AsyncIterable<Held> | Iterable<Held> | undefined;
  /**
   * Takes the items that come before the answer, where they are not values. The other side waits
   * while too many have not been used up.
   */
  readonly onItem?: (item: Params, used: () => void) => void;
  /** Takes the values that come before the answer, in the same way. */
  readonly onValue?: (value: ReceivedValue, used: () => void) => void;
  /** Whether it goes before others, since a request that is under way waits for it. */
  readonly isUrgent?: boolean;
  /** Gives the request up; the rest of the answer is not needed. */
  readonly signal?: AbortSignal | undefined;
}

/** A request that is under way. */
export interface Exchange {
  /** The answer, when all that came before it has been taken. */
  readonly answer: Promise<Params>;
  /** Says that a value is here already, so that neither it nor its parts need be sent. */
  skip(digest: string): void;
}

/** How a {@linkcode Connection} talks to the rest of the program. */
export interface ConnectionOptions {
  readonly limits: ProtocolLimits;
  /** The host at the other end, for the errors that come from there. */
  readonly host?: string;
  /** Whether the output needs bytes no more when a write has ended; false by default. */
  readonly reuse?: boolean;
  /** Called when something is due from the other side, and when nothing is any more. */
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
  readonly size: number;
  readonly resolve: (answer: Params) => void;
  readonly reject: (error: unknown) => void;
  readonly intake: ValueIntake;
  readonly onItem: RequestOptions["onItem"];
  /** Items that have come and have not been used up. */
  unused: number;
  /** Whether nobody waits for the answer any more. */
  isCancelled: boolean;
  /** The first fault in what came; the request fails with it once all has come. */
  fault?: Error;
}

/** Bytes of a write that shows that something moves. */
const SUBSTANTIAL = 64 << 10;

/** The client's side of the protocol: requests go out numbered, answers come as they are ready. */
export class Connection {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #outbox: Outbox;
  readonly #credit: Credit;
  readonly #pumped: Promise<void>;
  readonly #options: ConnectionOptions;
  readonly #limits: ProtocolLimits;
  readonly #pending = new Map<number, Pending>();
  readonly #room: RequestRoom;
  readonly #watch: StallWatch;
  // Requests that are under way, and those of them of which nothing waits to be taken here.
  #active = 0;
  #due = 0;
  #next = 1;
  #isPinging = false;
  #failure: { error: unknown } | undefined;

  /** Takes where frames are written to. */
  constructor(output: WritableStream<Uint8Array>, options: ConnectionOptions) {
    this.#writer = output.getWriter();
    this.#options = options;
    this.#limits = options.limits;
    this.#room = new RequestRoom(options.limits);
    const { patience = Infinity, onStall, onWait } = options;
    // What waits for somebody here is not due from there.
    this.#watch = new StallWatch(
      patience,
      () => this.#isDue() ? onStall?.() : this.#watch.start(),
      {
        onQuiet: () => this.#ping(),
        onWait: (seconds) => this.#isDue() && onWait?.(seconds),
      },
    );
    this.#outbox = new Outbox(options.limits);
    this.#credit = new Credit(options.limits, (frame) => this.#outbox.post(frame));
    this.#pumped = pump(this.#outbox, this.#writer, (length) => {
      // Little fits into a pipe that nobody reads from any more.
      if (length >= SUBSTANTIAL) this.#watch.moved();
    }).catch((error) => {
      if (this.#failure !== undefined) return;
      if (options.onBroken === undefined) this.fail(error);
      else options.onBroken(error);
    });
  }

  /**
   * Reads frames until the input ends or breaks the protocol.
   *
   * @param first bytes that were read already
   * @throws {ProtocolError} If the server breaks the protocol.
   */
  async read(input: ByteSource, first: Uint8Array): Promise<void> {
    const frames = new FrameReader(this.#limits);
    for (let bytes: Uint8Array | undefined = first; bytes !== undefined;) {
      this.#watch.moved();
      for (const frame of frames.push(bytes)) this.#receive(frame);
      bytes = await input.read();
    }
  }

  #receive(frame: Frame): void {
    const { kind, id, fields } = frame;
    if (kind === FRAME.credit) return this.#outbox.grant(id, countIn(frame));
    if (kind === FRAME.error && id === 0) throw this.#remoteError(frame);
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      throw new ProtocolError(`The server answered request ${id}, which is not under way`);
    }
    switch (kind) {
      case FRAME.item:
        return this.#takeItem(frame, pending);
      case FRAME.chunk:
        return tolerant(pending, () => pending.intake.chunk(frame));
      case FRAME.error:
        this.#settle(id, pending);
        return pending.reject(this.#remoteError(frame));
      case FRAME.answer: {
        const result = new Params(fields[0], `the answer to ${pending.method}`);
        if (pending.intake.isInside && !pending.isCancelled) {
          throw new ProtocolError(`The server broke off a value of its answer`);
        }
        this.#settle(id, pending);
        if (pending.fault !== undefined) return pending.reject(pending.fault);
        return pending.resolve(result);
      }
      default:
        throw new ProtocolError(`The server sent a frame of the unknown kind ${kind}`);
    }
  }

  #remoteError({ fields }: Frame): Error {
    return fromWireError(fields[0], this.#options.host);
  }

  #takeItem(frame: Frame, pending: Pending): void {
    const { onItem, intake, isCancelled } = pending;
    if (onItem === undefined) return tolerant(pending, () => intake.announce(frame));
    const cost = itemCost(frame.size, this.#limits);
    this.#credit.take(frame.id, cost);
    this.#countUnused(frame.id, pending, 1);
    const used = () => {
      this.#countUnused(frame.id, pending, -1);
      this.#credit.give(frame.id, cost);
    };
    if (isCancelled) return used();
    tolerant(pending, () => onItem(new Params(frame.fields[0], "what was found"), used));
  }

  // While something waits to be taken here, nothing is due from there: a program may end then.
  #countUnused(id: number, pending: Pending, difference: 1 | -1): void {
    const wasWaiting = pending.unused > 0;
    pending.unused += difference;
    const isUnderWay = !pending.isCancelled && this.#pending.get(id) === pending;
    if (isUnderWay && wasWaiting !== pending.unused > 0) this.#changeDue(wasWaiting ? 1 : -1);
  }

  #settle(id: number, pending: Pending): void {
    this.#pending.delete(id);
    this.#credit.end(id);
    // The other side may have answered before all of it came.
    if (this.#outbox.drop(id)) this.#outbox.post(encodeFrame(FRAME.cancel, id));
    this.#room.give(pending.size);
    if (!pending.isCancelled) this.#changeActive(-1, pending);
  }

  #changeActive(difference: 1 | -1, { unused }: Pending): void {
    this.#active += difference;
    if (this.#active === 0) this.#watch.stop();
    else if (this.#active === 1 && difference === 1) this.#watch.start();
    if (unused === 0) this.#changeDue(difference);
  }

  #changeDue(difference: 1 | -1): void {
    this.#due += difference;
    if (this.#due === 0) this.#options.onActive?.(false);
    else if (this.#due === 1 && difference === 1) this.#options.onActive?.(true);
  }

  /**
   * Sends a request.
   *
   * @returns the answer
   * @throws {RemoteConnectionError} If the connection is gone, or goes before the answer comes.
   */
  async request(
    method: string,
    params: Record<string, unknown>,
    options: RequestOptions = {},
  ): Promise<Params> {
    const { answer } = await this.begin(method, params, options);
    return await answer;
  }

  /**
   * Begins a request.
   *
   * @throws {RemoteConnectionError} If the connection is gone.
   * @throws {RangeError} If the parameters take more than a frame holds.
   */
  async begin(
    method: string,
    params: Record<string, unknown>,
    options: RequestOptions = {},
  ): Promise<Exchange> {
    const { signal, values } = options;
    signal?.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure.error;
    const id = this.#next++;
    const frame = encodeFrame(FRAME.request, id, method, params, values !== undefined);
    if (frame.length - LENGTH_BYTES > this.#limits.frame) {
      throw new RangeError(`Cannot send a request of ${frame.length} bytes`);
    }
    const start = () => this.#start(frame, { ...options, id, method });
    const { isUrgent = false } = options;
    return await this.#room.take(frame.length, start, { isUrgent, signal });
  }

  #start(
    frame: Uint8Array,
    { id, method, ...options }: RequestOptions & { id: number; method: string },
  ): Exchange {
    const { signal, values, onItem } = options;
    const { promise: answer, resolve, reject } = Promise.withResolvers<Params>();
    // Whoever awaits it hears of a failure; until then it is not unhandled.
    answer.catch(() => {});
    const intake = new ValueIntake(id, {
      limits: this.#limits,
      credit: this.#credit,
      onValue: options.onValue ?? ((_, used) => used()),
    });
    const size = frame.length;
    const pending: Pending = {
      ...{ method, size, resolve, reject, intake, onItem },
      ...{ unused: 0, isCancelled: false },
    };
    this.#pending.set(id, pending);
    this.#changeActive(1, pending);
    this.#outbox.post(frame);
    if (values !== undefined) this.#upload(id, values, pending);
    signal?.addEventListener("abort", () => this.#cancel(id, signal.reason), { once: true });
    const skip = (digest: string) => {
      if (this.#pending.get(id) !== pending || !intake.skip(digest)) return;
      this.#outbox.post(encodeFrame(FRAME.skip, id, digest));
    };
    return { answer, skip };
  }

  #isDue(): boolean {
    return this.#pending.values().some(({ isCancelled, unused, intake }) =>
      !isCancelled && unused === 0 && !intake.isFull
    );
  }

  // Tells a far side that is busy from a link that is gone: something moves then.
  #ping(): void {
    if (this.#isPinging || this.#outbox.isClosed) return;
    this.#isPinging = true;
    this.request("ping", {}, { isUrgent: true }).catch(() => {}).finally(() =>
      this.#isPinging = false
    );
  }

  #upload(id: number, values: AsyncIterable<Held> | Iterable<Held>, pending: Pending): void {
    this.#outbox.open(id);
    const sender = new ValueSender(id, {
      limits: this.#limits,
      send: (frame, cost) => this.#outbox.send(id, frame, cost),
      reuse: this.#options.reuse === true,
    });
    const sent = async () => {
      for await (const { reference, encoding } of values) {
        if (!await sender.send(reference.digest, encoding)) return;
      }
      this.#outbox.finish(id, encodeFrame(FRAME.end, id));
    };
    // What cannot be read here is nothing to send; the other side keeps nothing of the request.
    sent().catch((error) => this.#cancel(id, error, pending));
  }

  // Whoever waits need not wait for the other side to notice.
  #cancel(id: number, reason: unknown, pending = this.#pending.get(id)): void {
    if (pending === undefined || pending.isCancelled || !this.#pending.has(id)) return;
    pending.isCancelled = true;
    pending.intake.giveUp();
    this.#outbox.drop(id);
    this.#outbox.post(encodeFrame(FRAME.cancel, id));
    pending.reject(reason);
    this.#changeActive(-1, pending);
  }

  /** Fails all requests that are under way, and every later one. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { reject } of this.#pending.values()) reject(this.#failure.error);
    this.#pending.clear();
    this.#outbox.abandon();
    this.#room.fail(this.#failure.error);
    this.#watch.stop();
    if (this.#due > 0) this.#options.onActive?.(false);
    this.#active = this.#due = 0;
  }

  /** Tells the server that nothing more comes, once all has been written. */
  async end(): Promise<void> {
    this.#outbox.close();
    await this.#pumped;
    // The other side may be gone already; there is nobody left to tell then.
    await this.#writer.close().catch(() => {});
  }
}

// What is wrong with one answer does not concern the others.
function tolerant(pending: Pending, take: () => void): void {
  try {
    take();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof ProtocolError) throw error;
    pending.fault ??= error;
  }
}
