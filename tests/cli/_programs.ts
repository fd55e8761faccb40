/**
 * Serves a cache, and tries to start a program before, and again when it is told to.
 *
 * @module
 */

import { main } from "../../src/cli/main.ts";

const [name = "memory"] = Deno.args;

async function attempt(): Promise<string> {
  try {
    const { code } = await new Deno.Command("ssh", { args: ["-V"], stderr: "null" }).output();
    return `ended with ${code}`;
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

console.error(`before: ${await attempt()}`);
Deno.addSignalListener("SIGUSR1", async () => {
  console.error(`serving: ${await attempt()}`);
  Deno.exit();
});
await main(["remote", "--serve", "--cache", name]);
