/**
 * Signs the bytes 1, 2, 3 under a name with the keys of the environment, and prints what is stored in
 * hexadecimal digits, or the error.
 *
 * Argument: the name.
 */

import { Buffer } from "node:buffer";
import { makeSeal } from "../../src/storage/seal.ts";

const [name = ""] = Deno.args;
try {
  const stored = makeSeal("value", { secretKey: [] })?.close(name, {
    head: Uint8Array.of(1, 2, 3),
  });
  console.log(Buffer.from(stored?.head ?? []).toString("hex"));
} catch (error) {
  console.log(String(error));
}
