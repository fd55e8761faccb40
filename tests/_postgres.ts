/**
 * A real PostgreSQL server on loopback, in a folder of its own.
 *
 * @module
 */

import { join } from "node:path";
import postgres from "postgres";
import { findProgram, requirement } from "./_require.ts";
import { canStart, DatabaseServer, PASSWORD, type TestServer, USER } from "./_server.ts";

const ACCOUNT = "postgres";

// Debian keeps the programs of each version in a folder of their own, out of the path.
function findServerProgram(name: string): string | undefined {
  const folder = "/usr/lib/postgresql";
  let versions: string[] = [];
  try {
    versions = [...Deno.readDirSync(folder)].map((entry) => entry.name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? findProgram(name) : join(folder, newest, "bin", name);
}

const INITDB = findServerProgram("initdb");
const POSTGRES = findServerProgram("postgres");

/** Whether a server can be started; for the `ignore` of tests. */
export const HAS_POSTGRES: boolean = requirement(
  "postgresql",
  canStart(ACCOUNT, [INITDB, POSTGRES]),
  "PostgreSQL is not there: install postgresql",
);

/** A server with any number of databases. */
export class Postgres implements TestServer {
  readonly #server: DatabaseServer;
  #count = 0;

  private constructor(server: DatabaseServer) {
    this.#server = server;
  }

  /** Starts a server. */
  static async start(): Promise<Postgres> {
    const server = await DatabaseServer.start({
      name: "postgresql",
      account: ACCOUNT,
      initialize: async (folder, run) => {
        const passwordFile = join(folder, "password");
        await Deno.writeTextFile(passwordFile, PASSWORD);
        await run([
          ...[INITDB ?? "", "--pgdata", join(folder, "data"), "--username", USER],
          ...["--auth=scram-sha-256", `--pwfile=${passwordFile}`, "--encoding=UTF8"],
          ...["--locale=C.UTF-8", "--no-sync"],
        ]);
      },
      command: (folder, port) => [
        ...[POSTGRES ?? "", "-D", join(folder, "data"), "-p", String(port)],
        ...["-c", "listen_addresses=127.0.0.1", "-c", `unix_socket_directories=${folder}`],
        ...["-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_wal_size=256MB"],
      ],
      ready: "ready to accept connections",
      signals: { stop: "SIGINT", kill: "SIGQUIT" },
    });
    return new Postgres(server);
  }

  /** The port on 127.0.0.1. */
  get port(): number {
    return this.#server.port;
  }

  /** The URL of a database, there or not. */
  url(database: string): string {
    const credentials = `${USER}:${encodeURIComponent(PASSWORD)}`;
    return `postgresql://${credentials}@127.0.0.1:${this.port}/${database}`;
  }

  /** Makes an empty database; its name. */
  async create(): Promise<string> {
    const name = `db${this.#count++}`;
    await this.query("postgres", `CREATE DATABASE ${name} STRATEGY file_copy`);
    return name;
  }

  /** Runs a statement without fleche; the rows that it gives. */
  async query(database: string, statement: string): Promise<Record<string, unknown>[]> {
    const { port } = this;
    const sql = postgres({
      ...{ host: "127.0.0.1", port, database, username: USER, password: PASSWORD, max: 1 },
      fetch_types: false,
    });
    try {
      return [...await sql.unsafe(statement)];
    } finally {
      await sql.end();
    }
  }

  /** The statement that makes a user whose password is the name. */
  userStatement(name: string): string {
    return `CREATE ROLE ${name} LOGIN PASSWORD '${name}'`;
  }

  /** The statement that leaves a user one connection at a time. */
  limitStatement(name: string): string {
    return `ALTER ROLE ${name} CONNECTION LIMIT 1`;
  }

  /** How a user is written in a statement. */
  userName(name: string): string {
    return name;
  }

  /** How bytes are written in a statement. */
  bytes(bytes: Uint8Array): string {
    return `'\\x${bytes.toHex()}'::bytea`;
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
