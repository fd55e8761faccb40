import type { RecordFields } from "../call_record.ts";
import type { Awaitable, CallStorage } from "../storage/storage.ts";
import { refile, type TransformReport } from "./_refile.ts";

/** How calls are changed. */
export interface TransformOptions {
  /** Whether to count only, and change nothing; false by default. */
  dryRun?: boolean;
  /** Told after each call how many there were of how many. */
  onProgress?: (progress: { done: number; of: number }) => void;
}

/**
 * Changes the calls of a storage: renames functions, drops notes, and the like. Each call is filed
 * under the key that its new fields add up to, and calls that name it as one made while they ran name
 * it by the new key.
 *
 * No reader finds half of a change. A call whose new key is another call's stays as it was. Whoever
 * stores calls meanwhile may do so; calls that are filed after this began are not changed. If it is
 * broken off, do it once more: the function should leave alone what it has changed before.
 *
 * @param calls the storage
 * @param change what becomes of a call's fields; undefined removes the call
 *
 * @example Renaming a module
 * ```ts
 * import { Cache, Call, CallMemory, transformCalls, ValueMemory } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const calls = new CallMemory();
 * await using cache = new Cache({ values: new ValueMemory(), calls });
 * await cache.save(new Call({ name: "f", module: "old/a.ts", arguments: { x: 1 }, result: 2 }));
 * const { moved } = await transformCalls(calls, (fields) =>
 *   fields.module === "old/a.ts" ? { ...fields, module: "new/a.ts" } : fields);
 * assert.equal(moved, 1);
 * const call = new Call({ name: "f", module: "new/a.ts", arguments: { x: 1 } });
 * assert.equal(await (await cache.load(call.key)).result(), 2);
 * ```
 */
export async function transformCalls(
  calls: CallStorage,
  change: (fields: RecordFields, key: string) => Awaitable<RecordFields | undefined>,
  options: TransformOptions = {},
): Promise<TransformReport> {
  const { dryRun = false, onProgress } = options;
  return await refile(calls, { change, dryRun, onProgress, givesWay: false });
}
