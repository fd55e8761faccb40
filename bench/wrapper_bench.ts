// What a cached call costs, next to the bare operations that it cannot do without.

import { hash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { digest, fleche, withCache } from "@fleche/core";
import { fileCache, memoryCache } from "./_stores.ts";

const options = { module: "bench/wrapper", version: 1 };
const add = fleche(function add(x: number, y: number) {
  return x + y;
}, options);
const grid = fleche(function grid(rows: number, columns: number) {
  return Float64Array.from({ length: rows * columns }, (_, index) => index / 7);
}, options);

const files = fileCache();
const memory = memoryCache();
const database = new DatabaseSync(`${files.root}/baseline.db`);
database.exec("PRAGMA journal_mode = wal; PRAGMA synchronous = NORMAL");
database.exec("CREATE TABLE calls (key TEXT PRIMARY KEY, record BLOB) STRICT");
const insert = database.prepare("INSERT INTO calls VALUES (?, ?)");
const select = database.prepare("SELECT record FROM calls WHERE key = ?");
const record = new Uint8Array(400);
const key = digest("baseline").hex;
insert.run(key, record);

for (const cache of [files.cache, memory]) {
  await withCache(cache, async () => {
    await add(1, 2);
    await grid(100, 100);
  });
}

const array = new Uint8Array(80_007).map((_, index) => index);
Deno.writeFileSync(`${files.root}/baseline`, array);
let next = 1e6;

Deno.bench({ name: "one SHA-256 and one select", group: "hit, number", baseline: true }, () => {
  hash("sha256", array.subarray(0, 100), "hex");
  select.get(key);
});
Deno.bench({ name: "files and SQLite", group: "hit, number" }, async () => {
  await withCache(files.cache, () => add(1, 2));
});
Deno.bench({ name: "memory", group: "hit, number" }, async () => {
  await withCache(memory, () => add(1, 2));
});

Deno.bench(
  { name: "select, read and CRC-32", group: "hit, 100 x 100 Float64Array", baseline: true },
  () => {
    select.get(key);
    crc32(Deno.readFileSync(`${files.root}/baseline`));
  },
);
Deno.bench({ name: "files and SQLite", group: "hit, 100 x 100 Float64Array" }, async () => {
  await withCache(files.cache, () => grid(100, 100));
});
Deno.bench({ name: "memory", group: "hit, 100 x 100 Float64Array" }, async () => {
  await withCache(memory, () => grid(100, 100));
});

Deno.bench({ name: "one insert", group: "miss, number", baseline: true }, () => {
  insert.run(hash("sha256", String(next++), "hex"), record);
});
Deno.bench({ name: "files and SQLite", group: "miss, number" }, async () => {
  await withCache(files.cache, () => add(next++, 2));
});
Deno.bench({ name: "memory", group: "miss, number" }, async () => {
  await withCache(memory, () => add(next++, 2));
});

Deno.bench(
  { name: "SHA-256, write, rename, insert", group: "miss, 80 kB", baseline: true },
  () => {
    new DataView(array.buffer).setFloat64(0, next++);
    const name = hash("sha256", array, "hex");
    Deno.writeFileSync(`${files.root}/temporary`, array);
    Deno.renameSync(`${files.root}/temporary`, `${files.root}/${name}`);
    insert.run(name, record);
  },
);
Deno.bench({ name: "files and SQLite", group: "miss, 80 kB" }, async () => {
  await withCache(files.cache, () => grid(1, 10_000 + (next++ % 1000)));
});
