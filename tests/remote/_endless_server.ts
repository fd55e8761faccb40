/**
 * A server whose searches end only when the client says that it needs no more, and that answers
 * nothing else meanwhile.
 *
 * @module
 */

import { Call } from "@fleche/core";
import { FRAME } from "../../src/remote/frames.ts";
import { filed } from "./_calls.ts";
import { send, serveFrames } from "./_far_program.ts";
import { INFO } from "./_info.ts";

const { record: { key, bytes: record } } = await filed(new Call({ name: "f", result: 1 }));
const cancelled = new Set<number>();
let searches = Promise.resolve();

async function search(id: number): Promise<void> {
  let count = 0;
  for (; !cancelled.has(id); count++) {
    await send(FRAME.item, id, { key, record });
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await send(FRAME.answer, id, { count });
}

async function answer(id: number, method: unknown): Promise<void> {
  await searches;
  await send(FRAME.answer, id, method === "info" ? INFO : { found: true });
}

await serveFrames(({ kind, id, fields: [method] }) => {
  if (kind === FRAME.cancel) cancelled.add(id);
  else if (method === "query") searches = search(id);
  else answer(id, method);
});
