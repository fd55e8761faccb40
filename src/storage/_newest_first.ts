import type { Row, SqlDriver } from "./_sql_driver.ts";
import { KEYS_AT_ONCE, type Listing } from "./_sql_queries.ts";

/**
 * Gives rows, newest first. What is there all the while is given, and once, whoever replaces it
 * meanwhile; what comes meanwhile may be.
 *
 * A row that is replaced gets another id, by which nobody could tell whether it was read before. Its
 * key stays, and one statement sees all keys of one moment. They are asked for when the newest rows
 * turn out not to be all of them, and kept: about 100 bytes for each.
 */
export async function* newestFirst(driver: SqlDriver, listing: Listing): AsyncGenerator<Row> {
  const { newest, limit, all, byKeys } = listing;
  const first = await driver.all(...newest);
  const given = new Set<unknown>();
  for (const row of first.sort((a, b) => Number(b["id"]) - Number(a["id"]))) {
    // Two arguments that are the same text in their column lead to their call twice.
    if (given.has(row["key"])) continue;
    given.add(row["key"]);
    yield row;
  }
  if (first.length < limit) return;
  const ids: number[] = [];
  const keys: string[] = [];
  await driver.each(...all, ({ id, key }) => {
    if (given.has(key)) return;
    ids.push(Number(id));
    keys.push(key as string);
  });
  for (const some of slices(ids, keys)) {
    // One statement for any number of them.
    const padding = new Array<string>(KEYS_AT_ONCE - some.length).fill(some[0] ?? "");
    const rows = await driver.all(byKeys, [...some, ...padding]);
    const found = new Map(rows.map((row) => [row["key"], row]));
    for (const key of some) {
      const row = found.get(key);
      if (row !== undefined) yield row;
    }
  }
}

// Keys by falling ids, each once, a few at a time.
function* slices(ids: readonly number[], keys: readonly string[]): Generator<string[]> {
  const at = (index: number) => ids[index] ?? 0;
  const order = Uint32Array.from(ids.keys()).sort((a, b) => at(b) - at(a));
  let some: string[] = [];
  let last: string | undefined;
  for (const index of order) {
    const key = keys[index];
    if (key === undefined || key === last) continue;
    some.push(last = key);
    if (some.length < KEYS_AT_ONCE) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}
