/**
 * Stores values or calls one after the other, and prints the digest or key of each once it is stored.
 *
 * Arguments: "values" and a root, or "calls" and a URL; how long each is; which number to begin with.
 */

import { CallSql, ValueFile } from "@fleche/core";
import { noise, recordOf, sampleOf } from "./_samples.ts";

const [kind, where = "", length = "0", first = "0"] = Deno.args;
const print = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));

const values = kind === "values" ? new ValueFile({ root: where }) : undefined;
const calls = kind === "calls" ? new CallSql({ url: where }) : undefined;
for (let number = Number(first);; number++) {
  const text = noise(Number(length), number + 1);
  if (values !== undefined) {
    const { reference, encoding } = sampleOf(text);
    values.put(reference, encoding);
    print(reference.digest);
  }
  if (calls !== undefined) {
    const record = await recordOf({ name: "f", arguments: { number, text }, result: number });
    await calls.put(record);
    print(record.key);
  }
}
