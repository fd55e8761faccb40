/**
 * Gets a value from a folder and puts it there, and prints as JSON what comes of it.
 *
 * Arguments: the folder, and the length of the value's encoding.
 */

import { ValueFile } from "@fleche/core";
import { sampleOf, sampleOfLength } from "./_samples.ts";

const [root = "", length = "0"] = Deno.args;
const { reference, encoding } = length === "2003"
  ? sampleOf("x".repeat(2000))
  : sampleOfLength(Number(length));
const storage = new ValueFile({ root });

async function outcome(work: () => unknown): Promise<string> {
  try {
    return String(await work());
  } catch (error) {
    return String(error);
  }
}

const get = await outcome(() => storage.get(reference.digest, reference));
const put = await outcome(() => {
  storage.put(reference, encoding);
  return "stored";
});
console.log(JSON.stringify({ get, put }));
