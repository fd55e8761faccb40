import {
  Cache,
  Call,
  CallSql,
  ConfigError,
  RemoteConnectionError,
  SaveError,
  ValueMemory,
} from "@fleche/core";
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { CallRecord } from "../../src/call_record.ts";
import { until } from "../remote/_wait.ts";
import { PASSWORD, type TestServer, USER } from "../_server.ts";
import { testCallStorage } from "./_call_storage.ts";
import { beside, Child, PERMISSIONS, runProgram } from "./_child.ts";
import { logged } from "./_logged.ts";
import { recordOf, sampleOf } from "./_samples.ts";
import { Warnings } from "./_warnings.ts";

const CHILD = beside(import.meta.url, "_server_child.ts");

/** What of a server the tests have to know. */
export interface CallServerManifest {
  readonly name: string;
  /** How its URLs begin. */
  readonly scheme: string;
  readonly ignore: boolean;
  start(): Promise<TestServer>;
}

/**
 * Tests calls in the databases of a server, which is started before the first test.
 *
 * @returns what gives the server once it has started
 */
export function testCallServer(manifest: CallServerManifest): () => TestServer {
  const { name, ignore } = manifest;
  let server: TestServer;
  const get = () => server;
  if (ignore) {
    Deno.test({ name: `CallSql on ${name}`, ignore, fn: () => {} });
    return get;
  }
  Deno.test.beforeAll(async () => {
    server = await manifest.start();
  });
  Deno.test.afterAll(async () => await server[Symbol.asyncDispose]());
  testConformance(name, get);
  testDamage(name, get);
  testProcesses(name, get);
  testConnection(manifest, get);
  testErrors(manifest, get);
  return get;
}

type Get = () => TestServer;

function testConformance(name: string, get: Get): void {
  const databases = new Map<string, Promise<string>>();
  testCallStorage({
    name: `CallSql on ${name}`,
    capabilities: { persistent: true, shared: true },
    keeps: true,
    runs: 8,
    // A folder stands for a database.
    open: async (folder) => {
      let database = databases.get(folder);
      if (database === undefined) databases.set(folder, database = get().create());
      return new CallSql({ url: get().url(await database) });
    },
  });
}

async function keysOf(storage: CallSql): Promise<string[]> {
  return await Array.fromAsync(storage.records(), ({ key }) => key);
}

function testDamage(name: string, get: Get): void {
  Deno.test(`CallSql on ${name} takes a damaged record for a miss, and says so`, async () => {
    const server = get();
    const database = await server.create();
    await using storage = new CallSql({ url: server.url(database) });
    const record = await recordOf({ name: "f", arguments: { x: 1.5 }, result: [1, 2] });
    const other = await recordOf({ name: "f", arguments: { x: 2 }, result: 3 });
    for (const each of [other, record]) await storage.put(each);
    using warnings = new Warnings();
    for (let at = 0; at < record.bytes.length; at += 7) {
      const bytes = record.bytes.slice();
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
      await overwrite(server, database, record.key, bytes);
      assert.equal(await storage.get(record.key), undefined, `byte ${at}`);
    }
    assert.deepEqual(await keysOf(storage), [other.key]);
    assert.equal(warnings.about(record.key), 1);
    await overwrite(server, database, record.key, other.bytes);
    assert.equal(await storage.get(record.key), undefined);
    await storage.put(record);
    assert.deepEqual((await storage.get(record.key))?.fields, record.fields);
  });

  Deno.test(`CallSql on ${name} finds functions with long and strange names`, async () => {
    await using storage = new CallSql({ url: get().url(await get().create()) });
    const names = [
      ...["名".repeat(5000), "名".repeat(5000) + "x", "a\0b", "a\ufffdb", "f", "F", "f ", "é", "e"],
      ...["🚀".repeat(150), "%", "_", "'\"\\"],
    ];
    for (const each of names) {
      await storage.put(
        await recordOf({ name: each, module: each, arguments: { [each]: each }, result: each }),
      );
    }
    for (const each of names) {
      const { digest } = sampleOf(each);
      for (
        const filter of [
          { name: each },
          { module: each },
          { arguments: { [each]: digest } },
          { name: each, arguments: { [each]: digest }, result: digest },
        ]
      ) {
        const found = await Array.fromAsync(storage.records(filter), (record) => record.name);
        assert.deepEqual(found, [each]);
      }
    }
  });

  Deno.test(`CallSql on ${name} leaves nothing of a record that is replaced`, async () => {
    const server = get();
    const database = await server.create();
    await using storage = new CallSql({ url: server.url(database) });
    const values = Object.fromEntries(Array.from({ length: 250 }, (_, x) => [`x${x}`, x]));
    for (const result of ["old", "new"]) {
      await storage.put(await recordOf({ name: "f", arguments: values, result }));
    }
    const count = async (table: string) => {
      const [row] = await server.query(database, `SELECT count(*) AS n FROM ${table}`);
      return Number(row?.["n"]);
    };
    assert.deepEqual([await count("calls"), await count("arguments")], [1, 250]);
    const [key = ""] = await keysOf(storage);
    assert.equal(await storage.delete(key), true);
    assert.deepEqual([await count("calls"), await count("arguments")], [0, 0]);
  });

  Deno.test(`CallSql on ${name} takes the longest records`, async () => {
    await using storage = new CallSql({ url: get().url(await get().create()) });
    const metadata = { notes: { text: "x".repeat(7 << 20) } };
    const record = await recordOf({ name: "f", result: 1, metadata });
    await storage.put(record);
    const found = await storage.get(record.key);
    assert(found !== undefined && found.bytes.length === record.bytes.length);
  });
}

