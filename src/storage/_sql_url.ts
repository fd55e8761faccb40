import { userInfo } from "node:os";
import { ConfigError } from "../errors.ts";
import { expandPath } from "../paths.ts";
import { IN_MEMORY } from "./_sqlite_file.ts";

/** How the connection to a server is encrypted, in libpq's words. */
export type TlsMode = "disable" | "prefer" | "require" | "verify-full";

const TLS_MODES: readonly TlsMode[] = ["disable", "prefer", "require", "verify-full"];

/** A database on a server. */
export interface ServerAddress {
  /** Which kind of server. */
  readonly type: "postgresql" | "mysql";
  /** A name or an address; or an absolute path, of the socket (MySQL) or its folder (PostgreSQL). */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly tls: TlsMode;
  /** The address without user and password, for messages and as the database's name. */
  readonly identity: string;
}

/** A database that a URL names: a server's, or the path of a SQLite file (`:memory:` for none). */
export type DatabaseAddress =
  | { readonly type: "sqlite"; readonly path: string }
  | ServerAddress;

/** Schemes by the kind of server; what follows a plus sign names a Python driver and is left out. */
const SERVERS: Readonly<Record<string, { type: ServerAddress["type"]; port: number }>> = {
  postgresql: { type: "postgresql", port: 5432 },
  postgres: { type: "postgresql", port: 5432 },
  mysql: { type: "mysql", port: 3306 },
  mariadb: { type: "mysql", port: 3306 },
};

/**
 * The database that a URL names, as SQLAlchemy writes them: `sqlite:///relative/path`,
 * `sqlite:////absolute/path`, `sqlite:///~/in/home`, `sqlite://` for one in memory,
 * `postgresql://user:password@host:port/database`, `mysql://...` and `mariadb://...`. A bare path
 * means SQLite too.
 *
 * @throws {ConfigError} If the URL is empty or none of these, or does not name all that is needed; the
 *   message does not hold the URL of a server, which may hold a password.
 */
export function databaseAddress(url: string): DatabaseAddress {
  const [, scheme, rest] = /^([A-Za-z][\w+.-]*):\/\/(.*)$/s.exec(url) ?? [];
  if (url === "" || /^sqlite:(?!\/\/)/i.test(url)) throw noDatabase(url);
  if (scheme === undefined || rest === undefined) return { type: "sqlite", path: plainPath(url) };
  if (scheme.toLowerCase() === "sqlite") return { type: "sqlite", path: sqlitePath(url, rest) };
  const server = scheme.replace(/\+.*$/s, "").toLowerCase();
  if (!Object.hasOwn(SERVERS, server)) {
    throw new ConfigError(
      `Cannot use a database of type "${scheme}" for calls: write sqlite, postgresql or mysql`,
    );
  }
  return serverAddress(server, rest);
}

function sqlitePath(url: string, rest: string): string {
  if (rest === "") return IN_MEMORY;
  if (rest.startsWith("/") && rest !== "/") return plainPath(rest.slice(1));
  throw noDatabase(url);
}

function noDatabase(url: string): ConfigError {
  return new ConfigError(
    `Cannot use "${url}" as a database: write sqlite:///relative/path, sqlite:////absolute/path, or ` +
      "sqlite:// for one in memory",
  );
}

function plainPath(path: string): string {
  return path === IN_MEMORY ? IN_MEMORY : expandPath(path);
}

function serverAddress(scheme: string, rest: string): ServerAddress {
  const { type, port: usual } = SERVERS[scheme] as { type: ServerAddress["type"]; port: number };
  const fail = (what: string): never => {
    throw new ConfigError(
      `Cannot use the ${scheme} URL: ${what}; write ${scheme}://user:password@host:port/database, ` +
        "special characters of user and password percent-encoded",
    );
  };
  // The parser keeps to the rules of hosts and ports for schemes that it knows only, and those need
  // a host.
  const [, socket] = /^(?:[^/?#]*@)?(%2F[^@:/?#]*)(?=[:/])/i.exec(rest) ?? [];
  const whole = socket === undefined
    ? rest.replace(/^((?:[^/?#]*@)?)(?=\/)/, "$1localhost")
    : rest.replace(socket, "localhost");
  const parsed = URL.parse(`http://${whole}`) ?? fail("it is not well formed");
  const database = decoded(parsed.pathname.slice(1)) ?? fail("its database is not well formed");
  if (database === "" || database.includes("/")) fail("it names no database");
  const user = decoded(parsed.username) ?? fail("its user is not well formed");
  const password = decoded(parsed.password) ?? fail("its password is not well formed");
  const path = parsed.searchParams.get("host") ?? parsed.searchParams.get("unix_socket") ??
    decoded(socket ?? "");
  const host = path || parsed.hostname.replace(/^\[|\]$/g, "");
  const port = Number(parsed.searchParams.get("port") ?? portOf(parsed, rest, usual));
  if (!(port > 0 && port < 65_536)) fail("its port is none");
  const tls = parsed.searchParams.get("sslmode") ?? parsed.searchParams.get("ssl") ?? "disable";
  if (type === "mysql" && tls === "prefer") fail("sslmode=prefer is for PostgreSQL only");
  return {
    ...{ type, host, port, database },
    user: user === "" ? defaultUser(type) : user,
    password: password === "" ? defaultPassword(type) : password,
    tls: TLS_MODES.find((each) => each === (tls === "true" ? "require" : tls)) ??
      fail(`sslmode takes ${TLS_MODES.join(", ")}`),
    identity: `${type}://${written(host)}:${port}/${encodeURIComponent(database)}`,
  };
}

function portOf(parsed: URL, rest: string, usual: number): number | string {
  if (parsed.port !== "") return parsed.port;
  // The parser leaves out the port that is usual for HTTP.
  return /^[^/?#]*:80(?=[/?#])/.test(rest) ? 80 : usual;
}

function written(host: string): string {
  return host.startsWith("/")
    ? encodeURIComponent(host)
    : host.includes(":")
    ? `[${host}]`
    : host.toLowerCase();
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

// As the programs of the servers do it.
function defaultUser(type: ServerAddress["type"]): string {
  const named = type === "postgresql" ? Deno.env.get("PGUSER") : undefined;
  return named ?? userInfo().username;
}

function defaultPassword(type: ServerAddress["type"]): string {
  return Deno.env.get(type === "postgresql" ? "PGPASSWORD" : "MYSQL_PWD") ?? "";
}
