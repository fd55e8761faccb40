// What a cached call costs, next to the bare operations that it cannot do without. Every figure is for
// 100 calls, so that the harness, which awaits each iteration, does not count.

import { hash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { type BaseCache, digest, fleche, withCache } from "@fleche/core";
import { fileCache, memoryCache } from "./_stores.ts";

const CALLS = 100;

const options = { module: "bench/wrapper", version: 1 };
const add = fleche(function add(x: number, y: number) {
  return x + y;
}, options);
const unshared = fleche(function unshared(x: number, y: number) {
  return x + y;
}, { ...options, singleFlight: false });
// Cheap, so that what is measured is the cache; different for each seed, so that each is a new value.
const grid = fleche(function grid(rows: number, columns: number, seed: number) {
  return new Float64Array(rows * columns).fill(seed);
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
    await grid(100, 100, 1);
  });
}

const array = new Uint8Array(80_007).map((_, index) => index);
const file = `${files.root}/baseline`;
Deno.writeFileSync(file, array);
let next = 1e6;

function baseline(group: string, name: string, operation: () => void): void {
  Deno.bench({ name, group, baseline: true }, () => {
    for (let call = 0; call < CALLS; call++) operation();
  });
}

function cached(
  group: string,
  cache: BaseCache,
  call: () => Promise<unknown>,
  variant = "",
): void {
  const name = (cache === memory ? "fleche, memory" : "fleche, files and SQLite") + variant;
  Deno.bench({ name, group }, async () => {
    await withCache(cache, async () => {
      for (let each = 0; each < CALLS; each++) await call();
    });
  });
}

const hit = "100 hits, a number";
baseline(hit, "SHA-256 and select", () => {
  hash("sha256", record, "hex");
  select.get(key);
});
cached(hit, files.cache, () => add(1, 2));
cached(hit, memory, () => add(1, 2));

const arrayHit = "100 hits, a 100 x 100 Float64Array";
baseline(arrayHit, "select, read and CRC-32", () => {
  select.get(key);
  crc32(Deno.readFileSync(file));
});
cached(arrayHit, files.cache, () => grid(100, 100, 1));
cached(arrayHit, memory, () => grid(100, 100, 1));

const miss = "100 misses, a number";
baseline(miss, "SHA-256 and insert", () => {
  insert.run(hash("sha256", String(next++), "hex"), record);
});
cached(miss, files.cache, () => add(next++, 2));
cached(miss, files.cache, () => unshared(next++, 2), ", no single flight");
cached(miss, memory, () => add(next++, 2));

const arrayMiss = "100 misses, a 100 x 100 Float64Array";
baseline(arrayMiss, "SHA-256, write, rename and insert", () => {
  new DataView(array.buffer).setFloat64(0, next++);
  const name = hash("sha256", array, "hex");
  Deno.writeFileSync(`${files.root}/temporary`, array);
  Deno.renameSync(`${files.root}/temporary`, `${files.root}/${name}`);
  insert.run(name, record);
});
cached(arrayMiss, files.cache, () => grid(100, 100, next++));