async function overwrite(
  server: TestServer,
  database: string,
  key: string,
  bytes: Uint8Array,
): Promise<void> {
  const value = server.bytes(bytes);
  await server.query(database, `UPDATE calls SET record = ${value} WHERE "key" = '${key}'`);
}

function testProcesses(name: string, get: Get): void {
  Deno.test(`processes that make and fill one database on ${name} lose nothing`, async () => {
    const url = get().url(await get().create());
    const start = (index: number) =>
      new Child(CHILD, {
        args: ["fill", url, String(index)],
        permissions: [...PERMISSIONS, "--allow-net=127.0.0.1"],
      });
    const children = Array.from({ length: 4 }, (_, index) => start(index));
    const ends = await Promise.all(children.map((child) => child.end()));
    assert.deepEqual(ends, ends.map(() => ({ code: 0, errors: "" })));
    await using storage = new CallSql({ url });
    const keys = await keysOf(storage);
    // Each has 20 calls of its own, and one that all of them replace again and again.
    assert.equal(new Set(keys).size, 4 * 20 + 1);
    assert.equal(keys.length, 4 * 20 + 1);
    for (const key of keys) assert.equal((await storage.get(key))?.key, key);
  });

  Deno.test(`entries() on ${name} give what another process replaces meanwhile`, async () => {
    const url = get().url(await get().create());
    await using storage = new CallSql({ url });
    await using other = new CallSql({ url });
    const all = await Promise.all(
      Array.from({ length: 1100 }, (_, x) => recordOf({ name: "f", arguments: { x }, result: x })),
    );
    for (const record of all) await storage.put(record);
    const seen: string[] = [];
    for await (const { name, length, modified } of storage.entries()) {
      assert(length > 0 && modified > 0);
      if (seen.push(name) === 500) {
        for (const record of all.slice(0, 50)) await other.put(record);
      }
    }
    assert.deepEqual(seen.sort(), all.map(({ key }) => key).sort());
  });

  Deno.test(`CallSql on ${name} does many things at once`, async () => {
    await using storage = new CallSql({ url: get().url(await get().create()) });
    const records = await Promise.all(
      Array.from(
        { length: 60 },
        (_, x) => recordOf({ name: "f", arguments: { x: x % 30 }, result: x }),
      ),
    );
    await Promise.all(records.map((record) => storage.put(record)));
    const found = await Promise.all(records.map(({ key }) => storage.get(key)));
    for (const [index, record] of found.entries()) assert.equal(record?.key, records[index]?.key);
    assert.equal((await keysOf(storage)).length, 30);
    const removed = await Promise.all(records.map(({ key }) => storage.delete(key)));
    assert.equal(removed.filter((each) => each).length, 30);
  });

  Deno.test(`an idle connection to ${name} does not keep a program running`, async () => {
    const url = get().url(await get().create());
    const child = new Child(CHILD, {
      args: ["idle", url],
      permissions: [...PERMISSIONS, "--allow-net=127.0.0.1"],
    });
    assert.equal(await child.line(), "stored");
    // Far less than a connection stays open.
    const timer = setTimeout(() => void child.kill(), 20_000);
    assert.deepEqual(await child.end(), { code: 0, errors: "" });
    clearTimeout(timer);
  });
}

