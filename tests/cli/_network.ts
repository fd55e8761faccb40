/**
 * Serves a cache, and tries to reach the network before, and again when it is told to.
 *
 * @module
 */

import { main } from "../../src/cli/main.ts";

const port = Number(Deno.args[0]);

async function attempt(): Promise<string> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return "connected";
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

console.error(`before: ${await attempt()}`);
Deno.addSignalListener("SIGUSR1", async () => {
  console.error(`serving: ${await attempt()}`);
  Deno.exit();
});
await main(["remote", "--serve", "--cache", "memory"]);
