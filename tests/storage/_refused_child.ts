/**
 * Stores what cannot be stored, and prints as JSON what comes of it.
 *
 * Arguments: a folder, and "full" where no file can be long, or "denied" where nothing can be written.
 */

import { CallFile, type CallRecord, SaveError, ValueSqlite } from "@fleche/core";
import { recordOf, sampleOfLength } from "./_samples.ts";

const [folder = "", why = ""] = Deno.args;

async function outcome(work: () => unknown): Promise<string> {
  try {
    return String(await work());
  } catch (error) {
    if (!(error instanceof SaveError)) throw error;
    return `SaveError: ${error.message}`;
  }
}

function sized(length: number): Promise<CallRecord> {
  const metadata = { note: { text: "y".repeat(length) } };
  return recordOf({ name: "f", arguments: { length }, result: 1, metadata });
}

const calls = new CallFile({ root: `${folder}/calls` });
const small = await sized(1000);
const report: Record<string, unknown> = {
  get: await outcome(() => calls.get(small.key)?.key),
  put: await outcome(() => calls.put(small)),
};
if (why === "full") {
  report["large"] = await outcome(async () => calls.put(await sized(4 << 20)));
  report["kept"] = calls.get(small.key)?.key === small.key;
  report["records"] = calls.list("").length;

  const values = new ValueSqlite({ path: `${folder}/values.db` });
  const stored: string[] = [];
  for (let seed = 1; report["value"] === undefined; seed++) {
    const { reference, encoding, digest } = sampleOfLength(200_000, seed);
    const put = await outcome(() => values.put(reference, encoding));
    if (put === "undefined") stored.push(digest);
    else Object.assign(report, { value: put, refusedIsThere: await values.has(digest) });
  }
  report["values"] = stored.length;
  const found = await Promise.all(stored.map((digest) => values.get(digest)));
  report["valuesKept"] = found.filter((each) => each !== undefined).length;
}
console.log(JSON.stringify(report));
