/**
 * Saves two calls in the default cache, and prints as JSON what it is and what comes back.
 *
 * Standard input: a line of JSON with the working directory and variables to set.
 */

import { cacheToConfig, Call, loadCacheConfig } from "@fleche/core";

const { cwd, env } = JSON.parse(await new Response(Deno.stdin.readable).text());
Deno.chdir(cwd);
for (const [variable, value] of Object.entries<string | null>(env)) {
  if (value === null) Deno.env.delete(variable);
  else Deno.env.set(variable, value);
}

let said = 0;
const warn = console.warn;
console.warn = (...words: unknown[]) => {
  said++;
  warn(...words);
};
await using cache = loadCacheConfig();
await cache.query().count();
const silent = said === 0;
const results: unknown[] = [];
for (const x of [1, 2]) {
  const call = new Call({ name: "f", arguments: { x, text: "y".repeat(2000) }, result: x });
  results.push(await (await cache.load(await cache.save(call))).result());
}
console.log(JSON.stringify({ config: cacheToConfig(cache), silent, results }));
