import { connect, type Socket } from "node:net";
import type { Row, SqlValue } from "./_sql_driver.ts";
import type { SchemaDialect } from "./_sql_schema.ts";
import type { ServerAddress } from "./_sql_url.ts";

/** What a statement gives. */
export interface SqlResult {
  readonly rows: Row[];
  /** How many rows it changed. */
  readonly changes: number;
  /** The id of the row that it inserted, if it did and its table has ids. */
  readonly id: number | undefined;
}

/** One connection to a server. Statements are answered in the order in which they are sent. */
export interface SqlSession {
  /** Whether it can be used; once it cannot, it never can again. */
  readonly isOpen: boolean;
  /** Most bytes of parameters that the server takes with a statement. */
  readonly maxLength: number;
  /** Runs a statement. */
  query(sql: string, parameters?: readonly SqlValue[]): Promise<SqlResult>;
  /** Whether the process has to stay for it. */
  hold(isBusy: boolean): void;
  /** Takes a lock that lasts as long as the session, if nobody else has it. */
  tryLock(name: string): Promise<boolean>;
  /** Gives a lock back. */
  unlock(name: string): Promise<void>;
  /** What the session that has a lock calls itself. */
  holder(name: string): Promise<string | undefined>;
  /** Ends the connection. */
  close(): Promise<void>;
}

/** How a session differs from the usual. */
export interface SessionOptions {
  /** How long to wait for the connection, and for locks of others, in seconds. */
  readonly lockTimeout: number;
  /** Whether a commit survives a power cut, where that can be chosen. */
  readonly durable: boolean;
}

/** A kind of server. */
export interface SqlServer {
  /** What it is called, in messages. */
  readonly name: string;
  /** The present time in milliseconds since 1970, as an expression. */
  readonly now: string;
  /** How the tables are written. */
  readonly schema: SchemaDialect;
  /** Connects; the library for it is loaded first. */
  connect(address: ServerAddress, options: SessionOptions): Promise<SqlSession>;
  /** What an error means. */
  classify(error: unknown): SqlFault | undefined;
}

/** What errors mean, whichever server they come from. */
export type SqlFault =
  | "no such table"
  | "conflict"
  | "wrong password"
  | "no such database"
  | "no rights"
  | "busy"
  | "locked";

/** What a connection calls itself, for others to see who holds a lock. */
export function applicationName(host: string): string {
  return `fleche ${host} ${Deno.pid}`;
}

/** A row whose bytes are nobody else's: those of a Buffer may be part of what others use. */
export function withPlainBytes(row: Row): Row {
  for (const [column, value] of Object.entries(row)) {
    if (value instanceof Uint8Array) row[column] = new Uint8Array(value);
  }
  return row;
}

/** Opens a connection without a protocol yet. */
export function openSocket(
  { host, port }: { host: string; port: number },
  seconds: number,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = host.startsWith("/") ? connect(host) : connect(port, host);
    const timer = setTimeout(() => {
      const late = new Error("the server does not answer");
      socket.destroy(Object.assign(late, { code: "ETIMEDOUT" }));
    }, Math.min(seconds * 1000, 2 ** 31 - 1));
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once("error", fail);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", fail);
      socket.setNoDelay(true);
      // A peer that is gone without a word is noticed within minutes.
      socket.setKeepAlive(true, 60_000);
      resolve(socket);
    });
  });
}
