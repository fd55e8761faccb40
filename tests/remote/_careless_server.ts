/**
 * A server that searches for calls by the name of their function only, does not stop when it is told
 * that nobody needs the rest, and sends whatever it has, damaged records too.
 *
 * @module
 */

import { Call } from "@fleche/core";
import { FRAME } from "../../src/remote/frames.ts";
import { send, serveFrames } from "./_far_program.ts";
import { INFO } from "./_info.ts";
import { memoryCache } from "./_memory.ts";

const cache = memoryCache();
for (let x = 0; x < 200; x++) {
  const metadata = { runtime: { timestop: 1000 - x } };
  const name = x % 2 === 0 ? "f" : "g";
  await cache.save(new Call({ name, arguments: { x, odd: x % 4 }, result: x, metadata }));
}

async function search(id: number, params: unknown): Promise<void> {
  const name = Reflect.get(Object(Reflect.get(Object(params), "filter")), "name");
  let count = 0;
  for await (const { key, bytes } of cache.records(name === undefined ? {} : { name })) {
    const record = bytes.slice();
    if (count === 3) record[20] = (record[20] ?? 0) ^ 1;
    await send(FRAME.item, id, { key, record });
    count++;
  }
  await send(FRAME.answer, id, { count });
}

await serveFrames(async ({ kind, id, fields: [method, params] }) => {
  if (kind !== FRAME.request) return;
  if (method === "query") await search(id, params);
  else await send(FRAME.answer, id, method === "info" ? { ...INFO, ordered: false } : {});
});
