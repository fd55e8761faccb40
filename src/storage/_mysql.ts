import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { hostname } from "node:os";
import type { Connection, ResultSetHeader } from "mysql2/promise";
import type { Row, SqlValue } from "./_sql_driver.ts";
import { MAX_NAME } from "./_sql_queries.ts";
import {
  applicationName,
  openSocket,
  type SessionOptions,
  type SqlFault,
  type SqlResult,
  type SqlServer,
  type SqlSession,
  withPlainBytes,
} from "./_sql_session.ts";
import type { ServerAddress, TlsMode } from "./_sql_url.ts";

/** Names by which the library reports errors: https://mariadb.com/kb/en/mariadb-error-code-reference/ */
const FAULTS: Readonly<Record<string, SqlFault>> = {
  ER_NO_SUCH_TABLE: "no such table",
  ER_DUP_ENTRY: "conflict",
  ER_LOCK_DEADLOCK: "conflict",
  ER_ACCESS_DENIED_ERROR: "wrong password",
  ER_ACCESS_DENIED_NO_PASSWORD_ERROR: "wrong password",
  ER_BAD_DB_ERROR: "no such database",
  ER_DBACCESS_DENIED_ERROR: "no rights",
  ER_TABLEACCESS_DENIED_ERROR: "no rights",
  ER_CON_COUNT_ERROR: "busy",
  ER_USER_LIMIT_REACHED: "busy",
  ER_TOO_MANY_USER_CONNECTIONS: "busy",
  ER_LOCK_WAIT_TIMEOUT: "locked",
};

/** Bytes of a statement besides its longer parameters, with room to spare. */
const AROUND_PARAMETERS = 1 << 16;

/** Longest name of a lock, in characters. */
const MAX_LOCK_NAME = 64;

/** MySQL and MariaDB, through the package mysql2. */
export const MYSQL: SqlServer = {
  name: "MySQL",
  now: "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)",
  schema: {
    id: "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
    integer: "BIGINT",
    digest: "VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin",
    name: `VARCHAR(${MAX_NAME}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    text: "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    bytes: "LONGBLOB",
    table: "ENGINE = InnoDB",
    ordered: "ENGINE = InnoDB",
    inlineIndexes: true,
  },
  connect: openSession,
  classify(error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, "code") : undefined;
    return typeof code === "string" ? FAULTS[code] : undefined;
  },
};

async function openSession(address: ServerAddress, options: SessionOptions): Promise<SqlSession> {
  const { createConnection } = await import("mysql2/promise");
  const { host, port, database, user, password, tls } = address;
  const socket = await openSocket({ host, port }, options.lockTimeout);
  const connection = await createConnection({
    ...{ host, port, database, user, password, charset: "utf8mb4_bin" },
    ...tls === "disable" ? {} : { ssl: tlsOptions(tls) },
    stream: () => socket,
    connectTimeout: Math.min(options.lockTimeout * 1000, 2 ** 31 - 1),
    connectAttributes: { program_name: applicationName(hostname()) },
  });
  const session = new MysqlSession(connection, socket);
  try {
    await session.prepare(options);
  } catch (error) {
    await session.close();
    throw error;
  }
  return session;
}

function tlsOptions(tls: TlsMode): { rejectUnauthorized: boolean; verifyIdentity: boolean } {
  const verifies = tls === "verify-full";
  return { rejectUnauthorized: verifies, verifyIdentity: verifies };
}

class MysqlSession implements SqlSession {
  isOpen = true;
  maxLength = Infinity;
  readonly #connection: Connection;
  readonly #socket: Socket;

  constructor(connection: Connection, socket: Socket) {
    this.#connection = connection;
    this.#socket = socket;
    const end = () => void (this.isOpen = false);
    connection.on("error", end);
    connection.on("end", end);
    socket.once("close", end);
  }

  /** Brings the session into the state that the statements expect. */
  async prepare({ lockTimeout }: SessionOptions): Promise<void> {
    const seconds = Math.max(1, Math.min(Math.ceil(lockTimeout), 2 ** 30));
    await this.#connection.query(
      "SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES', " +
        `SESSION innodb_lock_wait_timeout = ${seconds}, SESSION lock_wait_timeout = ${seconds}`,
    );
    // The usual level locks the gaps between keys, at which writers of different keys meet.
    await this.#connection.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    const { rows } = await this.query("SELECT @@max_allowed_packet AS bytes");
    this.maxLength = Number(rows[0]?.["bytes"]) - AROUND_PARAMETERS;
  }

  async query(sql: string, parameters: readonly SqlValue[] = []): Promise<SqlResult> {
    const values = parameters.map((value) =>
      value instanceof Uint8Array
        ? Buffer.from(value.buffer, value.byteOffset, value.length)
        : value
    );
    const result = await this.#send(sql, values);
    if (Array.isArray(result)) {
      return { rows: (result as Row[]).map(withPlainBytes), changes: 0, id: undefined };
    }
    const { affectedRows, insertId } = result as ResultSetHeader;
    return { rows: [], changes: affectedRows, id: insertId === 0 ? undefined : insertId };
  }

  async #send(sql: string, values: (string | number | Buffer | null)[]): Promise<unknown> {
    try {
      // Statements without parameters are not all of a kind that can be prepared.
      const [result] = values.length === 0
        ? await this.#connection.query(sql)
        : await this.#connection.execute(sql, values);
      return result;
    } catch (error) {
      // What is not the server's answer to a statement is the end of the session.
      const state: unknown = error instanceof Error ? Reflect.get(error, "sqlState") : undefined;
      if (state === undefined) this.isOpen = false;
      throw error;
    }
  }

  hold(isBusy: boolean): void {
    if (isBusy) this.#socket.ref();
    else this.#socket.unref();
  }

  async tryLock(name: string): Promise<boolean> {
    const { rows } = await this.query("SELECT GET_LOCK(?, 0) AS done", [lockName(name)]);
    return rows[0]?.["done"] === 1;
  }

  async unlock(name: string): Promise<void> {
    await this.query("SELECT RELEASE_LOCK(?)", [lockName(name)]);
  }

  // Other connections' attributes are for administrators to see.
  async holder(name: string): Promise<string | undefined> {
    const { rows } = await this.query(
      `SELECT host FROM information_schema.processlist WHERE id = IS_USED_LOCK(?)`,
      [lockName(name)],
    );
    const host = Object.values(rows[0] ?? {})[0];
    return typeof host === "string" ? host : undefined;
  }

  async close(): Promise<void> {
    const wasOpen = this.isOpen;
    this.isOpen = false;
    this.hold(true);
    const closed = this.#socket.destroyed
      ? Promise.resolve()
      : new Promise((resolve) => this.#socket.once("close", resolve));
    // Where the server is gone, no answer comes.
    if (wasOpen) await Promise.race([this.#connection.end(), closed]);
    this.#socket.destroy();
    await closed;
  }
}

// Locks are the whole server's, whichever the database.
function lockName(name: string): string {
  return `fleche ${name}`.slice(0, MAX_LOCK_NAME);
}
