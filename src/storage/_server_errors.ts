import { ConfigError, LockTimeoutError, RemoteConnectionError } from "../errors.ts";
import type { SqlServer } from "./_sql_session.ts";
import type { ServerAddress } from "./_sql_url.ts";

/** What the codes of system calls say of a connection. */
const CONNECTION_FAULTS: Readonly<Record<string, string>> = {
  ENOTFOUND: "nobody knows that host; check the URL",
  EAI_AGAIN: "the name of the host cannot be looked up at present",
  ECONNREFUSED: "nothing listens there; check host and port, and that the server runs",
  ENOENT: "there is no such socket; check the path, and that the server runs",
  EHOSTUNREACH: "no way leads to that host",
  ENETUNREACH: "no way leads to that host",
  ETIMEDOUT: "the server does not answer",
  CONNECT_TIMEOUT: "the server does not answer",
  ECONNRESET: "the connection was lost",
  EPIPE: "the connection was lost",
  CONNECTION_CLOSED: "the connection was lost",
  CONNECTION_ENDED: "the connection was lost",
  CONNECTION_DESTROYED: "the connection was lost",
  PROTOCOL_CONNECTION_LOST: "the connection was lost",
};

/** The error that says what failed with which database, and what to do. */
export function explained(error: unknown, server: SqlServer, address: ServerAddress): unknown {
  if (!(error instanceof Error)) return error;
  if (error instanceof ConfigError || error instanceof LockTimeoutError) return error;
  const { identity } = address;
  const fault = configFault(error, server, address);
  if (fault !== undefined) {
    return new ConfigError(`Cannot use the database ${identity}: ${fault}`, {}, { cause: error });
  }
  const code: unknown = Reflect.get(error, "code");
  // Names are looked up by another part of Deno, which speaks of EPERM.
  if (error instanceof Deno.errors.NotCapable || code === "EPERM") {
    return new Deno.errors.NotCapable(
      `Cannot connect to the database ${identity}: the program may not; grant it ` +
        `--allow-net=${address.host}:${address.port}`,
      { cause: error },
    );
  }
  const lost = typeof code === "string" ? CONNECTION_FAULTS[code] : undefined;
  if (lost !== undefined) {
    return new RemoteConnectionError(
      `Cannot reach the database ${identity}: ${lost}`,
      { host: address.host, stderr: [] },
      { cause: error },
    );
  }
  return new Error(`Cannot use the database ${identity}: ${error.message}`, { cause: error });
}

function configFault(
  error: Error,
  server: SqlServer,
  { type, user, password, database, host, port }: ServerAddress,
): string | undefined {
  const variable = type === "postgresql" ? "PGPASSWORD" : "MYSQL_PWD";
  switch (server.classify(error)) {
    case "wrong password":
      return password === ""
        ? `the server does not let "${user}" in without a password; put one into the URL or into ` +
          variable
        : `the server does not let "${user}" in; check user and password in the URL, or ${variable}`;
    case "no such database":
      return `the server has no database "${database}"; make it with ` +
        (type === "postgresql"
          ? `createdb --host=${host} --port=${port} --username=${user} ${database}`
          : `CREATE DATABASE ${database}`);
    case "no rights":
      return `"${user}" may not do that (${error.message}); ask its administrator for ` +
        (type === "postgresql"
          ? `GRANT CREATE, USAGE ON SCHEMA public TO "${user}", or make the database its own`
          : `GRANT ALL ON ${database}.* TO '${user}'`);
  }
}
