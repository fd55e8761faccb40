/**
 * A program that calls cached functions as it is told, line by line.
 *
 * Arguments: a folder, the URL of the database of calls or `file:` and a folder for them, and words that take something away: `no-trying`
 * and `no-locks` the locks of files, `no-links` the links. Each body adds a line to `runs` in the folder.
 *
 * `call NAME N` calls a function and prints `NAME N = RESULT` when it returns, or the error, and
 * `rerun NAME N` computes it anew; a body that begins prints `running NAME N`. `walk N,N,...` calls a
 * function that calls itself with the next number. `all COUNT` calls `quick` for all numbers below
 * COUNT in an order of its own and prints the sum. `go` lets the bodies go on that wait for it.
 * `exit`, `throw` and `reject` end the program in mid-air. Warnings are printed too.
 */

import { Cache, CallFile, CallSql, type Fleche, fleche, ValueFile, withCache } from "@fleche/core";
import { createInterface } from "node:readline";
import process from "node:process";

const [folder = "", url = "", ...absent] = Deno.args;

console.warn = (text: string) => console.log(`warning: ${text}`);
if (absent.includes("no-trying")) Reflect.deleteProperty(Deno.FsFile.prototype, "tryLockSync");
if (absent.includes("no-locks")) {
  Deno.FsFile.prototype.tryLockSync = () => {
    throw new Deno.errors.NotSupported("Operation not supported (os error 95)");
  };
}
if (absent.includes("no-links")) {
  Deno.linkSync = () => {
    throw new Deno.errors.PermissionDenied("Operation not permitted (os error 1)");
  };
}

const open = () =>
  new Cache({
    values: new ValueFile({ root: folder }),
    calls: url.startsWith("file:")
      ? new CallFile({ root: url.slice("file:".length) })
      : new CallSql({ url }),
  });
const [cache, second] = [open(), open()];

let go = Promise.withResolvers<void>();

function note(name: string, n: number): void {
  // Appending is all or nothing, also while other processes append.
  Deno.writeTextFileSync(`${folder}/runs`, `${name} ${n} ${Deno.pid}\n`, { append: true });
  if (name !== "quick") console.log(`running ${name} ${n}`);
}

type Body = (n: number, depth?: number) => Promise<unknown>;
const step = (name: string, body: (n: number, depth: number) => unknown, singleFlight = true) =>
  fleche(async (n: number, depth = 1): Promise<unknown> => {
    note(name, n);
    return await body(n, depth);
  }, { name, ignore: ["depth"], version: 1, singleFlight });

const functions: Record<string, Fleche<Body>> = {
  quick: step("quick", async (n) => {
    await new Promise((resolve) => setTimeout(resolve, n % 4));
    return n;
  }),
  hold: step("hold", (n) => go.promise.then(() => `held ${n}`)),
  fail: step("fail", (n) => go.promise.then(() => Promise.reject(new Error(`No ${n}`)))),
  nothing: step("nothing", () => go.promise.then(() => undefined)),
  unfit: step("unfit", () => go.promise.then(() => () => 1)),
  alone: step("alone", (n) => go.promise.then(() => n), false),
  // The same call once more, through a cache of its own that shares the storage.
  again: step(
    "again",
    (n, depth) => depth === 0 ? n : withCache(second, () => functions["again"]?.(n, depth - 1)),
  ),
};

// Calls the next of a path, which makes no difference to the key, when it is let go on.
const walk = fleche(async (n: number, path: readonly number[]): Promise<string> => {
  note("walk", n);
  await go.promise;
  const [next, ...rest] = path;
  return next === undefined ? "done" : await walk(next, rest);
}, { name: "walk", ignore: ["path"], version: 1 });

async function call(name: string, n: number, isRerun: boolean): Promise<void> {
  try {
    const fn = functions[name];
    const result = await withCache(cache, () => isRerun ? fn?.rerun(n) : fn?.(n));
    console.log(`${name} ${n} = ${typeof result === "function" ? "function" : result}`);
  } catch (error) {
    console.log(`${name} ${n} = ${error}`);
  }
}

async function walkAlong(path: readonly number[]): Promise<void> {
  const [first = 0, ...rest] = path;
  console.log(`walk ${first} = ${await withCache(cache, () => walk(first, rest))}`);
}

async function all(count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, n) => n);
  for (let n = count - 1; n > 0; n--) {
    const other = Math.floor(Math.random() * (n + 1));
    [numbers[n], numbers[other]] = [numbers[other] ?? 0, numbers[n] ?? 0];
  }
  let sum = 0;
  await withCache(cache, async () => {
    // Some at the same time, others one after another.
    for (let at = 0; at < count; at += 5) {
      const results = await Promise.all(
        numbers.slice(at, at + 5).map((n) => functions["quick"]?.(n)),
      );
      for (const result of results) sum += Number(result);
    }
  });
  console.log(`sum ${sum}`);
}

console.log(`ready ${Deno.pid}`);
const pending: Promise<void>[] = [];
for await (const line of createInterface({ input: process.stdin })) {
  const [command, first = "", number = ""] = line.split(" ");
  if (command === "call" || command === "rerun") {
    pending.push(call(first, Number(number), command === "rerun"));
  }
  if (command === "walk") pending.push(walkAlong(first.split(",").map(Number)));
  if (command === "exit") Deno.exit(0);
  if (command === "throw") {
    setTimeout(() => {
      throw new Error("Nobody catches it");
    });
  }
  if (command === "reject") void Promise.reject(new Error("Nobody cares"));
  if (command === "all") pending.push(all(Number(first)));
  if (command === "go") {
    go.resolve();
    go = Promise.withResolvers();
  }
}
await Promise.all(pending);
await cache.close();
await second.close();
