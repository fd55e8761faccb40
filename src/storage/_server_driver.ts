import { Buffer } from "node:buffer";
import {
  echoStatement,
  type Row,
  type Script,
  type SqlDriver,
  type SqlLocks,
  type SqlValue,
} from "./_sql_driver.ts";
import { Connection } from "./_server_connection.ts";
import { explained } from "./_server_errors.ts";
import { openTables } from "./_server_schema.ts";
import type { SchemaDialect } from "./_sql_schema.ts";
import type { SessionOptions, SqlResult, SqlServer, SqlSession } from "./_sql_session.ts";
import type { ServerAddress } from "./_sql_url.ts";

/** Times that a script is run when writers get in each other's way. */
const ATTEMPTS = 10;

/** Longest pause before another attempt, in milliseconds, times the number of attempts so far. */
const PAUSE = 20;

/** Longest pause before a server that is busy is asked again, in milliseconds. */
const BUSY_PAUSE = 500;

/** An idle connection is ended after this long, in milliseconds: servers have few of them to give. */
const IDLE_TIME = 60_000;

/** A database on a server, through one connection that is opened when it is first used. */
export class ServerDriver implements SqlDriver {
  readonly now: string;
  readonly schema: SchemaDialect;
  readonly locks: SqlLocks;
  readonly #server: SqlServer;
  readonly #address: ServerAddress;
  readonly #options: SessionOptions;
  readonly #echo: boolean;
  readonly #connection: Connection;

  /** Takes the address. Nothing is opened yet. */
  constructor(
    server: SqlServer,
    address: ServerAddress,
    options: SessionOptions & { readonly echo: boolean },
  ) {
    this.now = server.now;
    this.schema = server.schema;
    this.#server = server;
    this.#address = address;
    this.#options = options;
    this.#echo = options.echo;
    this.#connection = new Connection(() => this.#connect(), IDLE_TIME);
    this.locks = new ServerLocks(() => this.#connect(), (error) => this.#explained(error));
  }

  async #connect(): Promise<SqlSession> {
    const session = await this.#logIn();
    try {
      await openTables(session, this.#server, this.#address, this.#options.lockTimeout);
    } catch (error) {
      await session.close();
      throw error;
    }
    return session;
  }

  // A server that is starting, or has no connection to spare, is asked again.
  async #logIn(): Promise<SqlSession> {
    const end = performance.now() + this.#options.lockTimeout * 1000;
    for (;;) {
      try {
        return await this.#server.connect(this.#address, this.#options);
      } catch (error) {
        if (this.#server.classify(error) !== "busy" || performance.now() > end) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE * Math.random()));
    }
  }

  #explained(error: unknown): unknown {
    return explained(error, this.#server, this.#address);
  }

  async #query(sql: string, parameters: readonly SqlValue[]): Promise<SqlResult> {
    if (this.#echo) echoStatement(sql, parameters);
    try {
      return await this.#connection.use((session) => session.query(sql, parameters));
    } catch (error) {
      throw this.#explained(error);
    }
  }

  async get(sql: string, parameters: readonly SqlValue[]): Promise<Row | undefined> {
    return (await this.#query(sql, parameters)).rows[0];
  }

  async all(sql: string, parameters: readonly SqlValue[]): Promise<Row[]> {
    return (await this.#query(sql, parameters)).rows;
  }

  async each(
    sql: string,
    parameters: readonly SqlValue[],
    take: (row: Row) => void,
  ): Promise<void> {
    for (const row of await this.all(sql, parameters)) take(row);
  }

  async run(sql: string, parameters: readonly SqlValue[]): Promise<number> {
    const { id, changes } = await this.#query(sql, parameters);
    return id ?? changes;
  }

  async transaction<T>(script: () => Script<T>): Promise<T> {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#connection.useAlone((session) => this.#runScript(session, script()));
      } catch (error) {
        if (this.#server.classify(error) !== "conflict" || attempt === ATTEMPTS) {
          throw this.#explained(error);
        }
        await new Promise((resolve) => setTimeout(resolve, Math.random() * PAUSE * attempt));
      }
    }
  }

  async #runScript<T>(session: SqlSession, statements: Script<T>): Promise<T> {
    await session.query("BEGIN");
    try {
      let step = statements.next();
      while (step.done !== true) {
        const [sql, parameters] = step.value;
        if (this.#echo) echoStatement(sql, parameters);
        if (session.maxLength !== Infinity) checkLength(parameters, session.maxLength);
        const { id, changes } = await session.query(sql, parameters);
        step = statements.next(id ?? changes);
      }
      await session.query("COMMIT");
      return step.value;
    } catch (error) {
      // A session that cannot roll back has ended, which does as much.
      if (session.isOpen) await session.query("ROLLBACK").catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#connection.close(), this.locks[Symbol.asyncDispose]()]);
  }
}

// A server that is sent too much ends the connection, without a reason.
function checkLength(parameters: readonly SqlValue[], maxLength: number): void {
  let length = 0;
  for (const value of parameters) {
    if (typeof value === "string") length += Buffer.byteLength(value);
    else if (value instanceof Uint8Array) length += value.length;
  }
  if (length <= maxLength) return;
  throw new Error(
    `the ${length} bytes of a record and its metadata are more than the server takes: raise its ` +
      "max_allowed_packet",
  );
}

/** Locks on a session of their own, which lasts until it is closed or lost. */
class ServerLocks implements SqlLocks {
  readonly #connection: Connection;
  readonly #explained: (error: unknown) => unknown;

  constructor(connect: () => Promise<SqlSession>, explained: (error: unknown) => unknown) {
    this.#connection = new Connection(connect, Infinity);
    this.#explained = explained;
  }

  async #use<T>(work: (session: SqlSession) => Promise<T>): Promise<T> {
    try {
      return await this.#connection.use(work);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  tryLock(name: string): Promise<boolean> {
    return this.#use((session) => session.tryLock(name));
  }

  unlock(name: string): Promise<void> {
    return this.#use((session) => session.unlock(name));
  }

  query(sql: string, parameters: readonly SqlValue[]): Promise<SqlResult> {
    return this.#use((session) => session.query(sql, parameters));
  }

  holder(name: string): Promise<string | undefined> {
    return this.#use((session) => session.holder(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}
