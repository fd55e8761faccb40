/**
 * A real MariaDB server on loopback, in a folder of its own.
 *
 * @module
 */

import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { findProgram, requirement } from "./_require.ts";
import { canStart, DatabaseServer, PASSWORD, type TestServer, USER } from "./_server.ts";

const ACCOUNT = "mysql";
const INSTALL = findProgram("mariadb-install-db");
const SERVER = findProgram("mariadbd");

/** Whether a server can be started; for the `ignore` of tests. */
export const HAS_MARIADB: boolean = requirement(
  "mariadb",
  canStart(ACCOUNT, [INSTALL, SERVER]),
  "MariaDB is not there: install mariadb-server",
);

/** A server with any number of databases. */
export class MariaDb implements TestServer {
  readonly #server: DatabaseServer;
  #count = 0;

  private constructor(server: DatabaseServer) {
    this.#server = server;
  }

  /** Starts a server. */
  static async start(): Promise<MariaDb> {
    const server = await DatabaseServer.start({
      name: "mariadb",
      account: ACCOUNT,
      initialize: async (folder, run) => {
        await Deno.writeTextFile(
          join(folder, "init.sql"),
          `CREATE USER IF NOT EXISTS '${USER}'@'127.0.0.1' IDENTIFIED BY '${PASSWORD}';\n` +
            `GRANT ALL ON *.* TO '${USER}'@'127.0.0.1' WITH GRANT OPTION;\n`,
        );
        await run([
          ...[INSTALL ?? "", "--no-defaults", `--datadir=${join(folder, "data")}`],
          ...["--skip-test-db", "--auth-root-authentication-method=normal"],
          ...["--skip-name-resolve", "--innodb-log-file-size=8M", "--innodb-flush-method=nosync"],
        ]);
      },
      command: (folder, port) => [
        ...[SERVER ?? "", "--no-defaults", `--datadir=${join(folder, "data")}`],
        ...[`--port=${port}`, "--bind-address=127.0.0.1", `--socket=${join(folder, "socket")}`],
        ...[`--pid-file=${join(folder, "pid")}`, `--init-file=${join(folder, "init.sql")}`],
        ...["--skip-name-resolve", "--skip-log-bin", "--innodb-log-file-size=8M"],
        ...["--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=2"],
        ...["--innodb-buffer-pool-size=32M", "--character-set-server=latin1"],
      ],
      ready: "ready for connections",
      signals: { stop: "SIGTERM", kill: "SIGKILL" },
    });
    return new MariaDb(server);
  }

  /** The port on 127.0.0.1. */
  get port(): number {
    return this.#server.port;
  }

  /** The URL of a database, there or not. */
  url(database: string): string {
    const credentials = `${USER}:${encodeURIComponent(PASSWORD)}`;
    return `mysql://${credentials}@127.0.0.1:${this.port}/${database}`;
  }

  /** Makes an empty database; its name. */
  async create(): Promise<string> {
    const name = `db${this.#count++}`;
    await this.query("mysql", `CREATE DATABASE ${name}`);
    return name;
  }

  /** Runs a statement without fleche; the rows that it gives. */
  async query(database: string, statement: string): Promise<Record<string, unknown>[]> {
    const { port } = this;
    const connection = await createConnection({
      ...{ host: "127.0.0.1", port, database, user: USER, password: PASSWORD },
    });
    try {
      await connection.query("SET sql_mode = 'ANSI_QUOTES'");
      const [rows] = await connection.query(statement);
      return Array.isArray(rows) ? rows.map((row) => ({ ...row })) : [];
    } finally {
      await connection.end();
    }
  }

  /** The statement that makes a user whose password is the name. */
  userStatement(name: string): string {
    return `CREATE USER '${name}'@'127.0.0.1' IDENTIFIED BY '${name}'`;
  }

  /** The statement that leaves a user one connection at a time. */
  limitStatement(name: string): string {
    return `ALTER USER '${name}'@'127.0.0.1' WITH MAX_USER_CONNECTIONS 1`;
  }

  /** How a user is written in a statement. */
  userName(name: string): string {
    return `'${name}'@'127.0.0.1'`;
  }

  /** How bytes are written in a statement. */
  bytes(bytes: Uint8Array): string {
    return `X'${bytes.toHex()}'`;
  }

  /** Ends the server at once, as a crash does. */
  async kill(): Promise<void> {
    await this.#server.kill();
  }

  /** Starts the server again. */
  async restart(): Promise<void> {
    await this.#server.start();
  }

  /** Stops the server and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
