import type { SqlSession } from "./_sql_session.ts";

/** A session that is opened when it is needed, and again after it was lost. */
export class Connection {
  readonly #connect: () => Promise<SqlSession>;
  readonly #idleTime: number;
  #session: Promise<SqlSession> | undefined;
  /** Ends with the use that no other statement may come between; undefined while there is none. */
  #alone: Promise<void> | undefined;
  #uses = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Takes what opens a session.
   *
   * @param idleTime how long a session is kept that nobody uses, in milliseconds
   */
  constructor(connect: () => Promise<SqlSession>, idleTime: number) {
    this.#connect = connect;
    this.#idleTime = idleTime;
  }

  /** Uses the session, alongside others, while nobody uses it alone. */
  use<T>(work: (session: SqlSession) => Promise<T>): Promise<T> {
    return this.#try(async (session) => {
      while (this.#alone !== undefined) await this.#alone;
      return await work(session);
    });
  }

  /** Uses the session alone: what others send meanwhile has to wait. */
  async useAlone<T>(work: (session: SqlSession) => Promise<T>): Promise<T> {
    while (this.#alone !== undefined) await this.#alone;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#alone = promise;
    try {
      return await this.#try(work);
    } finally {
      this.#alone = undefined;
      resolve();
    }
  }

  // A connection that was lost shows when it is used; what was sent is sent once more.
  async #try<T>(work: (session: SqlSession) => Promise<T>): Promise<T> {
    this.#uses++;
    clearTimeout(this.#timer);
    try {
      const session = await this.#open();
      try {
        return await work(session);
      } catch (error) {
        if (session.isOpen) throw error;
      }
      return await work(await this.#open());
    } finally {
      if (--this.#uses === 0) await this.#rest();
    }
  }

  async #open(): Promise<SqlSession> {
    for (;;) {
      const opening = this.#session ??= this.#connect();
      let session: SqlSession;
      try {
        session = await opening;
      } catch (error) {
        if (this.#session === opening) this.#session = undefined;
        throw error;
      }
      if (session.isOpen) {
        session.hold(true);
        return session;
      }
      if (this.#session === opening) this.#session = undefined;
      await session.close();
    }
  }

  // Lets the process end, and after a while the connection.
  async #rest(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    if (session === undefined || this.#uses > 0) return;
    session.hold(false);
    if (this.#idleTime === Infinity) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.close(), this.#idleTime);
    Deno.unrefTimer(this.#timer);
  }

  /** Ends the session. What is under way is sent once more, on another one. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const opening = this.#session;
    this.#session = undefined;
    const session = await opening?.catch(() => undefined);
    await session?.close();
  }
}
