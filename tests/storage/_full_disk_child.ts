/**
 * Stores what does not fit on a disk, and prints as JSON what comes of it.
 *
 * Argument: a folder on the disk.
 */

import { CallSql, SaveError, ValueFile } from "@fleche/core";
import { recordOf, sampleOfLength } from "./_samples.ts";
import { filesBelow } from "./_temporary_folder.ts";

const [folder = ""] = Deno.args;
const root = `${folder}/values`;
const url = `${folder}/calls.db`;

function failure(work: () => void): unknown {
  try {
    work();
    return "none";
  } catch (error) {
    if (!(error instanceof SaveError)) throw error;
    return { name: error.name, message: error.message, key: error.data.key };
  }
}

const values = new ValueFile({ root });
const small = sampleOfLength(100_000);
values.put(small.reference, small.encoding);
const large = sampleOfLength(8 << 20);
const ofValues = failure(() => values.put(large.reference, large.encoding));
const small2 = sampleOfLength(100_000, 2);
values.put(small2.reference, small2.encoding);
const files = filesBelow(root);
for (const { digest } of [small, small2]) values.delete(digest);

await using calls = new CallSql({ url });
const keys: string[] = [];
let ofCalls: unknown = "none";
let refused = "";
while (ofCalls === "none") {
  const number = keys.length;
  const result = "x".repeat(1000);
  const metadata = { note: { text: "y".repeat(100_000) } };
  const record = await recordOf({ name: "f", arguments: { number }, result, metadata });
  ofCalls = failure(() => calls.put(record));
  if (ofCalls === "none") keys.push(record.key);
  else refused = record.key;
}
const kept: string[] = [];
for (const key of keys) if ((await calls.get(key))?.key === key) kept.push(key);

const digests = { small: small.digest, small2: small2.digest, large: large.digest };
const report = { digests, ofValues, files, ofCalls, keys, kept, refused };
console.log(JSON.stringify({ ...report, refusedIsThere: calls.has(refused) }));
