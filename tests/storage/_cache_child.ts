/**
 * A cache of files and SQLite that does what it is told, line by line.
 *
 * Argument: a folder. `save N` stores f(N) = [N, N, ...] and prints its key; `load KEY` prints the
 * result as JSON, or the name of the error; `burst FOLDER FIRST COUNT` opens a database in a folder
 * and stores calls in it; `quit` ends.
 */

import { Cache, Call, CallSql, ValueFile } from "@fleche/core";
import { createInterface } from "node:readline";
import process from "node:process";
import { recordOf } from "./_samples.ts";

const [folder = ""] = Deno.args;
const cache = new Cache({
  values: new ValueFile({ root: `${folder}/values` }),
  calls: new CallSql({ url: `${folder}/calls.db` }),
});

async function answer(line: string): Promise<string> {
  const [command, first = "", second = "", third = ""] = line.split(" ");
  switch (command) {
    case "save": {
      const result = new Array(2000).fill(Number(first));
      return await cache.save(new Call({ name: "f", arguments: { n: Number(first) }, result }));
    }
    case "load":
      return JSON.stringify(await (await cache.load(first)).result());
    case "burst": {
      await using calls = new CallSql({ url: `${first}/calls.db` });
      for (let n = 0; n < Number(third); n++) {
        await calls.put(
          await recordOf({ name: "f", arguments: { n: Number(second) + n }, result: n }),
        );
      }
      return "done";
    }
    default:
      return `Unknown command ${command}`;
  }
}

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "quit") break;
  try {
    console.log(await answer(line));
  } catch (error) {
    console.log(error instanceof Error ? `${error.name}: ${error.message}` : error);
  }
}
await cache.close();
