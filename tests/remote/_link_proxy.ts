/**
 * A link between ssh and sshd that can be slow, stand still and break: connections to a port of its
 * own are passed on, byte by byte in order, to another port of this machine.
 *
 * @module
 */

/** Bytes read at once. */
const PIECE = 256 << 10;

/** Bytes that are on their way in one direction, before the sender has to wait. */
const WINDOW = 32 << 20;

/** Time for which a link with a limit takes bytes in advance, in milliseconds. */
const AHEAD = 50;

/** Which way bytes go: from the client, or to it. */
export type Direction = "up" | "down";

/** How a link differs from loopback. */
export interface LinkProxyOptions {
  /** Time that a byte takes in each direction, in milliseconds: half of the round trip. */
  delay?: number;
  /** Bytes per second in each direction; without limit by default. */
  bandwidth?: number;
}

/** A port that leads to another one. */
export class LinkProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #target: number;
  readonly #options: Required<LinkProxyOptions>;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #bytes: Record<Direction, number> = { up: 0, down: 0 };
  #gate: PromiseWithResolvers<void> | undefined;
  #trap: { direction: Direction; resolve: () => void } | undefined;
  readonly #accepting: Promise<void>;
  readonly #joins = new Set<Promise<void>>();
  #accepted = 0;

  /** Takes the port that connections are passed on to. */
  constructor(target: number, options: LinkProxyOptions = {}) {
    this.#target = target;
    this.#options = { delay: options.delay ?? 0, bandwidth: options.bandwidth ?? Infinity };
    this.#accepting = this.#accept();
  }

  /** Where it listens. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Connections made so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Bytes that have been taken from the sender so far. */
  bytes(direction: Direction): number {
    return this.#bytes[direction];
  }

  /** Stops passing bytes on as soon as some come from one side; resolves then. */
  stallAt(direction: Direction): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#trap = { direction, resolve };
    return promise;
  }

  /** Stops passing bytes on; connections stay. */
  stall(): void {
    this.#gate ??= Promise.withResolvers();
  }

  /** Passes on what has waited, and what comes. */
  resume(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** Breaks the connections there are; new ones can be made. */
  cut(): void {
    for (const connection of this.#connections) closeIfOpen(connection);
    this.#connections.clear();
  }

  /** Breaks the connections and listens no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    this.resume();
    await this.#accepting;
    await Promise.all(this.#joins);
  }

  async #accept(): Promise<void> {
    for await (const near of this.#listener) {
      this.#accepted++;
      this.#connections.add(near);
      const join = this.#join(near).catch((error) => {
        if (!isBroken(error)) throw error;
        closeIfOpen(near);
      });
      this.#joins.add(join);
      join.finally(() => this.#joins.delete(join));
    }
  }

  async #join(near: Deno.TcpConn): Promise<void> {
    const far = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
    if (!this.#connections.has(near)) return closeIfOpen(far);
    this.#connections.add(far);
    near.setNoDelay(true);
    far.setNoDelay(true);
    const both = [this.#pass("up", near, far), this.#pass("down", far, near)];
    const broken = await Promise.allSettled(both);
    for (const each of [near, far]) {
      closeIfOpen(each);
      this.#connections.delete(each);
    }
    for (const each of broken) {
      if (each.status === "rejected" && !isBroken(each.reason)) throw each.reason;
    }
  }

  #spring(direction: Direction): void {
    if (this.#trap?.direction !== direction) return;
    this.stall();
    this.#trap.resolve();
    this.#trap = undefined;
  }

  // Bytes leave when they have been on their way for long enough, while others are still read.
  async #pass(direction: Direction, from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const { delay, bandwidth } = this.#options;
    const link = new Pipe(Math.min(WINDOW, bandwidth * (delay + AHEAD) / 1000));
    const sending = link.drain(async (bytes) => {
      await this.#gate?.promise;
      await writeAll(to, bytes);
    });
    // Whoever waits for it, waits below; a link that breaks must not end the tests meanwhile.
    sending.catch(() => closeIfOpen(from));
    let free = 0;
    const buffer = new Uint8Array(PIECE);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        this.#bytes[direction] += count;
        this.#spring(direction);
        free = Math.max(free, performance.now()) + count / bandwidth * 1000;
        await link.put(buffer.slice(0, count), free + delay);
      }
    } finally {
      link.end();
    }
    await sending;
    await to.closeWrite();
  }
}

/** Bytes on their way. */
class Pipe {
  readonly #queue: { bytes: Uint8Array; due: number }[] = [];
  readonly #window: number;
  #length = 0;
  #hasEnded = false;
  #wakeReader = () => {};
  #wakeWriter = () => {};

  /** Takes how many bytes may be on their way. */
  constructor(window: number) {
    this.#window = window;
  }

  /** Takes bytes, and when they arrive; waits while too many are on their way. */
  async put(bytes: Uint8Array, due: number): Promise<void> {
    this.#queue.push({ bytes, due });
    this.#length += bytes.length;
    this.#wakeReader();
    while (this.#length > this.#window && !this.#hasEnded) {
      await new Promise<void>((resolve) => this.#wakeWriter = resolve);
    }
  }

  /** Nothing more comes. */
  end(): void {
    this.#hasEnded = true;
    this.#wakeReader();
    this.#wakeWriter();
  }

  /** Gives what arrives, in order, until the end. */
  async drain(take: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    try {
      while (true) {
        const next = this.#queue[0];
        if (next === undefined) {
          if (this.#hasEnded) return;
          await new Promise<void>((resolve) => this.#wakeReader = resolve);
          continue;
        }
        const left = next.due - performance.now();
        if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
        await take(next.bytes);
        this.#queue.shift();
        this.#length -= next.bytes.length;
        this.#wakeWriter();
      }
    } finally {
      this.end();
    }
  }
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

function closeIfOpen(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

// What a link that breaks, on either side or by `cut`, makes of reading and writing.
function isBroken(error: unknown): boolean {
  return [
    Deno.errors.BadResource,
    Deno.errors.Interrupted,
    Deno.errors.BrokenPipe,
    Deno.errors.ConnectionReset,
    Deno.errors.ConnectionRefused,
    Deno.errors.ConnectionAborted,
    Deno.errors.NotConnected,
  ].some((each) => error instanceof each);
}