function testConnection({ name }: CallServerManifest, get: Get): void {
  Deno.test(`CallSql on ${name} connects again after the server was killed`, async () => {
    const server = get();
    await using storage = new CallSql({ url: server.url(await server.create()) });
    const records = await Promise.all([1, 2, 3].map((x) => recordOf({ name: "f", result: x })));
    const [first, second] = records;
    assert(first !== undefined && second !== undefined);
    await storage.put(first);
    await server.kill();
    await assert.rejects(async () => await storage.get(first.key), RemoteConnectionError);
    await assert.rejects(async () => await storage.put(second), SaveError);
    await server.restart();
    assert.equal((await storage.get(first.key))?.key, first.key);
    await server.kill();
    await server.restart();
    await storage.put(second);
    assert.equal((await storage.get(second.key))?.key, second.key);
  });

  Deno.test(`CallSql on ${name} waits for a connection where there is none to spare`, async () => {
    const server = get();
    const database = await server.create();
    const record = await recordOf({ name: "f", result: 1 });
    {
      await using storage = new CallSql({ url: server.url(database) });
      await storage.put(record);
    }
    await server.query(database, server.userStatement("single"));
    await server.query(database, server.limitStatement("single"));
    for (const table of ["calls", "fleche_schema"]) {
      await server.query(database, `GRANT SELECT ON ${table} TO ${server.userName("single")}`);
    }
    const url = server.url(database).replace(/\/\/.*@/, "//single:single@");
    const first = new CallSql({ url });
    assert.equal(await first.has(record.key), true);
    await using hurried = new CallSql({ url, lockTimeout: 0.1 });
    await assert.rejects(async () => await hurried.has(record.key), /connections|max_user/);
    await using second = new CallSql({ url });
    let isFree = false;
    const found = Promise.resolve(second.has(record.key)).then((has) => assert(has && isFree));
    await new Promise((resolve) => setTimeout(resolve, 200));
    isFree = true;
    await first.close();
    await found;
  });

  Deno.test(`locks on ${name} are one process's at a time`, async () => {
    const url = get().url(await get().create());
    await using child = new Child(CHILD, {
      args: ["lock", url],
      permissions: [...PERMISSIONS, "--allow-net=127.0.0.1"],
    });
    assert.equal(await child.ask("try a"), "true");
    assert.equal(await child.ask("try a"), "true");
    await using other = new Child(CHILD, {
      args: ["lock", url],
      permissions: [...PERMISSIONS, "--allow-net=127.0.0.1"],
    });
    assert.equal(await other.ask("try a"), "false");
    assert.equal(await other.ask("try b"), "true");
    assert.notEqual(await other.ask("holder a"), "undefined");
    assert.equal(await other.ask("holder c"), "undefined");
    await child.kill();
    // As soon as the server notices that the connection is gone.
    await until(async () => await other.ask("try a") === "true", "the lock of a dead process");
  });

  Deno.test(`echo logs the statements for ${name}, and no password`, async () => {
    const url = get().url(await get().create());
    const record = await recordOf({ name: "f", arguments: { x: 1 }, result: 1 });
    await using storage = new CallSql({ url, echo: true });
    const entries = await logged(async () => {
      await storage.put(record);
      await storage.get(record.key);
    });
    const text = entries.map(({ message }) => message.join("")).join("\n");
    for (const word of ["INSERT INTO calls", "INSERT INTO arguments", "SELECT record"]) {
      assert(text.includes(word), word);
    }
    assertSecret(inspect(entries, { depth: 10 }));
  });
}

function assertSecret(text: string): void {
  for (const secret of [PASSWORD, encodeURIComponent(PASSWORD)]) assert(!text.includes(secret));
}

/** What is thrown, all that it holds as text included. */
async function thrown(url: string): Promise<{ error: unknown; text: string }> {
  await using storage = new CallSql({ url, lockTimeout: 5 });
  try {
    await storage.list("");
  } catch (error) {
    const text = inspect(error, { depth: 10, showHidden: true });
    assertSecret(text);
    assertSecret(inspect(storage, { depth: 10, showHidden: true }));
    return { error, text: error instanceof Error ? error.message : text };
  }
  throw new Error("Nothing was thrown");
}

