import type { Call } from "../call.ts";
import { callSite } from "../profile/call_site.ts";
import type { CallPosition, MetaData, Notes } from "./meta_data.ts";

/**
 * From where a call was made: `caller`, the place in the source as `package/path.ts:line`, `parent`,
 * the key of the cached call that made it, and `depth`, how many cached calls were running around it.
 *
 * The place is that where the call is awaited, as stack traces have it; it is null where nobody
 * awaits it yet, or where the file has no name that holds on every machine.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallInfo, CallMemory, fleche, ValueMemory, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const meta = [new CallInfo()];
 * const half = fleche((x: number) => x / 2, { name: "half", version: 1, meta });
 * const quarter = fleche(async (x: number) => await half(await half(x)), { name: "quarter", meta });
 * await withCache(cache, () => quarter(2));
 * const { callinfo } = (await cache.load(half.digest(2))).metadata;
 * assert.equal(callinfo?.parent, quarter.digest(2));
 * assert.equal(callinfo?.depth, 1);
 * ```
 */
export class CallInfo implements MetaData {
  /** The name under which the notes are stored. */
  readonly name = "callinfo";

  /** Notes the place of the call. */
  before(_call: Call, { parent, depth }: CallPosition): Notes {
    return { caller: callSite() ?? null, parent, depth };
  }
}
