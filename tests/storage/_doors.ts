import {
  CallFile,
  CallSql,
  type CallStorage,
  type SealOptions,
  ValueFile,
  ValueSqlite,
  type ValueStorage,
  type Verify,
} from "@fleche/core";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { filesBelow } from "./_temporary_folder.ts";

/** A storage, and the way around it: what somebody without the key, or a fault of the disk, can do. */
export interface Door<S> {
  readonly name: string;
  /** Opens the storage. */
  open(folder: string, options?: SealOptions & { verify?: Verify }): S;
  /** What is stored under a name. */
  read(folder: string, name: string): Uint8Array<ArrayBuffer>;
  /** Puts something else in its place. */
  write(folder: string, name: string, bytes: Uint8Array): void;
  /** Stores under a name what is stored under another one. */
  copy(folder: string, from: string, to: string): void;
  /** What has been put aside. */
  quarantined(folder: string): Uint8Array[];
}

function entryPath(folder: string, name: string): string {
  return `${folder}/v1/${name.slice(0, 2)}/${name}`;
}

function filesDoor<S>(name: string, open: Door<S>["open"]): Door<S> {
  const write = (folder: string, entry: string, bytes: Uint8Array) => {
    Deno.mkdirSync(`${folder}/v1/${entry.slice(0, 2)}`, { recursive: true });
    Deno.writeFileSync(entryPath(folder, entry), bytes);
  };
  const read = (folder: string, entry: string) => Deno.readFileSync(entryPath(folder, entry));
  return {
    ...{ name, open, read, write },
    copy: (folder, from, to) => write(folder, to, read(folder, from)),
    quarantined: (folder) =>
      filesBelow(`${folder}/quarantine`).map((file) =>
        Deno.readFileSync(`${folder}/quarantine/${file}`)
      ),
  };
}

function using<T>(path: string, work: (database: DatabaseSync) => T): T {
  using database = new DatabaseSync(path);
  return work(database);
}

interface TableDoor<S> {
  readonly name: string;
  readonly file: string;
  readonly table: string;
  readonly column: string;
  readonly bytes: string;
  open(path: string, options?: SealOptions & { verify?: Verify }): S;
}

function tableDoor<S>({ name, file, table, column, bytes, open }: TableDoor<S>): Door<S> {
  const path = (folder: string) => `${folder}/${file}`;
  return {
    name,
    open: (folder, options) => open(path(folder), options),
    read: (folder, entry) =>
      using(path(folder), (database) => {
        const select = `SELECT ${bytes} AS bytes FROM ${table} WHERE ${column} = ?`;
        return Uint8Array.from(database.prepare(select).get(entry)?.["bytes"] as Uint8Array);
      }),
    write: (folder, entry, content) =>
      using(path(folder), (database) => {
        const update = `UPDATE ${table} SET ${bytes} = ? WHERE ${column} = ?`;
        assert.equal(Number(database.prepare(update).run(content, entry).changes), 1);
      }),
    copy: (folder, from, to) =>
      using(path(folder), (database) => {
        const columns = database.prepare(`SELECT * FROM ${table} WHERE ${column} = ?`).get(from);
        const row = { ...columns, id: null, [column]: to };
        const names = Object.keys(row);
        const marks = names.map(() => "?").join();
        database.prepare(`DELETE FROM ${table} WHERE ${column} = ?`).run(to);
        database.prepare(`INSERT INTO ${table} (${names.join()}) VALUES (${marks})`)
          .run(...Object.values(row));
      }),
    quarantined: (folder) =>
      using(path(folder), (database) => {
        const tables = "SELECT 1 FROM sqlite_schema WHERE name = 'quarantine'";
        if (database.prepare(tables).get() === undefined) return [];
        const rows = database.prepare("SELECT bytes FROM quarantine").all();
        return rows.map((row) => Uint8Array.from(row["bytes"] as Uint8Array));
      }),
  };
}

/** The ways around the value storages that keep bytes as they are sealed. */
export const VALUE_DOORS: readonly Door<ValueStorage>[] = [
  filesDoor("ValueFile", (root, options) => new ValueFile({ root, ...options })),
  tableDoor({
    ...{ name: "ValueSqlite", file: "values.db", table: "encoded_values" },
    ...{ column: "digest", bytes: "bytes" },
    open: (path, options) => new ValueSqlite({ path, ...options }),
  }),
];

/** The ways around the call storages that keep bytes as they are sealed. */
export const CALL_DOORS: readonly Door<CallStorage>[] = [
  filesDoor("CallFile", (root, options) => new CallFile({ root, ...options })),
  tableDoor({
    ...{ name: "CallSql", file: "calls.db", table: "calls", column: "key", bytes: "record" },
    open: (url, options) => new CallSql({ url, ...options }),
  }),
];

/** What can befall stored bytes. */
export const DAMAGES: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  "its first byte flipped": (bytes) => flipped(bytes, 0),
  "its middle byte flipped": (bytes) => flipped(bytes, bytes.length >> 1),
  "its last byte flipped": (bytes) => flipped(bytes, bytes.length - 1),
  "its last byte missing": (bytes) => bytes.subarray(0, -1),
  "its second half missing": (bytes) => bytes.subarray(0, bytes.length >> 1),
  "a tail of zeros": (bytes) => bytes.slice().fill(0, bytes.length >> 1),
  "all bytes missing": () => new Uint8Array(0),
};

/** Bytes with one of them changed. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 0x40;
  return copy;
}