function testErrors({ name, scheme }: CallServerManifest, get: Get): void {
  Deno.test(`CallSql on ${name} says what is wrong with its address`, async () => {
    const server = get();
    const database = await server.create();
    const { port } = server;
    const right = server.url(database);

    const wrongPassword = await thrown(`${scheme}://${USER}:wrong@127.0.0.1:${port}/${database}`);
    assert(wrongPassword.error instanceof ConfigError);
    assert.match(
      wrongPassword.text,
      new RegExp(`does not let "${USER}" in; check user and password`),
    );
    assert(!wrongPassword.text.includes("wrong"));

    const noDatabase = await thrown(server.url("absent"));
    assert(noDatabase.error instanceof ConfigError);
    assert.match(noDatabase.text, /has no database "absent"; make it with/);

    const closed = await thrown(right.replace(`:${port}/`, ":1/"));
    assert(closed.error instanceof RemoteConnectionError);
    assert.match(closed.text, /nothing listens there/);

    const notAllowed = await thrown(right.replace(`127.0.0.1`, "host.invalid"));
    assert(notAllowed.error instanceof Deno.errors.NotCapable, String(notAllowed.error));
    assert.match(notAllowed.text, /the program may not; grant it --allow-net=host\.invalid:\d+$/);

    const { lines } = await runProgram(CHILD, {
      args: ["fail", right.replace(`127.0.0.1`, "host.invalid")],
      permissions: [...PERMISSIONS, "--allow-net"],
    });
    assert.match(lines.join("\n"), /^RemoteConnectionError: .*(nobody knows that host|looked up)/);
    assertSecret(lines.join("\n"));
  });

  Deno.test(`CallSql on ${name} lets users read who may do no more`, async () => {
    const server = get();
    const database = await server.create();
    const url = server.url(database);
    const asReader = (of: string) => of.replace(/\/\/.*@/, "//reader:reader@");
    const record = await recordOf({ name: "f", arguments: { x: 1 }, result: 1 });
    await server.query(database, server.userStatement("reader"));
    {
      const { error, text } = await thrown(asReader(server.url(await server.create())));
      assert(error instanceof ConfigError, text);
      assert.match(
        text,
        /"reader" may not do that .* ask its administrator for GRANT/,
      );
    }
    {
      await using storage = new CallSql({ url });
      await storage.put(record);
    }
    for (const table of ["calls", "arguments", "fleche_schema"]) {
      await server.query(database, `GRANT SELECT ON ${table} TO ${server.userName("reader")}`);
    }
    await using storage = new CallSql({ url: asReader(url) });
    assert.equal((await storage.get(record.key))?.key, record.key);
    assert.deepEqual(await keysOf(storage), [record.key]);
    await assert.rejects(async () => await storage.put(record), (error) => {
      return error instanceof SaveError && /"reader" may not do that/.test(error.message);
    });
    await assert.rejects(async () => await storage.delete(record.key), ConfigError);
  });

  Deno.test(`CallSql on ${name} leaves the tables of other programs alone`, async () => {
    const server = get();
    const database = await server.create();
    await server.query(database, "CREATE TABLE calls (number INTEGER)");
    const { error, text } = await thrown(server.url(database));
    assert(error instanceof ConfigError);
    assert.match(text, /its table "calls" belongs to another program/);
    await server.query(database, "INSERT INTO calls VALUES (1)");
  });

  Deno.test(`CallSql on ${name} refuses a newer schema`, async () => {
    const server = get();
    const database = await server.create();
    {
      await using storage = new CallSql({ url: server.url(database) });
      await storage.list("");
    }
    await server.query(database, "UPDATE fleche_schema SET version = 1000");
    const { error, text } = await thrown(server.url(database));
    assert(error instanceof ConfigError);
    assert.match(text, /newer version of fleche/);
  });

  Deno.test(`CallSql on ${name} waits for a lock as long as it is told`, async () => {
    const server = get();
    const database = await server.create();
    await using storage = new CallSql({ url: server.url(database), lockTimeout: 1 });
    const record = await recordOf({ name: "f", result: 1 });
    await storage.put(record);
    await using other = new Child(CHILD, {
      args: ["hold", server.url(database), record.key],
      permissions: [...PERMISSIONS, "--allow-net=127.0.0.1"],
    });
    assert.equal(await other.line(), "held");
    await assert.rejects(async () => await storage.put(record), (error) => {
      return error instanceof SaveError && /lock/i.test(error.message);
    });
    await other.kill();
    await storage.put(record);
  });

  Deno.test(`a cache of calls on ${name} names it without user and password`, async () => {
    const server = get();
    const database = await server.create();
    const calls = new CallSql({ url: server.url(database) });
    await using cache = new Cache({ values: new ValueMemory(), calls });
    assert.equal(calls.identity, `${scheme}://127.0.0.1:${server.port}/${database}`);
    const key = await cache.save(new Call({ name: "f", arguments: { x: 1 }, result: 2 }));
    assert.equal(await (await cache.load(key)).result(), 2);
    assert((await cache.load(key)).detach() instanceof CallRecord);
  });
}
