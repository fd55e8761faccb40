/**
 * Stores values or calls one after the other, and prints the digest or key of each once it is stored.
 *
 * Arguments: "values" or "call files" and a root, "calls" and a URL, or "sqlite values" and a path; how
 * long each is; which number to begin with; "sealed" if they are to be compressed and signed.
 */

import { CallFile, CallSql, type CallStorage, ValueFile, ValueSqlite } from "@fleche/core";
import type { SealOptions, ValueStorage } from "@fleche/core";
import { noise, recordOf, sampleOf } from "./_samples.ts";
import { KEY } from "./_seals.ts";

const [kind, where = "", length = "0", first = "0", form = ""] = Deno.args;
const seal: SealOptions = form === "sealed" ? { compress: true, secretKey: [KEY] } : {};
const print = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));

function valueStorage(): ValueStorage | undefined {
  if (kind === "values") return new ValueFile({ root: where, ...seal });
  if (kind === "sqlite values") return new ValueSqlite({ path: where, ...seal });
}

function callStorage(): CallStorage | undefined {
  if (kind === "calls") return new CallSql({ url: where, ...seal });
  if (kind === "call files") return new CallFile({ root: where, ...seal });
}

const values = valueStorage();
const calls = callStorage();
for (let number = Number(first);; number++) {
  const text = noise(Number(length), number + 1);
  if (values !== undefined) {
    const { reference, encoding } = sampleOf(text);
    await values.put(reference, encoding);
    print(reference.digest);
  }
  if (calls !== undefined) {
    const record = await recordOf({ name: "f", arguments: { number, text }, result: number });
    await calls.put(record);
    print(record.key);
  }
}
