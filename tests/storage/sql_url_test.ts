import { CallSql, ConfigError } from "@fleche/core";
import assert from "node:assert/strict";
import { userInfo } from "node:os";
import { databaseAddress, type ServerAddress } from "../../src/storage/_sql_url.ts";

const PLAIN: ServerAddress = {
  type: "postgresql",
  host: "db.example.org",
  port: 5432,
  database: "calls",
  user: "ada",
  password: "secret",
  tls: "disable",
  identity: "postgresql://db.example.org:5432/calls",
};

const AT = "ada:secret@db.example.org";

/** URLs, and in what their addresses differ from the plain one. */
const ADDRESSES: Record<string, Partial<ServerAddress>> = {
  [`postgresql://${AT}/calls`]: {},
  [`postgres://${AT}/calls`]: {},
  [`postgresql+psycopg2://${AT}/calls`]: {},
  [`POSTGRESQL://${AT}/calls`]: {},
  [`postgresql://${AT}:5433/calls`]: {
    port: 5433,
    identity: "postgresql://db.example.org:5433/calls",
  },
  [`postgresql://${AT}:80/calls`]: { port: 80, identity: "postgresql://db.example.org:80/calls" },
  [`mysql://${AT}/calls`]: {
    type: "mysql",
    port: 3306,
    identity: "mysql://db.example.org:3306/calls",
  },
  [`mariadb+pymysql://${AT}/calls`]: {
    type: "mysql",
    port: 3306,
    identity: "mysql://db.example.org:3306/calls",
  },
  "postgresql://a%40b:p%3A%2F%3F%23%25@db.example.org/calls": { user: "a@b", password: "p:/?#%" },
  "postgresql://ada:secret@DB.example.ORG/calls": {},
  "postgresql://ada:secret@[::1]:7/calls": {
    host: "::1",
    port: 7,
    identity: "postgresql://[::1]:7/calls",
  },
  [`postgresql://${AT}/with%20space`]: {
    database: "with space",
    identity: "postgresql://db.example.org:5432/with%20space",
  },
  "postgresql://ada:secret@/calls?host=/run/postgresql": {
    host: "/run/postgresql",
    identity: "postgresql://%2Frun%2Fpostgresql:5432/calls",
  },
  "postgresql://ada:secret@/calls?host=/run/postgresql&port=5433": {
    host: "/run/postgresql",
    port: 5433,
    identity: "postgresql://%2Frun%2Fpostgresql:5433/calls",
  },
  "postgresql://ada:x:80@db.example.org/calls": { password: "x:80" },
  "mysql://ada:secret@/calls?unix_socket=/run/mysqld/mysqld.sock": {
    type: "mysql",
    port: 3306,
    host: "/run/mysqld/mysqld.sock",
    identity: "mysql://%2Frun%2Fmysqld%2Fmysqld.sock:3306/calls",
  },
  [`postgresql://${AT}/calls?sslmode=require`]: { tls: "require" },
  [`postgresql://${AT}/calls?sslmode=verify-full`]: { tls: "verify-full" },
  [`mysql://${AT}/calls?ssl=true`]: {
    type: "mysql",
    port: 3306,
    tls: "require",
    identity: "mysql://db.example.org:3306/calls",
  },
};

for (const [url, differences] of Object.entries(ADDRESSES)) {
  Deno.test(`databaseAddress() reads ${url}`, () => {
    const address = { ...PLAIN, ...differences };
    assert.deepEqual(databaseAddress(url), address);
    // The identity leads to the same database.
    const { identity, host, port, database } = databaseAddress(address.identity) as ServerAddress;
    assert.deepEqual(
      [identity, host, port, database],
      [address.identity, address.host, address.port, address.database],
    );
  });
}

const WRONG: Record<string, RegExp> = {
  "postgresql://ada:secret@host": /names no database/,
  "postgresql://ada:secret@host/": /names no database/,
  "postgresql://ada:secret@host/a/b": /names no database/,
  "postgresql://ada:secret@host:port/calls": /not well formed/,
  "postgresql://ada:secret@host:99999/calls": /not well formed/,
  "postgresql://ada:secret/1@host/calls": /not well formed|names no database/,
  "postgresql://ada:secret%@host/calls": /password is not well formed/,
  "postgresql://ada:secret@host/calls?sslmode=maybe": /sslmode takes disable, prefer/,
  "postgresql://ada:secret@host/calls?port=none": /its port is none/,
  "mysql://ada:secret@host/calls?sslmode=prefer": /for PostgreSQL only/,
  "": /write sqlite:\/\/\/relative\/path/,
  "sqlite:///": /write sqlite:\/\/\/relative\/path/,
  "sqlite://host/x.db": /write sqlite:\/\/\/relative\/path/,
  "sqlite:x.db": /write sqlite:\/\/\/relative\/path/,
  "sqlite:/x.db": /write sqlite:\/\/\/relative\/path/,
  "mssql://ada:secret@host/calls": /type "mssql".* write sqlite, postgresql or mysql/,
};

for (const [url, message] of Object.entries(WRONG)) {
  Deno.test(`CallSql refuses ${url}, and tells no password`, () => {
    assert.throws(() => new CallSql({ url }), (error) => {
      return error instanceof ConfigError && message.test(error.message) &&
        !error.message.includes("secret");
    });
  });
}

/** Runs something with other variables of the environment. */
function withVariables(variables: Record<string, string | undefined>, work: () => void): void {
  const set = (values: Record<string, string | undefined>) => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  };
  const before = Object.fromEntries(
    Object.keys(variables).map((name) => [name, Deno.env.get(name)]),
  );
  set(variables);
  try {
    work();
  } finally {
    set(before);
  }
}

Deno.test("databaseAddress() takes user and password from the environment", () => {
  const variables = { PGUSER: "bob", PGPASSWORD: "of bob", MYSQL_PWD: "of mysql" };
  withVariables(variables, () => {
    const address = databaseAddress("postgresql://host/calls");
    assert.deepEqual(address, {
      ...PLAIN,
      ...{
        host: "host",
        user: "bob",
        password: "of bob",
        identity: "postgresql://host:5432/calls",
      },
    });
    const { type, ...mysql } = databaseAddress("mysql://host/calls") as ServerAddress;
    assert.equal(type, "mysql");
    assert.deepEqual([mysql.user, mysql.password], [userInfo().username, "of mysql"]);
  });
  withVariables({ PGUSER: undefined, PGPASSWORD: undefined }, () => {
    const { user, password } = databaseAddress("postgresql://host/calls") as ServerAddress;
    assert.deepEqual([user, password], [userInfo().username, ""]);
  });
});

Deno.test("CallSql refuses a journal mode for a server", () => {
  const url = "postgresql://ada:secret@host/calls";
  assert.throws(() => new CallSql({ url, journal: "wal" }), (error) => {
    return error instanceof ConfigError && !error.message.includes("secret");
  });
});
