/**
 * Tries to go through the gate of a folder of values, says what comes of it, and ends.
 *
 * Argument: the folder.
 */

import { ValueFile } from "@fleche/core";

const [root = ""] = Deno.args;
try {
  using _ = await new ValueFile({ root, lockTimeout: 0.1 }).gate.enter();
  console.log("inside");
} catch (error) {
  console.log(error instanceof Error ? error.name : error);
}
